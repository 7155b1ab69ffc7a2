//! From source text to code objects: what `compile`, `exec`, `eval`, the import system and the command line share.
//!
//! Text that is given as bytes is decoded as PEP 263 says. What the compiler reports becomes SyntaxError and its kin; its warnings are
//! issued before the code object is handed out. The AST has no native form: the module `_ast` registers functions that make and take one
//! ([`register_ast`]).

use crate::object::{R, Raised, Ref, ValueExt};
use crate::protocol::{call, text};
use crate::thread::Thread;
use crate::types::exceptions::{self, Message, raise_encode_error};
use crate::types::{Bytearray, Bytes, Code, Str, Tuple, builtin};
use crate::{exc, names};
use limpid_compiler::SyntaxErrorKind;
use limpid_heap::Value;
use std::sync::OnceLock;

/// Bits of `compile`'s flags, CPython's numbers.
pub mod flags {
    /// The features of `__future__`.
    pub const FUTURES: i32 = 0x1FE_0000;
    /// `from __future__ import annotations`
    pub const FUTURE_ANNOTATIONS: i32 = 0x100_0000;
    /// `from __future__ import barry_as_FLUFL`
    pub const FUTURE_BARRY: i32 = 0x40_0000;
    /// A block left open at the end of the text is not closed.
    pub const DONT_IMPLY_DEDENT: i32 = 0x200;
    /// The result is a syntax tree.
    pub const ONLY_AST: i32 = 0x400;
    /// Type comments are part of the tree.
    pub const TYPE_COMMENTS: i32 = 0x1000;
    /// `await` outside of functions makes a coroutine of the module.
    pub const TOP_LEVEL_AWAIT: i32 = 0x2000;
    /// Text that could go on raises _IncompleteInputError.
    pub const INCOMPLETE_INPUT: i32 = 0x4000;
    /// The result is an optimised syntax tree.
    pub const OPTIMIZED_AST: i32 = 0x8000 | ONLY_AST;
    /// All that `compile` knows; 0x10 is obsolete.
    pub const KNOWN: i32 = FUTURES | 0x10 | DONT_IMPLY_DEDENT | TYPE_COMMENTS | TOP_LEVEL_AWAIT | INCOMPLETE_INPUT | OPTIMIZED_AST;
}

/// What kind of program a text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// A module.
    Exec,
    /// An expression.
    Eval,
    /// A statement of a REPL, whose value is shown.
    Single,
    /// A signature in a type comment.
    FunctionType,
}

/// How to compile.
#[derive(Clone, Copy)]
pub struct Options {
    /// The file, a str.
    pub filename: Value,
    /// What kind of program it is.
    pub mode: Mode,
    /// See [`flags`].
    pub flags: i32,
    /// 0, 1 (no `assert`), or 2 (no documentation strings).
    pub optimize: u32,
    /// The minor version of the grammar for syntax trees, or -1.
    pub feature_version: i32,
}

impl Options {
    /// No flags, the interpreter's optimisation level.
    pub fn new(t: &Thread, filename: Value, mode: Mode) -> Options {
        Options { filename, mode, flags: 0, optimize: t.runtime().options.optimize, feature_version: -1 }
    }
}

/// What the module `_ast` does for `compile`.
pub struct AstHooks {
    /// Text to a syntax tree.
    pub parse: fn(&Thread, &str, &Options) -> R,
    /// Is it a syntax tree?
    pub is_tree: fn(Value) -> bool,
    /// A syntax tree to code, or to an optimised syntax tree.
    pub compile: fn(&Thread, Value, &Options) -> R,
}

static AST: OnceLock<AstHooks> = OnceLock::new();

/// Tells how to deal with syntax trees; once.
pub fn register_ast(hooks: AstHooks) {
    let _ = AST.set(hooks);
}

/// The future features in effect in the code that runs.
pub fn inherited_flags(t: &Thread) -> i32 {
    t.current_frame().map_or(0, |f| f.code().flags.0 as i32 & flags::FUTURES)
}

/// A file name: a str, bytes or path object, as a str.
pub fn file_name(t: &Thread, v: Value) -> R {
    let mut v = v;
    if !v.is_instance(builtin::STR) && !v.is_instance(builtin::BYTES) {
        let Some(method) = crate::protocol::attr::lookup_special(t, v, names::__fspath__)? else {
            raise!(t, TypeError, "expected str, bytes or os.PathLike object, not {}", v.class().display_name())
        };
        v = call::call(t, method, &[])?;
    }
    match v.downcast::<Bytes>() {
        Some(b) => Ok(super::sys::decode_filesystem(t, b.as_slice())?.value()),
        None if v.is_instance(builtin::STR) => Ok(v),
        None => raise!(t, TypeError, "expected __fspath__() to return str or bytes, not {}", v.class().display_name()),
    }
}

