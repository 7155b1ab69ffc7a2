"""All threads are stopped twice for reasons that nothing else has."""

import gc

gc.freeze()
gc.unfreeze()
