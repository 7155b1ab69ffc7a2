//! The scanner: JSON text to objects.

use super::text::{Char, Piece, Text};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, GetSet, Signature, receiver};
use limpid_vm::object::{R, Raised, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, call, number, truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::str::Chars;
use limpid_vm::types::{Dict, List, Str, Tuple, TypeDef, ValueList, builtin, float, int};
use limpid_vm::{exc, layout, raise};

/// The layout. NULL in a field of a function is the plain conversion.
#[repr(C)]
pub struct Scanner {
    header: Header,
    strict: Slot,
    object_hook: Slot,
    object_pairs_hook: Slot,
    parse_float: Slot,
    parse_int: Slot,
    parse_constant: Slot,
}

/// `_json.Scanner`
pub static SCANNER: TypeCell = TypeCell::new();
layout!(Scanner, SCANNER.get(), Slots);

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("context");
    args.bind(t, "make_scanner", &SIGNATURE, |a| {
        let field = |name: &str| attr::get_attr_text(t, a[0], name);
        let strict = Value::bool(truth::truth(t, field("strict")?)?);
        let (object_hook, object_pairs_hook) = (field("object_hook")?, field("object_pairs_hook")?);
        let (parse_float, parse_int, parse_constant) = (field("parse_float")?, field("parse_int")?, field("parse_constant")?);
        // SAFETY: `__new__` is called with a class.
        let class = unsafe { Ref::from_value(class) };
        let fields = Scanner {
            header: header_of::<Scanner>(),
            strict: Slot::new(strict),
            object_hook: Slot::new(object_hook),
            object_pairs_hook: Slot::new(object_pairs_hook),
            parse_float: Slot::new(parse_float),
            parse_int: Slot::new(parse_int),
            parse_constant: Slot::new(parse_constant),
        };
        Ok(t.alloc_instance(class, fields).value())
    })
}

fn scanner_call(t: &Thread, v: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("string, idx");
    args.bind(t, "scan_once", &SIGNATURE, |a| {
        let Some(s) = a[0].downcast::<Str>() else {
            raise!(t, TypeError, "first argument must be a string, not {}", a[0].class().display_name())
        };
        let Ok(start) = usize::try_from(number::index_isize(t, a[1])?) else { raise!(t, ValueError, "idx cannot be negative") };
        let this = receiver::<Scanner>(v);
        let (value, end) = match s.chars() {
            Chars::Ascii(chars) | Chars::Latin1(chars) => Scan::new(this, Text { source: a[0], chars }).value(t, start),
            Chars::Ucs2(chars) => Scan::new(this, Text { source: a[0], chars }).value(t, start),
            Chars::Ucs4(chars) => Scan::new(this, Text { source: a[0], chars }).value(t, start),
        }?;
        Ok(Tuple::from_slice(t, &[value, int::from_usize(t, end)]).value())
    })
}

/// `_json.scanstring`
pub(super) fn scanstring(t: &Thread, a: &[Value]) -> R {
    let Some(s) = a[0].downcast::<Str>() else {
        raise!(t, TypeError, "first argument must be a string, not {}", a[0].class().display_name())
    };
    let end = number::index_isize(t, a[1])?;
    let strict = a[2].is_null() || truth::truth(t, a[2])?;
    let Some(start) = usize::try_from(end).ok().filter(|i| (1..=s.len()).contains(i)) else {
        raise!(t, ValueError, "end is out of bounds")
    };
    let scan = |t: &Thread| -> R<(Ref<Str>, usize)> {
        fn string<C: Char>(t: &Thread, text: Text<'_, C>, start: usize, strict: bool) -> R<(Ref<Str>, usize)> {
            let (piece, end) = text.string(t, start, strict)?;
            Ok((piece.to_str(t)?, end))
        }
        match s.chars() {
            Chars::Ascii(chars) | Chars::Latin1(chars) => string(t, Text { source: a[0], chars }, start, strict),
            Chars::Ucs2(chars) => string(t, Text { source: a[0], chars }, start, strict),
            Chars::Ucs4(chars) => string(t, Text { source: a[0], chars }, start, strict),
        }
    };
    let (found, end) = scan(t)?;
    Ok(Tuple::from_slice(t, &[found.value(), int::from_usize(t, end)]).value())
}

/// How many keys are remembered.
const KEYS: usize = 64;

