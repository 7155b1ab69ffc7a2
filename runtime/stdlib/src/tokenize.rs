//! `_tokenize`: the compiler's tokenizer, for the module tokenize.
//!
//! The text is read and tokenized as a whole when the first token is asked for. The tokenizer knows lines that end in `\n` only; here are
//! the places in the text as it was read, whose lines may end in `\r\n`, and whose last line may not end.

use limpid_compiler::parse_errors::token::{Token, TokenKind};
use limpid_compiler::parse_errors::tokenizer::{Status, Tokenizer};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, Signature, receiver};
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Raised, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, call, truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_encode_error;
use limpid_vm::types::str::codec;
use limpid_vm::types::{Bytes, Module, Str, Tuple, TypeDef, int, iterators, type_};
use limpid_vm::{exc, layout, raise};
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// `_tokenize`
pub static MODULE: ModuleDef = ModuleDef { init, ..ModuleDef::named("_tokenize") };

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    m.dict().set_text(t, "TokenizerIter", type_::create_native(t, &TOKENIZER_DEF, &TOKENIZER)?.value())
}

/// The numbers of tokens, as the module token has them.
mod number {
    pub const END_MARKER: i64 = 0;
    pub const NAME: i64 = 1;
    pub const NUMBER: i64 = 2;
    pub const STRING: i64 = 3;
    pub const NEWLINE: i64 = 4;
    pub const INDENT: i64 = 5;
    pub const DEDENT: i64 = 6;
    pub const FIRST_OPERATOR: i64 = 7;
    pub const OP: i64 = 55;
    pub const FSTRING_START: i64 = 59;
    pub const FSTRING_MIDDLE: i64 = 60;
    pub const FSTRING_END: i64 = 61;
    pub const TSTRING_START: i64 = 62;
    pub const TSTRING_MIDDLE: i64 = 63;
    pub const TSTRING_END: i64 = 64;
    pub const COMMENT: i64 = 65;
    pub const NL: i64 = 66;

    /// Operators in the order of their numbers, from [`FIRST_OPERATOR`].
    pub const OPERATORS: [&str; 48] = [
        "(", ")", "[", "]", ":", ",", ";", "+", "-", "*", "/", "|", "&", "<", ">", "=", ".", "%", "{", "}", "==", "!=", "<=", ">=", "~",
        "^", "<<", ">>", "**", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "**=", "//", "//=", "@", "@=", "->", "...",
        ":=", "!",
    ];
}

/// The layout of a TokenizerIter.
#[repr(C)]
pub struct TokenizerIter {
    header: Header,
    readline: Slot,
    /// A str, or NULL for lines that are text.
    encoding: Slot,
    extra_tokens: bool,
    /// How many tokens have been given.
    given: AtomicUsize,
    tokens: OnceLock<Tokens>,
}

/// `_tokenize.TokenizerIter`
pub static TOKENIZER: TypeCell = TypeCell::new();
layout!(TokenizerIter, TOKENIZER.get(), Mixed);

/// A token as it is shown.
struct Shown {
    number: i64,
    text: std::ops::Range<usize>,
    start: (u32, i32),
    end: (u32, i32),
    line: std::ops::Range<usize>,
}

/// All tokens of a text, and what ended them.
struct Tokens {
    text: String,
    tokens: Vec<Shown>,
    error: Option<Error>,
}

/// An error of the tokenizer.
struct Error {
    kind: ErrorKind,
    message: String,
    line: i64,
    column: i64,
    /// None: the lines that were read for the token.
    end_column: Option<i64>,
    text: String,
}

enum ErrorKind {
    Syntax,
    /// The text ends too early.
    End,
    Indentation,
    Tab,
}

