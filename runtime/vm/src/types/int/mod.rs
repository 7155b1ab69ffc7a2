//! `int`: whole numbers of any size.
//!
//! Numbers of up to 49 bits are the word itself ([`Value::int`]). Every other `int`, and every instance of a subclass of `int` whatever
//! its size, is one cell: sign and length in a word, then the magnitude in 64-bit digits, the least significant first.
//!
//! ```text
//!  0        8                        16
//! +--------+------------------------+---------+---------+-- --+
//! | header | length << 1 | negative | digit 0 | digit 1 | ... |
//! +--------+------------------------+---------+---------+-- --+
//! ```
//!
//! Invariants: the highest digit is not zero (zero, in a subclass, has no digits and is not negative); a cell of exactly the class `int`
//! holds a number that does not fit inline, so equal exact ints of 49 bits are the same word. `True` and `False` are ints too, encoded
//! apart.
//!
//! Code that handles ints of any kind reads them through [`as_i64_opt`] (the common case) and [`parts`].
//!
//! Addition, bit operations, shifts and small products run directly on the digits ([`magnitude`]); long products, quotients, powers and
//! conversions of long numbers to other bases are dashu's.

use crate::object::{R, Ref, ValueExt, header_of};
use crate::thread::Thread;
use crate::types::{Type, builtin, flag, variable};
use dashu_int::{IBig, Sign, UBig};
use limpid_heap::{Header, Value};
use std::cmp::Ordering;

mod arith;
mod bits;
mod convert;
mod float;
pub mod magnitude;
mod methods;
mod new;
mod parse;
mod power;
pub mod text;

pub(crate) use arith::zero_division;
pub use arith::{absolute, add, div_mod, floor_div, multiply, negative, remainder, round_to_power_of_ten, subtract, true_divide};
pub use bits::{bit_and, bit_or, bit_xor, invert, shift_left, shift_left_by, shift_right};
pub use convert::{from_bytes, index_or_none, to_byte_value, to_bytes, to_i32, to_u32, to_u64_masked};
pub use float::{compare_float, decompose, from_f64, to_f64};
pub use methods::INT_DEF;
pub use new::from_object;
pub use parse::{from_text, trim};
pub use power::{gcd, power, power_modulo};
pub use text::to_text_prefixed;

/// The layout of an int that is a cell.
#[repr(C)]
pub struct Int {
    header: Header,
    size: u64,
    digits: [u64; 0],
}

crate::layout!(Int, builtin::INT, Leaf);

/// Bytes before the digits.
pub const INT_OVERHEAD: usize = size_of::<Int>();

/// Sign and magnitude of an int.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// Is it below zero?
    pub negative: bool,
    /// The magnitude, least significant digit first; the last digit is not zero.
    pub digits: &'a [u64],
}

impl Int {
    #[inline(always)]
    fn len(&self) -> usize {
        (self.size >> 1) as usize
    }
}

impl Ref<Int> {
    #[inline(always)]
    fn parts<'a>(self) -> Parts<'a> {
        // SAFETY: a cell has `len` digits, which never change once it is published; the value that the caller has keeps it alive.
        let digits = unsafe { std::slice::from_raw_parts((&raw const (*self.ptr()).digits).cast(), self.len()) };
        Parts { negative: self.size & 1 != 0, digits }
    }
}

impl Parts<'_> {
    /// Is it zero?
    #[inline]
    pub fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// How many bits the magnitude has.
    #[inline]
    pub fn bit_length(&self) -> u64 {
        magnitude::bit_length(self.digits)
    }

    /// As dashu's magnitude.
    pub fn to_ubig(self) -> UBig {
        UBig::from_words(self.digits)
    }

    /// As dashu's number.
    pub fn to_ibig(self) -> IBig {
        IBig::from_parts(if self.negative { Sign::Negative } else { Sign::Positive }, self.to_ubig())
    }

    /// The number, if it fits.
    #[inline]
    pub fn to_i64(self) -> Option<i64> {
        match self.digits {
            [] => Some(0),
            [d] if self.negative => (*d <= 1 << 63).then(|| (*d as i64).wrapping_neg()),
            [d] => i64::try_from(*d).ok(),
            _ => None,
        }
    }

    /// The order of two numbers.
    #[allow(clippy::should_implement_trait, reason = "an order without the equality that the trait demands")]
    pub fn cmp(&self, other: &Parts<'_>) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => magnitude::compare(self.digits, other.digits),
            (true, true) => magnitude::compare(other.digits, self.digits),
        }
    }
}

