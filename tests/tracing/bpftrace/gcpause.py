"""Three collections that are asked for; the last frees a cycle."""

import gc

gc.disable()
gc.collect(0)
gc.collect(1)
gc.collect()