static SIGNATURE: Signature = Signature::parse("readline, /, *, encoding=None, extra_tokens");

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    args.bind(t, "tokenizeriter", &SIGNATURE, |a| {
        let encoding = a[1].non_null().filter(|e| !e.is_none()).unwrap_or(Value::NULL);
        if !encoding.is_null() && encoding.downcast::<Str>().is_none() {
            raise!(t, TypeError, "tokenizeriter() argument 'encoding' must be str, not {}", encoding.class().display_name())
        }
        // SAFETY: `__new__` is called with a class.
        let class = unsafe { Ref::from_value(class) };
        let made = t.alloc_instance(
            class,
            TokenizerIter {
                header: header_of::<TokenizerIter>(),
                readline: Slot::new(a[0]),
                encoding: Slot::new(encoding),
                extra_tokens: truth::truth(t, a[2])?,
                given: AtomicUsize::new(0),
                tokens: OnceLock::new(),
            },
        );
        // SAFETY: the function drops what was made here.
        unsafe { limpid_heap::register_drop(&t.mutator, NonNull::new_unchecked(made.ptr().cast()), drop_tokens) };
        Ok(made.value())
    })
}

unsafe fn drop_tokens(p: *mut u8) {
    // SAFETY: registered for this layout only; the cell is dead.
    unsafe { std::ptr::drop_in_place(&raw mut (*(p as *mut TokenizerIter)).tokens) }
}

fn next(t: &Thread, v: Value) -> R {
    let this = receiver::<TokenizerIter>(v);
    let tokens = match this.tokens.get() {
        Some(tokens) => tokens,
        None => {
            let tokens = tokenize(read_all(t, this)?, this.extra_tokens);
            this.tokens.get_or_init(|| tokens)
        }
    };
    let at = this.given.fetch_add(1, Relaxed);
    match tokens.tokens.get(at) {
        Some(token) => token.value(t, &tokens.text),
        // An error is raised again and again; the end stays the end.
        None => match &tokens.error {
            Some(error) => Err(error.raise(t)),
            None => Ok(Value::NULL),
        },
    }
}

fn read_all(t: &Thread, this: Ref<TokenizerIter>) -> R<String> {
    let mut text = String::new();
    let encoding = this.encoding.opt().and_then(|e| e.downcast::<Str>());
    loop {
        let line = match call::call(t, this.readline.get(), &[]) {
            Ok(line) => line,
            Err(_) if t.exception_is(exc::StopIteration) => {
                t.take_exception();
                return Ok(text);
            }
            Err(raised) => return Err(raised),
        };
        let line = match encoding {
            None => match line.downcast::<Str>() {
                Some(line) => line,
                None => raise!(t, TypeError, "readline() returned a non-string object"),
            },
            Some(encoding) => {
                if line.downcast::<Bytes>().is_none() {
                    raise!(t, TypeError, "readline() returned a non-bytes object")
                }
                let decoded = codec::decode_value(t, line, Some(encoding), Some(Str::new(t, "replace")))?;
                match decoded.downcast::<Str>() {
                    Some(line) => line,
                    None => return Ok(text),
                }
            }
        };
        if line.is_empty() {
            return Ok(text);
        }
        match line.to_utf8() {
            Some(line) => text.push_str(&line),
            None => {
                let at = line.code_points().position(|c| char::from_u32(c).is_none()).unwrap_or(0);
                return Err(raise_encode_error(t, "utf-8", line.value(), at, at + 1, "surrogates not allowed"));
            }
        }
        t.poll()?;
    }
}

/// A text whose lines end in `\n`, and where its places are in the text it was made of.
struct Normalized {
    text: String,
    /// Where the lines begin in it.
    line_starts: Vec<usize>,
    /// For each place in it where a `\r` was left out, its number; sorted.
    removed: Vec<usize>,
    /// The last newline is not in the original.
    added_newline: bool,
}

impl Normalized {
    fn new(original: &str) -> Normalized {
        let added_newline = !original.is_empty() && !original.ends_with('\n');
        let mut text = String::with_capacity(original.len() + 1);
        let mut removed = Vec::new();
        for line in original.split_inclusive('\n') {
            match line.strip_suffix("\r\n") {
                Some(line) => {
                    text.push_str(line);
                    removed.push(text.len());
                    text.push('\n');
                }
                None => text.push_str(line),
            }
        }
        if added_newline {
            text.push('\n');
        }
        let newlines = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        let line_starts = std::iter::once(0).chain(newlines).collect();
        Normalized { text, line_starts, removed, added_newline }
    }

    fn line_start(&self, line: u32) -> usize {
        let line = (line.max(1) as usize - 1).min(self.line_starts.len() - 1);
        self.line_starts[line]
    }