/// Is it an int? `True`, `False` and instances of subclasses are.
#[inline]
pub fn is_int(v: Value) -> bool {
    v.is_int() || v.is_bool() || (v.is_cell() && v.class().has(flag::INT_SUBCLASS))
}

/// Is its class exactly `int`?
#[inline]
pub fn is_exact(v: Value) -> bool {
    v.is_int() || (v.is_cell() && v.class() == builtin::INT)
}

/// The cell of an int that is neither inline nor a bool.
#[inline(always)]
fn cell(v: Value) -> Ref<Int> {
    debug_assert!(is_int(v) && v.is_cell());
    // SAFETY: callers know that `v` is an int, and one that is a cell has this layout.
    unsafe { Ref::from_value(v) }
}

/// Sign and magnitude of an int; an inline one's digit is put in `scratch`.
#[inline]
pub fn parts<'a>(v: Value, scratch: &'a mut u64) -> Parts<'a> {
    if v.is_cell() {
        return cell(v).parts();
    }
    let i = small(v);
    *scratch = i.unsigned_abs();
    Parts { negative: i < 0, digits: if i == 0 { &[] } else { std::slice::from_ref(scratch) } }
}

/// The number of an inline int or a bool.
#[inline(always)]
fn small(v: Value) -> i64 {
    debug_assert!(v.is_int() || v.is_bool());
    if v.is_int() { v.as_int() } else { (v == Value::TRUE) as i64 }
}

/// The number, if `v` is an int that fits in 64 bits. None for anything else, whatever its type.
#[inline]
pub fn as_i64_opt(v: Value) -> Option<i64> {
    if v.is_int() {
        Some(v.as_int())
    } else if v.is_bool() {
        Some((v == Value::TRUE) as i64)
    } else if is_int(v) {
        cell(v).parts().to_i64()
    } else {
        None
    }
}

/// The number of an int that fits in 64 bits; for `v` that is known to be an int.
#[inline(always)]
fn fits_i64(v: Value) -> Option<i64> {
    if v.is_cell() { cell(v).parts().to_i64() } else { Some(small(v)) }
}

/// An int of this number.
#[inline]
pub fn from_i64(t: &Thread, i: i64) -> Value {
    match Value::try_int(i) {
        Some(v) => v,
        None => from_single_digit(t, i < 0, i.unsigned_abs()),
    }
}

/// An int of this number.
#[inline]
pub fn from_u64(t: &Thread, u: u64) -> Value {
    if u <= Value::INT_MAX as u64 { Value::int(u as i64) } else { from_single_digit(t, false, u) }
}

/// An int of this number.
#[inline]
pub fn from_usize(t: &Thread, u: usize) -> Value {
    from_u64(t, u as u64)
}

/// An int of this number.
#[inline]
pub fn from_isize(t: &Thread, i: isize) -> Value {
    from_i64(t, i as i64)
}

/// An int of this number.
pub fn from_i128(t: &Thread, i: i128) -> R {
    match i64::try_from(i) {
        Ok(i) => Ok(from_i64(t, i)),
        Err(_) => {
            let m = i.unsigned_abs();
            from_digits(t, i < 0, &[m as u64, (m >> 64) as u64])
        }
    }
}

/// An int of this number.
pub fn from_u128(t: &Thread, u: u128) -> R {
    from_digits(t, false, &[u as u64, (u >> 64) as u64])
}

