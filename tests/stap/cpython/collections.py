"""Collections of known generations, one of which finds something."""

import gc


def start():
    for generation in 0, 1, 2:
        gc.collect(generation)
    pair = [[]]
    pair[0].append(pair)
    del pair
    gc.collect()


gc.disable()
gc.collect()
start()
