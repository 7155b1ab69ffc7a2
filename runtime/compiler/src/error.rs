//! What the compiler reports: syntax errors and syntax warnings, as plain data.

/// Which exception class a [`SyntaxError`] becomes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyntaxErrorKind {
    /// `SyntaxError`.
    Syntax,
    /// `IndentationError`.
    Indentation,
    /// `TabError`.
    Tab,
    /// The text ends where more could follow: a REPL asks for another line, everybody else raises `SyntaxError`.
    Incomplete,
    /// `RecursionError`: the program is nested too deeply to be compiled.
    Recursion,
    /// `MemoryError`: the program is nested too deeply to be parsed.
    Memory,
}

/// Why a program was refused, with the attributes Python's `SyntaxError` has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyntaxError {
    /// The exception class.
    pub kind: SyntaxErrorKind,
    /// The text of the exception.
    pub message: String,
    /// The line, from 1.
    pub lineno: u32,
    /// The column in characters, from 1; 0 means unknown.
    pub offset: u32,
    /// The line in which the offending text ends.
    pub end_lineno: u32,
    /// The column after its last character, from 1; 0 means unknown.
    pub end_offset: u32,
    /// The text of line `lineno`, newline included.
    pub text: Option<String>,
    /// What a search for misspelt keywords needs, if the grammar refused the program.
    pub metadata: Option<Box<Metadata>>,
}

/// A `SyntaxError`'s `_metadata`: the `traceback` module looks there for words that might be keywords.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Metadata {
    /// The line where the last complete compound statement before the error begins; 0 if there is none.
    pub lineno: u32,
    /// Its column in bytes, from 0.
    pub column: u32,
    /// The whole program.
    pub source: String,
}

/// A `SyntaxWarning` the runtime issues before it runs the code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyntaxWarning {
    /// The text of the warning.
    pub message: String,
    /// The line it belongs to, from 1.
    pub lineno: u32,
    /// The column in characters, from 1.
    pub offset: u32,
    /// The line in which the doubtful text ends.
    pub end_lineno: u32,
    /// The column after its last character, from 1.
    pub end_offset: u32,
    /// The text of line `lineno`, newline included.
    pub text: Option<String>,
}

impl SyntaxWarning {
    /// The error it becomes where warnings are errors.
    pub fn into_error(self) -> SyntaxError {
        let SyntaxWarning { message, lineno, offset, end_lineno, end_offset, text } = self;
        SyntaxError { kind: SyntaxErrorKind::Syntax, message, lineno, offset, end_lineno, end_offset, text, metadata: None }
    }
}

impl std::fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (line {})", self.message, self.lineno)
    }
}

impl std::error::Error for SyntaxError {}
