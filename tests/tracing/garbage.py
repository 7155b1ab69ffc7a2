"""Collections whose probes have known arguments: generation and number of objects, as in CPython."""

import gc


def traced():
    gc.collect(0)
    gc.collect(1)
    gc.collect(2)
    cycle = []
    cycle.append(cycle)
    del cycle
    gc.collect(2)
    pairs = [[i] for i in range(10)]
    for pair in pairs:
        pair.append({"pair": pair})
    del pair, pairs
    gc.collect()


gc.disable()
gc.collect()
traced()
