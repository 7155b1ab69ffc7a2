//! Where the lines come from: a terminal with editing, history and completion, or a plain stream.

use crate::config::Config;
use crate::startup::main_module;
use limpid_heap::Value;
use limpid_vm::modules::import;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::{attr, call};
use limpid_vm::thread::Thread;
use limpid_vm::types::Str;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Context, Editor, Helper};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

/// What came in.
pub enum Line {
    /// A line, without its end.
    Text(String),
    /// Ctrl-C
    Interrupted,
    /// The handler of a signal has raised this thread's exception.
    Raised,
    /// Ctrl-D, or the end of the file.
    End,
}

/// Where lines come from.
pub enum Input<'a> {
    /// A terminal at which a line can be edited.
    Terminal {
        /// The line editor.
        editor: Box<Editor<Completion<'a>, FileHistory>>,
        /// Where its history is kept.
        history: Option<PathBuf>,
    },
    /// Anything else.
    Stream(Lines),
}

impl<'a> Input<'a> {
    /// Takes the terminal, if there is one that can do what is needed.
    pub fn open(t: &'a Thread, config: &Config) -> Input<'a> {
        let variable = |name| std::env::var_os(name).filter(|v| !v.is_empty() && !config.options.ignore_environment);
        // Such a terminal cannot move its cursor.
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if is_dumb || variable("PYTHON_BASIC_REPL").is_some() || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Input::Stream(Lines::default());
        }
        let settings = rustyline::Config::builder().completion_type(CompletionType::List).auto_add_history(true).build();
        let Ok(mut editor) = Editor::with_config(settings) else { return Input::Stream(Lines::default()) };
        editor.set_helper(Some(Completion { t }));
        let home = || std::env::home_dir().map(|home| home.join(".limpid_history"));
        let history = variable("PYTHON_HISTORY").map(PathBuf::from).or_else(home);
        if let Some(file) = &history {
            // There is none at the first time.
            let _ = editor.load_history(file);
        }
        Input::Terminal { editor: Box::new(editor), history }
    }

    /// Asks for a line.
    pub fn read_line(&mut self, t: &Thread, prompt: &str) -> Line {
        match self {
            Input::Terminal { editor, .. } => match t.blocking(|| editor.readline(prompt)) {
                Ok(line) => Line::Text(line),
                Err(ReadlineError::Interrupted) => Line::Interrupted,
                Err(_) => {
                    println!();
                    Line::End
                }
            },
            Input::Stream(lines) => lines.next(t, prompt),
        }
    }
}

impl Drop for Input<'_> {
    fn drop(&mut self) {
        if let Input::Terminal { editor, history: Some(file) } = self {
            // A home that cannot be written to is no reason to complain at the end of each session.
            let _ = editor.save_history(file);
        }
    }
}

/// The lines of the standard input. Not the standard library's reader: it goes on reading when a signal comes, and Ctrl-C is to end a line.
#[derive(Default)]
pub struct Lines {
    /// What was read and not yet returned.
    waiting: Vec<u8>,
}

impl Lines {
    /// A line from a pipe, a file or a plain terminal. The prompt goes to standard error, so that it does not mix with what is printed.
    fn next(&mut self, t: &Thread, prompt: &str) -> Line {
        eprint!("{prompt}");
        let _ = io::stderr().flush();
        loop {
            if let Some(end) = self.waiting.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.waiting.drain(..=end).collect();
                return Line::Text(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned());
            }
            if t.poll().is_err() {
                // What was typed before goes with it.
                self.waiting.clear();
                return Line::Raised;
            }
            let mut bytes = [0; 4096];
            // SAFETY: a buffer of that length.
            let n = t.blocking(|| unsafe { libc::read(0, bytes.as_mut_ptr().cast(), bytes.len()) });
            match usize::try_from(n) {
                Ok(0) if self.waiting.is_empty() => {
                    eprintln!();
                    return Line::End;
                }
                Ok(0) => return Line::Text(String::from_utf8_lossy(&std::mem::take(&mut self.waiting)).into_owned()),
                Ok(n) => self.waiting.extend_from_slice(&bytes[..n]),
                Err(_) if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Line::End,
            }
        }
    }
}

/// Completes names and attributes with the library's `rlcompleter`.
pub struct Completion<'a> {
    t: &'a Thread,
}

impl Completer for Completion<'_> {
    type Candidate = String;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let before = &line[..cursor];
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let start = before.rfind(|c| !is_part(c)).map_or(0, |i| i + before[i..].chars().next().map_or(1, char::len_utf8));
        let word = &before[start..];
        if before.trim().is_empty() {
            return Ok((cursor, vec!["    ".to_owned()]));
        }
        let found = self.t.mutator.unblocking(|| {
            candidates(self.t, word).unwrap_or_else(|_| {
                // An attribute that raises when it is looked at has no completion.
                self.t.take_exception();
                Vec::new()
            })
        });
        Ok((start, found))
    }
}

fn candidates(t: &Thread, word: &str) -> R<Vec<String>> {
    let module = import::import_text(t, "rlcompleter")?;
    let completer = attr::get_attr_text(t, module, "Completer")?;
    let completer = call::call(t, completer, &[main_module(t)?.dict().value()])?;
    let word = Str::new(t, word).value();
    let mut found = Vec::new();
    loop {
        let next = call::call_method_text(t, completer, "complete", &[word, Value::int(found.len() as i64)])?;
        match next.downcast::<Str>() {
            Some(candidate) => found.push(candidate.to_string_lossy().into_owned()),
            None => return Ok(found),
        }
    }
}

impl Hinter for Completion<'_> {
    type Hint = String;
}
impl Highlighter for Completion<'_> {}
impl Validator for Completion<'_> {}
impl Helper for Completion<'_> {}
