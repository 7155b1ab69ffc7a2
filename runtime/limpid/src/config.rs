//! Command line and environment together: how the runtime is to be set up, and what it is to run.
//!
//! Where both speak of the same thing the command line wins; `-E` and `-I` silence the environment. A value that makes no sense is a
//! [`Fatal`] error in CPython's words.

use crate::command_line::{CheckHashPycs, CommandLine, Program};
use limpid_vm::interp::backoff;
use limpid_vm::runtime::{Options, PerfSupport};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

/// All that is known before the runtime starts.
#[derive(Debug)]
pub struct Config {
    /// What the runtime itself has to know.
    pub options: Options,
    /// What is to be run.
    pub program: Program,
    /// `-x`
    pub skip_first_line: bool,
    /// `--check-hash-based-pycs`
    pub check_hash_pycs: CheckHashPycs,
    /// `PYTHONPATH`
    pub python_path: Option<OsString>,
    /// `PYTHONHOME`
    pub home: Option<OsString>,
    /// `PYTHONIOENCODING`
    pub io_encoding: Option<String>,
    /// `PYTHONSTARTUP`
    pub startup_file: Option<OsString>,
    /// `-X importtime`: 1 for modules that are loaded, 2 for all.
    pub import_time: u32,
    /// `-X faulthandler`
    pub fault_handler: bool,
    /// `-X tracemalloc`: how many frames are kept of where memory was allocated; 0 is off.
    pub tracemalloc: u32,
}

/// Why the runtime cannot start.
#[derive(Debug, PartialEq, Eq)]
pub struct Fatal(String);

impl Fatal {
    /// Where the error was found, as CPython calls the place, and what it is.
    pub fn new(place: &str, message: impl fmt::Display) -> Fatal {
        Fatal(format!("{place}: {message}"))
    }
}

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.0.starts_with("preconfig") { "preinitializing" } else { "preinitialized" };
        writeln!(f, "Fatal Python error: {}\nPython runtime state: {state}", self.0)
    }
}

/// What the process gives besides its arguments.
pub struct Surroundings<'a> {
    /// The value of an environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// Is the locale `C` or `POSIX`, which says nothing about the encoding of text?
    pub locale_is_c: bool,
}

/// Where settings are looked up: an `-X` option, a variable.
struct Source<'a> {
    x_options: Vec<(String, Option<String>)>,
    variable: &'a dyn Fn(&str) -> Option<OsString>,
    ignore_environment: bool,
}

impl Source<'_> {
    /// A variable that is set and not empty.
    fn variable(&self, name: &str) -> Option<OsString> {
        if self.ignore_environment { None } else { (self.variable)(name).filter(|v| !v.is_empty()) }
    }

    fn text(&self, name: &str) -> Option<String> {
        self.variable(name).map(|v| v.to_string_lossy().into_owned())
    }

    /// A variable that is a level: what is no number counts as 1.
    fn level(&self, name: &str) -> u32 {
        self.text(name).map_or(0, |v| v.trim().parse().unwrap_or(1))
    }

    /// The last `-X name` or `-X name=value`: Some(None) is without a value.
    fn x_option(&self, name: &str) -> Option<Option<&str>> {
        self.x_options.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.as_deref())
    }

    fn is_on(&self, x_option: &str, variable: &str) -> bool {
        self.x_option(x_option).is_some() || self.variable(variable).is_some()
    }

    /// A setting whose values `accept` knows: from `-X` (None there if it has no value) or the variable.
    fn setting<T>(
        &self,
        place: &str,
        (x_option, x_message): (&str, &str),
        (variable, message): (&str, &str),
        accept: impl Fn(Option<&str>) -> Option<T>,
    ) -> Result<Option<T>, Fatal> {
        let from_variable = match self.text(variable) {
            Some(value) => Some(accept(Some(&value)).ok_or_else(|| Fatal::new(place, message))?),
            None => None,
        };
        match self.x_option(x_option) {
            Some(value) => accept(value).map(Some).ok_or_else(|| Fatal::new(place, x_message)),
            None => Ok(from_variable),
        }
    }

    /// A setting that is 0 or 1.
    fn bit(&self, place: &str, x_option: &str, variable: &str) -> Result<Option<bool>, Fatal> {
        let x_message = format!("-X {x_option}=n: n is missing or invalid");
        let message = format!("{variable}=N: N is missing or invalid");
        self.setting(place, (x_option, &x_message), (variable, &message), zero_or_one)
    }
}

