"""Making classes: MRO, metaclasses, hooks, super, special names."""


class A:
    pass


class B(A):
    pass


class C(A):
    pass


class D(B, C):
    pass


print([c.__name__ for c in D.__mro__], D.__base__, D.__bases__)
print(D.mro() == list(D.__mro__), A.__subclasses__())
for bases in ("(A, B)", "(A, A)", "(int, str)", "(bool,)", "(None,)"):
    try:
        exec(f"class X{bases}: pass")
    except TypeError as error:
        print(bases, error)


class Meta(type):
    def __new__(mcls, name, bases, namespace, **keywords):
        print("new", name, keywords)
        return super().__new__(mcls, name, bases, namespace)

    def __init__(cls, name, bases, namespace, **keywords):
        super().__init__(name, bases, namespace)
        cls.keywords = keywords

    def __call__(cls, *args):
        print("call", cls.__name__, args)
        return super().__call__(*args)

    @classmethod
    def __prepare__(mcls, name, bases, **keywords):
        return {"prepared": name}

    def method(cls):
        return cls.__name__

    @property
    def prop(cls):
        return "prop of " + cls.__name__


class WithMeta(metaclass=Meta, flag=1):
    def __init__(self, x):
        self.x = x


print(WithMeta.prepared, WithMeta.keywords, WithMeta(3).x, WithMeta.method(), WithMeta.prop, type(WithMeta))
try:
    WithMeta(1).method
except AttributeError as error:
    print(error)


class Derived(WithMeta):
    pass


print(type(Derived), Derived.prepared)


class OtherMeta(type):
    pass


try:

    class Conflict(WithMeta, metaclass=OtherMeta):
        pass

except TypeError as error:
    print(error)


class Hooked:
    registry = []

    def __init_subclass__(cls, /, tag=None, **keywords):
        super().__init_subclass__(**keywords)
        cls.registry.append((cls.__name__, tag))


class First(Hooked, tag="one"):
    pass


class Second(First):
    pass


print(Hooked.registry)
try:

    class Third(A, tag=1):
        pass

except TypeError as error:
    print(error)


class Named:
    def __set_name__(self, owner, name):
        print("named", owner.__name__, name)
        self.name = name

    def __get__(self, instance, owner):
        return self if instance is None else (self.name, instance.value)


class Owner:
    field = Named()
    other = Named()
    value = 5


print(Owner().field, Owner.field.name)


class Base:
    def who(self):
        return "Base"

    @classmethod
    def make(cls):
        return cls.__name__

    @staticmethod
    def static():
        return "static"


class Left(Base):
    def who(self):
        return "Left " + super().who()


class Right(Base):
    def who(self):
        return "Right " + super().who()

    @classmethod
    def make(cls):
        return "Right " + super().make()


class Bottom(Left, Right):
    def who(self):
        return "Bottom " + super(Bottom, self).who()

    def get_class(self):
        return __class__


bottom = Bottom()
print(bottom.who(), Bottom.make(), bottom.static(), bottom.get_class())
print(super(Left, bottom).who(), super(Bottom, Bottom).make())
print(repr(super(Left, bottom)), super(Left, bottom).__thisclass__, super(Left, bottom).__self_class__)
try:
    super(Left, 5)
except TypeError as error:
    print(error)
try:
    super(Left, bottom).missing
except AttributeError as error:
    print(error)

Made = type("Made", (Base,), {"x": 1, "__doc__": "made"})
print(Made, Made.__name__, Made.__doc__, Made.x, Made.__module__, Made().who())
Made.__name__ = "Renamed"
Made.__qualname__ = "Outer.Renamed"
print(Made, Made.__name__)
for code in ("type('X')(1, 2)", "type('X', (), {}, 1, 2)", "type(1, (), {})", "type('X', [], {})", "type('X', (), [])"):
    try:
        eval(code)
    except TypeError as error:
        print(error)


class Equal:
    def __eq__(self, other):
        return True


try:
    hash(Equal())
except TypeError as error:
    print(error, Equal.__hash__)


class Item:
    def __class_getitem__(cls, item):
        return cls.__name__, item


print(Item[int], Item["x", 1])
try:
    A[0]
except TypeError as error:
    print(error)


class Entries:
    def __init__(self, *classes):
        self.classes = classes

    def __mro_entries__(self, bases):
        return self.classes


class FromEntries(Entries(B, C)):
    pass


print(FromEntries.__bases__, FromEntries.__orig_bases__ != FromEntries.__bases__)


class Customized(type):
    def mro(cls):
        return [cls, A, object]


class CustomOrder(B, metaclass=Customized):
    pass


print(CustomOrder.__mro__)
print(isinstance(CustomOrder(), A), isinstance(CustomOrder(), B), issubclass(CustomOrder, B))
