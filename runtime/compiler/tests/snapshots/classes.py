class C(Base, metaclass=Meta):
    """Documentation.

        Indented.
    """
    x: int = 1
    if x:
        y: str

    def __init__(self, a):
        super().__init__(a)
        self.a = a
        self.__b = [__class__ for _ in a]

    @property
    def b(self):
        return super(C, self).b


class Generic[T: (int, str), *Ts, **P = [int]](Base):
    def method[U](self, x: U = 1, *, y=2) -> T:
        return x


type Alias[T] = dict[T, Alias]
type Simple = int


def closure():
    class Inner:
        value = outer
        names = [value for value in range(3)]
    outer = 1
    return Inner