/// `PYTHON_JIT`: are hot loops compiled, if there is a compiler?
fn jit(source: &Source<'_>) -> Result<bool, Fatal> {
    let by_default = !cfg!(feature = "jit-off-by-default");
    match source.text("PYTHON_JIT") {
        None => Ok(by_default),
        Some(value) => Ok(value != "0"),
    }
}

/// `-X perf_jit`, `-X perf`
fn perf(source: &Source<'_>) -> Option<PerfSupport> {
    let is_wanted = |option: &str, variable: &str| match source.x_option(option) {
        Some(value) => value != Some("0"),
        None => source.text(variable).is_some_and(|value| value != "0"),
    };
    if is_wanted("perf_jit", "PYTHON_PERF_JIT_SUPPORT") {
        Some(PerfSupport::Dump)
    } else {
        is_wanted("perf", "PYTHONPERFSUPPORT").then_some(PerfSupport::Map)
    }
}

/// A counter of tier 2 from the variables for its value and its exponent; what is no number in the range does not count.
fn jit_counter(source: &Source<'_>, name: &str, default: &AtomicU16) -> u16 {
    let number = |what: &str, most: u16, default: u16| {
        let value = number::<u16>(source.text(&format!("PYTHON_JIT_{name}_INITIAL_{what}")).as_deref());
        value.filter(|n| *n <= most).unwrap_or(default)
    };
    let (value, exponent) = backoff::parts(default.load(Relaxed));
    backoff::make(number("VALUE", backoff::MAX_VALUE, value), number("BACKOFF", backoff::MAX_BACKOFF, exponent))
}

fn zero_or_one(value: Option<&str>) -> Option<bool> {
    match value {
        Some("0") => Some(false),
        Some("1") => Some(true),
        _ => None,
    }
}

fn number<T: std::str::FromStr>(value: Option<&str>) -> Option<T> {
    value.and_then(|v| v.trim().parse().ok())
}

