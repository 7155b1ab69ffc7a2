//! Arithmetic: abs, divmod, pow, round, and numbers as text in other bases.

use crate::args::FnDef;
use crate::names;
use crate::object::{R, ValueExt};
use crate::protocol::{attr, call, number, sequence};
use crate::thread::Thread;
use crate::types::int;
use limpid_heap::Value;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("abs", "number, /", |t, a| number::absolute(t, a[0])).doc("Return the absolute value of the argument."),
    FnDef::def("bin", "integer, /", |t, a| in_base(t, a[0], 2))
        .doc("Return the binary representation of an integer.\n\n   >>> bin(2796202)\n   '0b1010101010101010101010'"),
    FnDef::def("divmod", "x, y, /", |t, a| number::divmod(t, a[0], a[1]))
        .doc("Return the tuple (x//y, x%y).  Invariant: div*y + mod == x."),
    FnDef::def("hex", "integer, /", |t, a| in_base(t, a[0], 16))
        .doc("Return the hexadecimal representation of an integer.\n\n   >>> hex(12648430)\n   '0xc0ffee'"),
    FnDef::def("len", "obj, /", |t, a| Ok(int::from_usize(t, sequence::len(t, a[0])?))).doc("Return the number of items in a container."),
    FnDef::def("oct", "integer, /", |t, a| in_base(t, a[0], 8))
        .doc("Return the octal representation of an integer.\n\n   >>> oct(342391)\n   '0o1234567'"),
    FnDef::def("pow", "base, exp, mod=None", pow).doc(
        "Equivalent to base**exp with 2 arguments or base**exp % mod with 3 arguments.\n\nSome types, such as ints, are able to use a \
         more efficient algorithm when\ninvoked using the three argument form.",
    ),
    FnDef::def("round", "number, ndigits=None", round).doc(
        "Round a number to a given precision in decimal digits.\n\nThe return value is an integer if ndigits is omitted or None.  \
         Otherwise\nthe return value has the same type as the number.  ndigits may be negative.",
    ),
];

fn in_base(t: &Thread, v: Value, base: u32) -> R {
    let i = number::index(t, v)?;
    Ok(int::to_text_prefixed(t, i, base)?.value())
}

fn pow(t: &Thread, a: &[Value]) -> R {
    number::power(t, a[0], a[1], a[2].non_null().unwrap_or(Value::NONE))
}

fn round(t: &Thread, a: &[Value]) -> R {
    let Some(method) = attr::lookup_special(t, a[0], names::__round__)? else {
        raise!(t, TypeError, "type {} doesn't define __round__ method", a[0].class().display_name())
    };
    match a[1].non_null() {
        Some(digits) if !digits.is_none() => call::call(t, method, &[digits]),
        _ => call::call(t, method, &[]),
    }
}
