//! `%` formatting of str and bytes.
//!
//! One reader of the directives for both; what a conversion gives is text for str and bytes for bytes.

use super::builder::check_width;
use super::{AsciiText, Str, StrBuilder};
use crate::exc;
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::attr::lookup_special;
use crate::protocol::{call, number, sequence, text};
use crate::thread::Thread;
use crate::types::dict::full_name;
use crate::types::float::text::{FloatStyle, Form, write_float};
use crate::types::memory::{get_buffer_opt, has_buffer};
use crate::types::{Bytearray, Bytes, Tuple, builtin, flag, int};
use limpid_heap::Value;

/// One directive, `%` and what follows it.
#[derive(Clone, Copy, Default)]
struct Directive {
    left: bool,
    plus: bool,
    blank: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    kind: u32,
    /// Where the kind is in the format.
    at: usize,
}

/// The values to format: those of a tuple in order, those of a mapping by name, or one.
struct Arguments {
    /// The tuple or the one value; after a name, the value of that name.
    args: Value,
    /// Are the items of `args` the values?
    tuple: bool,
    next: usize,
    /// The mapping, or NULL.
    mapping: Value,
}

impl Arguments {
    fn new(args: Value, of_bytes: bool) -> Arguments {
        let class = args.class();
        let mapping = class.slots().getitem.is_some()
            && !class.has(flag::TUPLE_SUBCLASS)
            && !class.has(flag::STR_SUBCLASS)
            && !(of_bytes && (class.has(flag::BYTES_SUBCLASS) || args.is_instance(builtin::BYTEARRAY)));
        Arguments { args, tuple: class.has(flag::TUPLE_SUBCLASS), next: 0, mapping: if mapping { args } else { Value::NULL } }
    }

    /// How many values there are.
    fn count(&self) -> usize {
        if self.tuple { self.items().map_or(0, |t| t.len()) } else { 1 }
    }

    fn items(&self) -> Option<Ref<Tuple>> {
        self.args.downcast::<Tuple>()
    }

    fn take(&mut self, t: &Thread) -> R {
        if self.next >= self.count() {
            raise!(t, TypeError, "not enough arguments for format string")
        }
        self.next += 1;
        Ok(match self.items() {
            Some(items) if self.tuple => items.get(self.next - 1),
            _ => self.args,
        })
    }

    /// Goes on with the value that the mapping has for a key.
    fn select(&mut self, t: &Thread, key: Value) -> R<()> {
        self.args = sequence::get_item(t, self.mapping, key)?;
        (self.tuple, self.next) = (false, 0);
        Ok(())
    }

    /// Raises TypeError when values are left.
    fn finish(&self, t: &Thread, of_bytes: bool) -> R<()> {
        if self.next < self.count() && self.mapping.is_null() {
            let what = if of_bytes { "bytes" } else { "string" };
            raise!(t, TypeError, "not all arguments converted during {what} formatting")
        }
        Ok(())
    }
}

/// A format, character by character.
trait Format {
    fn len(&self) -> usize;
    fn at(&self, i: usize) -> u32;
    /// The key `start..end` of a mapping.
    fn key(&self, t: &Thread, start: usize, end: usize) -> R;
}

struct StrFormat(Ref<Str>);

impl Format for StrFormat {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn at(&self, i: usize) -> u32 {
        self.0.char_at(i)
    }
    fn key(&self, t: &Thread, start: usize, end: usize) -> R {
        Ok(self.0.slice(t, start, end)?.value())
    }
}

struct BytesFormat<'a>(&'a [u8]);

impl Format for BytesFormat<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn at(&self, i: usize) -> u32 {
        self.0[i] as u32
    }
    fn key(&self, t: &Thread, start: usize, end: usize) -> R {
        Ok(Bytes::from_slice(t, &self.0[start..end])?.value())
    }
}

