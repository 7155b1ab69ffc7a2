//! What `--help` and `--version` print.

use crate::command_line::Help;
use limpid_vm::modules::sys::{self, VERSION};

/// The first line of the help, and what is said to a wrong command line.
pub fn usage(program: &str) -> String {
    format!("usage: {program} [option] ... [-c cmd | -m mod | file | -] [arg] ...\n")
}

/// What follows the complaint about a wrong command line.
pub fn hint(program: &str) -> String {
    format!("{}Try `{program} -h' for more information.\n", usage(program))
}

/// What `-V` prints; more about it when it is repeated.
pub fn version(times: u32) -> String {
    let (major, minor, micro) = VERSION;
    match times {
        1 => format!("Python {major}.{minor}.{micro}\n"),
        _ => format!("Python {}\n", sys::version_text()),
    }
}

/// The help about a topic.
pub fn help(program: &str, topic: Help) -> String {
    match topic {
        Help::Options => usage(program) + OPTIONS,
        Help::Environment => ENVIRONMENT.to_owned(),
        Help::XOptions => X_OPTIONS.to_owned(),
        Help::All => format!("{}{OPTIONS}\n{ENVIRONMENT}\n{X_OPTIONS}", usage(program)),
    }
}

const OPTIONS: &str = "\
Options:
-b     : warn when bytes are compared with or turned into str (-bb: raise an error)
-B     : write no .pyc files; also PYTHONDONTWRITEBYTECODE=x
-c cmd : run this text as a program; ends the options
-d     : accepted for compatibility; also PYTHONDEBUG=x
-E     : ignore the environment variables that begin with PYTHON
-h     : print this help and exit; also -? and --help
-i     : go on interactively after the program has ended; also PYTHONINSPECT=x
-I     : isolate the program from the user's environment; implies -E, -P and -s
-m mod : run a module of the library as a program; ends the options
-O     : drop assert statements, and what depends on __debug__; also PYTHONOPTIMIZE=x
-OO    : drop docstrings as well
-P     : put no folder that others may write to in front of sys.path; also PYTHONSAFEPATH
-q     : print no version and copyright at the start of an interactive session
-s     : leave the user's site-packages out of sys.path; also PYTHONNOUSERSITE=x
-S     : do not import site at the start
-u     : write to stdout and stderr without buffering; also PYTHONUNBUFFERED=x
-v     : tell about each import; more about it when repeated; also PYTHONVERBOSE=x
-V     : print the version and exit; also --version; more about it when repeated
-W arg : what to do with warnings, as action:message:category:module:lineno;
         also PYTHONWARNINGS=arg
-x     : skip the first line of the file
-X opt : an option of this implementation; see --help-xoptions
--check-hash-based-pycs always|default|never:
         whether .pyc files that are bound to their source by a hash are checked
--help-env     : print help about environment variables and exit
--help-xoptions: print help about -X options and exit
--help-all     : print all help and exit

Arguments:
file   : the program is read from this file, or from __main__.py in this folder or archive
-      : the program is read from stdin; that is also the default
arg ...: the rest of sys.argv
";

const ENVIRONMENT: &str = "\
Environment variables:
PYTHONSTARTUP      : a file that is run at the start of an interactive session
PYTHONPATH         : folders in front of the library in sys.path, separated by ':'
PYTHONHOME         : the prefix of the installation, or prefix:exec_prefix
PYTHONIOENCODING   : encoding[:errors] of stdin, stdout and stderr
PYTHONHASHSEED     : 'random', or a number from 0 to 4294967295 for hashes that can be repeated
PYTHONCOERCECLOCALE: 0 keeps the locale C instead of C.UTF-8; warn tells about it
PYTHONBREAKPOINT   : what breakpoint() calls; 0 is nothing
PYTHON_BASIC_REPL  : a prompt without editing
PYTHON_COLORS      : 1 for colours in tracebacks, 0 for none
PYTHON_HISTORY     : the file in which the prompt keeps its history

Each of these is the same as an option:
PYTHON_CONTEXT_AWARE_WARNINGS: -X context_aware_warnings
PYTHON_CPU_COUNT             : -X cpu_count
PYTHON_GIL                   : -X gil
PYTHON_THREAD_INHERIT_CONTEXT: -X thread_inherit_context
PYTHON_JIT                   : compile hot loops to machine code (0: no, 1: yes)
PYTHON_PERF_JIT_SUPPORT      : -X perf_jit
PYTHON_TLBC                  : -X tlbc
PYTHONDEBUG                  : -d
PYTHONDEVMODE                : -X dev
PYTHONDONTWRITEBYTECODE      : -B
PYTHONFAULTHANDLER           : -X faulthandler
PYTHONINSPECT                : -i
PYTHONINTMAXSTRDIGITS        : -X int_max_str_digits
PYTHONNODEBUGRANGES          : -X no_debug_ranges
PYTHONNOUSERSITE             : -s
PYTHONOPTIMIZE               : -O
PYTHONPERFSUPPORT            : -X perf
PYTHONPROFILEIMPORTTIME      : -X importtime
PYTHONPYCACHEPREFIX          : -X pycache_prefix
PYTHONSAFEPATH               : -P
PYTHONSTATS                  : -X pystats
PYTHONSTATSDIR               : where the counts are written, /tmp/py_stats if it is not set
PYTHONUNBUFFERED             : -u
PYTHONUTF8                   : -X utf8
PYTHONVERBOSE                : -v
PYTHONWARNDEFAULTENCODING    : -X warn_default_encoding
PYTHONWARNINGS               : -W
";

const X_OPTIONS: &str = "\
Options of this implementation:
-X context_aware_warnings=[0|1]: let warnings.catch_warnings change the current context only (default: 1)
-X cpu_count=N: what os.cpu_count() says; 'default' asks the system
-X dev : show more warnings and check more while developing
-X faulthandler: print tracebacks when the process crashes
-X frozen_modules=[on|off]: accepted for compatibility
-X gcstress[=N]: collect garbage at every Nth opportunity and overwrite what is freed
-X gil=0: accepted for compatibility; there is no global lock
-X heaplimit=N: raise MemoryError when objects need more than N bytes; K, M and G may follow the number
-X importtime[=2]: print how long each import takes (2: also of what was imported before)
-X int_max_str_digits=N: the limit for conversions between int and str; 0 is no limit
-X no_debug_ranges: keep lines only, not columns, of where code comes from
-X jit-dump=DIR: write files about each trace that is compiled: instructions, uops, assembly
-X perf: tell Linux's perf where the machine code of functions is, in /tmp/perf-PID.map
-X perf_jit: tell perf more, with lines, in /tmp/jit-PID.dump, for perf record -k mono and perf inject --jit
-X pycache_prefix=PATH: keep .pyc files in a tree of their own below this folder
-X pystats: count what the interpreter does; at exit the counts are written below /tmp/py_stats
-X thread_inherit_context=[0|1]: start threads with a copy of the context of who starts them (default: 1)
-X tlbc=[0|1]: let each thread specialize its own copy of the bytecode (default: 1)
-X utf8[=0|1]: use UTF-8 whatever the locale says
-X warn_default_encoding: warn where a text file is opened without an encoding
";
