//! `str.translate` and `str.maketrans`.

use super::{exact, receiver};
use crate::exc;
use crate::object::{R, ValueExt};
use crate::protocol::sequence;
use crate::thread::Thread;
use crate::types::str::{Str, StrBuilder};
use crate::types::{Dict, int};
use limpid_heap::Value;

/// What a table says of a character.
#[derive(Clone, Copy)]
enum Target {
    Char(u32),
    Deleted,
    Text(crate::object::Ref<Str>),
}

fn look_up(t: &Thread, table: Value, c: u32) -> R<Target> {
    let key = Value::int(c as i64);
    let found = match table.exact::<Dict>() {
        Some(dict) => dict.get(t, key)?,
        None => match sequence::get_item(t, table, key) {
            Ok(v) => Some(v),
            Err(_) => {
                t.catch(exc::LookupError)?;
                None
            }
        },
    };
    let Some(v) = found else { return Ok(Target::Char(c)) };
    if v.is_none() {
        return Ok(Target::Deleted);
    }
    if let Some(s) = v.downcast::<Str>() {
        return Ok(Target::Text(s));
    }
    if !int::is_int(v) {
        raise!(t, TypeError, "character mapping must return integer, None or str")
    }
    match int::as_i64_opt(v) {
        Some(c @ 0..0x110000) => Ok(Target::Char(c as u32)),
        _ => raise!(t, ValueError, "character mapping must be in range(0x110000)"),
    }
}

pub(super) fn translate(t: &Thread, a: &[Value]) -> R {
    let s = receiver(a[0]);
    let mut out = StrBuilder::with_capacity(s.len());
    // Characters of ASCII that a dict maps to characters or deletes: looked up once.
    let mut known = [None; 128];
    let cacheable = a[1].exact::<Dict>().is_some();
    let mut changed = false;
    for c in s.code_points() {
        let cached = known.get(c as usize).copied().flatten();
        let target = match cached {
            Some(target) => target,
            None => {
                let target = look_up(t, a[1], c)?;
                if cacheable && c < 128 && !matches!(target, Target::Text(_)) {
                    known[c as usize] = Some(target);
                }
                target
            }
        };
        match target {
            Target::Char(mapped) => {
                changed |= mapped != c;
                out.push(mapped);
            }
            Target::Deleted => changed = true,
            Target::Text(text) => {
                changed = true;
                out.push_str(text);
            }
        }
    }
    if changed { Ok(out.finish(t)?.value()) } else { exact(t, a[0]) }
}

pub(super) fn make_trans(t: &Thread, a: &[Value]) -> R {
    let table = Dict::new(t);
    if a[1].is_null() {
        let Some(from) = a[0].downcast::<Dict>() else {
            raise!(t, TypeError, "if you give only one argument to maketrans it must be a dict")
        };
        let mut position = 0;
        while let Some((key, v)) = from.next_entry(&mut position) {
            let key = if let Some(s) = key.downcast::<Str>() {
                if s.len() != 1 {
                    raise!(t, ValueError, "string keys in translate table must be of length 1")
                }
                Value::int(s.char_at(0) as i64)
            } else if int::is_int(key) {
                key
            } else {
                raise!(t, TypeError, "keys in translate table must be strings or integers")
            };
            table.set_item(t, key, v)?;
        }
        return Ok(table.value());
    }
    let Some(from) = a[0].downcast::<Str>() else {
        raise!(t, TypeError, "first maketrans argument must be a string if there is a second argument")
    };
    let Some(to) = a[1].downcast::<Str>() else {
        raise!(t, TypeError, "maketrans() argument 2 must be str, not {}", a[1].class().display_name())
    };
    if from.len() != to.len() {
        raise!(t, ValueError, "the first two maketrans arguments must have equal length")
    }
    for (from, to) in from.code_points().zip(to.code_points()) {
        table.set_item(t, Value::int(from as i64), Value::int(to as i64))?;
    }
    if !a[2].is_null() {
        let Some(deleted) = a[2].downcast::<Str>() else {
            raise!(t, TypeError, "maketrans() argument 3 must be str, not {}", a[2].class().display_name())
        };
        for c in deleted.code_points() {
            table.set_item(t, Value::int(c as i64), Value::NONE)?;
        }
    }
    Ok(table.value())
}
