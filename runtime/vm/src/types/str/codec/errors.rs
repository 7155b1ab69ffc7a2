//! What happens to text that an encoding cannot take, and to bytes that it cannot read.
//!
//! The standard handlers are applied without making an exception object; any other is looked up in the registry and called with one.

use super::registry;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{call, number};
use crate::thread::Thread;
use crate::types::exceptions::unicode::{UnicodeError, raise_decode_error, raise_encode_error};
use crate::types::str::{StrBuilder, repr};
use crate::types::{Bytes, Str, Tuple};
use limpid_heap::Value;
use std::io::Write as _;

/// An error handler.
#[derive(Clone, Copy, Debug)]
pub enum Errors {
    /// Raise.
    Strict,
    /// Leave it out.
    Ignore,
    /// `?` or U+FFFD.
    Replace,
    /// `\xNN`, `\uNNNN`
    BackslashReplace,
    /// Bytes that are not ASCII become lone surrogates, and those bytes again.
    SurrogateEscape,
    /// Lone surrogates are encoded like other characters.
    SurrogatePass,
    /// `&#NNN;`
    XmlCharRefReplace,
    /// `\N{NAME}`
    NameReplace,
    /// What a program has registered.
    Other(Ref<Str>),
}

impl Errors {
    /// The handler with a name; None is strict.
    pub fn named(name: Option<Ref<Str>>) -> Errors {
        let Some(s) = name else { return Errors::Strict };
        match s.as_ascii() {
            Some("strict") => Errors::Strict,
            Some("ignore") => Errors::Ignore,
            Some("replace") => Errors::Replace,
            Some("backslashreplace") => Errors::BackslashReplace,
            Some("surrogateescape") => Errors::SurrogateEscape,
            Some("surrogatepass") => Errors::SurrogatePass,
            Some("xmlcharrefreplace") => Errors::XmlCharRefReplace,
            Some("namereplace") => Errors::NameReplace,
            _ => Errors::Other(s),
        }
    }
}

/// Appends what stands for a character that cannot be encoded: a reference as backslashreplace and its like make it.
pub fn push_reference(errors: Errors, c: u32, out: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _ = match errors {
        Errors::XmlCharRefReplace => write!(out, "&#{c};"),
        Errors::NameReplace => match char::from_u32(c).and_then(unicode_names2::name) {
            Some(name) => write!(out, "\\N{{{name}}}"),
            None => push_backslashed(c, out),
        },
        _ => push_backslashed(c, out),
    };
}

fn push_backslashed(c: u32, out: &mut Vec<u8>) -> std::io::Result<()> {
    match c {
        0..0x100 => write!(out, "\\x{c:02x}"),
        0x100..0x10000 => write!(out, "\\u{c:04x}"),
        _ => write!(out, "\\U{c:08x}"),
    }
}

/// Handles what an encoding cannot take.
pub struct EncodeErrors<'a> {
    /// The running thread.
    pub t: &'a Thread,
    /// The encoding's name in exceptions.
    pub encoding: &'static str,
    /// What to do.
    pub errors: Errors,
    /// The text.
    pub text: Ref<Str>,
    /// The handler and the exception of `Errors::Other`, once they are needed.
    handler: Option<(Value, Value)>,
}

/// What is encoded instead.
pub enum Replacement {
    /// ASCII text.
    Ascii(Vec<u8>),
    /// Bytes that were escaped as lone surrogates.
    Escaped(Vec<u8>),
    /// Encode the surrogates as they are.
    Pass,
    /// What a handler gave: text.
    Text(Ref<Str>),
    /// What a handler gave: bytes.
    Bytes(Ref<Bytes>),
}