#[cold]
fn from_single_digit(t: &Thread, negative: bool, digit: u64) -> Value {
    #[repr(C)]
    struct One {
        int: Int,
        digit: u64,
    }
    let int = Int { header: header_of::<Int>(), size: 1 << 1 | negative as u64, digits: [] };
    t.alloc_cell(One { int, digit }).value()
}

/// An int with this magnitude (which may have leading zeros).
pub fn from_digits(t: &Thread, negative: bool, digits: &[u64]) -> R {
    build(t, negative, digits.len(), |d| d.copy_from_slice(digits))
}

/// An int of dashu's number.
pub fn from_bigint(t: &Thread, i: &IBig) -> R {
    let (sign, words) = i.as_sign_words();
    from_digits(t, sign == Sign::Negative, words)
}

/// An int of dashu's magnitude and a sign.
pub fn from_magnitude(t: &Thread, negative: bool, m: &UBig) -> R {
    from_digits(t, negative, m.as_words())
}

/// An int whose magnitude `fill` writes into `len` zeroed digits; leading zeros are cut off.
#[inline]
pub fn build(t: &Thread, negative: bool, len: usize, fill: impl FnOnce(&mut [u64])) -> R {
    build_signed(t, len, |d| {
        fill(d);
        negative
    })
}

/// As [`build`]; `fill` also tells whether the number is negative.
#[inline]
fn build_signed(t: &Thread, len: usize, fill: impl FnOnce(&mut [u64]) -> bool) -> R {
    if len <= 2 {
        // Most of these end up inline.
        let mut d = [0; 2];
        let negative = fill(&mut d[..len]);
        if d[1] == 0 && d[0] <= Value::INT_MAX as u64 + negative as u64 {
            return Ok(Value::int(if negative { -(d[0] as i64) } else { d[0] as i64 }));
        }
        let len = 1 + (d[1] != 0) as usize;
        let int = alloc(t, builtin::INT, len)?;
        // SAFETY: a new cell with `len` digits.
        unsafe { digits_mut(int)[..len].copy_from_slice(&d[..len]) };
        return Ok(finish(int, negative, len));
    }
    let int = alloc(t, builtin::INT, len)?;
    // SAFETY: a new, zeroed cell with `len` digits.
    let digits = unsafe { digits_mut(int) };
    let negative = fill(digits);
    let used = magnitude::trimmed(digits).len();
    match digits[..used] {
        [] => Ok(Value::int(0)),
        [d] if d <= Value::INT_MAX as u64 + negative as u64 => Ok(Value::int(if negative { -(d as i64) } else { d as i64 })),
        _ => Ok(finish(int, negative, used)),
    }
}

/// A cell for an int of `len` digits, all zero so far.
fn alloc(t: &Thread, class: Ref<Type>, len: usize) -> R<Ref<Int>> {
    let size = len.checked_mul(8).and_then(|n| n.checked_add(INT_OVERHEAD)).unwrap_or(usize::MAX / 2);
    let int: Ref<Int> = variable::alloc(t, class, size)?;
    // SAFETY: a new cell; nobody else sees it yet.
    unsafe { (*int.ptr()).size = (len as u64) << 1 };
    Ok(int)
}

/// The digits of an int under construction.
///
/// # Safety
/// `int` is new: nobody else has seen it.
#[inline(always)]
unsafe fn digits_mut<'a>(int: Ref<Int>) -> &'a mut [u64] {
    // SAFETY: by contract; the cell has `len` digits.
    unsafe { std::slice::from_raw_parts_mut((&raw mut (*int.ptr()).digits).cast(), int.len()) }
}

#[inline(always)]
fn finish(int: Ref<Int>, negative: bool, len: usize) -> Value {
    // SAFETY: the int is new, and has at least `len` digits.
    unsafe { (*int.ptr()).size = (len as u64) << 1 | (negative && len > 0) as u64 };
    int.value()
}

