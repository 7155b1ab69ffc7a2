//! The format mini-language: what follows the colon in `f"{x:>10,.2f}"`, for int, float, complex and str.
//!
//! [`Spec::parse`] reads `[[fill]align][sign][z][#][0][width][grouping][.precision[grouping]][type]`, the rest of the module applies it. Text of
//! numbers is put together in ASCII on the native stack; only the padding can be wider.

use super::builder::check_width;
use super::{Str, StrBuilder, Width};
use crate::object::{R, Ref, ValueExt};
use crate::protocol::text::str_of;
use crate::thread::Thread;
use limpid_heap::Value;

mod number;

pub use number::{format_complex, format_float, format_int};

/// The separator of groups of digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Grouping {
    None,
    Comma,
    Underscore,
}

impl Grouping {
    fn symbol(self) -> Option<u8> {
        match self {
            Grouping::None => None,
            Grouping::Comma => Some(b','),
            Grouping::Underscore => Some(b'_'),
        }
    }
}

/// A format specification.
#[derive(Clone, Copy, Debug)]
struct Spec {
    fill: u32,
    align: u8,
    /// 0 if not given.
    sign: u8,
    no_negative_zero: bool,
    alternate: bool,
    width: usize,
    grouping: Grouping,
    precision: Option<usize>,
    fraction_grouping: Grouping,
    /// 0 if not given.
    kind: u32,
}

/// The `format_spec` argument of a `__format__` method.
pub fn argument(t: &Thread, v: Value) -> R<Ref<Str>> {
    match v.downcast::<Str>() {
        Some(s) => Ok(s),
        None => raise!(t, TypeError, "__format__() argument must be str, not {}", v.class().display_name()),
    }
}

fn is_align(c: u32) -> bool {
    matches!(u8::try_from(c), Ok(b'<' | b'>' | b'=' | b'^'))
}

/// A specification being read.
struct Reader {
    text: Ref<Str>,
    at: usize,
}

impl Reader {
    #[inline]
    fn peek(&self, ahead: usize) -> Option<u32> {
        (self.at + ahead < self.text.len()).then(|| self.text.char_at(self.at + ahead))
    }

    /// Takes the next character if it is this one.
    #[inline]
    fn take(&mut self, c: u8) -> bool {
        let found = self.peek(0) == Some(c as u32);
        self.at += found as usize;
        found
    }

    fn number(&mut self, t: &Thread) -> R<Option<usize>> {
        let mut n = None;
        while let Some(d) = self.peek(0).and_then(super::unicode::decimal_value) {
            n = n.unwrap_or(0usize).checked_mul(10).and_then(|n| n.checked_add(d as usize)).filter(|n| *n <= isize::MAX as usize);
            if n.is_none() {
                raise!(t, ValueError, "Too many decimal digits in format string")
            }
            self.at += 1;
        }
        Ok(n)
    }

    fn grouping(&mut self, t: &Thread) -> R<Grouping> {
        let comma = self.take(b',');
        let underscore = self.take(b'_');
        if underscore && (comma || self.peek(0) == Some(b',' as u32)) {
            raise!(t, ValueError, "Cannot specify both ',' and '_'.")
        }
        Ok(if comma {
            Grouping::Comma
        } else if underscore {
            Grouping::Underscore
        } else {
            Grouping::None
        })
    }
}

impl Spec {
    /// Reads a specification for the object `v`; `align` and `kind` are the type's defaults.
    fn parse(t: &Thread, v: Value, text: Ref<Str>, align: u8, kind: u8) -> R<Spec> {
        let mut spec = Spec {
            fill: b' ' as u32,
            align,
            sign: 0,
            no_negative_zero: false,
            alternate: false,
            width: 0,
            grouping: Grouping::None,
            precision: None,
            fraction_grouping: Grouping::None,
            kind: kind as u32,
        };
        let mut r = Reader { text, at: 0 };
        let mut aligned = true;
        let mut filled = false;
        match (r.peek(0), r.peek(1)) {
            (Some(fill), Some(align)) if is_align(align) => {
                (spec.fill, spec.align) = (fill, align as u8);
                filled = true;
                r.at = 2;
            }
            (Some(align), _) if is_align(align) => {
                spec.align = align as u8;
                r.at = 1;
            }
            _ => aligned = false,
        }
        if let Some(c @ (0x20 | 0x2B | 0x2D)) = r.peek(0) {
            spec.sign = c as u8;
            r.at += 1;
        }
        spec.no_negative_zero = r.take(b'z');
        spec.alternate = r.take(b'#');
        if !filled && r.take(b'0') {
            spec.fill = b'0' as u32;
            if !aligned && align == b'>' {
                spec.align = b'=';
            }
        }
        spec.width = r.number(t)?.unwrap_or(0);
        spec.grouping = r.grouping(t)?;
        if r.take(b'.') {
            spec.precision = r.number(t)?;
            spec.fraction_grouping = r.grouping(t)?;
            if spec.precision.is_none() && spec.fraction_grouping == Grouping::None {
                raise!(t, ValueError, "Format specifier missing precision")
            }
        }
        if r.at + 1 < text.len() {
            raise!(t, ValueError, "Invalid format specifier '{}' for object of type '{}'", text.to_string_lossy(), v.class().display_name())
        }
        if let Some(c) = r.peek(0) {
            spec.kind = c;
        }
        spec.check_grouping(t)?;
        Ok(spec)
    }

