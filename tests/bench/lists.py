"""Lists: append, index, store, iterate, and a sieve."""

EXPECTED = 312471072265


def kernel():
    size = 3000000
    sieve = [True] * size
    primes = []
    for i in range(2, size):
        if sieve[i]:
            primes.append(i)
            for multiple in range(i * i, size, i):
                sieve[multiple] = False
    total = 0
    for prime in primes:
        total += prime
    return total
