"""Strings: formatting, joining, splitting, searching, slicing."""

EXPECTED = 31524596


def kernel():
    total = 0
    for i in range(400000):
        line = f"{i},name{i % 97},{i * 3 % 1000}"
        fields = line.split(",")
        word = fields[1].upper().replace("NAME", "n")
        joined = "-".join(fields) + word
        if "9-" in joined:
            total += 1
        total += len(joined) + joined.find("n") + ord(joined[2:][0])
    return total