/// Reads the directive whose `%` is at `at - 1`, its key included.
fn read<F: Format>(t: &Thread, f: &F, at: &mut usize, args: &mut Arguments) -> R<Directive> {
    let mut d = Directive::default();
    if *at < f.len() && matches!(f.at(*at), 0x61..=0x67 | 0x69 | 0x6F..=0x7A) {
        // A letter and nothing else, as most are. (Not `h` and `l`, which stand in front of others.)
        (d.kind, d.at) = (f.at(*at), *at);
        *at += 1;
        return Ok(d);
    }
    let peek = |at: usize| if at < f.len() { Ok(f.at(at)) } else { Err(()) };
    let incomplete = || err!(t, ValueError, "incomplete format");
    if peek(*at) == Ok('(' as u32) {
        if args.mapping.is_null() {
            raise!(t, TypeError, "format requires a mapping")
        }
        let start = *at + 1;
        let mut depth = 1;
        *at = start;
        while depth > 0 {
            match peek(*at) {
                Err(()) => raise!(t, ValueError, "incomplete format key"),
                Ok(0x28) => depth += 1,
                Ok(0x29) => depth -= 1,
                Ok(_) => {}
            }
            *at += 1;
        }
        let key = f.key(t, start, *at - 1)?;
        args.select(t, key)?;
    }
    loop {
        match char::from_u32(peek(*at).map_err(|()| incomplete())?) {
            Some('-') => d.left = true,
            Some('+') => d.plus = true,
            Some(' ') => d.blank = true,
            Some('#') => d.alternate = true,
            Some('0') => d.zero = true,
            _ => break,
        }
        *at += 1;
    }
    let number = |at: &mut usize, args: &mut Arguments, what: &str| -> R<Option<isize>> {
        if peek(*at) == Ok('*' as u32) {
            *at += 1;
            let v = args.take(t)?;
            if !int::is_int(v) {
                raise!(t, TypeError, "* wants int")
            }
            return int::to_isize(t, v).map(Some);
        }
        let mut n = None;
        while let Ok(c @ 0x30..=0x39) = peek(*at) {
            n = n.unwrap_or(0isize).checked_mul(10).and_then(|n| n.checked_add(c as isize - 0x30));
            if n.is_none() {
                raise!(t, ValueError, "{what} too big")
            }
            *at += 1;
        }
        Ok(n)
    };
    if let Some(width) = number(at, args, "width")? {
        d.left |= width < 0;
        d.width = width.unsigned_abs();
    }
    if peek(*at) == Ok('.' as u32) {
        *at += 1;
        let precision = number(at, args, "precision")?.unwrap_or(0).max(0) as usize;
        if precision > i32::MAX as usize {
            raise!(t, ValueError, "precision too big")
        }
        d.precision = Some(precision);
    }
    if let Ok(0x68 | 0x6C | 0x4C) = peek(*at) {
        *at += 1;
    }
    d.kind = peek(*at).map_err(|()| incomplete())?;
    d.at = *at;
    *at += 1;
    Ok(d)
}

fn unsupported<T>(t: &Thread, d: &Directive) -> R<T> {
    let shown = match char::from_u32(d.kind) {
        Some(c) if (0x20..0x7F).contains(&d.kind) => c,
        _ => '?',
    };
    raise!(t, ValueError, "unsupported format character '{shown}' (0x{:x}) at index {}", d.kind, d.at)
}

/// A number as text: sign, prefix and digits, for padding between them.
struct NumberText {
    text: AsciiText,
    /// How many characters of it are sign and prefix.
    front: usize,
}

/// Converts a number; None when the directive is not for numbers.
fn number_text(t: &Thread, d: &Directive, v: Value, of_bytes: bool) -> R<Option<NumberText>> {
    let kind = u8::try_from(d.kind).unwrap_or(0);
    let mut text = AsciiText::new();
    match kind {
        b'd' | b'i' | b'u' | b'o' | b'x' | b'X' => int_text(t, d, kind, v, &mut text)?,
        b'e' | b'E' | b'f' | b'F' | b'g' | b'G' => {
            let f = match number::as_float(t, v) {
                Ok(f) => f,
                Err(raised) if of_bytes && t.exception_is(exc::TypeError) => {
                    let _ = raised;
                    t.take_exception();
                    raise!(t, TypeError, "float argument required, not {}", v.class().display_name())
                }
                Err(raised) => return Err(raised),
            };
            let form = match kind.to_ascii_lowercase() {
                b'e' => Form::Exponent,
                b'f' => Form::Fixed,
                _ => Form::General,
            };
            let style = FloatStyle {
                form,
                precision: d.precision.unwrap_or(6),
                alternate: d.alternate,
                dot_zero: false,
                upper: kind.is_ascii_uppercase(),
            };
            write_float(&mut text, f, style);
        }
        _ => return Ok(None),
    }
    if text.first() != Some(&b'-') {
        if d.plus {
            text.insert(0, b'+');
        } else if d.blank {
            text.insert(0, b' ');
        }
    }
    let sign = matches!(text.first(), Some(b'-' | b'+' | b' ')) as usize;
    let prefix = if matches!(kind, b'o' | b'x' | b'X') && d.alternate { 2 } else { 0 };
    Ok(Some(NumberText { text, front: sign + prefix }))
}

