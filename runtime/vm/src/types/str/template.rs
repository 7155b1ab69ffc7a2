//! `str.format`: replacement fields in braces, numbered, named or in order.

use super::{Str, StrBuilder, intern_value};
use crate::args::Args;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, sequence, text};
use crate::thread::Thread;
use crate::types::str::unicode::decimal_value;
use crate::types::{Dict, int};
use limpid_heap::Value;

/// How deep specifications with fields in them may nest.
const MAX_DEPTH: u32 = 2;

/// Where the values come from.
pub enum Source<'a> {
    /// `format(*args, **kwargs)`
    Arguments(Args<'a>),
    /// `format_map(mapping)`
    Mapping(Value),
}

impl Source<'_> {
    fn numbered(&self, t: &Thread, i: usize) -> R {
        match self {
            Source::Arguments(args) => match args.pos().get(i) {
                Some(v) => Ok(*v),
                None => raise!(t, IndexError, "Replacement index {i} out of range for positional args tuple"),
            },
            Source::Mapping(_) => raise!(t, ValueError, "Format string contains positional fields"),
        }
    }

    fn named(&self, t: &Thread, name: Ref<Str>) -> R {
        match self {
            Source::Arguments(args) => match args.keywords().find(|(n, _)| n.downcast::<Str>().is_some_and(|n| n.equals(&name))) {
                Some((_, v)) => Ok(v),
                None => Err(t.raise_with(crate::exc::KeyError, &[name.value()])),
            },
            Source::Mapping(mapping) => match mapping.exact::<Dict>() {
                Some(dict) => match dict.get(t, name.value())? {
                    Some(v) => Ok(v),
                    None => sequence::get_item(t, *mapping, name.value()),
                },
                None => sequence::get_item(t, *mapping, name.value()),
            },
        }
    }
}

/// Whether fields without a name are numbered by us or by the program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbering {
    Unknown,
    Automatic,
    Manual,
}

struct Formatter<'a> {
    t: &'a Thread,
    source: Source<'a>,
    numbering: Numbering,
    next: usize,
}

/// `format.format(...)`
pub fn format(t: &Thread, format: Ref<Str>, source: Source<'_>) -> R<Ref<Str>> {
    let mut formatter = Formatter { t, source, numbering: Numbering::Unknown, next: 0 };
    formatter.run(format, 0, format.len(), MAX_DEPTH)
}

/// A piece of a format.
pub struct Piece {
    /// The literal text before the field.
    pub literal: (usize, usize),
    /// The field, if there is one.
    pub field: Option<Field>,
}

/// A replacement field, by positions in the format.
#[derive(Clone, Copy)]
pub struct Field {
    pub name: (usize, usize),
    pub spec: (usize, usize),
    /// 0 for none.
    pub conversion: u32,
    /// Has the specification fields in it?
    pub nested: bool,
}

/// The piece that begins at `at`; None at the end.
pub fn next_piece(t: &Thread, s: Ref<Str>, at: &mut usize, end: usize) -> R<Option<Piece>> {
    if *at >= end {
        return Ok(None);
    }
    let is = |i: usize, c: u8| i < end && s.char_at(i) == c as u32;
    let start = *at;
    let mut i = start;
    while i < end && !is(i, b'{') && !is(i, b'}') {
        i += 1;
    }
    if i >= end {
        *at = end;
        return Ok(Some(Piece { literal: (start, end), field: None }));
    }
    let open = is(i, b'{');
    if i + 1 >= end {
        raise!(
            t,
            ValueError,
            "{}",
            if open { "Single '{' encountered in format string" } else { "Single '}' encountered in format string" }
        )
    }
    if s.char_at(i) == s.char_at(i + 1) {
        // A doubled brace stands for one.
        *at = i + 2;
        return Ok(Some(Piece { literal: (start, i + 1), field: None }));
    }
    if !open {
        raise!(t, ValueError, "Single '}}' encountered in format string")
    }
    let field = parse_field(t, s, i + 1, end, at)?;
    Ok(Some(Piece { literal: (start, i), field: Some(field) }))
}

/// The field whose opening brace is before `start`; `at` moves behind its closing one.
fn parse_field(t: &Thread, s: Ref<Str>, start: usize, end: usize, at: &mut usize) -> R<Field> {
    let expected = |t: &Thread| err!(t, ValueError, "expected '}}' before end of string");
    // The name ends at the first colon or exclamation mark outside brackets.
    let mut i = start;
    let mut c = 0;
    while i < end {
        c = s.char_at(i);
        i += 1;
        match char::from_u32(c) {
            Some('{') => raise!(t, ValueError, "unexpected '{{' in field name"),
            Some('[') => {
                while i < end && s.char_at(i) != ']' as u32 {
                    i += 1;
                }
            }
            Some('}' | ':' | '!') => break,
            _ => {}
        }
        c = 0;
    }
    let name = (start, if c == 0 { i } else { i - 1 });
    if c == 0 {
        return Err(expected(t));
    }
    let mut conversion = 0;
    if c == '!' as u32 {
        if i >= end {
            raise!(t, ValueError, "end of string while looking for conversion specifier")
        }
        conversion = s.char_at(i);
        i += 1;
        if i >= end {
            raise!(t, ValueError, "unmatched '{{' in format spec")
        }
        c = s.char_at(i);
        i += 1;
        if c == '}' as u32 {
            *at = i;
            return Ok(Field { name, spec: (i - 1, i - 1), conversion, nested: false });
        }
        if c != ':' as u32 {
            raise!(t, ValueError, "expected ':' after conversion specifier")
        }
    }
    if c == '}' as u32 {
        *at = i;
        return Ok(Field { name, spec: (i - 1, i - 1), conversion, nested: false });
    }
    let spec_start = i;
    let (mut depth, mut nested) = (1, false);
    while i < end {
        match char::from_u32(s.char_at(i)) {
            Some('{') => {
                nested = true;
                depth += 1;
            }
            Some('}') => {
                depth -= 1;
                if depth == 0 {
                    *at = i + 1;
                    return Ok(Field { name, spec: (spec_start, i), conversion, nested });
                }
            }
            _ => {}
        }
        i += 1;
    }
    raise!(t, ValueError, "unmatched '{{' in format spec")
}

