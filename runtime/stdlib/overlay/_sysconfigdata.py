"""What sysconfig knows about how this Python was built. It builds no C extensions, so there are no compilers in it."""

import sys

_implementation = sys.implementation
_version = '{}.{}'.format(*sys.version_info)
_multiarch = getattr(_implementation, '_multiarch', '')
_soabi = '-'.join(part for part in (_implementation.cache_tag, _multiarch) if part)
_name = _implementation.name + _version + sys.abiflags

build_time_vars = {
    'ABIFLAGS': sys.abiflags,
    'BINDIR': sys.base_exec_prefix + '/bin',
    'BINLIBDEST': f'{sys.base_exec_prefix}/{sys.platlibdir}/{_name}',
    'EXE': '',
    'EXT_SUFFIX': f'.{_soabi}.so',
    'HAVE_FORK': 1,
    'HAVE_GETRANDOM': 1,
    'HAVE_GETRANDOM_SYSCALL': 1,
    'INCLUDEPY': f'{sys.base_prefix}/include/{_name}',
    'LDVERSION': _version + sys.abiflags,
    'LIBDEST': f'{sys.base_prefix}/{sys.platlibdir}/{_name}',
    'LIBDIR': sys.base_exec_prefix + '/lib',
    'MACHDEP': sys.platform,
    'MULTIARCH': _multiarch,
    'PLATLIBDIR': sys.platlibdir,
    'PYTHONFRAMEWORK': '',
    'Py_DEBUG': 0,
    'Py_ENABLE_SHARED': 0,
    'Py_GIL_DISABLED': 1,
    'SHLIB_SUFFIX': '.so',
    'SIZEOF_VOID_P': 8,
    'SOABI': _soabi,
    'VERSION': _version,
    'WITH_DOC_STRINGS': 1,
    'exec_prefix': sys.base_exec_prefix,
    'prefix': sys.base_prefix,
    'srcdir': '.',
}