fn int_text(t: &Thread, d: &Directive, kind: u8, v: Value, out: &mut AsciiText) -> R<()> {
    let decimal = matches!(kind, b'd' | b'i' | b'u');
    let i = if int::is_int(v) {
        v
    } else {
        let slots = v.class().slots();
        let converted = if decimal && (slots.int.is_some() || slots.index.is_some()) {
            number::to_int(t, v)
        } else if !decimal && slots.index.is_some() {
            number::index(t, v)
        } else {
            let wanted = if decimal { "a real number" } else { "an integer" };
            raise!(t, TypeError, "%{} format: {wanted} is required, not {}", kind as char, v.class().display_name())
        };
        converted?
    };
    let base = match kind {
        b'o' => 8,
        b'x' | b'X' => 16,
        _ => 10,
    };
    let mut digits = AsciiText::new();
    int::text::write_radix(t, i, base, &mut digits)?;
    let negative = digits.first() == Some(&b'-');
    if negative {
        out.push(b'-');
    }
    if d.alternate {
        match kind {
            b'o' => out.extend_from_slice(b"0o"),
            b'x' => out.extend_from_slice(b"0x"),
            b'X' => out.extend_from_slice(b"0X"),
            _ => {}
        }
    }
    let digits = &mut digits[negative as usize..];
    if kind == b'X' {
        digits.make_ascii_uppercase();
    }
    let precision = d.precision.unwrap_or(0);
    out.resize(out.len() + precision.saturating_sub(digits.len()), b'0');
    out.extend_from_slice(digits);
    Ok(())
}

/// How the pieces of a result are put in place.
trait Output {
    fn fill(&mut self, c: u8, n: usize);
    fn ascii(&mut self, text: &[u8]);
}

impl Output for StrBuilder {
    fn fill(&mut self, c: u8, n: usize) {
        self.push_repeated(c as u32, n);
    }
    fn ascii(&mut self, text: &[u8]) {
        self.push_latin1(text);
    }
}

impl Output for Vec<u8> {
    fn fill(&mut self, c: u8, n: usize) {
        self.resize(self.len() + n, c);
    }
    fn ascii(&mut self, text: &[u8]) {
        self.extend_from_slice(text);
    }
}

fn push_number(out: &mut impl Output, d: &Directive, n: &NumberText) {
    let missing = d.width.saturating_sub(n.text.len());
    if d.left {
        out.ascii(&n.text);
        return out.fill(b' ', missing);
    }
    if d.zero {
        out.ascii(&n.text[..n.front]);
        out.fill(b'0', missing);
        return out.ascii(&n.text[n.front..]);
    }
    out.fill(b' ', missing);
    out.ascii(&n.text);
}

/// `format % args` of a str.
pub fn format_str(t: &Thread, format: Ref<Str>, args: Value) -> R<Ref<Str>> {
    let mut out = StrBuilder::with_capacity(format.len() + 32);
    let mut arguments = Arguments::new(args, false);
    let f = StrFormat(format);
    let (mut at, mut copied) = (0, 0);
    while let Some(percent) = format.find_char(b'%', at) {
        out.push_slice(format, copied, percent);
        at = percent + 1;
        let d = read(t, &f, &mut at, &mut arguments)?;
        copied = at;
        if d.kind == '%' as u32 {
            out.push('%' as u32);
        } else {
            convert_str(t, &d, &mut arguments, &mut out)?;
        }
    }
    out.push_slice(format, copied, f.len());
    arguments.finish(t, false)?;
    out.finish(t)
}

fn convert_str(t: &Thread, d: &Directive, arguments: &mut Arguments, out: &mut StrBuilder) -> R<()> {
    let v = arguments.take(t)?;
    check_width(t, d.width)?;
    let s = match char::from_u32(d.kind) {
        Some('s') => text::str_of(t, v)?,
        Some('r') => text::repr(t, v)?,
        Some('a') => text::ascii(t, v)?,
        Some('c') => {
            let c = char_argument(t, v)?;
            let missing = d.width.saturating_sub(1);
            if !d.left {
                out.push_repeated(' ' as u32, missing);
            }
            out.push(c);
            if d.left {
                out.push_repeated(' ' as u32, missing);
            }
            return Ok(());
        }
        _ => {
            return match number_text(t, d, v, false)? {
                Some(n) => {
                    push_number(out, d, &n);
                    Ok(())
                }
                None => unsupported(t, d),
            };
        }
    };
    let len = d.precision.unwrap_or(usize::MAX).min(s.len());
    let missing = d.width.saturating_sub(len);
    if !d.left {
        out.push_repeated(' ' as u32, missing);
    }
    out.push_slice(s, 0, len);
    if d.left {
        out.push_repeated(' ' as u32, missing);
    }
    Ok(())
}

