# _random: the Mersenne Twister gives CPython's sequence.
import _random
import random


def attempt(f):
    try:
        return f()
    except Exception as e:
        return f"{type(e).__name__}: {e}"


r = _random.Random(42)
print([r.random() for _ in range(3)], [r.getrandbits(k) for k in (0, 1, 8, 31, 32, 33, 64, 65, 200)])
for seed in (0, 1, -7, 2**32, 2**100 + 3, 1.5, "text", b"bytes", (1, 2), True):
    if isinstance(seed, (str, bytes)):
        continue  # their hashes differ from run to run
    r.seed(seed)
    print(repr(seed), r.random(), r.getrandbits(40))
state = r.getstate()
numbers = [r.random() for _ in range(700)]
r.setstate(state)
print(numbers == [r.random() for _ in range(700)], len(state), state[-1], max(state[:-1]) < 2**32)
for f in (lambda: r.setstate(1), lambda: r.setstate((1, 2)), lambda: r.setstate((0,) * 624 + (700,)), lambda: r.setstate(("a",) * 625),
          lambda: r.getrandbits(-1), lambda: r.getrandbits(1.5), lambda: _random.Random(1, 2), lambda: r.seed([])):
    print(attempt(f))
a, b = _random.Random(), _random.Random()
print(a.random() != b.random())
g = random.Random(2024)
print([g.randrange(1000) for _ in range(5)], g.choice("abcdef"), g.sample(range(50), 4), g.uniform(1, 2), g.gauss(0, 1), g.expovariate(2))
deck = list(range(10))
g.shuffle(deck)
print(deck, g.choices("xyz", [1, 2, 3], k=6), g.randbytes(5), g.triangular(0, 1, 0.5), g.betavariate(1, 2), g.binomialvariate(10, 0.3))


class Fixed(random.Random):
    def random(self):
        return 0.25


print(Fixed().randrange(8), Fixed(3).choice([1, 2, 3, 4]))
