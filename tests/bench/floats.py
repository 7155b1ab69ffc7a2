"""Arithmetic on floats in a loop: the logistic map."""

EXPECTED = 0.2818368815744965


def kernel():
    x = 0.3
    for _ in range(10000000):
        x = 3.7 * x * (1.0 - x)
    return x