/// One call of a scanner.
struct Scan<'a, C> {
    scanner: Ref<Scanner>,
    text: Text<'a, C>,
    strict: bool,
    /// Keys met lately, each at a place that follows from its characters, so that the same key is the same str. On the native stack,
    /// where the collector sees them.
    keys: [Value; KEYS],
}

impl<'a, C: Char> Scan<'a, C> {
    fn new(scanner: Ref<Scanner>, text: Text<'a, C>) -> Scan<'a, C> {
        Scan { scanner, text, strict: scanner.strict.get() == Value::TRUE, keys: [Value::NULL; KEYS] }
    }

    /// There is no value at `at`.
    #[cold]
    fn stop(&self, t: &Thread, at: usize) -> Raised {
        t.raise_with(exc::StopIteration, &[int::from_usize(t, at)])
    }

    /// The value at `at`, and where it ends.
    fn value(&mut self, t: &Thread, at: usize) -> R<(Value, usize)> {
        let Some(c) = self.text.at(at) else { return Err(self.stop(t, at)) };
        let word = |text: &str, v: Value| self.text.has(at, text).then_some((v, at + text.len()));
        let literal = match char::from_u32(c).unwrap_or_default() {
            '"' => {
                let (piece, end) = self.text.string(t, at + 1, self.strict)?;
                return Ok((piece.to_str(t)?.value(), end));
            }
            '{' => {
                t.check_stack(" while decoding a JSON object from a unicode string")?;
                return self.object(t, at + 1);
            }
            '[' => {
                t.check_stack(" while decoding a JSON array from a unicode string")?;
                return self.array(t, at + 1);
            }
            'n' => word("null", Value::NONE),
            't' => word("true", Value::TRUE),
            'f' => word("false", Value::FALSE),
            'N' if self.text.has(at, "NaN") => return self.constant(t, "NaN", at),
            'I' if self.text.has(at, "Infinity") => return self.constant(t, "Infinity", at),
            '-' if self.text.has(at, "-Infinity") => return self.constant(t, "-Infinity", at),
            _ => None,
        };
        match literal {
            Some(found) => Ok(found),
            None => self.number(t, at),
        }
    }

    fn constant(&self, t: &Thread, name: &str, at: usize) -> R<(Value, usize)> {
        let v = call::call(t, self.scanner.parse_constant.get(), &[Str::new(t, name).value()])?;
        Ok((v, at + name.len()))
    }

    fn number(&self, t: &Thread, at: usize) -> R<(Value, usize)> {
        let digit = |i: usize| matches!(self.text.at(i), Some(0x30..=0x39));
        let digits = |mut i: usize| {
            while digit(i) {
                i += 1;
            }
            i
        };
        let mut end = at + self.text.is(at, b'-') as usize;
        if !digit(end) {
            return Err(self.stop(t, at));
        }
        end = if self.text.is(end, b'0') { end + 1 } else { digits(end) };
        let mut fraction = false;
        if self.text.is(end, b'.') && digit(end + 1) {
            fraction = true;
            end = digits(end + 1);
        }
        if matches!(self.text.at(end), Some(0x65 | 0x45)) {
            let sign = matches!(self.text.at(end + 1), Some(0x2B | 0x2D)) as usize;
            if digit(end + 1 + sign) {
                fraction = true;
                end = digits(end + 1 + sign);
            }
        }
        let chars = &self.text.chars[at..end];
        let function = if fraction { &self.scanner.parse_float } else { &self.scanner.parse_int }.get();
        let plain = if fraction { builtin::FLOAT } else { builtin::INT };
        if function != plain.value() {
            return Ok((call::call(t, function, &[C::make(t, chars)?.value()])?, end));
        }
        // Most ints are short.
        if !fraction && chars.len() <= 18 {
            let n = chars.iter().fold(0, |n, c| match (*c).into() {
                0x2D => n,
                c => n * 10 + (c as i64 - 0x30),
            });
            return Ok((int::from_i64(t, if self.text.is(at, b'-') { -n } else { n }), end));
        }
        let ascii: Vec<u8> = chars.iter().map(|c| (*c).into() as u8).collect();
        let parsed = if fraction { float::parse::parse_plain(&ascii).map(Value::float) } else { int::from_text(t, &ascii, 10)? };
        match parsed {
            Some(v) => Ok((v, end)),
            None => Err(self.stop(t, at)),
        }
    }

    /// A key: the same str as before if it was met lately.
    fn key(&mut self, t: &Thread, piece: &Piece<'_, C>) -> R {
        let Piece::Run(chars) = piece else { return Ok(piece.to_str(t)?.value()) };
        let hash = chars.iter().fold(0x811C_9DC5u32, |h, c| (h ^ (*c).into()).wrapping_mul(0x0100_0193));
        let place = (hash >> 16 ^ hash) as usize % KEYS;
        let known = self.keys[place].exact::<Str>();
        if let Some(s) = known.filter(|s| s.len() == chars.len() && s.code_points().eq(chars.iter().map(|c| (*c).into()))) {
            return Ok(s.value());
        }
        let v = piece.to_str(t)?.value();
        self.keys[place] = v;
        Ok(v)
    }

    /// The object whose brace is before `at`.
    fn object(&mut self, t: &Thread, at: usize) -> R<(Value, usize)> {
        let hook = Some(self.scanner.object_hook.get()).filter(|h| !h.is_none());
        let pairs_hook = Some(self.scanner.object_pairs_hook.get()).filter(|h| !h.is_none());
        let dict = Dict::new(t);
        let mut pairs = pairs_hook.map(|_| ValueList::new(t));
        let mut i = self.text.skip_space(at);
        if !self.text.is(i, b'}') {
            loop {
                if !self.text.is(i, b'"') {
                    return self.text.fail(t, "Expecting property name enclosed in double quotes", i);
                }
                let (piece, end) = self.text.string(t, i + 1, self.strict)?;
                let key = self.key(t, &piece)?;
                i = self.text.skip_space(end);
                if !self.text.is(i, b':') {
                    return self.text.fail(t, "Expecting ':' delimiter", i);
                }
                let (value, end) = self.value(t, self.text.skip_space(i + 1))?;
                match &mut pairs {
                    Some(list) => list.push(t, Tuple::from_slice(t, &[key, value]).value()),
                    None => dict.set_item(t, key, value)?,
                }
                i = self.text.skip_space(end);
                if self.text.is(i, b'}') {
                    break;
                }
                i = self.comma(t, i, b'}', "Illegal trailing comma before end of object")?;
            }
        }
        let made = match (pairs_hook, pairs, hook) {
            (Some(hook), Some(pairs), _) => call::call(t, hook, &[List::from_slice(t, pairs.as_slice())?.value()])?,
            (_, _, Some(hook)) => call::call(t, hook, &[dict.value()])?,
            _ => dict.value(),
        };
        Ok((made, i + 1))
    }

    /// Where the next item begins behind the comma at `at`.
    fn comma(&self, t: &Thread, at: usize, close: u8, trailing: &str) -> R<usize> {
        if !self.text.is(at, b',') {
            return self.text.fail(t, "Expecting ',' delimiter", at);
        }
        let next = self.text.skip_space(at + 1);
        if self.text.is(next, close) {
            return self.text.fail(t, trailing, at);
        }
        Ok(next)
    }

    /// The array whose bracket is before `at`.
    fn array(&mut self, t: &Thread, at: usize) -> R<(Value, usize)> {
        let mut items = ValueList::with_capacity(t, 8);
        let mut i = self.text.skip_space(at);
        if !self.text.is(i, b']') {
            loop {
                let (value, end) = self.value(t, i)?;
                items.push(t, value);
                i = self.text.skip_space(end);
                if self.text.is(i, b']') {
                    break;
                }
                i = self.comma(t, i, b']', "Illegal trailing comma before end of array")?;
            }
        }
        Ok((List::from_slice(t, items.as_slice())?.value(), i + 1))
    }
}

macro_rules! member {
    ($field:ident) => {
        GetSet::getter(stringify!($field), |_, v| Ok(receiver::<Scanner>(v).$field.get())).doc(stringify!($field)).member()
    };
}

/// `_json.Scanner`
pub static SCANNER_DEF: TypeDef = TypeDef {
    doc: "JSON scanner object",
    slots: SlotTable { new: Some(new), call: Some(scanner_call), ..SlotTable::EMPTY },
    getset: &[
        member!(strict),
        member!(object_hook),
        member!(object_pairs_hook),
        member!(parse_float),
        member!(parse_int),
        member!(parse_constant),
    ],
    ..TypeDef::of::<Scanner>("_json.Scanner")
};
