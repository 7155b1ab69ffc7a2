//! The standard error handlers as functions that get an exception: what `codecs.lookup_error("replace")` gives.

use super::errors::{Errors, push_reference, surrogate_at};
use crate::args::FnDef;
use crate::exc;
use crate::object::{R, Ref, ValueExt};
use crate::thread::Thread;
use crate::types::exceptions::unicode::UnicodeError;
use crate::types::str::StrBuilder;
use crate::types::str::codec::{registry, utf8};
use crate::types::{Bytes, Str, Tuple, int};
use limpid_heap::Value;

static STRICT: FnDef = FnDef::def("strict_errors", "exception, /", strict)
    .doc("Implements the 'strict' error handling, which raises a UnicodeError on coding errors.");
static IGNORE: FnDef = FnDef::def("ignore_errors", "exception, /", ignore)
    .doc("Implements the 'ignore' error handling, which ignores malformed data and continues.");
static REPLACE: FnDef = FnDef::def("replace_errors", "exception, /", replace)
    .doc("Implements the 'replace' error handling, which replaces malformed data with a replacement marker.");
static XML: FnDef = FnDef::def("xmlcharrefreplace_errors", "exception, /", |t, a| references(t, a[0], Errors::XmlCharRefReplace)).doc(
    "Implements the 'xmlcharrefreplace' error handling, which replaces an unencodable character with the appropriate XML character reference.",
);
static BACKSLASH: FnDef = FnDef::def("backslashreplace_errors", "exception, /", backslash_replace)
    .doc("Implements the 'backslashreplace' error handling, which replaces malformed data with a backslashed escape sequence.");
static NAME: FnDef = FnDef::def("namereplace_errors", "exception, /", |t, a| references(t, a[0], Errors::NameReplace))
    .doc("Implements the 'namereplace' error handling, which replaces an unencodable character with a \\N{...} escape sequence.");
static PASS: FnDef = FnDef::def("surrogatepass", "exception, /", surrogate_pass);
static ESCAPE: FnDef = FnDef::def("surrogateescape", "exception, /", surrogate_escape);

/// The handlers by name.
pub(super) static HANDLERS: &[(&str, &FnDef)] = &[
    ("strict", &STRICT),
    ("ignore", &IGNORE),
    ("replace", &REPLACE),
    ("xmlcharrefreplace", &XML),
    ("backslashreplace", &BACKSLASH),
    ("namereplace", &NAME),
    ("surrogatepass", &PASS),
    ("surrogateescape", &ESCAPE),
];

/// What an exception complains about.
enum Complaint {
    Encode(Ref<UnicodeError>, Ref<Str>),
    Decode(Ref<UnicodeError>, Ref<Bytes>),
    Translate(Ref<UnicodeError>, Ref<Str>),
}

impl Complaint {
    fn of(t: &Thread, v: Value) -> R<Complaint> {
        let Some(e) = UnicodeError::of(v) else {
            raise!(t, TypeError, "don't know how to handle {} in error callback", v.class().display_name())
        };
        let object = e.object.get();
        let text = || match object.downcast::<Str>() {
            Some(s) => Ok(s),
            None => Err(err!(t, TypeError, "object attribute must be unicode")),
        };
        if v.is_instance(exc::UnicodeDecodeError) {
            return match object.downcast::<Bytes>() {
                Some(bytes) => Ok(Complaint::Decode(e, bytes)),
                None => raise!(t, TypeError, "object attribute must be bytes"),
            };
        }
        Ok(if v.is_instance(exc::UnicodeEncodeError) { Complaint::Encode(e, text()?) } else { Complaint::Translate(e, text()?) })
    }

    fn range(&self) -> (usize, usize) {
        let (Complaint::Encode(e, _) | Complaint::Decode(e, _) | Complaint::Translate(e, _)) = self;
        let start = e.clipped_start();
        (start, e.clipped_end().max(start))
    }

    /// The characters in question.
    fn chars(&self) -> Vec<u32> {
        let (start, end) = self.range();
        match self {
            Complaint::Decode(_, bytes) => bytes.contents()[start..end].iter().map(|b| *b as u32).collect(),
            Complaint::Encode(_, s) | Complaint::Translate(_, s) => (start..end).map(|i| s.char_at(i)).collect(),
        }
    }
}

/// `(replacement, position)`
fn answer(t: &Thread, replacement: Value, position: usize) -> Value {
    Tuple::from_slice(t, &[replacement, int::from_usize(t, position)]).value()
}

fn strict(t: &Thread, a: &[Value]) -> R {
    if !a[0].is_instance(exc::BaseException) {
        raise!(t, TypeError, "codec must pass exception instance")
    }
    Err(t.raise_value(a[0]))
}

fn ignore(t: &Thread, a: &[Value]) -> R {
    let (_, end) = Complaint::of(t, a[0])?.range();
    Ok(answer(t, crate::names::empty, end))
}

