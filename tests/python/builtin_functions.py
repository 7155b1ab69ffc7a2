"""The functions of builtins."""


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except BaseException as e:
        return f"{type(e).__name__}: {e}"


class Index:
    def __init__(self, i):
        self.i = i

    def __index__(self):
        return self.i


# abs, divmod, pow, round
print(abs(-3), abs(-2.5), abs(3 + 4j), abs(True), error(abs, "x"))
print(divmod(7, 2), divmod(-7, 2), divmod(7.5, 2), error(divmod, 1, 0), error(divmod, 1, "x"))
print(pow(2, 10), pow(2, -1), pow(3, 200, 7), pow(3, -1, 7), pow(base=2, exp=3, mod=5), error(pow, 2, 3, 0), error(pow, 2, "x"))
print(round(2.5), round(3.5), round(2.675, 2), round(1234, -2), round(5), type(round(2.0, 0)), round(2.5, None), error(round, "x"))

# all, any
print(all([]), all([1, 2]), all([1, 0]), any([]), any([0, 1]), any([0, ""]))
print(error(all, 5), error(any))

# ascii, repr, chr, ord
print(ascii("a\xe9\u20ac\U0001f600\n"), repr("x"), chr(97), chr(0x1F600), ord("\u20ac"), ord(b"a"), ord(bytearray(b"b")))
for bad in [-1, 0x110000, 1 << 100, "x", 1.0]:
    print(error(chr, bad))
for bad in ["", "ab", b"ab", 5]:
    print(error(ord, bad))

# bin, oct, hex
print(bin(10), bin(-10), oct(64), hex(255), hex(-(1 << 70)), bin(0), hex(True), hex(Index(17)), error(hex, 1.5))

# callable, hasattr, getattr, setattr, delattr
class Thing:
    attr = 1

    @property
    def broken(self):
        raise AttributeError("inside")

    @property
    def worse(self):
        raise ValueError("worse")


thing = Thing()
print(callable(len), callable(Thing), callable(thing), callable(lambda: 0))
print(hasattr(thing, "attr"), hasattr(thing, "nope"), hasattr(thing, "broken"), error(hasattr, thing, "worse"), error(hasattr, thing, 1))
print(getattr(thing, "attr"), getattr(thing, "nope", "default"), error(getattr, thing, "nope"), error(getattr, thing, 1), error(getattr, thing))
setattr(thing, "new", 5)
print(thing.new, delattr(thing, "new"), error(delattr, thing, "new"), error(setattr, thing, 1, 2))

# dir, vars
print([n for n in dir(thing) if not n.startswith("_")], vars(thing), error(vars, 5))


def scope(a, b=2):
    c = 3
    return dir(), sorted(vars()), sorted(locals().items())


print(scope(1))


class WithDir:
    def __dir__(self):
        return ["z", "a"]


print(dir(WithDir()))

# format, hash, id, isinstance, issubclass
print(format(3.14159, ".2f"), format("x", ">3"), format(5), error(format, 5, 5), error(format, "x", "q"))
print(hash(1) == hash(1.0) == hash(True), hash("a") == hash("a"), error(hash, []), id(thing) == id(thing))
print(isinstance(1, int), isinstance(1, (str, int)), isinstance(1, str | int), isinstance(True, int), error(isinstance, 1, 1))
print(issubclass(bool, int), issubclass(int, (str, object)), error(issubclass, 1, int), error(issubclass, int, 1))

# iter, next
print(list(iter([1, 2])), next(iter([5])), next(iter([]), "end"), error(next, iter([])), error(next, []), error(iter, 5))
values = [1, 2, 3, 0, 9]
print(list(iter(values.pop, 3)), list(iter(iter([1, 2, 0, 3]).__next__, 0)), error(iter, 5, 1))


class Getitem:
    def __getitem__(self, i):
        if i > 2:
            raise IndexError
        return i * 10


print(list(Getitem()), list(reversed([1, 2, 3])))

# len
print(len([1, 2]), len("abc"), error(len, 5))


class BadLen:
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n


print(error(len, BadLen(-1)), error(len, BadLen("x")), len(BadLen(3)), error(len, BadLen(1 << 70)))

# max, min
print(max(1, 3, 2), min([4, 2, 8]), max("abc", key=ord), min([], default="none"), max([3, -5], key=abs), max([1, 1.0]), min(1.0, 1))
print(error(max), error(max, []), error(min, 1, 2, default=3), error(max, 1), error(max, [1, "a"]), error(max, 1, 2, foo=3))

