def shapes(subject):
    match subject:
        case 0 | -1 | 2.5 | 1 + 2j:
            return 'number'
        case None | True:
            return 'singleton'
        case [x, y] | (x, y, _) if x:
            return x, y
        case [first, *_, last]:
            return first
        case [_, *rest]:
            return rest
        case {'key': value, **others}:
            return value, others
        case {}:
            return 'mapping'
        case Point(x=0, y=yy) | Point(yy, 0):
            return yy
        case str() as text:
            return text
        case _:
            return None


def capture(subject):
    match subject, 1:
        case a.b, c:
            print(c)
