"""Dicts: counting with int and str keys, and iterating over items."""

EXPECTED = 5013679545


def kernel():
    names = ["key%d" % i for i in range(1000)]
    by_name = {}
    by_number = {}
    for i in range(2000000):
        name = names[i % 1000]
        by_name[name] = by_name.get(name, 0) + 1
        number = i * 31 % 5003
        if number in by_number:
            by_number[number] += 1
        else:
            by_number[number] = 1
    total = 0
    for number, count in by_number.items():
        total += number * count
    for name, count in by_name.items():
        total += len(name) * count
    return total
