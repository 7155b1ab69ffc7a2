"""A small program to look into: what scripts/quickstart traces and counts.

It finds prime numbers in three ways on three threads, with recursion, generators and an exception now and then.
"""

import threading


class Sieve:
    """Crosses out multiples."""

    def __init__(self, limit):
        self.limit = limit
        self.crossed = bytearray(limit)

    def cross_out(self, step):
        for multiple in range(step * step, self.limit, step):
            self.crossed[multiple] = 1

    def primes(self):
        for number in range(2, self.limit):
            if not self.crossed[number]:
                yield number
                self.cross_out(number)


def power(base, exponent, modulus):
    if exponent == 0:
        return 1
    half = power(base, exponent // 2, modulus)
    square = half * half % modulus
    return square * base % modulus if exponent % 2 else square


def looks_prime(number):
    return all(power(base, number - 1, number) == 1 for base in (2, 3, 5, 7) if base < number)


def smallest_divisor(number):
    divisor = 2
    while divisor * divisor <= number:
        if number % divisor == 0:
            return divisor
        divisor += 1
    raise LookupError(number)


def has_divisor(number):
    try:
        return smallest_divisor(number) > 0
    except LookupError:
        return False


def count_with_sieve(limit):
    return sum(1 for _ in Sieve(limit).primes())


def count_with_powers(limit):
    # Below 3000 no composite number passes with all four bases.
    return sum(looks_prime(number) for number in range(2, limit))


def count_with_divisors(limit):
    return sum(not has_divisor(number) for number in range(2, limit))


def main(limit=3000):
    results = {}

    def run(count):
        results[count.__name__] = count(limit)

    ways = [count_with_sieve, count_with_powers, count_with_divisors]
    threads = [threading.Thread(target=run, args=(way,), name=way.__name__) for way in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for way in ways:
        print(f"{way.__name__}: {results[way.__name__]} primes below {limit}")


if __name__ == "__main__":
    main()