# sorted, sum, reversed, enumerate, zip, map, filter
print(sorted([3, 1, 2]), sorted("bca", reverse=True), sorted([-3, 2, 1], key=abs), error(sorted), error(sorted, [1], None))
print(sum([1, 2, 3]), sum([0.1] * 10), sum([1.5, 2]), sum([[1], [2]], []), sum(range(5), start=10), sum([True, 2]), sum([1, 2.5, 3j]))
print(error(sum, ["a"]), error(sum, ["a"], ""), error(sum, [], b""), error(sum, 5), sum([1e100, 1.0, -1e100]), sum([2**62, 2**62, 2**62]))

# print
print(1, "two", 3.0, sep="-", end="!\n")
print(sep="", end="")
print(*[], "only")
print(error(print, sep=1), error(print, end=1), error(print, x=1))


class File:
    def __init__(self):
        self.parts = []

    def write(self, s):
        self.parts.append(s)

    def flush(self):
        self.parts.append("flushed")


out = File()
print("a", 1, file=out, flush=True)
print(out.parts)

# eval, exec, compile
print(eval("1 + 2"), eval("x * 2", {"x": 21}), eval(" \t x", {"x": 1}, {"x": 2}), eval(compile("a + 1", "f", "eval"), {"a": 1}))
space = {}
print(exec("y = 5\nz = y + 1", space), space["z"], "__builtins__" in space)
print(error(eval, 5), error(eval, "1", 5), error(eval, "1", {}, 5), error(exec, "1", 5), error(exec, "x = ", {}))
print(error(eval, "1 +"), error(compile, "1", "f", "bad"), error(compile, "1", "f", "exec", 1 << 20 | 1))
code = compile("'doc'\nassert False", "<test>", "exec", optimize=2)
print(code.co_filename, code.co_name, exec(code), error(compile, "x", "f", "exec", optimize=5))


def outer():
    captured = "captured"

    def inner():
        return captured

    return inner


inner = outer()
print(error(exec, inner.__code__), error(exec, "pass", closure=()), error(eval, inner.__code__))
exec("print(__name__ if '__name__' in globals() else 'no name')", {})


class Mapping:
    def __init__(self):
        self.d = {}

    def __getitem__(self, k):
        if k in self.d:
            return self.d[k]
        raise KeyError(k)

    def __setitem__(self, k, v):
        self.d[k] = v


m = Mapping()
exec("a = 1; b = a + len('xy')", {}, m)
print(m.d)


def local_scope():
    x = 1
    exec("x = 2; y = 3")
    return x, "y" in locals(), eval("x + 1"), sorted(locals())


print(local_scope())

# __build_class__ and friends
class Meta(type):
    @classmethod
    def __prepare__(mcs, name, bases, **kw):
        return {"prepared": (name, kw)}

    def __new__(mcs, name, bases, ns, **kw):
        return super().__new__(mcs, name, bases, dict(ns))

    def __init__(cls, name, bases, ns, **kw):
        super().__init__(name, bases, ns)


class Made(metaclass=Meta, option=1):
    pass


print(Made.prepared, type(Made).__name__)


class Entries:
    def __mro_entries__(self, bases):
        return (dict,)


class FromEntries(Entries()):
    pass


print(FromEntries.__bases__, len(FromEntries.__orig_bases__))


class BadPrepare(type):
    def __prepare__(*a):
        return 5


try:
    class X(metaclass=BadPrepare):
        pass
except TypeError as e:
    print(e)
try:
    class Y(1, 2):
        pass
except TypeError as e:
    print(str(e)[:30])
try:
    class Z(list, tuple):
        pass
except TypeError as e:
    print(e)

# Class bodies see names in their namespace first; super and __class__ work.
class A:
    def who(self):
        return "A"


class B(A):
    def who(self):
        return __class__.__name__ + super().who()


print(B().who())

# Constants
print(None, True, False, Ellipsis, NotImplemented, __debug__, type(None)(), type(...)(), type(NotImplemented)())
print(error(bool, NotImplemented) if False else "checked", error(type(None), 1))
print(__import__("sys").__name__, __import__("os.path").__name__, error(__import__, "no_such_module_x"), error(__import__, ""), error(__import__, "sys", level=-1))
