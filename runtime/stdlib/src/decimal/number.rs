//! Decimal numbers as values: sign, coefficient and exponent, and how they are rounded to a context.
//!
//! The arithmetic of this folder's pure files is the General Decimal Arithmetic specification's; nothing here knows of Python objects.
//! Conditions are gathered as bits of [`status`]; who called decides which of them are errors.

use dashu_int::UBig;
use dashu_int::ops::{BitTest, DivRem};
use std::cmp::Ordering;

/// The conditions, with the numbers that CPython's contexts keep them by.
pub mod status {
    pub const CLAMPED: u32 = 1 << 0;
    pub const CONVERSION_SYNTAX: u32 = 1 << 1;
    pub const DIVISION_BY_ZERO: u32 = 1 << 2;
    pub const DIVISION_IMPOSSIBLE: u32 = 1 << 3;
    pub const DIVISION_UNDEFINED: u32 = 1 << 4;
    pub const INEXACT: u32 = 1 << 6;
    pub const INVALID_CONTEXT: u32 = 1 << 7;
    pub const INVALID_OPERATION: u32 = 1 << 8;
    /// The result is larger than memory: no condition that a program can mask.
    pub const NO_MEMORY: u32 = 1 << 9;
    pub const OVERFLOW: u32 = 1 << 11;
    pub const ROUNDED: u32 = 1 << 12;
    pub const SUBNORMAL: u32 = 1 << 13;
    pub const UNDERFLOW: u32 = 1 << 14;
    pub const FLOAT_OPERATION: u32 = 1 << 10;
    /// What the signal InvalidOperation stands for.
    pub const INVALID: u32 = CONVERSION_SYNTAX | DIVISION_IMPOSSIBLE | DIVISION_UNDEFINED | INVALID_CONTEXT | INVALID_OPERATION;
}

/// Where numbers end.
pub const MAX_PREC: i64 = 999_999_999_999_999_999;
pub const MAX_EMAX: i64 = 999_999_999_999_999_999;
pub const MIN_EMIN: i64 = -MAX_EMAX;

/// How a result is rounded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Rounding {
    Up,
    Down,
    Ceiling,
    Floor,
    HalfUp,
    HalfDown,
    HalfEven,
    ZeroFiveUp,
}

impl Rounding {
    /// All of them, with what a program calls them.
    pub const ALL: [(Rounding, &'static str); 8] = [
        (Rounding::Up, "ROUND_UP"),
        (Rounding::Down, "ROUND_DOWN"),
        (Rounding::Ceiling, "ROUND_CEILING"),
        (Rounding::Floor, "ROUND_FLOOR"),
        (Rounding::HalfUp, "ROUND_HALF_UP"),
        (Rounding::HalfDown, "ROUND_HALF_DOWN"),
        (Rounding::HalfEven, "ROUND_HALF_EVEN"),
        (Rounding::ZeroFiveUp, "ROUND_05UP"),
    ];

    /// Is the magnitude to be one more? The kept part's last digit, how the part cut off compares with a half; it is not zero.
    fn rounds_up(self, negative: bool, last: u8, half: Ordering) -> bool {
        match self {
            Rounding::Up => true,
            Rounding::Down => false,
            Rounding::Ceiling => !negative,
            Rounding::Floor => negative,
            Rounding::HalfUp => half.is_ge(),
            Rounding::HalfDown => half.is_gt(),
            Rounding::HalfEven => half.is_gt() || half.is_eq() && last % 2 == 1,
            Rounding::ZeroFiveUp => last == 0 || last == 5,
        }
    }
}

/// What results are rounded to.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub prec: i64,
    pub emin: i64,
    pub emax: i64,
    pub rounding: Rounding,
    pub capitals: bool,
    pub clamp: bool,
}

impl Settings {
    /// The widest there are: whatever fits is exact.
    pub const MAX: Settings =
        Settings { prec: MAX_PREC, emin: MIN_EMIN, emax: MAX_EMAX, rounding: Rounding::HalfEven, capitals: true, clamp: false };

    pub fn etiny(&self) -> i64 {
        self.emin - self.prec + 1
    }

    pub fn etop(&self) -> i64 {
        self.emax - self.prec + 1
    }
}

/// What kind of number it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    Finite,
    Infinite,
    /// A quiet NaN; the coefficient is its diagnostic number.
    Quiet,
    /// A signalling NaN; likewise.
    Signalling,
}

/// A decimal number.
#[derive(Clone, Debug)]
pub struct Number {
    pub negative: bool,
    pub kind: Kind,
    /// 0 unless it is finite.
    pub exponent: i64,
    pub coefficient: UBig,
}

