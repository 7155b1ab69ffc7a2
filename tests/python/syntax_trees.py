"""Syntax trees: from text, as objects, back to code."""
import ast
import copy
import pickle

TEXT = '''
@deco(1)
async def f(a, /, b: int = 1, *c, d=2, **e) -> int:
    "doc"
    async with x as y, z: pass
    for (i, j) in k: await i
    else: return [x for x in y if x async for z in w]
class C(B, metaclass=M):
    x: int = 0; del x[1:2, ::3]
if a < b <= c: pass
elif not d and e or -f ** 2: g(x for x in y)
else:
    try: raise E from e
    except* (A, B) as e: ...
    finally: global q
match p:
    case {"a": 1, **r}: pass
    case -1 | [C(x.y, k=None), *_] | "s" if g: lambda *a, k: {**a, 1: 2}
f"a{b!r:>{w}}c" "d" f"{x=}"
t = u"u", b"b", 1j, 1.5, 10 ** 30, "é" + ü
with (t): (w := {*a, b})
'''
tree = ast.parse(TEXT)
print(ast.dump(tree, include_attributes=True, indent=1))
again = ast.parse(ast.unparse(tree))
print(ast.dump(tree) == ast.dump(again))
print(compile(tree, "x", "exec").co_code == compile(TEXT, "x", "exec").co_code)
print(ast.dump(pickle.loads(pickle.dumps(tree))) == ast.dump(copy.deepcopy(tree)) == ast.dump(tree))
print(eval(compile(ast.Expression(ast.fix_missing_locations(ast.BinOp(ast.Constant(20), ast.Add(), ast.Constant(22)))), "x", "eval")))


def attempt(node, mode="exec"):
    try:
        compile(node, "x", mode)
        print("compiled")
    except Exception as e:
        print(type(e).__name__, e)


def module(*body):
    return ast.fix_missing_locations(ast.Module(list(body), []))


attempt(module(ast.Expr(ast.Name("None", ast.Load()))))
attempt(module(ast.Assign([ast.Name("x", ast.Load())], ast.Constant(1))))
attempt(module(ast.Assign([], ast.Constant(1))))
attempt(module(ast.Expr(ast.Compare(ast.Constant(1), [ast.Lt()], []))))
attempt(module(ast.Expr(ast.BoolOp(ast.And(), [ast.Constant(1)]))))
attempt(module(ast.Expr(ast.Constant(object()))))
attempt(module(ast.Expr(3)))
attempt(module(ast.If(ast.Constant(1), [], [])))
attempt(ast.Module([ast.Pass()], []))
attempt(ast.Module(3, []))
attempt(ast.parse("1", mode="eval"))
print(ast.Name._fields, ast.Name._attributes, ast.Name.__doc__, ast.expr_context.__doc__, ast.arg._field_types)
print(ast.literal_eval("{'a': [1, -2.5, (None, b'x')]}"))
