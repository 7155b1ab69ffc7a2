"""A loop that machine code is made of in its first round; each of the nine times that it ends the interpreter goes on."""


def total(numbers):
    result = 0
    for number in numbers:
        result += number
    return result


numbers = list(range(3000))
for i in range(9):
    total(numbers)
