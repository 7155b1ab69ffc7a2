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


class Mangled:
    def __m(self, *, __k=1):
        from m import __z
        import __w.x, __w
        g(__x=1, **self.__y)
        x: __ann
        match self:
            case P(__q=__c): pass
        return __name__, _a__, lambda __l: __l
