# What no memory could hold ends in an exception, whichever way a width is given.
EXPRESSIONS = """
'%*s' % (M, 'a')
'%-*s' % (M, 'a')
'%*c' % (M, 'a')
'%*d' % (M, 1)
'%0*d' % (M, 1)
'%*.2f' % (M, 1.5)
b'%*s' % (M, b'a')
b'%-*s' % (M, b'a')
b'%*c' % (M, b'a')
b'%*d' % (M, 1)
b'%0*d' % (M, 1)
bytearray(b'%*b') % (M, b'a')
'{:{}}'.format('a', M)
'{:>{}}'.format('\u20ac', M)
'{:{}d}'.format(1, M)
'{:0{}d}'.format(1, M)
'{:,>{}d}'.format(1, M)
'{:{}c}'.format(65, M)
'{:{}}'.format(1.5, M)
f'{1j:{M}}'
'a'.center(M)
'a'.ljust(M)
'\u20ac'.rjust(M)
'a'.zfill(M)
'-a'.zfill(M)
b'a'.center(M)
b'a'.zfill(M)
bytearray(b'a').ljust(M)
'ab' * M
b'ab' * M
bytearray(M)
bytes(M)
[0] * M
(0,) * M
""".strip().splitlines()

for M in 2**63 - 1, 2**62, 2**57:
    for expression in EXPRESSIONS:
        try:
            print(expression, len(eval(expression)))
        except (MemoryError, OverflowError, ValueError):
            pass
print(len(EXPRESSIONS), "expressions")
