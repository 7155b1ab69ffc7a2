"""A module that imports another, and one that is not there."""

import limpid_outer

try:
    import limpid_nowhere
except ImportError:
    pass
