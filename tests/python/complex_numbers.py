"""complex: text, arithmetic, construction, errors."""


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


inf, nan = float("inf"), float("nan")
print(1j, 1 + 2j, -1 - 2j, complex(0, -0.0), complex(-0.0, 1), complex(1e20, 1e-7), complex(inf, nan), complex(nan, -inf), -0j, 1.5 + 0j)
print((1 + 2j) + 3, 3 + (1 + 2j), (1 + 2j) - 1.5, 1.5 - (1 + 2j), (1 + 2j) * (3 - 4j), 2 * (1 + 2j), (1 + 2j) / (3 - 4j), (1 + 2j) / 2, 2 / (1 + 2j), -(1 + 2j), +(1 + 2j), abs(3 + 4j))
# The last digits depend on the C library.
print(*(complex(round(z.real, 12), round(z.imag, 12)) for z in ((1 + 2j) ** 0.5, 2 ** (1 + 1j), (1 + 2j) ** (1 + 2j), (-1) ** 0.5)))
print((1 + 2j) ** 2, (1 + 2j) ** -1, 0j ** 2, (1 + 1j) ** 100, 1j**2, (1 + 2j) ** 0)
print(error(lambda: 1j / 0j).split(":")[0], error(lambda: 0j**-1).split(":")[0], error(lambda: 1j // 1), error(lambda: 1j % 1), error(lambda: 1j < 2), error(lambda: pow(1j, 1, 1)), error(lambda: 1e200j**2), error(lambda: abs(complex(1e308, 1e308))), error(lambda: 1j + "a"))
print((1 + 2j).real, (1 + 2j).imag, (1 + 2j).conjugate(), 1j == 1j, 1 + 0j == 1, 1 + 0j == 1.0, 1j != 1, 1j == "x", hash(1 + 0j) == hash(1), hash(1j), hash(1 + 2j), hash(0.5 + 0.25j), bool(0j), bool(1j), complex(2**53 + 1, 0) == 2**53 + 1)
print([complex(t) for t in ("1", "1j", "-j", "+J", " 1+2j ", "(1-2.5j)", "1e3-1e-3j", "infj", "nan+infj", ".5j", "1_0+2_0j", "( -1 )")])
for t in ("", "1+", "1+2", "1 + 2j", "j1", "(1", "1)", "((1))", "1jj", "1e", "--1j", "1+2j3", "a"):
    print(error(complex, t), end="; ")
print()
print(complex(), complex(1), complex(1.5, -2), complex(imag=3), complex(real=1, imag=2), complex(True), error(complex, [], 1).split(":")[0], error(complex, 1, "2").split(":")[0], error(complex, None).split(":")[0], error(complex, 1, 2, 3).split(":")[0], complex(1j) == 1j, complex(10**20))


class C(complex):
    pass


class HasComplex:
    def __complex__(self):
        return 3 + 1j


class HasIndex:
    def __index__(self):
        return 4


c = C(1, 2)
c.x = 1
print(c, type(c + 1), type(-c), c == 1 + 2j, hash(c) == hash(1 + 2j), c.x, complex(c), type(complex(c)), complex(HasComplex()), complex(HasIndex()), complex(HasIndex(), 1.5), (1 + 2j).__complex__(), (1 + 2j).__getnewargs__())