    fn line_end(&self, line: u32) -> usize {
        self.line_starts.get(line.max(1) as usize).copied().unwrap_or(self.text.len())
    }

    /// A place in the original. What begins at a newline begins at the `\r` before it.
    fn original(&self, at: usize) -> usize {
        let before = self.removed.partition_point(|removed| *removed < at);
        let beyond = (self.added_newline && at == self.text.len()) as usize;
        at + before - beyond
    }

    fn characters(&self, start: usize, end: usize) -> i32 {
        self.text[start..end].chars().count() as i32
    }
}

fn tokenize(text: String, extra_tokens: bool) -> Tokens {
    let normal = Normalized::new(&text);
    let mut tokenizer = if extra_tokens { Tokenizer::with_all_tokens(&normal.text) } else { Tokenizer::new(&normal.text) };
    let skipped = normal.text.len() - tokenizer.text().len();
    let mut tokens = Vec::new();
    loop {
        let token = tokenizer.next_token();
        if token.kind == TokenKind::Error {
            let error = Some(Error::new(&tokenizer));
            return Tokens { text, tokens, error };
        }
        let at_end = tokenizer.status() == Status::End;
        let is_trailing = token.kind == TokenKind::EndMarker || token.kind == TokenKind::Dedent && at_end;
        let shown = Shown::new(&token, &normal, skipped, extra_tokens, is_trailing, tokens.last());
        tokens.push(shown);
        if token.kind == TokenKind::EndMarker {
            return Tokens { text, tokens, error: None };
        }
    }
}

impl Shown {
    fn new(token: &Token, normal: &Normalized, skipped: usize, extra_tokens: bool, is_trailing: bool, previous: Option<&Shown>) -> Shown {
        let number = number_of(token, &normal.text[skipped + token.start..skipped + token.end], extra_tokens);
        // Tokens without text of their own have no columns.
        let shown_at = |line: u32, column: i32| {
            let start = normal.line_start(line);
            let bytes = if line <= 1 { column + skipped as i32 } else { column };
            if column < 0 { column } else { normal.characters(start, (start + bytes as usize).min(normal.text.len())) }
        };
        let mut start = (token.line, shown_at(token.line, token.column));
        let mut end = (token.end_line, shown_at(token.end_line, token.end_column));
        let mut text = normal.original(skipped + token.start)..normal.original(skipped + token.end);
        let is_string = number == number::STRING || (number::FSTRING_START..=number::TSTRING_END).contains(&number);
        let first_line = if is_string { token.line } else { token.end_line };
        let mut line = normal.original(normal.line_start(first_line))..normal.original(normal.line_end(token.end_line));
        if token.kind == TokenKind::Newline {
            let newline = normal.line_end(token.end_line) - 1;
            if extra_tokens {
                // The newline alone, though a comment may come before it.
                text = normal.original(newline)..normal.original(newline + 1);
                start.1 = normal.characters(normal.line_start(token.line), newline);
                end.1 = start.1 + (text.len() as i32).max(1);
            } else {
                // Without it.
                text.end = text.end.min(normal.original(newline + 1) - 1);
                end.1 = start.1 + normal.characters(skipped + token.start, newline) + (text.len() > newline - token.start) as i32;
            }
        }
        if token.kind == TokenKind::BlankNewline {
            end.1 = start.1 + (text.len() as i32).max(1);
        }
        if is_trailing {
            line = match previous {
                // The line is looked at again only when it is another one.
                Some(previous) if !extra_tokens && previous.start.0 == token.line => previous.line.clone(),
                _ => line.end..line.end,
            };
            if extra_tokens {
                start = (token.end_line + 1, 0);
                end = start;
            }
        }
        if text.start > text.end {
            text.end = text.start;
        }
        Shown { number, text, start, end, line }
    }

    fn value(&self, t: &Thread, text: &str) -> R {
        let place = |(line, column): (u32, i32)| Tuple::from_slice(t, &[Value::int(line as i64), Value::int(column as i64)]).value();
        let piece = |range: &std::ops::Range<usize>| Str::try_new(t, &text[range.clone()]);
        let token = [Value::int(self.number), piece(&self.text)?.value(), place(self.start), place(self.end), piece(&self.line)?.value()];
        Ok(Tuple::from_slice(t, &token).value())
    }
}