fn replace(t: &Thread, a: &[Value]) -> R {
    let complaint = Complaint::of(t, a[0])?;
    let (start, end) = complaint.range();
    let mut out = StrBuilder::new();
    match complaint {
        Complaint::Encode(..) => out.push_repeated('?' as u32, end - start),
        Complaint::Decode(..) => out.push(0xFFFD),
        Complaint::Translate(..) => out.push_repeated(0xFFFD, end - start),
    }
    Ok(answer(t, out.finish(t)?.value(), end))
}

fn references(t: &Thread, v: Value, errors: Errors) -> R {
    let complaint = Complaint::of(t, v)?;
    if !matches!(complaint, Complaint::Encode(..)) {
        raise!(t, TypeError, "don't know how to handle {} in error callback", v.class().display_name())
    }
    let mut out = Vec::new();
    complaint.chars().iter().for_each(|c| push_reference(errors, *c, &mut out));
    Ok(answer(t, Str::from_ascii(t, &out)?.value(), complaint.range().1))
}

fn backslash_replace(t: &Thread, a: &[Value]) -> R {
    let complaint = Complaint::of(t, a[0])?;
    let mut out = Vec::new();
    complaint.chars().iter().for_each(|c| push_reference(Errors::BackslashReplace, *c, &mut out));
    Ok(answer(t, Str::from_ascii(t, &out)?.value(), complaint.range().1))
}

/// The encoding an exception names, as the surrogate handlers know it.
fn standard_encoding(e: Ref<UnicodeError>) -> Option<&'static str> {
    let name = registry::normalized(&e.encoding.get().downcast::<Str>()?.to_string_lossy());
    Some(match name.as_str() {
        "utf_8" | "utf8" => "utf-8",
        "utf_16" | "utf16" | "utf_16_le" | "utf_16le" | "utf16_le" | "utf16le" => "utf-16-le",
        "utf_16_be" | "utf_16be" | "utf16_be" | "utf16be" => "utf-16-be",
        "utf_32" | "utf32" | "utf_32_le" | "utf_32le" | "utf32_le" | "utf32le" => "utf-32-le",
        "utf_32_be" | "utf_32be" | "utf32_be" | "utf32be" => "utf-32-be",
        _ => return None,
    })
}

fn surrogate_pass(t: &Thread, a: &[Value]) -> R {
    let complaint = Complaint::of(t, a[0])?;
    let (start, end) = complaint.range();
    match &complaint {
        Complaint::Encode(e, _) => {
            let Some(encoding) = standard_encoding(*e) else { return Err(t.raise_value(a[0])) };
            let mut out = Vec::new();
            for c in complaint.chars() {
                if !(0xD800..0xE000).contains(&c) {
                    return Err(t.raise_value(a[0]));
                }
                match encoding {
                    "utf-8" => utf8::push_char(&mut out, c),
                    "utf-16-le" => out.extend_from_slice(&(c as u16).to_le_bytes()),
                    "utf-16-be" => out.extend_from_slice(&(c as u16).to_be_bytes()),
                    "utf-32-le" => out.extend_from_slice(&c.to_le_bytes()),
                    _ => out.extend_from_slice(&c.to_be_bytes()),
                }
            }
            Ok(answer(t, Bytes::from_slice(t, &out)?.value(), end))
        }
        Complaint::Decode(e, bytes) => {
            match standard_encoding(*e).and_then(|encoding| surrogate_at(encoding, &bytes.contents()[start..])) {
                Some((c, n)) => Ok(answer(t, Str::from_char(t, c)?.value(), start + n)),
                None => Err(t.raise_value(a[0])),
            }
        }
        Complaint::Translate(..) => {
            raise!(t, TypeError, "don't know how to handle {} in error callback", a[0].class().display_name())
        }
    }
}

fn surrogate_escape(t: &Thread, a: &[Value]) -> R {
    let complaint = Complaint::of(t, a[0])?;
    let (start, end) = complaint.range();
    let chars = complaint.chars();
    match complaint {
        Complaint::Encode(..) => {
            if !chars.iter().all(|c| (0xDC80..0xDD00).contains(c)) {
                return Err(t.raise_value(a[0]));
            }
            let bytes: Vec<u8> = chars.iter().map(|c| (c - 0xDC00) as u8).collect();
            Ok(answer(t, Bytes::from_slice(t, &bytes)?.value(), end))
        }
        Complaint::Decode(..) => {
            let escaped: Vec<u32> = chars.iter().take(4).take_while(|c| **c >= 0x80).map(|c| 0xDC00 + c).collect();
            if escaped.is_empty() {
                return Err(t.raise_value(a[0]));
            }
            Ok(answer(t, Str::from_ucs4(t, &escaped)?.value(), start + escaped.len()))
        }
        Complaint::Translate(..) => {
            raise!(t, TypeError, "don't know how to handle {} in error callback", a[0].class().display_name())
        }
    }
}
