"""_csv: rows and lines under all kinds of dialects."""
import _csv, io
from _csv import *

def call(f, *a, **k):
    try:
        return repr(f(*a, **k))
    except Exception as e:
        return type(e).__name__ + ': ' + str(e)

def W(row, **k):
    f = io.StringIO(newline='')
    r = call(_csv.writer(f, **k).writerow, row)
    return (r, f.getvalue())

def Rd(lines, **k):
    return list(_csv.reader(lines, **k))
rows = [['a', 1, 'p,q'], ['a\nb', 1], ['a', '', None, 1], ['p,"q"'], ['"'], ['\\', 'a'], [''], [None], [], ['', ''], [None, None], [1.5, 'é€𝄠'], ['\r'], ['a b', ' c']]
kws = [{}, {'quoting': 0}, {'quoting': 1}, {'quoting': 2}, {'quoting': 3}, {'quoting': 4}, {'quoting': 5}, {'escapechar': '\\'}, {'escapechar': '\\', 'doublequote': False}, {'escapechar': '\\', 'quoting': 3}, {'delimiter': ';'}, {'delimiter': ' ', 'skipinitialspace': True}, {'lineterminator': '!@#'}, {'quotechar': "'"}, {'delimiter': '\t', 'quotechar': None}, {'delimiter': ' ', 'skipinitialspace': True, 'quoting': 3}, {'delimiter': 'é'}]
for r in rows:
    for k in kws:
        print(r, k, call(W, r, **k))
lines = [['a,b', 'c,d'], ['a,b\n', 'c\r\n', '"x\n', 'y",z'], ['"ab"c'], ['a,"'], ['"a'], [''], ['\n'], ['a,^b,"c^"d"'], ['1,",3,",5'], [',3,"5",7.3, 9'], [',,"",'], ['"a""b"'], [' , , '], ['a   b'], ['\x00,a'], ['a,b\rc'], ['x\\'], ['a,\\\n', 'b'], ['"a"x,b'], ['é,€,𝄠'], ["'a,b',c"]]
for l in lines:
    for k in kws + [{'strict': True}, {'skipinitialspace': True}, {'escapechar': '^'}, {'strict': True, 'escapechar': '^'}]:
        print(l, k, call(Rd, l, **k))
_csv.register_dialect('x', delimiter='|')
print(list_dialects(), get_dialect('x').delimiter, Rd(['a|b'], dialect='x'), list(_csv.reader(['a|b'], 'x', quoting=1)))
_csv.register_dialect('y', 'x', quotechar='~')
print(get_dialect('y').delimiter, get_dialect('y').quotechar)
unregister_dialect('x')
print(call(unregister_dialect, 'x'), call(get_dialect, 'x'), call(_csv.register_dialect, 5))
d = get_dialect('y')
print(_csv.Dialect(d) is d, _csv.Dialect(d, strict=True) is d, _csv.reader([], d).dialect is d)
print(field_size_limit(), field_size_limit(5), call(Rd, ['abcdefg']), field_size_limit(131072), call(field_size_limit, None), call(field_size_limit, 1, 2))
r = _csv.reader(['a', 'b'])
next(r)
print(r.line_num, next(r), r.line_num, next(r, None))
import csv
s = io.StringIO()
w = csv.DictWriter(s, ['a', 'b'])
w.writeheader()
w.writerow({'a': 1, 'b': 'x,y'})
print(s.getvalue())
print(list(csv.DictReader(['a,b', '1,2'])), csv.Sniffer().sniff('a;b;c\n1;2;3\n').delimiter)