fn number_of(token: &Token, text: &str, extra_tokens: bool) -> i64 {
    match token.kind {
        TokenKind::Name | TokenKind::Keyword => number::NAME,
        TokenKind::Number => number::NUMBER,
        TokenKind::String => number::STRING,
        TokenKind::FStringStart => number::FSTRING_START,
        TokenKind::FStringMiddle => number::FSTRING_MIDDLE,
        TokenKind::FStringEnd => number::FSTRING_END,
        TokenKind::TStringStart => number::TSTRING_START,
        TokenKind::TStringMiddle => number::TSTRING_MIDDLE,
        TokenKind::TStringEnd => number::TSTRING_END,
        TokenKind::Operator if extra_tokens => number::OP,
        TokenKind::Operator => {
            let text = if text == "<>" { "!=" } else { text };
            let known = number::OPERATORS.iter().position(|operator| *operator == text);
            known.map_or(number::OP, |at| number::FIRST_OPERATOR + at as i64)
        }
        TokenKind::Newline => number::NEWLINE,
        TokenKind::Indent => number::INDENT,
        TokenKind::Dedent => number::DEDENT,
        TokenKind::Comment => number::COMMENT,
        TokenKind::BlankNewline => number::NL,
        TokenKind::EndMarker | TokenKind::Error => number::END_MARKER,
    }
}

impl Error {
    fn new(tokenizer: &Tokenizer<'_>) -> Error {
        if let Some(failure) = tokenizer.failure() {
            return Error {
                kind: ErrorKind::Syntax,
                message: failure.message.clone(),
                line: failure.line as i64,
                column: failure.offset as i64,
                end_column: Some(failure.end_offset as i64),
                text: tokenizer.line_text(failure.line),
            };
        }
        let (line, _) = tokenizer.position();
        let around = String::from_utf8_lossy(tokenizer.lines_around());
        let end = around.chars().count() as i64;
        let (kind, message, column) = match tokenizer.status() {
            Status::Dedent => (ErrorKind::Indentation, "unindent does not match any outer indentation level", end),
            Status::TabsAndSpaces => (ErrorKind::Tab, "inconsistent use of tabs and spaces in indentation", end),
            Status::TooManyIndents => (ErrorKind::Indentation, "too many levels of indentation", end),
            Status::LineContinuation => (ErrorKind::Syntax, "unexpected character after line continuation character", end),
            Status::End => {
                let column = if tokenizer.in_interpolated() { end } else { 0 };
                (ErrorKind::End, "unexpected EOF in multi-line statement", column)
            }
            _ => (ErrorKind::Syntax, "unknown tokenization error", end),
        };
        let text = around.strip_suffix('\n').unwrap_or(&around).to_owned();
        Error { kind, message: message.to_owned(), line: line as i64, column, end_column: None, text }
    }

    fn raise(&self, t: &Thread) -> Raised {
        let class = match self.kind {
            ErrorKind::Syntax | ErrorKind::End => exc::SyntaxError,
            ErrorKind::Indentation => exc::IndentationError,
            ErrorKind::Tab => exc::TabError,
        };
        let text = |s: &str| Str::new(t, s).value();
        let (end_line, end_column) = match self.end_column {
            Some(column) => (Value::int(self.line), int::from_i64(t, column)),
            None => (Value::NONE, Value::NONE),
        };
        let place = [text("<string>"), Value::int(self.line), Value::int(self.column), text(&self.text), end_line, end_column];
        if !matches!(self.kind, ErrorKind::End) {
            return t.raise_with(class, &[text(&self.message), Tuple::from_slice(t, &place).value()]);
        }
        let raised = t.raise_with(class, &[text(&self.message)]);
        let error = t.exception();
        for (name, v) in ["filename", "lineno", "offset"].iter().zip(place) {
            if let Err(raised) = attr::set_attr(t, error, Str::new(t, name).value(), v) {
                return raised;
            }
        }
        raised
    }
}

static TOKENIZER_DEF: TypeDef = TypeDef {
    slots: SlotTable { new: Some(new), iter: Some(iterators::itself), next: Some(next), ..SlotTable::EMPTY },
    ..TypeDef::of::<TokenizerIter>("_tokenize.TokenizerIter")
};
