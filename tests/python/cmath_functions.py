"""cmath: special values, and _statistics."""
import cmath, _statistics

def call(f, *a, **k):
    try:
        return repr(f(*a, **k))
    except Exception as e:
        return type(e).__name__ + ': ' + str(e)
INF = float('inf')
NAN = float('nan')
vals = [0.0, -0.0, 1.0, -2.5, 1e-300, 1e+300, INF, -INF]
for n in sorted(dir(cmath)):
    f = getattr(cmath, n)
    if n.startswith('_') or n in ('rect', 'isclose') or (not callable(f)):
        continue
    for a in vals:
        for b in vals:
            print(n, a, b, call(f, complex(a, b)))
for a in vals:
    for b in vals:
        print(call(cmath.rect, a, b), call(cmath.log, complex(a, b), 2))
print(cmath.isclose(1, 1 + 1e-12j), call(cmath.isclose, 1, 2, rel_tol=-1), cmath.infj, cmath.nanj, call(cmath.sqrt, 'x'), call(cmath.log, 2, 1))
for p in [0.1, 0.5, 0.9, 0.01, 1e-10, 1e-300, 0.999999]:
    print(_statistics._normal_dist_inv_cdf(p, 1.0, 2.0))
print(call(_statistics._normal_dist_inv_cdf, 0, 1, 1))