/// An instance of a subclass of `int` with the same number as `v`, an int.
pub fn to_subclass(t: &Thread, class: Ref<Type>, v: Value) -> R {
    debug_assert!(class != builtin::INT && class != builtin::BOOL);
    let mut scratch = 0;
    let p = parts(v, &mut scratch);
    let int = alloc(t, class, p.digits.len())?;
    // SAFETY: a new cell with that many digits.
    unsafe { digits_mut(int).copy_from_slice(p.digits) };
    Ok(finish(int, p.negative, p.digits.len()))
}

/// The int of exactly the class `int` with the same number as `v`, an int.
#[inline]
pub fn to_exact(t: &Thread, v: Value) -> R {
    if is_exact(v) {
        return Ok(v);
    }
    let mut scratch = 0;
    let p = parts(v, &mut scratch);
    from_digits(t, p.negative, p.digits)
}

/// The order of two ints.
#[inline]
pub fn compare(a: Value, b: Value) -> Ordering {
    match (fits_i64(a), fits_i64(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => {
            let (mut sa, mut sb) = (0, 0);
            parts(a, &mut sa).cmp(&parts(b, &mut sb))
        }
    }
}

/// Is the int below zero?
#[inline]
pub fn is_negative(v: Value) -> bool {
    if v.is_cell() { cell(v).size & 1 != 0 } else { small(v) < 0 }
}

/// Is the int zero?
#[inline]
pub fn is_zero(v: Value) -> bool {
    if v.is_cell() { cell(v).len() == 0 } else { small(v) == 0 }
}

/// Raises TypeError for a value that should be an int.
#[cold]
fn not_an_int<T>(t: &Thread, v: Value) -> R<T> {
    raise!(t, TypeError, "'{}' object cannot be interpreted as an integer", v.class().display_name())
}

/// The number of an int, or of what `__index__` gives; OverflowError when it does not fit.
#[inline]
pub fn to_i64(t: &Thread, v: Value) -> R<i64> {
    match as_i64_opt(v) {
        Some(i) => Ok(i),
        None => convert::to_i64_slow(t, v),
    }
}

/// The number of an int, or of what `__index__` gives, as a size.
#[inline]
pub fn to_isize(t: &Thread, v: Value) -> R<isize> {
    match as_i64_opt(crate::protocol::number::index(t, v)?) {
        Some(i) => Ok(i as isize),
        None => raise!(t, OverflowError, "Python int too large to convert to C ssize_t"),
    }
}

/// The number of an int that is not negative; OverflowError otherwise, or when it does not fit.
#[inline]
pub fn to_u64(t: &Thread, v: Value) -> R<u64> {
    match as_i64_opt(v) {
        Some(i) if i >= 0 => Ok(i as u64),
        _ => convert::to_u64_slow(t, v),
    }
}

/// As [`to_u64`].
#[inline]
pub fn to_usize(t: &Thread, v: Value) -> R<usize> {
    to_u64(t, v).map(|u| u as usize)
}

/// The hash of an int: the number modulo 2**61 - 1, with its sign.
#[inline]
pub fn hash(v: Value) -> i64 {
    let h = if v.is_cell() {
        let p = cell(v).parts();
        let h = magnitude::modulo_mersenne61(p.digits) as i64;
        if p.negative { -h } else { h }
    } else {
        small(v)
    };
    if h == -1 { -2 } else { h }
}

/// The number, if `v` is an int from 0 to 2**64 - 1. None for anything else, whatever its type.
#[inline]
pub fn as_u64_opt(v: Value) -> Option<u64> {
    if !is_int(v) || is_negative(v) {
        return None;
    }
    let mut scratch = 0;
    match *parts(v, &mut scratch).digits {
        [] => Some(0),
        [d] => Some(d),
        _ => None,
    }
}

/// The number of an int; the nearest 64-bit number when it does not fit.
#[inline]
pub fn to_i64_saturating(v: Value) -> i64 {
    match fits_i64(v) {
        Some(i) => i,
        None if is_negative(v) => i64::MIN,
        None => i64::MAX,
    }
}
