"""A loop over small ints: addition, multiplication, remainder, comparison."""

EXPECTED = 1167957


def kernel():
    total = 0
    i = 0
    while i < 4000000:
        total = (total + i * 7) % 1500007
        i += 1
    return total