/// The part of a field's name up to the first `.` or `[`.
pub fn first_end(s: Ref<Str>, start: usize, end: usize) -> usize {
    (start..end).find(|i| matches!(char::from_u32(s.char_at(*i)), Some('.' | '['))).unwrap_or(end)
}

/// A whole number in decimal digits; None when it is something else.
pub fn parse_index(t: &Thread, s: Ref<Str>, start: usize, end: usize) -> R<Option<usize>> {
    let mut n = 0usize;
    for i in start..end {
        let Some(d) = decimal_value(s.char_at(i)) else { return Ok(None) };
        n = match n.checked_mul(10).and_then(|n| n.checked_add(d as usize)).filter(|n| *n <= isize::MAX as usize) {
            Some(n) => n,
            None => raise!(t, ValueError, "Too many decimal digits in format string"),
        };
    }
    Ok((start < end).then_some(n))
}

/// A step of a field's name: `.name` or `[key]`.
pub struct Step {
    pub attribute: bool,
    pub text: (usize, usize),
}

/// The step that begins at `at`; None at the end.
pub fn next_step(t: &Thread, s: Ref<Str>, at: &mut usize, end: usize) -> R<Option<Step>> {
    if *at >= end {
        return Ok(None);
    }
    let start = *at + 1;
    let (attribute, stop) = match char::from_u32(s.char_at(*at)) {
        Some('.') => {
            let stop = first_end(s, start, end);
            *at = stop;
            (true, stop)
        }
        Some('[') => {
            let Some(stop) = (start..end).find(|i| s.char_at(*i) == ']' as u32) else {
                raise!(t, ValueError, "Missing ']' in format string")
            };
            *at = stop + 1;
            (false, stop)
        }
        _ => raise!(t, ValueError, "Only '.' or '[' may follow ']' in format field specifier"),
    };
    if start == stop {
        raise!(t, ValueError, "Empty attribute in format string")
    }
    Ok(Some(Step { attribute, text: (start, stop) }))
}

impl Formatter<'_> {
    fn run(&mut self, s: Ref<Str>, start: usize, end: usize, depth: u32) -> R<Ref<Str>> {
        let t = self.t;
        if depth == 0 {
            raise!(t, ValueError, "Max string recursion exceeded")
        }
        let mut out = StrBuilder::with_capacity(end - start + 32);
        let mut at = start;
        while let Some(piece) = next_piece(t, s, &mut at, end)? {
            out.push_slice(s, piece.literal.0, piece.literal.1);
            let Some(field) = piece.field else { continue };
            let v = self.value(s, field)?;
            let v = match char::from_u32(field.conversion) {
                Some('\0') => v,
                Some('r') => text::repr(t, v)?.value(),
                Some('s') => text::str_of(t, v)?.value(),
                Some('a') => text::ascii(t, v)?.value(),
                Some(c) if (33..128).contains(&field.conversion) => raise!(t, ValueError, "Unknown conversion specifier {c}"),
                _ => raise!(t, ValueError, "Unknown conversion specifier \\x{:x}", field.conversion),
            };
            let spec = if field.nested {
                self.run(s, field.spec.0, field.spec.1, depth - 1)?.value()
            } else if field.spec.0 == field.spec.1 {
                Value::NULL
            } else {
                s.slice(t, field.spec.0, field.spec.1)?.value()
            };
            out.push_str(text::format_value(t, v, spec)?);
        }
        out.finish(t)
    }

    /// The value a field's name stands for.
    fn value(&mut self, s: Ref<Str>, field: Field) -> R {
        let t = self.t;
        let (start, end) = field.name;
        let first = first_end(s, start, end);
        let index = parse_index(t, s, start, first)?;
        let wanted = match index {
            Some(_) => Some(Numbering::Manual),
            None if start == first => Some(Numbering::Automatic),
            None => None,
        };
        if let Some(wanted) = wanted {
            if self.numbering == Numbering::Unknown {
                self.numbering = wanted;
            }
            match (self.numbering, wanted) {
                (Numbering::Manual, Numbering::Automatic) => {
                    raise!(t, ValueError, "cannot switch from manual field specification to automatic field numbering")
                }
                (Numbering::Automatic, Numbering::Manual) => {
                    raise!(t, ValueError, "cannot switch from automatic field numbering to manual field specification")
                }
                _ => {}
            }
        }
        let mut v = match index {
            Some(i) => self.source.numbered(t, i)?,
            None if start == first => {
                let i = self.next;
                self.next += 1;
                self.source.numbered(t, i)?
            }
            None => self.source.named(t, s.slice(t, start, first)?)?,
        };
        let mut at = first;
        while let Some(step) = next_step(t, s, &mut at, end)? {
            let (from, to) = step.text;
            v = if step.attribute {
                attr::get_attr(t, v, intern_value(t, s.slice(t, from, to)?.value())?)?
            } else {
                let key = match parse_index(t, s, from, to)? {
                    Some(i) => int::from_usize(t, i),
                    None => s.slice(t, from, to)?.value(),
                };
                sequence::get_item(t, v, key)?
            };
        }
        Ok(v)
    }
}