/// The character of `%c`: a str of one, or a number.
fn char_argument(t: &Thread, v: Value) -> R<u32> {
    if let Some(s) = v.downcast::<Str>() {
        if s.len() == 1 {
            return Ok(s.char_at(0));
        }
        raise!(t, TypeError, "%c requires an int or a unicode character, not a string of length {}", s.len())
    }
    if !number::is_index(v) {
        raise!(t, TypeError, "%c requires an int or a unicode character, not {}", full_name(v.class()))
    }
    match int::as_i64_opt(number::index(t, v)?) {
        Some(c @ 0..0x110000) => Ok(c as u32),
        _ => raise!(t, OverflowError, "%c arg not in range(0x110000)"),
    }
}

/// `format % args` of bytes or a bytearray.
pub fn format_bytes(t: &Thread, format: &[u8], args: Value) -> R<Vec<u8>> {
    let mut out = Vec::with_capacity(format.len() + 32);
    let mut arguments = Arguments::new(args, true);
    let f = BytesFormat(format);
    let mut at = 0;
    while at < format.len() {
        let n = memchr::memchr(b'%', &format[at..]).unwrap_or(format.len() - at);
        out.extend_from_slice(&format[at..at + n]);
        at += n + 1;
        if at > format.len() {
            break;
        }
        let d = read(t, &f, &mut at, &mut arguments)?;
        if d.kind == '%' as u32 {
            out.push(b'%');
        } else {
            convert_bytes(t, &d, &mut arguments, &mut out)?;
        }
    }
    arguments.finish(t, true)?;
    Ok(out)
}

fn convert_bytes(t: &Thread, d: &Directive, arguments: &mut Arguments, out: &mut Vec<u8>) -> R<()> {
    let v = arguments.take(t)?;
    check_width(t, d.width)?;
    let made = match char::from_u32(d.kind) {
        Some('s' | 'b') => bytes_argument(t, v)?,
        Some('r' | 'a') => text::ascii(t, v)?.raw_bytes().to_vec(),
        Some('c') => vec![byte_argument(t, v)?],
        _ => {
            return match number_text(t, d, v, true)? {
                Some(n) => {
                    push_number(out, d, &n);
                    Ok(())
                }
                None => unsupported(t, d),
            };
        }
    };
    // A precision cuts everything but single characters.
    let len = if d.kind == 'c' as u32 { 1 } else { d.precision.unwrap_or(usize::MAX).min(made.len()) };
    let missing = d.width.saturating_sub(len);
    if !d.left {
        Output::fill(out, b' ', missing);
    }
    out.extend_from_slice(&made[..len]);
    if d.left {
        Output::fill(out, b' ', missing);
    }
    Ok(())
}

/// The bytes of `%b`.
fn bytes_argument(t: &Thread, v: Value) -> R<Vec<u8>> {
    if let Some(bytes) = v.exact::<Bytes>() {
        return Ok(bytes.as_slice().to_vec());
    }
    if let Some(array) = v.exact::<Bytearray>() {
        return Ok(array.contents().to_vec());
    }
    if let Some(method) = lookup_special(t, v, names::__bytes__)? {
        let made = call::call(t, method, &[])?;
        return match made.downcast::<Bytes>() {
            Some(bytes) => Ok(bytes.as_slice().to_vec()),
            None => raise!(t, TypeError, "__bytes__ returned non-bytes (type {})", made.class().display_name()),
        };
    }
    if has_buffer(v)
        && let Some(buffer) = get_buffer_opt(t, v)?
    {
        return Ok(buffer.to_contiguous().into_owned());
    }
    raise!(t, TypeError, "%b requires a bytes-like object, or an object that implements __bytes__, not '{}'", v.class().display_name())
}

/// The byte of `%c`.
fn byte_argument(t: &Thread, v: Value) -> R<u8> {
    let single = if let Some(b) = v.downcast::<Bytes>() {
        Some(("bytes", b.contents()))
    } else {
        v.downcast::<Bytearray>().map(|b| ("bytearray", b.contents()))
    };
    match single {
        Some((_, [b])) => return Ok(*b),
        Some((name, more)) => {
            raise!(t, TypeError, "%c requires an integer in range(256) or a single byte, not a {name} object of length {}", more.len())
        }
        None => {}
    }
    if !number::is_index(v) {
        raise!(t, TypeError, "%c requires an integer in range(256) or a single byte, not {}", full_name(v.class()))
    }
    match int::as_i64_opt(number::index(t, v)?) {
        Some(b @ 0..256) => Ok(b as u8),
        _ => raise!(t, OverflowError, "%c arg not in range(256)"),
    }
}
