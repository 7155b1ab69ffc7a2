x: int = 1
y: fun(1)
lst[fun(0)]: int = 1


def foo(a: int, *b: *Ts, c: str = '') -> str:
    local: not_evaluated = 1
    return a * b
