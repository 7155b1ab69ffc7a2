//! The prompt: reads statements, runs them, shows what they give, until the input ends or the program exits.

mod editor;

use crate::config::Config;
use crate::startup::main_module;
use editor::{Input, Line};
use limpid_heap::Value;
use limpid_vm::modules::source::{self, Mode, Options, flags};
use limpid_vm::modules::{import, sys};
use limpid_vm::object::{R, Ref};
use limpid_vm::protocol::{attr, call, text};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Code, Str};
use limpid_vm::{error_report, exc, interp, names};
use std::io::IsTerminal;

/// Does somebody type the standard input?
pub fn is_terminal() -> bool {
    std::io::stdin().is_terminal()
}

/// A session from its start: greets, runs the start-up file, then prompts.
pub fn run(t: &Thread, config: &Config) -> R<i32> {
    if !config.options.quiet && is_terminal() {
        greet(config);
    }
    if let Some(file) = &config.startup_file {
        run_startup_file(t, file)?;
    }
    continue_with(t, config)
}

fn greet(config: &Config) {
    eprintln!("Python {} on {}", sys::version_text(), std::env::consts::OS);
    if !config.options.no_site {
        eprintln!("Type \"help\", \"copyright\", \"credits\" or \"license\" for more information.");
    }
}

/// Prompts in the namespace of a program that has run.
pub fn continue_with(t: &Thread, config: &Config) -> R<i32> {
    call_interactive_hook(t)?;
    for (name, prompt) in [(names::ps1, ">>> "), (names::ps2, "... ")] {
        if sys::attribute(t, name).is_none() {
            sys::set_attribute(t, name, Str::new(t, prompt).value())?;
        }
    }
    let mut session = Session { t, source: String::new(), statements: 0, future_flags: 0 };
    let mut input = Input::open(t, config);
    loop {
        error_report::flush_streams(t);
        let line = input.read_line(t, &session.prompt());
        match line {
            Line::Text(line) => session.take_line(&line)?,
            Line::Interrupted => session.interrupt(),
            Line::Raised if t.exception_is(exc::KeyboardInterrupt) => {
                t.take_exception();
                session.interrupt();
            }
            Line::Raised => survive(t)?,
            Line::End => {
                session.end()?;
                return Ok(0);
            }
        }
    }
}

/// Runs a file in `__main__`; what goes wrong there is told, and the session goes on.
fn run_startup_file(t: &Thread, file: &std::ffi::OsStr) -> R<()> {
    let name = sys::decode_filesystem(t, file.as_encoded_bytes())?.value();
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(_) => {
            eprintln!("Could not open PYTHONSTARTUP");
            let _ = limpid_vm::types::iterators::builtin_function(t, limpid_vm::names::open).and_then(|open| call::call(t, open, &[name]));
            error_report::print_uncaught(t);
            return Ok(());
        }
    };
    let run = || {
        let code = source::compile_bytes(t, &bytes, &Options::new(t, name, Mode::Exec))?;
        interp::run_code(t, code, main_module(t)?.dict(), Value::NULL, Value::NULL)
    };
    if run().is_err() {
        survive(t)?;
    }
    Ok(())
}

/// `sys.__interactivehook__`, unless it is site's own, which sets up another line editor than ours.
fn call_interactive_hook(t: &Thread) -> R<()> {
    let Some(hook) = sys::attribute(t, limpid_vm::types::str::intern(t, "__interactivehook__")) else { return Ok(()) };
    let module = attr::get_attr_opt(t, hook, names::__module__)?;
    let is_own = match module {
        Some(name) => text::str_of(t, name)?.eq_str("site"),
        None => false,
    };
    if is_own {
        return Ok(());
    }
    if sys::audit(t, "cpython.run_interactivehook", &[hook]).and_then(|()| call::call(t, hook, &[])).is_err() {
        error_report::write_stderr(t, "Failed calling sys.__interactivehook__\n");
        survive(t)?;
    }
    Ok(())
}

/// Tells of the current exception; but SystemExit ends the session.
fn survive(t: &Thread) -> R<()> {
    if t.exception_is(exc::SystemExit) {
        return Err(limpid_vm::object::Raised);
    }
    error_report::print_uncaught(t);
    Ok(())
}

/// Statements as they come in.
struct Session<'a> {
    t: &'a Thread,
    /// The lines of a statement that is not complete.
    source: String,
    /// How many statements there were.
    statements: u32,
    /// The features that `from __future__ import` has turned on.
    future_flags: i32,
}

impl Session<'_> {
    fn prompt(&self) -> String {
        let t = self.t;
        let name = if self.source.is_empty() { names::ps1 } else { names::ps2 };
        let shown = sys::attribute(t, name).map(|prompt| text::str_of(t, prompt));
        match shown {
            Some(Ok(prompt)) => prompt.to_string_lossy().into_owned(),
            _ => {
                t.take_exception();
                String::new()
            }
        }
    }

    /// Ctrl-C was typed at the prompt.
    fn interrupt(&mut self) {
        self.source.clear();
        eprintln!("\nKeyboardInterrupt");
    }

    fn take_line(&mut self, line: &str) -> R<()> {
        if self.source.is_empty() && is_idle(line) {
            return Ok(());
        }
        // The last line has no end, so that a block is complete after an empty one.
        if !self.source.is_empty() {
            self.source.push('\n');
        }
        self.source.push_str(line);
        // As the library's codeop decides it: what is in order only with another line end is not complete.
        let incomplete = flags::DONT_IMPLY_DEDENT | flags::INCOMPLETE_INPUT;
        if let Ok(code) = self.compile("", incomplete) {
            return self.run(code);
        }
        self.t.take_exception();
        match self.compile("\n", incomplete) {
            Ok(_) => Ok(()),
            Err(_) if self.t.exception_is(exc::_IncompleteInputError) => {
                self.t.take_exception();
                Ok(())
            }
            Err(_) => {
                self.source.clear();
                survive(self.t)
            }
        }
    }

    /// The input is over; what has come in of a statement is all there is of it.
    fn end(&mut self) -> R<()> {
        if self.source.is_empty() {
            return Ok(());
        }
        match self.compile("\n", 0) {
            Ok(code) => self.run(code),
            Err(_) => survive(self.t),
        }
    }

    fn file_name(&self) -> String {
        format!("<python-input-{}>", self.statements)
    }

    fn compile(&self, end: &str, more_flags: i32) -> R<Ref<Code>> {
        let name = Str::new(self.t, &self.file_name()).value();
        let options = Options { flags: self.future_flags | more_flags, ..Options::new(self.t, name, Mode::Single) };
        source::compile(self.t, &format!("{}{end}", self.source), &options)
    }

    fn run(&mut self, code: Ref<Code>) -> R<()> {
        let t = self.t;
        self.future_flags |= code.flags.0 as i32 & flags::FUTURES;
        let source = std::mem::take(&mut self.source);
        remember_source(t, code, &source, &self.file_name())?;
        self.statements += 1;
        let outcome = main_module(t).and_then(|main| interp::run_code(t, code, main.dict(), Value::NULL, Value::NULL));
        match outcome {
            Ok(_) => Ok(()),
            Err(_) => survive(t),
        }
    }
}

/// Nothing but white space and a comment.
fn is_idle(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

/// Lets tracebacks show the lines that were typed.
fn remember_source(t: &Thread, code: Ref<Code>, source: &str, name: &str) -> R<()> {
    let linecache = import::import_text(t, "linecache")?;
    let text = |s: &str| Str::new(t, s).value();
    call::call_method_text(t, linecache, "_register_code", &[code.value(), text(source), text(name)]).map(drop)
}
