//! The type int: its slots and methods.

use super::arith::{self, round_to_power_of_ten};
use super::{
    Int, absolute, bits, compare, convert, fits_i64, from_i64, from_u64, is_int, is_negative, is_zero, magnitude, negative, new, parts,
    power, text, to_exact, to_f64,
};
use crate::args::{FnDef, GetSet};
use crate::object::{R, ValueExt};
use crate::protocol::{attr, call, iter, number, text as protocol_text, truth};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::memory::get_buffer_opt;
use crate::types::str::format_spec;
use crate::types::{Bytes, Str, Tuple, TypeDef, builtin, bytes, flag};
use limpid_heap::Value;

/// int
pub static INT_DEF: TypeDef = TypeDef {
    doc: "int([x]) -> integer\nint(x, base=10) -> integer\n\nConvert a number or string to an integer, or return 0 if no arguments\nare given.  If x is a \
          number, return x.__int__().  For floating-point\nnumbers, this truncates towards zero.\n\nIf x is not a number or if base is given, then x \
          must be a string,\nbytes, or bytearray instance representing an integer literal in the\ngiven base.  The literal can be preceded by '+' \
          or '-' and be surrounded\nby whitespace.  The base defaults to 10.  Valid bases are 0 and 2-36.\nBase 0 means to interpret the base from \
          the string as an integer literal.\n>>> int('0b100', base=0)\n4",
    flags: flag::BASE_TYPE | flag::INT_SUBCLASS | flag::MATCH_SELF,
    slots: SlotTable {
        new: Some(new::new),
        repr: Some(|t, v| Ok(text::repr(t, v)?.value())),
        hash: Some(|_, v| Ok(super::hash(v))),
        richcompare: Some(|_, a, b, op| {
            if !is_int(a) || !is_int(b) {
                return Ok(Value::NOT_IMPLEMENTED);
            }
            Ok(Value::bool(op.holds(compare(a, b))))
        }),
        bool: Some(|_, v| Ok(!is_zero(v))),
        neg: Some(negative),
        pos: Some(to_exact),
        abs: Some(absolute),
        invert: Some(bits::invert),
        int: Some(to_exact),
        float: Some(|t, v| to_f64(t, v).map(Value::float)),
        index: Some(to_exact),
        add: Some(arith::add),
        sub: Some(arith::subtract),
        mul: Some(arith::multiply),
        truediv: Some(arith::true_divide),
        floordiv: Some(arith::floor_div),
        mod_: Some(arith::remainder),
        divmod: Some(arith::div_mod_slot),
        pow: Some(power::power_slot),
        lshift: Some(bits::shift_left),
        rshift: Some(bits::shift_right),
        and: Some(bits::bit_and),
        xor: Some(bits::bit_xor),
        or: Some(bits::bit_or),
        ..SlotTable::EMPTY
    },
    methods: METHODS,
    getset: GETSET,
    ..TypeDef::of::<Int>("int")
};

static METHODS: &[FnDef] = &[
    FnDef::def("conjugate", "self, /", |t, a| to_exact(t, a[0])).doc("Returns self, the complex conjugate of any int."),
    FnDef::def("bit_length", "self, /", |t, a| {
        let mut scratch = 0;
        Ok(from_u64(t, parts(a[0], &mut scratch).bit_length()))
    })
    .doc("Number of bits necessary to represent self in binary.\n\n>>> bin(37)\n'0b100101'\n>>> (37).bit_length()\n6"),
    FnDef::def("bit_count", "self, /", |t, a| {
        let mut scratch = 0;
        Ok(from_u64(t, magnitude::count_ones(parts(a[0], &mut scratch).digits)))
    })
    .doc(
        "Number of ones in the binary representation of the absolute value of self.\n\nAlso known as the population count.\n\n>>> bin(13)\n'0b1101'\n\
         >>> (13).bit_count()\n3",
    ),
    FnDef::def("to_bytes", "self, /, length=1, byteorder='big', *, signed=False", to_bytes).doc(
        "Return an array of bytes representing an integer.\n\n  length\n    Length of bytes object to use.  An OverflowError is raised if the\n\
         \x20   integer is not representable with the given number of bytes.  Default\n    is length 1.\n  byteorder\n    The byte order used to \
         represent the integer.  If byteorder is 'big',\n    the most significant byte is at the beginning of the byte array.  If\n    byteorder is \
         'little', the most significant byte is at the end of the\n    byte array.  To request the native byte order of the host system, use\n\
         \x20   sys.byteorder as the byte order value.  Default is to use 'big'.\n  signed\n    Determines whether two's complement is used to \
         represent the integer.\n    If signed is False and a negative integer is given, an OverflowError\n    is raised.",
    ),
    FnDef::class_def("from_bytes", "cls, /, bytes, byteorder='big', *, signed=False", from_bytes).doc(
        "Return the integer represented by the given array of bytes.\n\n  bytes\n    Holds the array of bytes to convert.  The argument must either\n\
         \x20   support the buffer protocol or be an iterable object producing bytes.\n    Bytes and bytearray are examples of built-in objects that \
         support the\n    buffer protocol.\n  byteorder\n    The byte order used to represent the integer.  If byteorder is 'big',\n    the most \
         significant byte is at the beginning of the byte array.  If\n    byteorder is 'little', the most significant byte is at the end of the\n\
         \x20   byte array.  To request the native byte order of the host system, use\n    sys.byteorder as the byte order value.  Default is to \
         use 'big'.\n  signed\n    Indicates whether two's complement is used to represent the integer.",
    ),
    FnDef::def("as_integer_ratio", "self, /", |t, a| {
        let v = to_exact(t, a[0])?;
        Ok(Tuple::from_slice(t, &[v, Value::int(1)]).value())
    })
    .doc(
        "Return a pair of integers, whose ratio is equal to the original int.\n\nThe ratio is in lowest terms and has a positive denominator.\n\n\
         >>> (10).as_integer_ratio()\n(10, 1)\n>>> (-10).as_integer_ratio()\n(-10, 1)\n>>> (0).as_integer_ratio()\n(0, 1)",
    ),
    FnDef::def("__trunc__", "self, /", |t, a| to_exact(t, a[0])).doc("Truncating an Integral returns itself."),
    FnDef::def("__floor__", "self, /", |t, a| to_exact(t, a[0])).doc("Flooring an Integral returns itself."),
    FnDef::def("__ceil__", "self, /", |t, a| to_exact(t, a[0])).doc("Ceiling of an Integral returns itself."),
    FnDef::def("__round__", "self, ndigits=None, /", round).doc(
        "Rounding an Integral returns itself.\n\nRounding with an ndigits argument also returns an integer.",
    ),
    FnDef::def("__getnewargs__", "self, /", |t, a| {
        let v = to_exact(t, a[0])?;
        Ok(Tuple::from_slice(t, &[v]).value())
    }),
    FnDef::def("__format__", "self, format_spec, /", |t, a| {
        let spec = format_spec::argument(t, a[1])?;
        if spec.is_empty() {
            return Ok(protocol_text::str_of(t, a[0])?.value());
        }
        Ok(format_spec::format_int(t, a[0], spec)?.value())
    })
    .doc("Convert to a string according to format_spec."),
    FnDef::def("__sizeof__", "self, /", |t, a| {
        let mut scratch = 0;
        // CPython's figures: 24 bytes and 4 for each 30 bits, one at least.
        let digits = parts(a[0], &mut scratch).bit_length().div_ceil(30).max(1);
        Ok(from_u64(t, 24 + 4 * digits))
    })
    .doc("Returns size in memory, in bytes."),
    FnDef::def("is_integer", "self, /", |_, _| Ok(Value::TRUE))
        .doc("Returns True. Exists for duck type compatibility with float.is_integer."),
];

