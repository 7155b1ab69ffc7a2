"""The instructions of the interpreter: their names and numbers, and what their arguments mean.

The numbers come from _opcode_metadata, everything else about an instruction from the native module _opcode.
"""

__all__ = ["cmp_op", "stack_effect", "hascompare", "opname", "opmap",
           "HAVE_ARGUMENT", "EXTENDED_ARG", "hasarg", "hasconst", "hasname",
           "hasjump", "hasjrel", "hasjabs", "hasfree", "haslocal", "hasexc"]

import builtins

import _opcode
from _opcode import stack_effect
from _opcode_metadata import (_cache_format, _specializations, _specialized_opmap,  # noqa: F401
                              HAVE_ARGUMENT, MIN_INSTRUMENTED_OPCODE, opmap)  # noqa: F401

EXTENDED_ARG = opmap["EXTENDED_ARG"]

_numbers = {**opmap, **_specialized_opmap}
opname = [f"<{number}>" for number in range(max(_numbers.values()) + 1)]
for _name, _number in _numbers.items():
    opname[_number] = _name
del _numbers, _name, _number


def _where(test):
    return [number for number in opmap.values() if test(number)]


hasarg = _where(_opcode.has_arg)
hasconst = _where(_opcode.has_const)
hasname = _where(_opcode.has_name)
hasjump = _where(_opcode.has_jump)
hasjrel = hasjump  # all jumps are relative
hasjabs = []
hasfree = _where(_opcode.has_free)
haslocal = _where(_opcode.has_local)
hasexc = _where(_opcode.has_exc)
hascompare = [opmap["COMPARE_OP"]]
del _where

cmp_op = ("<", "<=", "==", "!=", ">", ">=")

_intrinsic_1_descs = _opcode.get_intrinsic1_descs()
_intrinsic_2_descs = _opcode.get_intrinsic2_descs()
_special_method_names = _opcode.get_special_method_names()
_common_constants = [builtins.AssertionError, builtins.NotImplementedError,
                     builtins.tuple, builtins.all, builtins.any,
                     builtins.list, builtins.set, builtins.max, builtins.min,
                     builtins.sorted, builtins.sum]
_nb_ops = _opcode.get_nb_ops()

_inline_cache_entries = {name: sum(words.values()) for name, words in _cache_format.items()}
