"""Of several threads that delete the same thing at once one succeeds: an attribute in a slot, in the instance, in its dict, an item."""
import threading


class Slots:
    __slots__ = ("x", "y")


class Plain:
    pass


class WithDict:
    def __init__(self):
        self.__dict__["an attribute that is no name"] = 1


def run(make, delete, rounds=1500):
    succeeded = [0, 0]
    objects = [make() for _ in range(rounds)]
    # Each round is met at once by both: they wait for each other by counting.
    at = [0, 0]

    def work(me):
        for i, o in enumerate(objects):
            at[me] = i
            spins = 0
            while at[1 - me] < i and spins < 10000:
                spins += 1
            try:
                delete(o)
                succeeded[me] += 1
            except (AttributeError, KeyError):
                pass

    other = threading.Thread(target=work, args=(1,))
    other.start()
    work(0)
    other.join()
    return sum(succeeded) == rounds


def attribute(kind):
    o = kind()
    o.x = o.y = 1
    return o


def delete_attribute(o):
    del o.x


def delete_item(d):
    del d["x"]


for kind in Slots, Plain, WithDict:
    print(kind.__name__, run(lambda: attribute(kind), delete_attribute))
print("dict", run(lambda: {"x": 1, "y": 2}, delete_item))
print("method", run(lambda: attribute(Slots), lambda o: o.__delattr__("x")))