static GETSET: &[GetSet] = &[
    GetSet::getter("real", to_exact).doc("the real part of a complex number"),
    GetSet::getter("imag", |_, _| Ok(Value::int(0))).doc("the imaginary part of a complex number"),
    GetSet::getter("numerator", to_exact).doc("the numerator of a rational number in lowest terms"),
    GetSet::getter("denominator", |_, _| Ok(Value::int(1))).doc("the denominator of a rational number in lowest terms"),
];

fn round(t: &Thread, a: &[Value]) -> R {
    if a[1].is_null() || a[1].is_none() {
        return to_exact(t, a[0]);
    }
    let digits = number::index(t, a[1])?;
    if !is_negative(digits) {
        return to_exact(t, a[0]);
    }
    // More places than the number has digits round it to zero.
    let mut scratch = 0;
    let bits = parts(a[0], &mut scratch).bit_length();
    match fits_i64(digits) {
        Some(n) if n.unsigned_abs() <= bits / 3 + 1 => round_to_power_of_ten(t, a[0], from_i64(t, -n)),
        _ => Ok(Value::int(0)),
    }
}

/// Is the argument `byteorder` little?
fn is_little(t: &Thread, v: Value, method: &str) -> R<bool> {
    if v.is_null() {
        return Ok(false);
    }
    let Some(s) = v.downcast::<Str>() else {
        raise!(t, TypeError, "{method}() argument 'byteorder' must be str, not {}", v.class().display_name())
    };
    match s.as_ascii() {
        Some("little") => Ok(true),
        Some("big") => Ok(false),
        _ => raise!(t, ValueError, "byteorder must be either 'little' or 'big'"),
    }
}

fn to_bytes(t: &Thread, a: &[Value]) -> R {
    let length = if a[1].is_null() { 1 } else { number::index_isize(t, a[1])? };
    let little = is_little(t, a[2], "to_bytes")?;
    let signed = !a[3].is_null() && truth::truth(t, a[3])?;
    if length < 0 {
        raise!(t, ValueError, "length argument must be non-negative")
    }
    let out = Bytes::alloc(t, length as usize)?;
    // SAFETY: it is new.
    convert::to_bytes(t, a[0], unsafe { Bytes::data_mut(out) }, little, signed)?;
    Ok(out.value())
}

fn from_bytes(t: &Thread, a: &[Value]) -> R {
    let little = is_little(t, a[2], "from_bytes")?;
    let signed = !a[3].is_null() && truth::truth(t, a[3])?;
    let v = if let Some(method) = attr::lookup_special(t, a[1], crate::names::__bytes__)? {
        let made = call::call(t, method, &[])?;
        let Some(b) = made.downcast::<Bytes>() else {
            raise!(t, TypeError, "__bytes__ returned non-bytes (type {})", made.class().display_name())
        };
        convert::from_bytes(t, b.contents(), little, signed)?
    } else if a[1].is_instance(builtin::STR) {
        raise!(t, TypeError, "cannot convert 'str' object to bytes")
    } else if let Some(buffer) = get_buffer_opt(t, a[1])? {
        convert::from_bytes(t, &buffer.to_contiguous(), little, signed)?
    } else {
        if a[1].class().slots().iter.is_none() && !iter::is_sequence(a[1]) {
            raise!(t, TypeError, "cannot convert '{}' object to bytes", a[1].class().display_name())
        }
        convert::from_bytes(t, bytes::from_object(t, a[1])?.contents(), little, signed)?
    };
    if a[0] == builtin::INT.value() { Ok(v) } else { call::call(t, a[0], &[v]) }
}