impl<'a> EncodeErrors<'a> {
    /// For one conversion.
    pub fn new(t: &'a Thread, encoding: &'static str, errors: Errors, text: Ref<Str>) -> EncodeErrors<'a> {
        EncodeErrors { t, encoding, errors, text, handler: None }
    }

    /// Raises UnicodeEncodeError for characters `start..end`.
    pub fn refuse<T>(&self, start: usize, end: usize, reason: &str) -> R<T> {
        Err(raise_encode_error(self.t, self.encoding, self.text.value(), start, end, reason))
    }

    /// What to encode for the characters `start..end`, and where to go on.
    pub fn handle(&mut self, start: usize, end: usize, reason: &str) -> R<(Replacement, usize)> {
        let is_surrogate = |c: u32| (0xD800..0xE000).contains(&c);
        let chars = || (start..end).map(|i| self.text.char_at(i));
        match self.errors {
            Errors::Strict => self.refuse(start, end, reason),
            Errors::Ignore => Ok((Replacement::Ascii(Vec::new()), end)),
            Errors::Replace => Ok((Replacement::Ascii(vec![b'?'; end - start]), end)),
            Errors::BackslashReplace | Errors::XmlCharRefReplace | Errors::NameReplace => {
                let mut out = Vec::new();
                chars().for_each(|c| push_reference(self.errors, c, &mut out));
                Ok((Replacement::Ascii(out), end))
            }
            Errors::SurrogateEscape => {
                let escaped = chars().map_while(|c| (0xDC80..0xDD00).contains(&c).then(|| (c - 0xDC00) as u8)).collect::<Vec<u8>>();
                let refused = start + escaped.len();
                if refused < end { self.refuse(refused, end, reason) } else { Ok((Replacement::Escaped(escaped), end)) }
            }
            Errors::SurrogatePass if self.encoding.starts_with("utf-") && chars().all(is_surrogate) => Ok((Replacement::Pass, end)),
            Errors::SurrogatePass => self.refuse(start, end, reason),
            Errors::Other(name) => self.handle_by_registry(name, start, end, reason),
        }
    }

    fn handle_by_registry(&mut self, name: Ref<Str>, start: usize, end: usize, reason: &str) -> R<(Replacement, usize)> {
        let t = self.t;
        let (handler, exception) = match self.handler {
            Some((handler, exception)) => {
                update(t, exception, start, end, reason);
                (handler, exception)
            }
            None => {
                let handler = registry::lookup_error(t, Some(name))?;
                let _ = self.refuse::<()>(start, end, reason);
                let exception = t.take_exception();
                self.handler = Some((handler, exception));
                (handler, exception)
            }
        };
        let result = call::call(t, handler, &[exception])?;
        let pair = result.downcast::<Tuple>().filter(|p| p.len() == 2);
        let replacement = pair.and_then(|p| {
            let v = p.get(0);
            v.downcast::<Str>().map(Replacement::Text).or(v.downcast::<Bytes>().map(Replacement::Bytes))
        });
        let (Some(pair), Some(replacement)) = (pair, replacement) else {
            raise!(t, TypeError, "encoding error handler must return (str/bytes, int) tuple")
        };
        let len = self.text.len();
        Ok((replacement, position(t, pair.get(1), len)?))
    }
}

/// Makes an exception that a handler gets once more describe another place.
fn update(t: &Thread, exception: Value, start: usize, end: usize, reason: &str) {
    if let Some(e) = UnicodeError::of(exception) {
        e.set_range(t, start, end);
        e.reason.set(t, e, Str::new(t, reason).value());
    }
}

/// Where a handler wants to go on.
fn position(t: &Thread, v: Value, len: usize) -> R<usize> {
    let at = number::index_isize(t, v)?;
    let resolved = if at < 0 { at + len as isize } else { at };
    if !(0..=len as isize).contains(&resolved) {
        raise!(t, IndexError, "position {at} from error handler out of bounds")
    }
    Ok(resolved as usize)
}

/// Handles bytes that an encoding cannot read.
pub struct DecodeErrors<'a> {
    /// The running thread.
    pub t: &'a Thread,
    /// The encoding's name in exceptions.
    pub encoding: &'static str,
    /// What to do.
    pub errors: Errors,
    /// The bytes object that exceptions refer to; NULL until one is made.
    object: Value,
    handler: Option<(Value, Value)>,
}