    fn check_grouping(&self, t: &Thread) -> R<()> {
        let refused = match u8::try_from(self.kind) {
            Ok(b'd' | b'e' | b'f' | b'g' | b'E' | b'G' | b'%' | b'F' | 0) => None,
            Ok(b'b' | b'o' | b'x' | b'X') if self.grouping != Grouping::Comma => None,
            Ok(b'n') => self.grouping.symbol().or(self.fraction_grouping.symbol()),
            _ => self.grouping.symbol(),
        };
        match refused {
            None => Ok(()),
            Some(g) if (33..128).contains(&self.kind) => {
                raise!(t, ValueError, "Cannot specify '{}' with '{}'.", g as char, self.kind as u8 as char)
            }
            Some(g) => raise!(t, ValueError, "Cannot specify '{}' with '\\x{:x}'.", g as char, self.kind),
        }
    }

    /// Raises ValueError for a type that the object does not have.
    #[cold]
    fn unknown_kind<T>(&self, t: &Thread, v: Value) -> R<T> {
        let class = v.class().display_name();
        if (33..128).contains(&self.kind) {
            raise!(t, ValueError, "Unknown format code '{}' for object of type '{class}'", self.kind as u8 as char)
        }
        raise!(t, ValueError, "Unknown format code '\\x{:x}' for object of type '{class}'", self.kind)
    }

    /// How many fill characters go to the left and to the right of `len` characters.
    fn padding(&self, len: usize) -> (usize, usize) {
        let total = self.width.saturating_sub(len);
        match self.align {
            b'>' => (total, 0),
            b'^' => (total / 2, total - total / 2),
            _ => (0, total),
        }
    }
}

/// Puts ASCII text between fill characters.
fn padded(t: &Thread, spec: &Spec, text: &[u8]) -> R<Ref<Str>> {
    let (left, right) = spec.padding(text.len());
    if left + right == 0 {
        return Str::from_ascii(t, text);
    }
    check_width(t, spec.width)?;
    if spec.fill < 0x80 {
        let s = Str::alloc(t, Width::Ascii, left + text.len() + right)?;
        // SAFETY: the string is new and has that many characters.
        let data = unsafe { std::slice::from_raw_parts_mut(s.data_ptr(), left + text.len() + right) };
        data[..left].fill(spec.fill as u8);
        data[left..left + text.len()].copy_from_slice(text);
        data[left + text.len()..].fill(spec.fill as u8);
        return Ok(s);
    }
    let mut out = StrBuilder::new();
    out.push_repeated(spec.fill, left);
    out.push_latin1(text);
    out.push_repeated(spec.fill, right);
    out.finish(t)
}

/// `format(s, spec)` of a str; `v` is the object itself.
pub fn format_str(t: &Thread, s: Ref<Str>, spec: Ref<Str>) -> R<Ref<Str>> {
    let v = s.value();
    if spec.is_empty() {
        return str_of(t, v);
    }
    let spec = Spec::parse(t, v, spec, b'<', b's')?;
    if spec.kind != b's' as u32 {
        return spec.unknown_kind(t, v);
    }
    let refused = match spec.sign {
        0 if spec.no_negative_zero => Some("Negative zero coercion (z) not allowed in string format specifier"),
        0 if spec.alternate => Some("Alternate form (#) not allowed in string format specifier"),
        0 if spec.align == b'=' => Some("'=' alignment not allowed in string format specifier"),
        0 => None,
        b' ' => Some("Space not allowed in string format specifier"),
        _ => Some("Sign not allowed in string format specifier"),
    };
    if let Some(text) = refused {
        raise!(t, ValueError, "{text}")
    }
    let len = spec.precision.unwrap_or(usize::MAX).min(s.len());
    let (left, right) = spec.padding(len);
    if left + right == 0 {
        return s.slice(t, 0, len);
    }
    check_width(t, spec.width)?;
    let mut out = StrBuilder::with_capacity(spec.width);
    out.push_repeated(spec.fill, left);
    out.push_slice(s, 0, len);
    out.push_repeated(spec.fill, right);
    out.finish(t)
}