/// `compile(source, ...)`: a code object or a syntax tree.
pub fn compile_value(t: &Thread, source: Value, options: &Options) -> R {
    if let Some(ast) = AST.get()
        && (ast.is_tree)(source)
    {
        return (ast.compile)(t, source, options);
    }
    let text = text_of(t, source, "compile", "string, bytes or AST object", options.filename)?;
    if options.flags & flags::ONLY_AST != 0 {
        return match AST.get() {
            Some(ast) => (ast.parse)(t, &text, options),
            None => raise!(t, SystemError, "the module _ast is missing"),
        };
    }
    Ok(compile(t, &text, options)?.value())
}

/// The program in an object that `compile`, `eval` or `exec` was given.
pub fn text_of(t: &Thread, v: Value, function: &str, what: &str, filename: Value) -> R<String> {
    let text = if let Some(s) = v.downcast::<Str>() {
        utf8(t, s)?
    } else if let Some(b) = v.downcast::<Bytes>() {
        decode(t, b.as_slice(), filename, false)?
    } else if let Some(b) = v.downcast::<Bytearray>() {
        // Decoding may run Python code, which may resize it.
        let contents = b.contents().to_vec();
        decode(t, &contents, filename, false)?
    } else if let Ok(b) = crate::types::bytes::from_buffer(t, v) {
        let b = b.downcast::<Bytes>().map(|b| b.as_slice().to_vec()).unwrap_or_default();
        decode(t, &b, filename, false)?
    } else {
        t.catch(exc::TypeError)?;
        raise!(t, TypeError, "{function}() arg 1 must be a {what} object")
    };
    if text.contains('\0') {
        raise!(t, SyntaxError, "source code string cannot contain null bytes")
    }
    Ok(text)
}

fn utf8(t: &Thread, s: Ref<Str>) -> R<String> {
    let mut text = String::with_capacity(s.len());
    for (i, c) in s.code_points().enumerate() {
        match char::from_u32(c) {
            Some(c) => text.push(c),
            None => {
                let run = s.code_points().skip(i).take_while(|c| char::from_u32(*c).is_none()).count();
                return Err(raise_encode_error(t, "utf-8", s.value(), i, i + run, "surrogates not allowed"));
            }
        }
    }
    Ok(text)
}

/// Options as the compiler wants them.
pub fn settings(t: &Thread, options: &Options) -> (limpid_compiler::Mode, limpid_compiler::Options) {
    let settings = limpid_compiler::Options {
        optimize: options.optimize as u8,
        future_annotations: options.flags & flags::FUTURE_ANNOTATIONS != 0,
        allow_top_level_await: options.flags & flags::TOP_LEVEL_AWAIT != 0,
        barry_as_flufl: options.flags & flags::FUTURE_BARRY != 0,
        dont_imply_dedent: options.flags & flags::DONT_IMPLY_DEDENT != 0,
        allow_incomplete_input: options.flags & flags::INCOMPLETE_INPUT != 0,
        // Only where a syntax tree is wanted.
        feature_version: u8::try_from(options.feature_version).ok().filter(|_| options.flags & flags::ONLY_AST != 0),
        int_max_str_digits: crate::types::int::text::max_str_digits(t),
    };
    let mode = match options.mode {
        Mode::Eval => limpid_compiler::Mode::Eval,
        Mode::Single => limpid_compiler::Mode::Single,
        Mode::Exec | Mode::FunctionType => limpid_compiler::Mode::Exec,
    };
    (mode, settings)
}

/// Issues what the compiler warns of; an error if warnings are.
pub fn issue(t: &Thread, warnings: &[limpid_compiler::SyntaxWarning], text: &str, options: &Options) -> R<()> {
    warnings.iter().try_for_each(|warning| warn(t, warning, text, options))
}

/// Compiles text.
pub fn compile(t: &Thread, text: &str, options: &Options) -> R<Ref<Code>> {
    let filename = text::str_of(t, options.filename)?;
    let (mode, settings) = settings(t, options);
    let mut warnings = Vec::new();
    let compiled = limpid_compiler::compile_with_warnings(text, &filename.to_string_lossy(), mode, &settings, &mut warnings);
    issue(t, &warnings, text, options)?;
    match compiled {
        Ok(code) => Code::from_data(t, &code),
        Err(error) => Err(raise_syntax_error(t, &error, options)),
    }
}

