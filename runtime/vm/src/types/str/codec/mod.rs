//! Encodings: text to bytes and back.
//!
//! The common encodings are written here and are reached without a look-up: UTF-8, UTF-16, UTF-32, Latin-1 and ASCII, each with all the
//! standard error handlers built in ([`errors`]). Every other encoding, and handlers that a program registers, go through the
//! [`registry`].

use crate::exc;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::call;
use crate::thread::Thread;
use crate::types::memory::get_buffer;
use crate::types::{Bytes, Str, Tuple};
use limpid_heap::Value;

pub mod charmap;
pub mod errors;
pub mod escape;
mod handlers;
pub mod latin1;
pub mod registry;
pub mod utf16;
pub mod utf32;
pub mod utf7;
pub mod utf8;

pub use errors::Errors;

/// The encodings that need no look-up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Builtin {
    Utf8,
    Utf16,
    Utf32,
    Latin1,
    Ascii,
}

impl Builtin {
    /// The encoding with this name; None for any other, though it may be an alias of one of these.
    fn named(encoding: Ref<Str>) -> Option<Builtin> {
        let name = encoding.as_ascii()?;
        if name == "utf-8" {
            return Some(Builtin::Utf8);
        }
        let mut buffer = [0u8; 12];
        let lower = buffer.get_mut(..name.len())?;
        for (to, from) in lower.iter_mut().zip(name.bytes()) {
            *to = if from == b'-' { b'_' } else { from.to_ascii_lowercase() };
        }
        match &*lower {
            b"utf_8" | b"utf8" => Some(Builtin::Utf8),
            b"utf_16" => Some(Builtin::Utf16),
            b"utf_32" => Some(Builtin::Utf32),
            b"latin_1" | b"latin1" | b"iso_8859_1" | b"iso8859_1" => Some(Builtin::Latin1),
            b"ascii" | b"us_ascii" => Some(Builtin::Ascii),
            _ => None,
        }
    }
}

/// The arguments `encoding` and `errors`; None: the default.
pub type Arguments = (Option<Ref<Str>>, Option<Ref<Str>>);

/// The arguments `encoding` and `errors` of a function, where NULL is the default.
pub fn arguments(t: &Thread, function: &str, encoding: Value, errors: Value) -> R<Arguments> {
    let text = |v: Value, name: &str| -> R<Option<Ref<Str>>> {
        if v.is_null() {
            return Ok(None);
        }
        let Some(s) = v.downcast::<Str>() else {
            raise!(t, TypeError, "{function}() argument '{name}' must be str, not {}", v.class().display_name())
        };
        let has_null = match s.as_ascii() {
            Some(text) => memchr::memchr(0, text.as_bytes()).is_some(),
            None => s.code_points().any(|c| c == 0),
        };
        if has_null {
            raise!(t, ValueError, "embedded null character")
        }
        Ok(Some(s))
    };
    Ok((text(encoding, "encoding")?, text(errors, "errors")?))
}

/// `s.encode(encoding, errors)`, before the check that the result is bytes.
pub fn encode(t: &Thread, s: Ref<Str>, encoding: Option<Ref<Str>>, errors: Option<Ref<Str>>) -> R {
    let builtin = encoding.map_or(Some(Builtin::Utf8), Builtin::named);
    let bytes = match builtin {
        Some(Builtin::Utf8) => utf8::encode(t, s, Errors::named(errors))?,
        Some(Builtin::Utf16) => utf16::encode(t, s, Errors::named(errors), utf16::Order::WithMark)?,
        Some(Builtin::Utf32) => utf32::encode(t, s, Errors::named(errors), utf16::Order::WithMark)?,
        Some(Builtin::Latin1) => latin1::encode(t, s, Errors::named(errors), latin1::LATIN1)?,
        Some(Builtin::Ascii) => latin1::encode(t, s, Errors::named(errors), latin1::ASCII)?,
        None => return encode_by_registry(t, s.value(), encoding, errors),
    };
    Ok(bytes.value())
}

/// `codecs.encode` of any object.
pub fn encode_by_registry(t: &Thread, v: Value, encoding: Option<Ref<Str>>, errors: Option<Ref<Str>>) -> R {
    convert(t, v, encoding, errors, 0, "encoder", "encoding")
}

/// `codecs.decode` of any object.
pub fn decode_by_registry(t: &Thread, v: Value, encoding: Option<Ref<Str>>, errors: Option<Ref<Str>>) -> R {
    convert(t, v, encoding, errors, 1, "decoder", "decoding")
}

