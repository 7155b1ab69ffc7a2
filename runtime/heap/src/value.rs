//! A Python value in one 64-bit word.
//!
//! A word is one of four things, told apart by its top 16 bits (NaN boxing):
//!
//! ```text
//!  63     48 47                                             0
//! +---------+------------------------------------------------+
//! |  0000   |  address of a heap cell (0: NULL, "no value")  |  pointer
//! +---------+------------------------------------------------+
//! | 0001 .. FFF1 | an IEEE 754 double plus 2^48              |  float
//! +---------+------------------------------------------------+
//! |  FFFC   |  small number                                  |  None, True, False, Ellipsis, NotImplemented
//! +---------+------------------------------------------------+
//! |  FFFE / FFFF |  two's complement, 49 bits                |  int
//! +---------+------------------------------------------------+
//! ```
//!
//! Pointers are stored as they are, so following one costs nothing. Adding 2^48 to a double moves it out of the pointers' range; the
//! only NaN that exists is the positive quiet one, so no double reaches the tags above. An int's tag is fifteen one bits: shifting
//! left by 15 drops the tag and leaves a 64-bit number whose overflow flag is exactly "does not fit", and two words are both ints when
//! their bitwise *and* still carries the tag.
//!
//! Hence floats and ints below 2^48 are never allocated, and a `Value` is `Copy`: nothing counts references.

use crate::cell::{HEAP_BASE, HEAP_SIZE};
use std::fmt;

/// The bits above an inline int: a word at or above this is an int.
const INT_TAG: u64 = 0xFFFE << 48;
/// How far an int's payload is shifted to have its sign in bit 63.
const INT_SHIFT: u32 = 15;
/// What is added to a double's bits.
const FLOAT_OFFSET: u64 = 1 << 48;
/// One past the highest float word.
const FLOAT_SPAN: u64 = 0xFFF1 << 48;
/// The one NaN that is stored.
const CANONICAL_NAN: u64 = 0x7FF8 << 48;
const SPECIAL: u64 = 0xFFFC << 48;

/// A Python value; see the module's page for the encoding.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Value(u64);

const _: () = assert!(size_of::<Value>() == 8);

impl Value {
    /// No value: an unbound local, an empty slot, an argument that was not given. Never seen by a Python program.
    pub const NULL: Value = Value(0);
    /// `False`; `True` differs in the lowest bit only.
    pub const FALSE: Value = Value(SPECIAL);
    /// `True`.
    pub const TRUE: Value = Value(SPECIAL | 1);
    /// `None`.
    pub const NONE: Value = Value(SPECIAL | 2);
    /// `NotImplemented`.
    pub const NOT_IMPLEMENTED: Value = Value(SPECIAL | 3);
    /// `Ellipsis`.
    pub const ELLIPSIS: Value = Value(SPECIAL | 4);
    /// The smallest int that is stored inline.
    pub const INT_MIN: i64 = -(1 << 48);
    /// The largest int that is stored inline.
    pub const INT_MAX: i64 = (1 << 48) - 1;

    /// The word itself.
    #[inline(always)]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// A value from its word: the inverse of [`Value::bits`].
    #[inline(always)]
    pub const fn from_bits(bits: u64) -> Value {
        Value(bits)
    }

    /// `True` or `False`.
    #[inline(always)]
    pub const fn bool(b: bool) -> Value {
        Value(SPECIAL | b as u64)
    }

    /// An inline int. The caller knows that it fits; see [`Value::try_int`].
    #[inline(always)]
    pub const fn int(i: i64) -> Value {
        debug_assert!(i >= Value::INT_MIN && i <= Value::INT_MAX);
        Value(((i << INT_SHIFT) as u64 >> INT_SHIFT) | INT_TAG)
    }

    /// An inline int, if it fits in 49 bits.
    #[inline(always)]
    pub const fn try_int(i: i64) -> Option<Value> {
        if i >= Value::INT_MIN && i <= Value::INT_MAX { Some(Value::int(i)) } else { None }
    }

    /// An int from its payload shifted left by 15, as [`Value::shifted`] gives it.
    #[inline(always)]
    pub const fn from_shifted(s: i64) -> Value {
        Value((s as u64 >> INT_SHIFT) | INT_TAG)
    }

    /// A float.
    #[inline(always)]
    pub const fn float(d: f64) -> Value {
        let bits = if d.is_nan() { CANONICAL_NAN } else { d.to_bits() };
        Value(bits + FLOAT_OFFSET)
    }