/// Compiles text that is given as bytes: a source file.
pub fn compile_bytes(t: &Thread, bytes: &[u8], options: &Options) -> R<Ref<Code>> {
    // Lines are read one by one: the first fault counts.
    let before_null = bytes.iter().position(|b| *b == 0).map(|at| &bytes[..at]);
    let is_null_first = before_null.is_some_and(|text| declared_encoding(bytes).is_none() && std::str::from_utf8(text).is_ok());
    let text = if is_null_first { "\0".to_owned() } else { decode(t, bytes, options.filename, options.filename != names::string_file)? };
    if text.contains('\0') {
        raise!(t, SyntaxError, "source code cannot contain null bytes")
    }
    compile(t, &text, options)
}

/// Raises what the compiler reports.
#[cold]
pub fn raise_syntax_error(t: &Thread, error: &limpid_compiler::SyntaxError, options: &Options) -> Raised {
    let class = match error.kind {
        SyntaxErrorKind::Syntax => exc::SyntaxError,
        SyntaxErrorKind::Indentation => exc::IndentationError,
        SyntaxErrorKind::Tab => exc::TabError,
        SyntaxErrorKind::Incomplete if options.flags & flags::INCOMPLETE_INPUT != 0 => exc::_IncompleteInputError,
        SyntaxErrorKind::Incomplete => exc::SyntaxError,
        SyntaxErrorKind::Recursion => return t.raise(exc::RecursionError, &error.message),
        SyntaxErrorKind::Memory => return t.raise(exc::MemoryError, &error.message),
    };
    let number = |n: u32| Value::int(n.into());
    let details = Tuple::from_slice(
        t,
        &[
            options.filename,
            number(error.lineno),
            number(error.offset),
            error.text.as_deref().map_or(Value::NONE, |text| Str::new(t, text).value()),
            number(error.end_lineno),
            number(error.end_offset),
        ],
    );
    let raised = t.raise_with(class, &[Str::new(t, &error.message).value(), details.value()]);
    if let (Some(metadata), Some(e)) = (&error.metadata, t.exception().downcast::<exceptions::SyntaxError>()) {
        let place = [number(metadata.lineno), number(metadata.column), Str::new(t, &metadata.source).value()];
        e.metadata.set(t, e, Tuple::from_slice(t, &place).value());
    }
    raised
}

/// Issues a SyntaxWarning; where warnings are errors, it becomes a SyntaxError at its place.
fn warn(t: &Thread, warning: &limpid_compiler::SyntaxWarning, text: &str, options: &Options) -> R<()> {
    let message = Str::new(t, &warning.message).value();
    let line = warning.lineno;
    let Err(raised) =
        super::warnings::warn_explicit(t, exc::SyntaxWarning, message, options.filename, line as usize, Value::NULL, Value::NULL)
    else {
        return Ok(());
    };
    if !t.exception_is(exc::SyntaxWarning) {
        return Err(raised);
    }
    t.take_exception();
    let error = limpid_compiler::SyntaxError {
        kind: SyntaxErrorKind::Syntax,
        // As an error it is not about the future.
        message: warning.message.replace(" Such sequences will not work in the future.", ""),
        lineno: line,
        offset: warning.offset,
        end_lineno: warning.end_lineno,
        end_offset: warning.end_offset,
        text: text.split_inclusive('\n').nth(line.saturating_sub(1) as usize).map(str::to_owned),
        metadata: None,
    };
    Err(raise_syntax_error(t, &error, options))
}

/// The text in a program's bytes: UTF-8, unless a comment in the first two lines names another encoding. Errors name the file if it
/// `is_file`.
pub fn decode(t: &Thread, bytes: &[u8], filename: Value, is_file: bool) -> R<String> {
    let (bytes, has_mark) = match bytes.strip_prefix(b"\xEF\xBB\xBF") {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    let declared = declared_encoding(bytes);
    let encoding = declared.as_deref().map(normal_name);
    match encoding.as_deref() {
        Some("iso-8859-1") if !has_mark => return Ok(bytes.iter().map(|b| char::from(*b)).collect()),
        None | Some("utf-8") => {}
        Some(_) if has_mark => {
            let message = format!("encoding problem: {} with BOM", declared.unwrap_or_default());
            return Err(raise_undecodable(t, &message, filename, [1, 0], None));
        }
        Some(other) => return decode_with_codec(t, bytes, other, is_file),
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let at = error.valid_up_to();
            let line = 1 + bytes[..at].iter().filter(|b| **b == b'\n').count();
            let mut place = String::new();
            if is_file {
                place = format!(" in file {}", text::str_of(t, filename)?.to_string_lossy());
            }
            let message = format!(
                "Non-UTF-8 code starting with '\\x{:02x}'{place} on line {line}, but no encoding declared; see \
                 https://peps.python.org/pep-0263/ for details",
                bytes[at]
            );
            // The line up to there is valid.
            let start = bytes[..at].iter().rposition(|b| *b == b'\n').map_or(0, |newline| newline + 1);
            let before = String::from_utf8_lossy(&bytes[start..at]).chars().count();
            let end = bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |newline| at + newline);
            let shown = String::from_utf8_lossy(&bytes[start..end]);
            Err(raise_undecodable(t, &message, filename, [line, before + 1], Some(&shown)))
        }
    }
}

