//! Running what the command line names: a text, a module, a file, the standard input.

use crate::command_line::Program;
use crate::config::Config;
use crate::startup::main_module;
use crate::{dedent, repl};
use limpid_heap::Value;
use limpid_stdlib::library::native::set_command;
use limpid_vm::modules::source::{self, Mode, Options};
use limpid_vm::modules::{import, shadowing, sys};
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{attr, call};
use limpid_vm::thread::Thread;
use limpid_vm::types::str::intern;
use limpid_vm::types::{Code, Dict, List, Str};
use limpid_vm::{error_report, exc, interp, names, raise};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How a program has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With an exit status.
    Status(i32),
    /// By a KeyboardInterrupt that nobody has caught.
    Interrupted,
}

/// Runs the program, and the prompt if that is asked for.
pub fn run(t: &Thread, config: &Config) -> Ending {
    let result = run_program(t, config);
    // The prompt is the program then, and has run already.
    let was_prompt = matches!(config.program, Program::Input) && is_interactive(config);
    let ending = settle(t, result, config.options.inspect > 0 && !was_prompt);
    if was_prompt || !wants_prompt(config) || !is_interactive(config) {
        return ending;
    }
    let result = repl::continue_with(t, config);
    settle(t, result, false)
}

/// Does somebody type what is read, or is it to be treated as if?
fn is_interactive(config: &Config) -> bool {
    repl::is_terminal() || config.options.interactive > 0
}

/// `-i`, or a program that has set `PYTHONINSPECT`.
fn wants_prompt(config: &Config) -> bool {
    let variable = || std::env::var_os("PYTHONINSPECT").is_some_and(|v| !v.is_empty());
    config.options.inspect > 0 || (!config.options.ignore_environment && variable())
}

/// Tells of the exception that has ended a program. With `inspect`, SystemExit is one like any other: a prompt follows.
fn settle(t: &Thread, result: R<i32>, inspect: bool) -> Ending {
    let status = match result {
        Ok(status) => status,
        Err(_) => {
            if !inspect && let Some(status) = error_report::take_exit_status(t) {
                return Ending::Status(status);
            }
            let interrupted = t.exception_is(exc::KeyboardInterrupt);
            error_report::print_uncaught(t);
            if interrupted && !inspect {
                return Ending::Interrupted;
            }
            1
        }
    };
    Ending::Status(sys::requested_exit().unwrap_or(status))
}

fn run_program(t: &Thread, config: &Config) -> R<i32> {
    match &config.program {
        Program::Command(text) => {
            set_first_path(t, config, Some(OsStr::new("")))?;
            run_command(t, text)
        }
        Program::Module(name) => {
            let folder = std::env::current_dir().ok();
            set_first_path(t, config, folder.as_ref().map(|f| f.as_os_str()))?;
            run_module(t, name, true)
        }
        Program::Input => {
            set_first_path(t, config, Some(OsStr::new("")))?;
            run_input(t, config)
        }
        Program::File(path) => run_path(t, config, path),
    }
}

// ---- sys.path ----

/// Puts a folder in front of `sys.path`, unless `-P` forbids it.
fn set_first_path(t: &Thread, config: &Config, folder: Option<&OsStr>) -> R<()> {
    match folder {
        Some(folder) if !config.options.safe_path => {
            shadowing::set_program_folder(Path::new(folder));
            insert_path(t, folder)
        }
        _ => Ok(()),
    }
}

fn insert_path(t: &Thread, folder: &OsStr) -> R<()> {
    let Some(path) = sys::attribute(t, names::path) else { raise!(t, RuntimeError, "unable to get sys.path") };
    let folder = sys::decode_filesystem(t, folder.as_bytes())?.value();
    call::call_method_text(t, path, "insert", &[Value::int(0), folder]).map(drop)
}

/// The folder that a script lies in, links resolved.
fn folder_of(script: &Path) -> PathBuf {
    let resolved = script.canonicalize().unwrap_or_else(|_| script.to_owned());
    resolved.parent().unwrap_or(Path::new("")).to_owned()
}

// ---- kinds of programs ----

fn run_command(t: &Thread, text: &OsStr) -> R<i32> {
    let text = match text.to_str() {
        Some(text) => dedent::dedent(text),
        None => {
            error_report::write_stderr(t, "Unable to decode the command from the command line:\n");
            return Ok(1);
        }
    };
    sys::audit(t, "cpython.run_command", &[Str::new(t, &text).value()])?;
    let code = source::compile(t, &text, &Options::new(t, names::string_file, Mode::Exec))?;
    set_command(t, code, &text);
    run_main_code(t, code)
}

fn run_module(t: &Thread, name: &OsStr, set_argv0: bool) -> R<i32> {
    let name = sys::decode_filesystem(t, name.as_bytes())?.value();
    sys::audit(t, "cpython.run_module", &[name])?;
    let runpy = import::import_text(t, "runpy")?;
    call::call_method_text(t, runpy, "_run_module_as_main", &[name, Value::bool(set_argv0)])?;
    Ok(0)
}