impl Config {
    /// Puts command line and environment together.
    pub fn new(line: CommandLine, surroundings: &Surroundings<'_>) -> Result<Config, Fatal> {
        let source = Source {
            x_options: line.x_options.iter().map(|o| split_x_option(o)).collect(),
            variable: surroundings.variable,
            ignore_environment: line.ignore_environment || line.isolated,
        };
        let utf8_mode = utf8_mode(&source, surroundings.locale_is_c)?;
        let dev_mode = source.is_on("dev", "PYTHONDEVMODE");
        check_gil(&source)?;
        check_frozen_modules(&source)?;
        source.bit("config_init_thread_inherit_context", "thread_inherit_context", "PYTHON_THREAD_INHERIT_CONTEXT")?;
        source.bit("config_init_context_aware_warnings", "context_aware_warnings", "PYTHON_CONTEXT_AWARE_WARNINGS")?;
        let inspect = line.inspect.max(source.level("PYTHONINSPECT"));
        let bytes_warning = line.bytes_warning;
        let options = Options {
            debug: line.debug.max(source.level("PYTHONDEBUG")),
            inspect,
            interactive: line.inspect,
            optimize: line.optimize.max(source.level("PYTHONOPTIMIZE")),
            dont_write_bytecode: line.dont_write_bytecode || source.level("PYTHONDONTWRITEBYTECODE") > 0,
            no_user_site: line.no_user_site || line.isolated || source.level("PYTHONNOUSERSITE") > 0,
            no_site: line.no_site,
            ignore_environment: source.ignore_environment,
            verbose: line.verbose.max(source.level("PYTHONVERBOSE")),
            bytes_warning,
            quiet: line.quiet,
            isolated: line.isolated,
            safe_path: line.safe_path || line.isolated || source.variable("PYTHONSAFEPATH").is_some(),
            dev_mode,
            utf8_mode,
            unbuffered: line.unbuffered || source.level("PYTHONUNBUFFERED") > 0,
            int_max_str_digits: int_max_str_digits(&source)?,
            warn_default_encoding: source.is_on("warn_default_encoding", "PYTHONWARNDEFAULTENCODING"),
            no_debug_ranges: source.is_on("no_debug_ranges", "PYTHONNODEBUGRANGES"),
            cpu_count: cpu_count(&source)?,
            warn_options: warn_options(&line.warnings, bytes_warning, dev_mode, source.text("PYTHONWARNINGS").as_deref()),
            argv: line.argv,
            hash_seed: if line.randomize_hashes { None } else { hash_seed(&source)?.map(|s| s as u32) },
            jit: jit(&source)?,
            jit_loop_counter: jit_counter(&source, "JUMP_BACKWARD", &backoff::JUMP_BACKWARD),
            jit_exit_counter: jit_counter(&source, "SIDE_EXIT", &backoff::SIDE_EXIT),
            perf: perf(&source),
            tlbc: source.bit("config_init_tlbc", "tlbc", "PYTHON_TLBC")?.unwrap_or(true),
            stats: source.x_option("pystats").is_some() || source.level("PYTHONSTATS") > 0,
            heap_limit: heap_limit(&source)?,
            gc_stress: gc_stress(&source)?,
            x_options: Vec::new(),
            ..Options::default()
        };
        Ok(Config {
            program: line.program,
            skip_first_line: line.skip_first_line,
            check_hash_pycs: line.check_hash_pycs,
            python_path: source.variable("PYTHONPATH"),
            home: source.variable("PYTHONHOME"),
            io_encoding: source.text("PYTHONIOENCODING"),
            startup_file: source.variable("PYTHONSTARTUP"),
            import_time: import_time(&source)?,
            fault_handler: dev_mode || source.is_on("faulthandler", "PYTHONFAULTHANDLER"),
            tracemalloc: tracemalloc(&source)?,
            options: Options { x_options: source.x_options, ..options },
        })
    }
}

fn split_x_option(option: &OsStr) -> (String, Option<String>) {
    let text = option.to_string_lossy();
    match text.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (text.into_owned(), None),
    }
}

/// `sys.warnoptions`: what comes later wins, so that the order is that of rising priority.
fn warn_options(command_line: &[OsString], bytes_warning: u32, dev_mode: bool, environment: Option<&str>) -> Vec<String> {
    let mut list = Vec::new();
    if dev_mode {
        list.push("default".to_owned());
    }
    list.extend(environment.into_iter().flat_map(|v| v.split(',')).map(str::to_owned));
    list.extend(command_line.iter().map(|o| o.to_string_lossy().into_owned()));
    match bytes_warning {
        0 => {}
        1 => list.push("default::BytesWarning".to_owned()),
        _ => list.push("error::BytesWarning".to_owned()),
    }
    list
}

fn utf8_mode(source: &Source<'_>, locale_is_c: bool) -> Result<bool, Fatal> {
    let place = "preconfig_init_utf8_mode";
    if let Some(value) = source.x_option("utf8") {
        let value = zero_or_one(value.or(Some("1")));
        return value.ok_or_else(|| Fatal::new(place, "invalid -X utf8 option value"));
    }
    match source.text("PYTHONUTF8") {
        Some(value) => zero_or_one(Some(&value)).ok_or_else(|| Fatal::new(place, "invalid PYTHONUTF8 environment variable value")),
        None => Ok(locale_is_c),
    }
}