/// Calls the function at an index of the codec's tuple.
fn convert(t: &Thread, v: Value, encoding: Option<Ref<Str>>, errors: Option<Ref<Str>>, which: usize, role: &str, action: &str) -> R {
    let encoding = encoding.unwrap_or_else(|| Str::new(t, "utf-8"));
    let codec = registry::lookup(t, encoding)?;
    let function = codec.get(which);
    let result = match errors {
        Some(errors) => call::call(t, function, &[v, errors.value()]),
        None => call::call(t, function, &[v]),
    };
    let result = match result {
        Ok(result) => result,
        Err(raised) => {
            registry::add_note(t, action, encoding)?;
            return Err(raised);
        }
    };
    match result.downcast::<Tuple>() {
        Some(pair) if pair.len() == 2 => Ok(pair.get(0)),
        _ => raise!(t, TypeError, "{role} must return a tuple (object, integer)"),
    }
}

/// `bytes.decode(encoding, errors)` of a bytes-like object, before the check that the result is a str.
pub fn decode_value(t: &Thread, v: Value, encoding: Option<Ref<Str>>, errors: Option<Ref<Str>>) -> R {
    let Some(builtin) = encoding.map_or(Some(Builtin::Utf8), Builtin::named) else {
        return decode_text_by_registry(t, v, encoding, errors);
    };
    let buffer = get_buffer(t, v)?;
    let errors = Errors::named(errors);
    let bytes = buffer.as_slice();
    let s = match builtin {
        Builtin::Utf8 => utf8::decode(t, bytes, v, errors, true)?.0,
        Builtin::Utf16 => utf16::decode(t, bytes, v, errors, utf16::Order::ByMark, true)?.0,
        Builtin::Utf32 => utf32::decode(t, bytes, v, errors, utf16::Order::ByMark, true)?.0,
        Builtin::Latin1 => Str::from_latin1(t, bytes)?,
        Builtin::Ascii => latin1::decode_ascii(t, bytes, v, errors)?,
    };
    Ok(s.value())
}

fn decode_text_by_registry(t: &Thread, v: Value, encoding: Option<Ref<Str>>, errors: Option<Ref<Str>>) -> R {
    let name = encoding.unwrap_or_else(|| Str::new(t, "utf-8"));
    let codec = registry::lookup(t, name)?;
    if !registry::is_text_encoding(t, codec)? {
        raise!(t, LookupError, "'{}' is not a text encoding; use codecs.decode() to handle arbitrary codecs", name.to_string_lossy())
    }
    // Codecs of the library want something that has a buffer, and error handlers want bytes.
    decode_by_registry(t, v, encoding, errors)
}

/// As [`encode_by_registry`], for text encodings only: what `str.encode` allows.
pub fn check_text_encoding(t: &Thread, encoding: Option<Ref<Str>>) -> R<()> {
    let Some(name) = encoding else { return Ok(()) };
    if Builtin::named(name).is_some() {
        return Ok(());
    }
    let codec = registry::lookup(t, name)?;
    if registry::is_text_encoding(t, codec)? {
        return Ok(());
    }
    raise!(t, LookupError, "'{}' is not a text encoding; use codecs.encode() to handle arbitrary codecs", name.to_string_lossy())
}

/// The bytes that `str.encode` returns.
pub fn checked_bytes(t: &Thread, v: Value, encoding: Option<Ref<Str>>) -> R {
    if v.downcast::<Bytes>().is_some() {
        return Ok(v);
    }
    let name = encoding.map_or("utf-8".into(), |s| s.to_string_lossy().into_owned());
    if let Some(array) = v.downcast::<crate::types::Bytearray>() {
        let text = format!("encoder {name} returned bytearray instead of bytes; use codecs.encode() to encode to arbitrary types");
        crate::modules::warnings::warn(t, exc::RuntimeWarning, &text, 1)?;
        return Ok(Bytes::from_slice(t, array.contents())?.value());
    }
    raise!(
        t,
        TypeError,
        "'{name}' encoder returned '{}' instead of 'bytes'; use codecs.encode() to encode to arbitrary types",
        v.class().display_name()
    )
}

/// The str that `bytes.decode` returns.
pub fn checked_str(t: &Thread, v: Value, encoding: Option<Ref<Str>>) -> R {
    if v.downcast::<Str>().is_some() {
        return Ok(v);
    }
    let name = encoding.map_or("utf-8".into(), |s| s.to_string_lossy().into_owned());
    raise!(
        t,
        TypeError,
        "'{name}' decoder returned '{}' instead of 'str'; use codecs.decode() to decode to arbitrary types",
        v.class().display_name()
    )
}

/// The text as UTF-8 with lone surrogates `U+DC80..U+DCFF` as the bytes they stand for: file names and the like.
pub fn to_filesystem(t: &Thread, s: Ref<Str>) -> R<Ref<Bytes>> {
    utf8::encode(t, s, Errors::SurrogateEscape)
}

/// The inverse of [`to_filesystem`].
pub fn from_filesystem(t: &Thread, bytes: &[u8]) -> R<Ref<Str>> {
    Ok(utf8::decode(t, bytes, Value::NULL, Errors::SurrogateEscape, true)?.0)
}