impl<'a> DecodeErrors<'a> {
    /// For one conversion; `source` is the object the bytes came from, or NULL.
    pub fn new(t: &'a Thread, encoding: &'static str, errors: Errors, source: Value) -> DecodeErrors<'a> {
        let object = if source.exact::<Bytes>().is_some() { source } else { Value::NULL };
        DecodeErrors { t, encoding, errors, object, handler: None }
    }

    /// Raises UnicodeDecodeError for bytes `start..end`.
    pub fn refuse<T>(&mut self, input: &[u8], start: usize, end: usize, reason: &str) -> R<T> {
        if self.object.is_null() {
            self.object = Bytes::from_slice(self.t, input)?.value();
        }
        Err(raise_decode_error(self.t, self.encoding, self.object, start, end, reason))
    }

    /// Appends what stands for the bytes `start..end`; where to go on. A handler may have put other bytes in the place of the input.
    pub fn handle(&mut self, input: &mut &'a [u8], start: usize, end: usize, reason: &str, out: &mut StrBuilder) -> R<usize> {
        let bad = &input[start..end];
        match self.errors {
            Errors::Ignore => Ok(end),
            Errors::Replace => {
                out.push(0xFFFD);
                Ok(end)
            }
            Errors::BackslashReplace => {
                for b in bad {
                    repr::push_escape(out, *b as u32);
                }
                Ok(end)
            }
            Errors::SurrogateEscape if bad.first().is_some_and(|b| *b >= 0x80) => {
                let n = bad.iter().take_while(|b| **b >= 0x80).take(4).count();
                for b in &bad[..n] {
                    out.push(0xDC00 + *b as u32);
                }
                Ok(start + n)
            }
            Errors::SurrogatePass => match surrogate_at(self.encoding, &input[start..]) {
                Some((c, n)) => {
                    out.push(c);
                    Ok(start + n)
                }
                None => self.refuse(input, start, end, reason),
            },
            Errors::Other(name) => self.handle_by_registry(name, input, start, end, reason, out),
            Errors::XmlCharRefReplace | Errors::NameReplace => {
                raise!(self.t, TypeError, "don't know how to handle UnicodeDecodeError in error callback")
            }
            _ => self.refuse(input, start, end, reason),
        }
    }

    fn handle_by_registry(
        &mut self,
        name: Ref<Str>,
        input: &mut &'a [u8],
        start: usize,
        end: usize,
        reason: &str,
        out: &mut StrBuilder,
    ) -> R<usize> {
        let t = self.t;
        let (handler, exception) = match self.handler {
            Some((handler, exception)) => {
                update(t, exception, start, end, reason);
                (handler, exception)
            }
            None => {
                let handler = registry::lookup_error(t, Some(name))?;
                let _ = self.refuse::<()>(input, start, end, reason);
                let exception = t.take_exception();
                self.handler = Some((handler, exception));
                (handler, exception)
            }
        };
        let result = call::call(t, handler, &[exception])?;
        let pair = result.downcast::<Tuple>().filter(|p| p.len() == 2);
        let Some((pair, text)) = pair.and_then(|p| Some((p, p.get(0).downcast::<Str>()?))) else {
            raise!(t, TypeError, "decoding error handler must return (str, int) tuple")
        };
        if let Some(object) = UnicodeError::of(exception).and_then(|e| e.object.opt()) {
            let Some(bytes) = object.downcast::<Bytes>() else { raise!(t, TypeError, "exception attribute object must be bytes") };
            self.object = object;
            *input = bytes.contents();
        }
        let at = position(t, pair.get(1), input.len())?;
        out.push_str(text);
        Ok(at)
    }
}

/// A lone surrogate at the beginning of bytes, as the encoding would have it, and how long it is.
pub fn surrogate_at(encoding: &str, bytes: &[u8]) -> Option<(u32, usize)> {
    let (c, n) = match (encoding, bytes) {
        ("utf-8", [a @ 0xED, b, c, ..]) if b & 0xC0 == 0x80 && c & 0xC0 == 0x80 => {
            ((*a as u32 & 0x0F) << 12 | (*b as u32 & 0x3F) << 6 | (*c as u32 & 0x3F), 3)
        }
        ("utf-16" | "utf-16-le", [a, b, ..]) => (u16::from_le_bytes([*a, *b]) as u32, 2),
        ("utf-16-be", [a, b, ..]) => (u16::from_be_bytes([*a, *b]) as u32, 2),
        ("utf-32" | "utf-32-le", [a, b, c, d, ..]) => (u32::from_le_bytes([*a, *b, *c, *d]), 4),
        ("utf-32-be", [a, b, c, d, ..]) => (u32::from_be_bytes([*a, *b, *c, *d]), 4),
        _ => return None,
    };
    (0xD800..0xE000).contains(&c).then_some((c, n))
}