fn run_input(t: &Thread, config: &Config) -> R<i32> {
    sys::audit(t, "cpython.run_stdin", &[])?;
    if is_interactive(config) {
        return repl::run(t, config);
    }
    let mut bytes = Vec::new();
    // What cannot be read is empty: a closed standard input is no error.
    let _ = t.blocking(|| io::stdin().lock().read_to_end(&mut bytes));
    run_source(t, config, &bytes, intern(t, "<stdin>"))
}

/// A script, or something that `sys.path` can hold and that has a `__main__` in it.
fn run_path(t: &Thread, config: &Config, path: &OsStr) -> R<i32> {
    // `__file__` is absolute; `sys.argv` keeps the path as it was given.
    let file = &std::path::absolute(path).unwrap_or_else(|_| path.into());
    let path = file.as_os_str();
    if is_container(file) && has_importer(t, path)? {
        insert_path(t, path)?;
        return run_module(t, OsStr::new("__main__"), false);
    }
    set_first_path(t, config, Some(folder_of(file).as_os_str()))?;
    run_file(t, config, path)
}

/// Is it a folder or an archive? An archive ends with a directory of what is in it.
fn is_container(path: &Path) -> bool {
    const END_RECORD: usize = 22;
    const LONGEST_COMMENT: usize = 0xFFFF;
    if path.is_dir() {
        return true;
    }
    let tail = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.size();
        file.seek(SeekFrom::Start(length.saturating_sub((END_RECORD + LONGEST_COMMENT) as u64)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    path.is_file() && tail().is_ok_and(|bytes| bytes.windows(4).any(|w| w == b"PK\x05\x06"))
}

fn has_importer(t: &Thread, path: &OsStr) -> R<bool> {
    let Some(hooks) = sys::attribute(t, names::path_hooks).and_then(|h| h.exact::<List>()) else {
        return Ok(false);
    };
    let path = sys::decode_filesystem(t, path.as_bytes())?.value();
    for hook in hooks.snapshot(t).iter() {
        match call::call(t, hook, &[path]) {
            Ok(_) => return Ok(true),
            Err(_) => t.catch(exc::ImportError)?,
        }
    }
    Ok(false)
}

fn run_file(t: &Thread, config: &Config, path: &OsStr) -> R<i32> {
    let name = sys::decode_filesystem(t, path.as_bytes())?.value();
    sys::audit(t, "cpython.run_file", &[name])?;
    let program = config.options.orig_argv.first().map_or("limpid".into(), |p| p.to_string_lossy());
    let read = t.blocking(|| {
        let mut file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    });
    let shown = limpid_vm::protocol::text::repr(t, name)?;
    let bytes = match read {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            error_report::write_stderr(t, &format!("{program}: {} is a directory, cannot continue\n", shown.to_string_lossy()));
            return Ok(1);
        }
        Err(error) => {
            let problem = describe(&error);
            error_report::write_stderr(t, &format!("{program}: can't open file {}: {problem}\n", shown.to_string_lossy()));
            return Ok(2);
        }
    };
    let main = main_module(t)?.dict();
    let compiled = path.as_bytes().ends_with(b".pyc");
    let importlib = import::import_text(t, "_frozen_importlib_external")?;
    let loader = attr::get_attr_text(t, importlib, if compiled { "SourcelessFileLoader" } else { "SourceFileLoader" })?;
    let loader = call::call(t, loader, &[names::__main__, name])?;
    main.set_name(t, names::__loader__, loader)?;
    main.set_name(t, names::__file__, name)?;
    main.set_name(t, names::__cached__, Value::NONE)?;
    let result = if compiled { run_compiled(t, loader) } else { run_source(t, config, &bytes, name) };
    let saved = t.take_exception();
    main.remove(t, names::__file__)?;
    main.remove(t, names::__cached__)?;
    if !saved.is_null() {
        t.raise_value(saved);
    }
    result
}

/// An error of the system in Python's words.
fn describe(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => {
            // SAFETY: the answer is a NUL-terminated string, copied at once.
            let text = unsafe { std::ffi::CStr::from_ptr(libc::strerror(number)) }.to_string_lossy();
            format!("[Errno {number}] {text}")
        }
        None => error.to_string(),
    }
}

/// A `.pyc` file.
fn run_compiled(t: &Thread, loader: Value) -> R<i32> {
    let code = call::call_method_text(t, loader, "get_code", &[names::__main__])?;
    match code.exact::<Code>() {
        Some(code) => run_main_code(t, code),
        None => raise!(t, RuntimeError, "Bad code object in .pyc file"),
    }
}

fn run_source(t: &Thread, config: &Config, bytes: &[u8], filename: Value) -> R<i32> {
    let code = if config.skip_first_line {
        // An empty line takes its place, so that the lines keep their numbers.
        let line_end = bytes.iter().position(|b| *b == b'\n').unwrap_or(bytes.len());
        source::compile_bytes(t, &bytes[line_end..], &Options::new(t, filename, Mode::Exec))?
    } else {
        source::compile_bytes(t, bytes, &Options::new(t, filename, Mode::Exec))?
    };
    run_main_code(t, code)
}

fn run_main_code(t: &Thread, code: Ref<Code>) -> R<i32> {
    let dict: Ref<Dict> = main_module(t)?.dict();
    let result = interp::run_code(t, code, dict, Value::NULL, Value::NULL);
    error_report::flush_streams(t);
    result.map(|_| 0)
}