/// There is no such lock, so it can be turned off but not on.
fn check_gil(source: &Source<'_>) -> Result<(), Fatal> {
    let place = "config_read_gil";
    let invalid = "PYTHON_GIL / -X gil must be \"0\" or \"1\"";
    match source.setting(place, ("gil", invalid), ("PYTHON_GIL", invalid), zero_or_one)? {
        Some(true) => Err(Fatal::new(place, "Enabling the GIL is not supported by this build")),
        _ => Ok(()),
    }
}

/// The library is always embedded; the setting is accepted for the sake of programs that give it.
fn check_frozen_modules(source: &Source<'_>) -> Result<(), Fatal> {
    let accept = |value: Option<&str>| matches!(value, None | Some("on" | "off")).then_some(());
    let fatal = |what: &str| Fatal(format!("bad value for {what} (expected \"on\" or \"off\")"));
    if let Some(value) = source.x_option("frozen_modules") {
        accept(value).ok_or_else(|| fatal("option -X frozen_modules"))?;
    }
    accept(source.text("PYTHON_FROZEN_MODULES").as_deref()).ok_or_else(|| fatal("PYTHON_FROZEN_MODULES"))
}

/// None: the system is asked.
fn cpu_count(source: &Source<'_>) -> Result<Option<i32>, Fatal> {
    const WRONG: &str = "n is missing or an invalid number, n must be greater than 0";
    let accept = |value: Option<&str>| match value {
        Some("default") => Some(None),
        other => number::<i32>(other).filter(|n| *n > 0).map(Some),
    };
    let x_message = format!("-X cpu_count=n option: {WRONG}");
    let message = format!("PYTHON_CPU_COUNT=n: {WRONG}");
    source.setting("config_init_cpu_count", ("cpu_count", &x_message), ("PYTHON_CPU_COUNT", &message), accept).map(Option::flatten)
}

fn int_max_str_digits(source: &Source<'_>) -> Result<Option<u32>, Fatal> {
    let accept = |value: Option<&str>| number::<u32>(value).filter(|n| *n == 0 || (640..=i32::MAX as u32).contains(n));
    let message = |what: &str| format!("{what}: invalid limit; must be >= 640 or 0 for unlimited.");
    source.setting(
        "config_init_int_max_str_digits",
        ("int_max_str_digits", &message("-X int_max_str_digits")),
        ("PYTHONINTMAXSTRDIGITS", &message("PYTHONINTMAXSTRDIGITS")),
        accept,
    )
}

fn hash_seed(source: &Source<'_>) -> Result<Option<u64>, Fatal> {
    match source.text("PYTHONHASHSEED").as_deref() {
        None | Some("random") => Ok(None),
        Some(value) => match value.parse::<u32>() {
            Ok(seed) => Ok(Some(seed.into())),
            Err(_) => {
                let message = "PYTHONHASHSEED must be \"random\" or an integer in range [0; 4294967295]";
                Err(Fatal::new("config_init_hash_seed", message))
            }
        },
    }
}

fn import_time(source: &Source<'_>) -> Result<u32, Fatal> {
    let accept = |value: Option<&str>| match value {
        None => Some(1),
        value => number::<u32>(value).filter(|n| *n <= 2),
    };
    let message = |what: &str| format!("{what}: values other than 1 and 2 are reserved for future use.");
    let level = source.setting(
        "config_init_import_time",
        ("importtime", &message("-X importtime")),
        ("PYTHONPROFILEIMPORTTIME", &message("PYTHONPROFILEIMPORTTIME")),
        accept,
    )?;
    Ok(level.unwrap_or(0))
}

fn tracemalloc(source: &Source<'_>) -> Result<u32, Fatal> {
    let accept = |value: Option<&str>| number::<u32>(value.or(Some("1"))).filter(|n| *n <= u16::MAX.into());
    let frames = source.setting(
        "config_init_tracemalloc",
        ("tracemalloc", "-X tracemalloc=NFRAME: invalid number of frames"),
        ("PYTHONTRACEMALLOC", "PYTHONTRACEMALLOC: invalid number of frames"),
        accept,
    )?;
    Ok(frames.unwrap_or(0))
}

