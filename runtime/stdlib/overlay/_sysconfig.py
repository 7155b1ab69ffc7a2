"""The part of what sysconfig knows that CPython has compiled in."""


def config_vars():
    from _sysconfigdata import build_time_vars
    return {name: build_time_vars[name] for name in ('EXT_SUFFIX', 'Py_GIL_DISABLED', 'SOABI')}