/// Raises SyntaxError at `[line, column]`, where bytes are no text.
fn raise_undecodable(t: &Thread, message: &str, filename: Value, place: [usize; 2], text: Option<&str>) -> Raised {
    let [line, column] = place.map(|n| Value::int(n as i64));
    let text = text.map_or(Value::NONE, |text| Str::new(t, text).value());
    let details = Tuple::from_slice(t, &[filename, line, column, text, line, column]);
    t.raise_with(exc::SyntaxError, &[Str::new(t, message).value(), details.value()])
}

fn decode_with_codec(t: &Thread, bytes: &[u8], encoding: &str, is_file: bool) -> R<String> {
    let (bytes, name) = (Bytes::from_slice(t, bytes)?.value(), Str::new(t, encoding).value());
    match call::call_method(t, bytes, names::decode, &[name]) {
        Ok(text) => match text.downcast::<Str>() {
            Some(s) => utf8(t, s),
            None => Err(t.raise(exc::SyntaxError, &format!("encoding problem: {encoding}"))),
        },
        Err(_) if t.exception_is(exc::LookupError) => {
            t.take_exception();
            let problem = if is_file { "encoding problem" } else { "unknown encoding" };
            Err(t.raise(exc::SyntaxError, &format!("{problem}: {encoding}")))
        }
        Err(_) if t.exception_is(exc::UnicodeDecodeError) => {
            let error = t.take_exception();
            let message = Message::default().str_of(t, error)?.finish(t)?;
            Err(t.raise_with(exc::SyntaxError, &[message.value()]))
        }
        Err(raised) => Err(raised),
    }
}

/// The encoding that a comment in the first two lines names; the second counts only if the first holds no code.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    for line in bytes.split(|b| *b == b'\n').take(2) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let start = line.iter().position(|b| !matches!(b, b' ' | b'\t' | 0x0C));
        match start {
            None => continue,
            Some(at) if line[at] == b'#' => {
                if let Some(name) = encoding_in(&line[at..]) {
                    return Some(name);
                }
            }
            Some(_) => return None,
        }
    }
    None
}

/// Looks for `coding:` or `coding=` and the name after it.
fn encoding_in(comment: &[u8]) -> Option<String> {
    let mut at = 0;
    while let Some(found) = memchr::memmem::find(&comment[at..], b"coding") {
        at += found + b"coding".len();
        if !matches!(comment.get(at), Some(b':' | b'=')) {
            continue;
        }
        let rest = &comment[at + 1..];
        let rest = &rest[rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count()..];
        let name: String = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b)).map(|b| char::from(*b)).collect();
        if !name.is_empty() {
            return Some(name);
        }
    }
    None
}

/// One name for the encodings that are decoded without a codec.
fn normal_name(name: &str) -> String {
    let short: String = name.chars().take(12).map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect();
    let is = |base: &str| short == base || short.strip_prefix(base).is_some_and(|rest| rest.starts_with('-'));
    if is("utf-8") {
        return "utf-8".into();
    }
    if ["latin-1", "iso-8859-1", "iso-latin-1"].iter().any(|base| is(base)) {
        return "iso-8859-1".into();
    }
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_found_in_the_first_two_lines() {
        assert_eq!(declared_encoding(b"# -*- coding: latin-1 -*-\n").as_deref(), Some("latin-1"));
        assert_eq!(declared_encoding(b"#!/usr/bin/python\r\n# vim: set fileencoding=utf_8 :\n").as_deref(), Some("utf_8"));
        assert_eq!(declared_encoding(b"\n#coding:a.b\n").as_deref(), Some("a.b"));
        assert_eq!(declared_encoding(b"x = 1\n# coding: ascii\n"), None);
        assert_eq!(declared_encoding(b"\n\n# coding: ascii\n"), None);
        assert_eq!(declared_encoding(b"# coding ascii\n"), None);
    }

    #[test]
    fn names_of_the_builtin_encodings_are_normalised() {
        assert_eq!(normal_name("UTF_8"), "utf-8");
        assert_eq!(normal_name("utf-8-sig"), "utf-8");
        assert_eq!(normal_name("Latin-1"), "iso-8859-1");
        assert_eq!(normal_name("iso-8859-15"), "iso-8859-15");
        assert_eq!(normal_name("cp1252"), "cp1252");
    }
}