/// `-X heaplimit=512M`
fn heap_limit(source: &Source<'_>) -> Result<Option<usize>, Fatal> {
    let Some(value) = source.x_option("heaplimit") else { return Ok(None) };
    let parse = |value: &str| {
        let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let shift = match &value[digits.len()..] {
            "" => 0,
            "k" | "K" => 10,
            "m" | "M" => 20,
            "g" | "G" => 30,
            _ => return None,
        };
        digits.parse::<usize>().ok().filter(|n| *n > 0)?.checked_mul(1 << shift)
    };
    let limit = value.and_then(parse);
    let message = "-X heaplimit=n: n must be a number of bytes greater than 0, with K, M or G behind it if need be";
    limit.map(Some).ok_or_else(|| Fatal::new("config_init_heap_limit", message))
}

/// `-X gcstress` or `-X gcstress=n`
fn gc_stress(source: &Source<'_>) -> Result<Option<u32>, Fatal> {
    let Some(value) = source.x_option("gcstress") else { return Ok(None) };
    let every = number::<u32>(value.or(Some("1"))).filter(|n| *n > 0);
    every.map(Some).ok_or_else(|| Fatal::new("config_init_gc_stress", "-X gcstress=n: n must be a number greater than 0"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command_line::parse;

    fn config_in(locale_is_c: bool, arguments: &str, environment: &[(&str, &str)]) -> Result<Config, Fatal> {
        let arguments: Vec<_> = arguments.split_whitespace().map(OsString::from).collect();
        let variable = |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
        Config::new(parse(&arguments).unwrap(), &Surroundings { variable: &variable, locale_is_c })
    }

    fn config(arguments: &str, environment: &[(&str, &str)]) -> Config {
        config_in(false, arguments, environment).unwrap()
    }

    #[test]
    fn the_environment_sets_flags() {
        let variables = [
            ("PYTHONDONTWRITEBYTECODE", "x"),
            ("PYTHONOPTIMIZE", "2"),
            ("PYTHONUNBUFFERED", "0"),
            ("PYTHONVERBOSE", ""),
            ("PYTHONNOUSERSITE", "1"),
            ("PYTHONSAFEPATH", "0"),
            ("PYTHONSTATS", "1"),
            ("PYTHONHASHSEED", "42"),
            ("PYTHON_TLBC", "0"),
            ("PYTHONPATH", "/a:/b"),
        ];
        let c = config("-O", &variables);
        let o = &c.options;
        assert!(o.dont_write_bytecode && o.no_user_site && o.safe_path && o.stats && !o.tlbc && !o.unbuffered);
        assert_eq!((o.optimize, o.verbose, o.hash_seed), (2, 0, Some(42)));
        assert_eq!(c.python_path, Some("/a:/b".into()));
        for silent in ["-E", "-I"] {
            let c = config(silent, &variables);
            assert!(!c.options.dont_write_bytecode && c.options.tlbc && c.options.hash_seed.is_none() && c.python_path.is_none());
        }
    }

    #[test]
    fn perf_is_told_what_the_user_wants() {
        let perf = |arguments: &str, environment: &[(&str, &str)]| config(arguments, environment).options.perf;
        assert_eq!(perf("", &[]), None);
        assert_eq!(perf("-X perf", &[]), Some(PerfSupport::Map));
        assert_eq!(perf("-X perf", &[("PYTHON_PERF_JIT_SUPPORT", "1")]), Some(PerfSupport::Dump));
        assert_eq!(perf("-X perf=0 -X perf_jit=0", &[("PYTHONPERFSUPPORT", "1"), ("PYTHON_PERF_JIT_SUPPORT", "1")]), None);
        assert_eq!(perf("", &[("PYTHONPERFSUPPORT", "1")]), Some(PerfSupport::Map));
    }

    #[test]
    fn isolation_implies_more() {
        let o = config("-I", &[]).options;
        assert!(o.isolated && o.safe_path && o.no_user_site && o.ignore_environment);
    }

    #[test]
    fn the_command_line_wins() {
        let c = config(
            "-X tlbc=1 -X importtime=2 -X int_max_str_digits=0",
            &[("PYTHON_TLBC", "0"), ("PYTHONPROFILEIMPORTTIME", "1"), ("PYTHONINTMAXSTRDIGITS", "700")],
        );
        assert!(c.options.tlbc);
        assert_eq!((c.import_time, c.options.int_max_str_digits), (2, Some(0)));
    }

    #[test]
    fn warnings_are_in_order_of_priority() {
        let c = config("-bb -X dev -W ignore", &[("PYTHONWARNINGS", "once,always")]);
        assert_eq!(c.options.warn_options, ["default", "once", "always", "ignore", "error::BytesWarning"]);
        assert!(c.fault_handler);
    }

    #[test]
    fn a_plain_locale_means_utf8() {
        let mode = |c, arguments| config_in(c, arguments, &[]).unwrap().options.utf8_mode;
        assert_eq!([mode(true, ""), mode(true, "-Xutf8=0"), mode(false, ""), mode(false, "-Xutf8")], [true, false, false, true]);
    }

    #[test]
    fn memory_can_be_limited() {
        for (argument, bytes) in [("4096", 4096), ("64k", 64 << 10), ("64M", 64 << 20), ("2G", 2 << 30)] {
            assert_eq!(config(&format!("-X heaplimit={argument}"), &[]).options.heap_limit, Some(bytes));
        }
        assert_eq!(config("-X gcstress", &[]).options.gc_stress, Some(1));
        assert_eq!(config("-X gcstress=7", &[]).options.gc_stress, Some(7));
    }

    #[test]
    fn nonsense_is_fatal() {
        for (arguments, variable, message) in [
            ("-X utf8=2", None, "preconfig_init_utf8_mode: invalid -X utf8 option value"),
            ("", Some(("PYTHONUTF8", "x")), "preconfig_init_utf8_mode: invalid PYTHONUTF8 environment variable value"),
            (
                "",
                Some(("PYTHONHASHSEED", "4294967296")),
                "config_init_hash_seed: PYTHONHASHSEED must be \"random\" or an integer in range [0; 4294967295]",
            ),
            ("-X gil=1", None, "config_read_gil: Enabling the GIL is not supported by this build"),
            ("-X gil", None, "config_read_gil: PYTHON_GIL / -X gil must be \"0\" or \"1\""),
            ("-X tlbc", None, "config_init_tlbc: -X tlbc=n: n is missing or invalid"),
            (
                "-X int_max_str_digits=639",
                None,
                "config_init_int_max_str_digits: -X int_max_str_digits: invalid limit; must be >= 640 or 0 for unlimited.",
            ),
            ("-X frozen_modules=x", None, "bad value for option -X frozen_modules (expected \"on\" or \"off\")"),
            (
                "-X cpu_count=0",
                None,
                "config_init_cpu_count: -X cpu_count=n option: n is missing or an invalid number, n must be greater than 0",
            ),
            ("-X tracemalloc=-1", None, "config_init_tracemalloc: -X tracemalloc=NFRAME: invalid number of frames"),
            ("-X importtime=3", None, "config_init_import_time: -X importtime: values other than 1 and 2 are reserved for future use."),
            (
                "-X heaplimit=lots",
                None,
                "config_init_heap_limit: -X heaplimit=n: n must be a number of bytes greater than 0, with K, M or G behind it if need be",
            ),
        ] {
            let error = config_in(false, arguments, variable.as_slice()).unwrap_err();
            assert_eq!(error.0, message);
        }
        let shown = config_in(false, "-X utf8=2", &[]).unwrap_err().to_string();
        let expected =
            "Fatal Python error: preconfig_init_utf8_mode: invalid -X utf8 option value\nPython runtime state: preinitializing\n";
        assert_eq!(shown, expected);
    }
}