/// Powers of ten that fit two words.
static POWERS: [u128; 39] = {
    let mut powers = [1; 39];
    let mut i = 1;
    while i < 39 {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// How many digits a number may get by shifting.
const MOST_DIGITS: i64 = 1 << 30;

/// Is a shift by so many digits out of the question? The caller's result is NaN then.
pub fn exceeds_memory(places: i64, flags: &mut u32) -> bool {
    let exceeds = places > MOST_DIGITS;
    if exceeds {
        *flags |= status::NO_MEMORY;
    }
    exceeds
}

/// `10**n`
pub fn power_of_ten(n: usize) -> UBig {
    match POWERS.get(n) {
        Some(power) => UBig::from_dword(*power),
        None => UBig::from(10u8).pow(n),
    }
}

/// A number of two words at most.
#[inline]
pub fn small(n: &UBig) -> Option<u128> {
    match n.as_words() {
        [] => Some(0),
        [a] => Some(*a as u128),
        [a, b] => Some(*a as u128 | (*b as u128) << 64),
        _ => None,
    }
}

/// `n * 10**places`, if that has two words at most.
#[inline]
pub fn small_scaled(n: u128, places: i64) -> Option<u128> {
    n.checked_mul(*POWERS.get(usize::try_from(places).ok()?)?)
}

/// Quotient and remainder; one of the machine's divisions if both fit one word.
#[inline]
pub fn divide_small(a: u128, b: u128) -> (u128, u128) {
    match (u64::try_from(a), u64::try_from(b)) {
        (Ok(a), Ok(b)) => ((a / b) as u128, (a % b) as u128),
        _ => {
            let quotient = a / b;
            (quotient, a - quotient * b)
        }
    }
}

#[inline]
fn last_digit(n: u128) -> u8 {
    // 2**64 is 6 modulo 10.
    ((n as u64 % 10 + (n >> 64) as u64 % 10 * 6) % 10) as u8
}

/// Is it a multiple of five? Of the machine's own divisions.
#[inline]
pub fn is_multiple_of_five(n: u128) -> bool {
    // 2**64 is 1 modulo 5.
    (n as u64 % 5 + (n >> 64) as u64 % 5).is_multiple_of(5)
}

/// How many decimal digits a number has; 1 for zero.
#[inline]
pub fn digits_of_small(n: u128) -> i64 {
    // 1233 / 4096 is the logarithm of two, as near as the powers of ten that fit ask for.
    let least = (((128 - (n | 1).leading_zeros()) * 1233) >> 12) as usize;
    least as i64 + (n >= POWERS[least] || least == 0) as i64
}

/// How many decimal digits a number has; 1 for zero.
#[inline]
pub fn digits_of(n: &UBig) -> i64 {
    match small(n) {
        Some(n) => digits_of_small(n),
        None => digits_of_large(n),
    }
}

fn digits_of_large(n: &UBig) -> i64 {
    // The logarithm of the leading 64 bits and the number of the others tells, unless it is close to a power of ten.
    let bits = n.bit_len();
    let leading: u64 = u64::try_from(n >> (bits - 64)).unwrap_or(u64::MAX);
    let log = (leading as f64).log10() + (bits - 64) as f64 * std::f64::consts::LOG10_2;
    let floor = log.floor();
    let doubt = log.abs() * 1e-14 + 1e-12;
    if log - floor > doubt && floor + 1.0 - log > doubt {
        return floor as i64 + 1;
    }
    let nearest = log.round() as usize;
    if *n >= power_of_ten(nearest) { nearest as i64 + 1 } else { nearest as i64 }
}

/// A finite number other than zero with a coefficient of two words: what nearly all results are before they are rounded.
#[derive(Clone, Copy)]
pub struct Small {
    pub negative: bool,
    pub coefficient: u128,
    pub exponent: i64,
}

impl Small {
    #[inline]
    fn number(self) -> Number {
        Number::finite(self.negative, UBig::from_dword(self.coefficient), self.exponent)
    }

    /// As [`Number::finish`].
    #[inline]
    pub fn finish(self, c: &Settings, flags: &mut u32) -> Number {
        let least = digits_of_small(self.coefficient) + self.exponent - c.prec;
        if self.exponent >= least && !c.clamp && least >= c.etiny() && least <= c.etop() {
            return self.number();
        }
        // Near the limits of exponents there is more to look at.
        let power = POWERS.get((least - self.exponent) as usize).filter(|_| !c.clamp && least >= c.etiny() && least < c.etop());
        let Some(&power) = power else { return self.number().finish(c, flags) };
        let (mut kept, inexact) = cut_off_small(self.coefficient, power, c.rounding, self.negative);
        let mut exponent = least;
        *flags |= status::ROUNDED;
        if inexact {
            *flags |= status::INEXACT;
            // All nines have become one digit more.
            if kept == POWERS[c.prec as usize] {
                kept = POWERS[c.prec as usize - 1];
                exponent += 1;
            }
        }
        Small { negative: self.negative, coefficient: kept, exponent }.number()
    }
}

/// A number divided by a power of ten, rounded; whether anything but zeros was cut off.
#[inline]
fn cut_off_small(n: u128, power: u128, rounding: Rounding, negative: bool) -> (u128, bool) {
    let (kept, rest) = divide_small(n, power);
    if rest == 0 {
        return (kept, false);
    }
    let up = rounding.rounds_up(negative, last_digit(kept), rest.cmp(&(power - rest)));
    (kept + up as u128, true)
}

/// A number divided by `10**places`, rounded; whether anything but zeros was cut off.
fn cut_off(n: &UBig, places: usize, rounding: Rounding, negative: bool) -> (UBig, bool) {
    if let Some(n) = small(n)
        && let Some(&power) = POWERS.get(places)
    {
        let (kept, inexact) = cut_off_small(n, power, rounding, negative);
        return (UBig::from_dword(kept), inexact);
    }
    let power = power_of_ten(places);
    let (kept, rest) = n.div_rem(&power);
    if rest.is_zero() {
        return (kept, false);
    }
    let last = u8::try_from(&kept % UBig::from(10u8)).unwrap_or(0);
    let half = rest.cmp(&(&power - &rest));
    let up = rounding.rounds_up(negative, last, half);
    (if up { kept + UBig::ONE } else { kept }, true)
}

impl Number {
    pub fn finite(negative: bool, coefficient: UBig, exponent: i64) -> Number {
        Number { negative, kind: Kind::Finite, exponent, coefficient }
    }

    pub fn zero(negative: bool, exponent: i64) -> Number {
        Number::finite(negative, UBig::ZERO, exponent)
    }

    pub fn infinity(negative: bool) -> Number {
        Number { negative, kind: Kind::Infinite, exponent: 0, coefficient: UBig::ZERO }
    }

    pub fn nan() -> Number {
        Number { negative: false, kind: Kind::Quiet, exponent: 0, coefficient: UBig::ZERO }
    }

    /// NaN for an operation that is not possible.
    pub fn invalid(flags: &mut u32, condition: u32) -> Number {
        *flags |= condition;
        Number::nan()
    }

    pub fn is_nan(&self) -> bool {
        matches!(self.kind, Kind::Quiet | Kind::Signalling)
    }

    pub fn is_finite(&self) -> bool {
        self.kind == Kind::Finite
    }

    pub fn is_infinite(&self) -> bool {
        self.kind == Kind::Infinite
    }

    /// Is it a finite zero?
    pub fn is_zero(&self) -> bool {
        self.is_finite() && self.coefficient.is_zero()
    }

    pub fn digits(&self) -> i64 {
        digits_of(&self.coefficient)
    }

    /// The exponent of the first digit.
    pub fn adjusted(&self) -> i64 {
        if self.is_finite() { self.exponent + self.digits() - 1 } else { 0 }
    }

    pub fn negated(mut self) -> Number {
        self.negative = !self.negative;
        self
    }

    pub fn with_sign(mut self, negative: bool) -> Number {
        self.negative = negative;
        self
    }

    /// The number with another exponent, digits cut off or zeros added; nothing limits it.
    pub fn rescaled(&self, exponent: i64, rounding: Rounding, flags: &mut u32) -> (Number, bool) {
        if self.coefficient.is_zero() {
            return (Number::zero(self.negative, exponent), false);
        }
        if self.exponent >= exponent {
            if exceeds_memory(self.exponent - exponent, flags) {
                return (Number::nan(), false);
            }
            let coefficient = &self.coefficient * power_of_ten((self.exponent - exponent) as usize);
            return (Number::finite(self.negative, coefficient, exponent), false);
        }
        let places = exponent - self.exponent;
        if places > self.digits() {
            // Less than a tenth of a unit, but not nothing.
            let (coefficient, _) = cut_off(&UBig::ONE, 1, rounding, self.negative);
            return (Number::finite(self.negative, coefficient, exponent), true);
        }
        let (coefficient, inexact) = cut_off(&self.coefficient, places as usize, rounding, self.negative);
        (Number::finite(self.negative, coefficient, exponent), inexact)
    }

    /// Rounds a result to a context.
    pub fn finish(mut self, c: &Settings, flags: &mut u32) -> Number {
        match self.kind {
            Kind::Finite => {}
            Kind::Infinite => return self,
            Kind::Quiet | Kind::Signalling => {
                let most = c.prec - c.clamp as i64;
                if self.digits() > most {
                    self.coefficient %= power_of_ten(most as usize);
                }
                return self;
            }
        }
        let (etiny, etop) = (c.etiny(), c.etop());
        if self.coefficient.is_zero() {
            let exponent = self.exponent.clamp(etiny, if c.clamp { etop } else { c.emax });
            if exponent != self.exponent {
                *flags |= status::CLAMPED;
                self.exponent = exponent;
            }
            return self;
        }
        let digits = self.digits();
        let mut least = digits + self.exponent - c.prec;
        if least > etop {
            return Number::overflow(self.negative, c, flags);
        }
        let subnormal = least < etiny;
        if subnormal {
            least = etiny;
        }
        if self.exponent < least {
            let (mut rounded, inexact) = self.rescaled(least, c.rounding, flags);
            if rounded.digits() > c.prec {
                rounded.coefficient /= UBig::from(10u8);
                rounded.exponent += 1;
            }
            if rounded.exponent > etop {
                return Number::overflow(self.negative, c, flags);
            }
            *flags |= status::ROUNDED;
            if inexact {
                *flags |= status::INEXACT;
            }
            if subnormal {
                *flags |= status::SUBNORMAL;
                if inexact {
                    *flags |= status::UNDERFLOW;
                }
                if rounded.coefficient.is_zero() {
                    *flags |= status::CLAMPED;
                }
            }
            return rounded;
        }
        if subnormal {
            *flags |= status::SUBNORMAL;
        }
        if c.clamp && self.exponent > etop {
            *flags |= status::CLAMPED;
            if exceeds_memory(self.exponent - etop, flags) {
                return Number::nan();
            }
            self.coefficient *= power_of_ten((self.exponent - etop) as usize);
            self.exponent = etop;
        }
        self
    }

    /// What a number too large becomes.
    fn overflow(negative: bool, c: &Settings, flags: &mut u32) -> Number {
        *flags |= status::OVERFLOW | status::INEXACT | status::ROUNDED;
        let infinite = match c.rounding {
            Rounding::HalfUp | Rounding::HalfEven | Rounding::HalfDown | Rounding::Up => true,
            Rounding::Ceiling => !negative,
            Rounding::Floor => negative,
            Rounding::Down | Rounding::ZeroFiveUp => false,
        };
        if infinite {
            return Number::infinity(negative);
        }
        if exceeds_memory(c.prec, flags) {
            return Number::nan();
        }
        Number::finite(negative, power_of_ten(c.prec as usize) - UBig::ONE, c.etop())
    }

    /// The order of two numbers that are no NaN.
    pub fn compare(&self, other: &Number) -> Ordering {
        let rank = |n: &Number| match (n.kind, n.negative) {
            (Kind::Infinite, true) => -2i32,
            (Kind::Infinite, false) => 2,
            _ if n.coefficient.is_zero() => 0,
            (_, true) => -1,
            (_, false) => 1,
        };
        let (a, b) = (rank(self), rank(other));
        if a != b || a.abs() != 1 {
            return a.cmp(&b);
        }
        let magnitudes = self.compare_magnitudes(other);
        if self.negative { magnitudes.reverse() } else { magnitudes }
    }

    /// The order of the magnitudes of two finite numbers, none of them zero.
    fn compare_magnitudes(&self, other: &Number) -> Ordering {
        if self.exponent == other.exponent {
            return self.coefficient.cmp(&other.coefficient);
        }
        self.adjusted().cmp(&other.adjusted()).then_with(|| {
            let shift = (self.exponent - other.exponent).unsigned_abs() as usize;
            if self.exponent > other.exponent {
                (&self.coefficient * power_of_ten(shift)).cmp(&other.coefficient)
            } else {
                self.coefficient.cmp(&(&other.coefficient * power_of_ten(shift)))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_counted_around_every_power_of_ten() {
        assert_eq!(digits_of_small(0), 1);
        for (places, power) in POWERS.iter().enumerate() {
            assert_eq!(digits_of_small(*power), places as i64 + 1);
            assert_eq!(digits_of_small(*power - 1), (places as i64).max(1));
        }
        assert_eq!(digits_of_small(u128::MAX), 39);
    }

    #[test]
    fn last_digits() {
        for n in [0, 9, 10, u64::MAX as u128, u64::MAX as u128 + 1, u128::MAX, u128::MAX - 4] {
            assert_eq!(last_digit(n) as u128, n % 10);
        }
    }
}