    /// A reference to a heap cell.
    #[inline(always)]
    pub fn cell<T>(p: *const T) -> Value {
        debug_assert!((p as u64) >> 48 == 0);
        Value(p as u64)
    }

    /// Is this "no value"?
    #[inline(always)]
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }

    /// Is it an inline int? (`True` and `False` are not; big ints are cells.)
    #[inline(always)]
    pub const fn is_int(self) -> bool {
        self.0 >= INT_TAG
    }

    /// Are both inline ints? One test.
    #[inline(always)]
    pub const fn both_int(a: Value, b: Value) -> bool {
        (a.0 & b.0) >= INT_TAG
    }

    /// Is it a float?
    #[inline(always)]
    pub const fn is_float(self) -> bool {
        self.0.wrapping_sub(FLOAT_OFFSET) < FLOAT_SPAN
    }

    /// Is it a reference to a heap cell? (NULL is not.)
    #[inline(always)]
    pub const fn is_cell(self) -> bool {
        // Asks for the heap's whole region, for a shift and a small constant need one register, and 48 bits without NULL two.
        self.0 / HEAP_SIZE as u64 == (HEAP_BASE / HEAP_SIZE) as u64
    }

    /// Is it `None`?
    #[inline(always)]
    pub const fn is_none(self) -> bool {
        self.0 == Value::NONE.0
    }

    /// Is it `True` or `False`?
    #[inline(always)]
    pub const fn is_bool(self) -> bool {
        self.0 & !1 == SPECIAL
    }

    /// The inline int; meaningless for anything else.
    #[inline(always)]
    pub const fn as_int(self) -> i64 {
        self.shifted() >> INT_SHIFT
    }

    /// The inline int's payload shifted left by 15: adding and subtracting two of these overflows exactly when the result is too big
    /// to be inline.
    #[inline(always)]
    pub const fn shifted(self) -> i64 {
        (self.0 << INT_SHIFT) as i64
    }

    /// The float; meaningless for anything else.
    #[inline(always)]
    pub const fn as_float(self) -> f64 {
        f64::from_bits(self.0.wrapping_sub(FLOAT_OFFSET))
    }

    /// The cell's address; meaningless for anything that [`Value::is_cell`] denies.
    #[inline(always)]
    pub const fn as_ptr<T>(self) -> *mut T {
        self.0 as *mut T
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Value::NULL => f.write_str("NULL"),
            Value::NONE => f.write_str("None"),
            Value::TRUE => f.write_str("True"),
            Value::FALSE => f.write_str("False"),
            Value::ELLIPSIS => f.write_str("Ellipsis"),
            Value::NOT_IMPLEMENTED => f.write_str("NotImplemented"),
            v if v.is_int() => write!(f, "{}", v.as_int()),
            v if v.is_float() => write!(f, "{:?}", v.as_float()),
            v => write!(f, "cell@{:#x}", v.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ints_round_trip_at_the_edges() {
        for i in [0, 1, -1, Value::INT_MIN, Value::INT_MAX, 1 << 47, -(1 << 47)] {
            let v = Value::int(i);
            assert!(v.is_int() && !v.is_float() && !v.is_cell() && !v.is_bool());
            assert_eq!(v.as_int(), i);
            assert_eq!(Value::from_shifted(v.shifted()), v);
        }
        assert_eq!(Value::try_int(Value::INT_MAX + 1), None);
        assert_eq!(Value::try_int(Value::INT_MIN - 1), None);
        assert!(Value::int(Value::INT_MAX).shifted().checked_add(Value::int(1).shifted()).is_none());
    }

    #[test]
    fn floats_never_look_like_anything_else() {
        for d in [0.0, -0.0, 1.5, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -f64::NAN, f64::MIN_POSITIVE, f64::MAX, 5e-324] {
            let v = Value::float(d);
            assert!(v.is_float() && !v.is_int() && !v.is_cell() && !v.is_bool() && !v.is_null(), "{d}");
            assert!(v.as_float().to_bits() == d.to_bits() || d.is_nan());
        }
    }

    #[test]
    fn specials_are_only_themselves() {
        for v in [Value::NONE, Value::TRUE, Value::FALSE, Value::ELLIPSIS, Value::NOT_IMPLEMENTED] {
            assert!(!v.is_float() && !v.is_int() && !v.is_cell());
        }
        assert!(!Value::both_int(Value::int(1), Value::TRUE));
        assert!(!Value::both_int(Value::int(-1), Value::float(1.0)));
        assert!(Value::both_int(Value::int(-1), Value::int(1)));
    }
}
