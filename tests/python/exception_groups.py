"""Exception groups: construction, taking apart, except*."""


def error(f, *args):
    try:
        return f(*args)
    except BaseException as e:
        return f"{type(e).__name__}: {e}"


eg = ExceptionGroup("msg", [ValueError(1), TypeError("t")])
print(repr(eg), "|", eg, "|", eg.message, eg.exceptions, eg.args)
print(type(BaseExceptionGroup("m", [ValueError()])).__name__, type(BaseExceptionGroup("m", [KeyboardInterrupt()])).__name__)
print(str(ExceptionGroup("one", (OSError(),))), repr(ExceptionGroup("one", (OSError(),))))
for args in [(), ("m",), (1, [ValueError()]), ("m", []), ("m", 5), ("m", [1]), ("m", {ValueError()}), ("m", [ValueError(), ValueError])]:
    print(error(ExceptionGroup, *args))
print(error(ExceptionGroup, "m", [KeyboardInterrupt()]))
print(error(setattr, eg, "message", 1))
print(ExceptionGroup[ValueError])


class Mine(ExceptionGroup):
    def __new__(cls, message, excs, code):
        self = super().__new__(cls, message, excs)
        self.code = code
        return self

    def derive(self, excs):
        return Mine(self.message, excs, self.code)


class Plain(ExceptionGroup):
    pass


nested = Mine("outer", [ValueError(1), ExceptionGroup("inner", [TypeError(2), ValueError(3), OSError(4)]), TypeError(5)], 77)
nested.add_note("noted")
match, rest = nested.split(ValueError)
print(repr(match), match.code, match.__notes__, match.__notes__ is nested.__notes__)
print(repr(rest), rest.code)
print(nested.split((ValueError, TypeError, OSError)) == (nested, None))
print(nested.split(KeyError)[0], nested.split(KeyError)[1] == nested)
print(repr(nested.subgroup(lambda e: isinstance(e, OSError))))
print(nested.subgroup(lambda e: False), nested.subgroup(lambda e: True) is nested)
print(repr(Plain("p", [ValueError(), TypeError()]).subgroup(ValueError)))
for bad in [1, int, (ValueError, 1), "x"]:
    print(error(nested.split, bad))


class BadDerive(ExceptionGroup):
    def derive(self, excs):
        return 42


print(error(BadDerive("b", [ValueError(), TypeError()]).split, ValueError))

# Where it was raised and why stays with the parts.
try:
    try:
        raise OSError("cause")
    except OSError as e:
        raise ExceptionGroup("g", [ValueError(1), TypeError(2)]) from e
except ExceptionGroup as g:
    part = g.subgroup(ValueError)
    print(part.__traceback__ is g.__traceback__, part.__cause__ is g.__cause__, part.__context__ is g.__context__)

# except*
try:
    raise ExceptionGroup("eg", [ValueError(1), TypeError(2), ValueError(3)])
except* ValueError as e:
    print("values", repr(e))
except* TypeError as e:
    print("types", repr(e))

try:
    raise ValueError("bare")
except* ValueError as e:
    print(repr(e), e.__traceback__ is not None)

try:
    try:
        raise ExceptionGroup("eg", [ValueError(1), OSError(2)])
    except* ValueError:
        pass
except ExceptionGroup as e:
    print("rest", repr(e))

try:
    try:
        raise ExceptionGroup("eg", [ValueError(1), OSError(2)])
    except* ValueError:
        raise KeyError("new")
    except* OSError:
        raise
except ExceptionGroup as e:
    print("mixed", repr(e))

try:
    try:
        raise ExceptionGroup("eg", [ValueError(1)])
    except* ValueError:
        raise KeyError("only")
except* KeyError as e:
    print("one", repr(e), repr(e.exceptions[0].__context__))

try:
    try:
        raise OSError("unmatched")
    except* ValueError:
        print("never")
except OSError as e:
    print("through", repr(e))

try:
    pass
except* ValueError:
    print("never")
else:
    print("else")
finally:
    print("finally")

for bad in [ExceptionGroup, 5, (ValueError, BaseExceptionGroup)]:
    try:
        try:
            raise ValueError
        except* bad:
            pass
    except TypeError as e:
        print(e)
