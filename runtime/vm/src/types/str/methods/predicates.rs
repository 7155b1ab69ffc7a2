//! `isalpha` and its kind.

use super::{receiver, with_units};
use crate::object::R;
use crate::thread::Thread;
use crate::types::str::unicode;
use limpid_heap::Value;

/// Are there characters, all of this kind?
#[allow(clippy::useless_conversion, reason = "units have three widths, and one of them is this")]
fn all(v: Value, kind: impl Fn(u32) -> bool) -> R {
    let s = receiver(v);
    Ok(Value::bool(!s.is_empty() && with_units!(s, units => units.iter().all(|c| kind(u32::from(*c))))))
}

/// Defines the predicates that ask each character for itself.
macro_rules! predicates {
    ($($name:ident)*) => {
        $(pub(super) fn $name(_: &Thread, a: &[Value]) -> R {
            all(a[0], unicode::$name)
        })*
    };
}

predicates! { is_space is_decimal is_digit is_numeric is_alpha is_alnum }

#[allow(clippy::useless_conversion, reason = "units have three widths, and one of them is this")]
pub(super) fn is_printable(_: &Thread, a: &[Value]) -> R {
    let s = receiver(a[0]);
    Ok(Value::bool(with_units!(s, units => units.iter().all(|c| unicode::is_printable(u32::from(*c))))))
}

/// Is there a character of this case, and none of another?
fn cased(v: Value, wanted: impl Fn(u32) -> bool) -> R {
    let mut found = false;
    for c in receiver(v).code_points() {
        if wanted(c) {
            found = true;
        } else if unicode::is_cased(c) {
            return Ok(Value::FALSE);
        }
    }
    Ok(Value::bool(found))
}

pub(super) fn is_lower(_: &Thread, a: &[Value]) -> R {
    cased(a[0], unicode::is_lower)
}

pub(super) fn is_upper(_: &Thread, a: &[Value]) -> R {
    cased(a[0], unicode::is_upper)
}

pub(super) fn is_title(_: &Thread, a: &[Value]) -> R {
    let (mut found, mut in_word) = (false, false);
    for c in receiver(a[0]).code_points() {
        let begins = unicode::is_upper(c) || unicode::is_title(c);
        if begins || unicode::is_lower(c) {
            if begins == in_word {
                return Ok(Value::FALSE);
            }
            (found, in_word) = (true, true);
        } else {
            in_word = false;
        }
    }
    Ok(Value::bool(found))
}

pub(super) fn is_identifier(_: &Thread, a: &[Value]) -> R {
    let s = receiver(a[0]);
    let mut chars = s.code_points();
    let starts = chars.next().is_some_and(unicode::is_identifier_start);
    Ok(Value::bool(starts && chars.all(unicode::is_identifier_continue)))
}
