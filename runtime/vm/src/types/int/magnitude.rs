//! Arithmetic on magnitudes: slices of 64-bit digits, least significant first.
//!
//! Inputs have no leading zeros unless a function says that they may; outputs may. Knows nothing of objects.

use std::cmp::Ordering;

/// Products whose shorter factor is longer than this are dashu's business.
pub const SCHOOLBOOK_LIMIT: usize = 24;

/// The digits without leading zeros.
#[inline]
pub fn trimmed(digits: &[u64]) -> &[u64] {
    let len = digits.iter().rposition(|d| *d != 0).map_or(0, |i| i + 1);
    &digits[..len]
}

/// How many bits the number has; 0 for zero.
#[inline]
pub fn bit_length(a: &[u64]) -> u64 {
    match a.last() {
        None => 0,
        Some(top) => a.len() as u64 * 64 - top.leading_zeros() as u64,
    }
}

/// How many of its bits are set.
pub fn count_ones(a: &[u64]) -> u64 {
    a.iter().map(|d| d.count_ones() as u64).sum()
}

/// Is bit `n` or a lower one set?
pub fn any_bit_below(a: &[u64], n: u64) -> bool {
    let (word, bit) = ((n / 64) as usize, n % 64);
    if word >= a.len() {
        return a.iter().any(|d| *d != 0);
    }
    a[..word].iter().any(|d| *d != 0) || a[word] & ((1 << bit) - 1) != 0
}

/// The order of two numbers.
#[inline]
pub fn compare(a: &[u64], b: &[u64]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

/// `out = a + b`. `out` has one digit more than the longer one.
#[inline]
pub fn add(out: &mut [u64], a: &[u64], b: &[u64]) {
    let (a, b) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let (out, last) = out.split_at_mut(a.len());
    let (low, high) = out.split_at_mut(b.len());
    let mut carry = chain(low, &a[..b.len()], b, u64::carrying_add);
    for (o, x) in high.iter_mut().zip(&a[b.len()..]) {
        (*o, carry) = x.overflowing_add(carry as u64);
    }
    last[0] = carry as u64;
}

/// `out = a - b`, for `a >= b`. `out` is as long as `a`.
#[inline]
pub fn subtract(out: &mut [u64], a: &[u64], b: &[u64]) {
    debug_assert!(compare(a, b).is_ge() && out.len() >= a.len());
    let (low, high) = out.split_at_mut(b.len());
    let mut borrow = chain(low, &a[..b.len()], b, u64::borrowing_sub);
    for (o, x) in high.iter_mut().zip(&a[b.len()..]) {
        (*o, borrow) = x.overflowing_sub(borrow as u64);
    }
}

/// Adds or subtracts digit by digit; the last carry. Four at a time, in which the carry stays a flag of the processor.
#[inline(always)]
fn chain(out: &mut [u64], a: &[u64], b: &[u64], step: impl Fn(u64, u64, bool) -> (u64, bool)) -> bool {
    let mut carry = false;
    let ((out, out_rest), (a, a_rest), (b, b_rest)) = (out.as_chunks_mut::<4>(), a.as_chunks::<4>(), b.as_chunks::<4>());
    for ((o, x), y) in out.iter_mut().zip(a).zip(b) {
        for i in 0..4 {
            (o[i], carry) = step(x[i], y[i], carry);
        }
    }
    for ((o, x), y) in out_rest.iter_mut().zip(a_rest).zip(b_rest) {
        (*o, carry) = step(*x, *y, carry);
    }
    carry
}

/// `out = a * b`. `out` is zero and has as many digits as both together.
#[inline]
pub fn multiply(out: &mut [u64], a: &[u64], b: &[u64]) {
    debug_assert!(out.len() >= a.len() + b.len());
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    for (i, &x) in short.iter().enumerate() {
        let mut carry = 0;
        let (row, above) = out[i..].split_at_mut(long.len());
        for (o, y) in row.iter_mut().zip(long) {
            (*o, carry) = y.carrying_mul_add(x, *o, carry);
        }
        above[0] = carry;
    }
}

/// `a / b` where that is one digit: `a` is less than `b` times 2**64, and `b` has two digits at least. `rest` is as long as `a` and becomes
/// the remainder.
pub fn divide_to_digit(rest: &mut [u64], a: &[u64], b: &[u64]) -> u64 {
    let n = b.len();
    debug_assert!(n >= 2 && a.len() >= n && rest.len() == a.len());
    debug_assert!(a.len() == n || a.len() == n + 1 && compare(&a[1..], b).is_lt());
    // The leading digits, shifted so that the divisor's highest bit is set: with them the quotient is at most two too large.
    let shift = b[n - 1].leading_zeros();
    let digit = |digits: &[u64], i: usize| digits.get(i).copied().unwrap_or(0);
    let shifted = |digits: &[u64], i: usize| {
        let below = if i == 0 || shift == 0 { 0 } else { digit(digits, i - 1) >> (64 - shift) };
        digit(digits, i) << shift | below
    };
    let top = shifted(b, n - 1);
    let leading = (shifted(a, n) as u128) << 64 | shifted(a, n - 1) as u128;
    let mut quotient = u64::try_from(leading / top as u128).unwrap_or(u64::MAX);
    if quotient == 0 {
        rest.copy_from_slice(a);
        return 0;
    }
    let (mut high, mut borrow) = (0, false);
    for ((r, x), y) in rest.iter_mut().zip(a).zip(b) {
        let product;
        (product, high) = y.carrying_mul(quotient, high);
        (*r, borrow) = x.borrowing_sub(product, borrow);
    }
    // How often the digit above the highest one was borrowed from, because the quotient is too large.
    let mut missing = match rest.get_mut(n) {
        Some(r) => {
            (*r, borrow) = a[n].borrowing_sub(high, borrow);
            borrow as u64
        }
        None => high + borrow as u64,
    };
    while missing > 0 {
        quotient -= 1;
        let mut carry = false;
        for (r, y) in rest.iter_mut().zip(b) {
            (*r, carry) = r.carrying_add(*y, carry);
        }
        if let Some(r) = rest.get_mut(n) {
            (*r, carry) = r.overflowing_add(carry as u64);
        }
        missing -= carry as u64;
    }
    quotient
}

/// `out = a / d`; the remainder. `out` is as long as `a`.
#[inline]
pub fn divide_by_digit(out: &mut [u64], a: &[u64], d: u64) -> u64 {
    let mut rest = 0;
    for i in (0..a.len()).rev() {
        (out[i], rest) = divide_step(rest, a[i], d);
    }
    rest
}

/// `a % d`.
#[inline]
pub fn remainder_by_digit(a: &[u64], d: u64) -> u64 {
    a.iter().rev().fold(0, |rest, &digit| divide_step(rest, digit, d).1)
}

/// Divides the two-digit number `high:low` by `d`, for `high < d`.
#[inline(always)]
fn divide_step(high: u64, low: u64, d: u64) -> (u64, u64) {
    if high == 0 {
        return (low / d, low % d);
    }
    let n = (high as u128) << 64 | low as u128;
    ((n / d as u128) as u64, (n % d as u128) as u64)
}

/// `out = a << n`. `out` is zero and has room: `a.len() + n / 64 + 1` digits.
pub fn shift_left(out: &mut [u64], a: &[u64], n: u64) {
    let (words, bits) = ((n / 64) as usize, n % 64);
    if bits == 0 {
        out[words..words + a.len()].copy_from_slice(a);
        return;
    }
    let mut carry = 0;
    for (i, &d) in a.iter().enumerate() {
        out[words + i] = d << bits | carry;
        carry = d >> (64 - bits);
    }
    out[words + a.len()] = carry;
}

/// `out = a >> n`, rounded down; were bits lost? `out` has `a.len() - n / 64` digits, at least.
pub fn shift_right(out: &mut [u64], a: &[u64], n: u64) -> bool {
    let (words, bits) = ((n / 64) as usize, n % 64);
    if words >= a.len() {
        return !a.is_empty();
    }
    let lost = any_bit_below(a, n);
    let a = &a[words..];
    if bits == 0 {
        out[..a.len()].copy_from_slice(a);
        return lost;
    }
    for i in 0..a.len() {
        let above = if i + 1 < a.len() { a[i + 1] << (64 - bits) } else { 0 };
        out[i] = a[i] >> bits | above;
    }
    lost
}

/// Adds one in place; the carry out of the last digit.
pub fn increment(digits: &mut [u64]) -> bool {
    for d in digits {
        let carry;
        (*d, carry) = d.overflowing_add(1);
        if !carry {
            return false;
        }
    }
    true
}

/// Turns a magnitude into the two's complement of its negative, or back.
pub fn negate_twos_complement(digits: &mut [u64]) {
    digits.iter_mut().for_each(|d| *d = !*d);
    increment(digits);
}

/// The number modulo 2**61 - 1. Leading zeros are allowed.
pub fn modulo_mersenne61(a: &[u64]) -> u64 {
    const P: u64 = (1 << 61) - 1;
    let mut h = 0u64;
    for &d in a.iter().rev() {
        // 2**64 is 8 modulo P, so multiplying by it rotates 61 bits left by 3.
        h = (h << 3 & P) | h >> 58;
        h += (d & P) + (d >> 61);
        h = (h & P) + (h >> 61);
        if h >= P {
            h -= P;
        }
    }
    h
}

#[cfg(test)]
mod tests {
    use super::*;

    const M: u64 = u64::MAX;

    #[test]
    fn carries_run_through() {
        let mut out = [0; 4];
        add(&mut out, &[M, M, M], &[1]);
        assert_eq!(out, [0, 0, 0, 1]);
        let mut out = [0; 4];
        subtract(&mut out, &[0, 0, 0, 1], &[1]);
        assert_eq!(out, [M, M, M, 0]);
        let mut out = [0; 4];
        multiply(&mut out, &[M, M], &[M, M]);
        assert_eq!(out, [1, 0, M - 1, M]);
    }

    #[test]
    fn division_by_a_digit() {
        let mut out = [0; 3];
        assert_eq!(divide_by_digit(&mut out, &[5, 7, 9], 10), remainder_by_digit(&[5, 7, 9], 10));
        let mut back = [0; 4];
        multiply(&mut back, &out, &[10]);
        let rest = remainder_by_digit(&[5, 7, 9], 10);
        assert_eq!([back[0] + rest, back[1], back[2], back[3]], [5, 7, 9, 0]);
    }

    #[test]
    fn quotients_of_one_digit() {
        let cases: [(&[u64], &[u64]); 7] = [
            (&[5, 7, 9], &[1, 2, 3]),
            (&[5, 7, 9], &[M, M, 9]),
            (&[0, 0, 9], &[0, 0, 9]),
            (&[M, M, M], &[1, 0, 1]),
            (&[0, 0, M - 1], &[M, M]),
            (&[M, M - 1, M - 1], &[M, M]),
            (&[0, 3, 1 << 63, 1], &[M, 1, 1 << 62]),
        ];
        for (a, b) in cases {
            let mut rest = vec![0; a.len()];
            let quotient = divide_to_digit(&mut rest, a, b);
            assert!(compare(trimmed(&rest), b).is_lt(), "{a:?} {b:?}");
            let (mut product, mut sum) = (vec![0; b.len() + 1], vec![0; a.len() + 2]);
            multiply(&mut product, b, &[quotient]);
            add(&mut sum[..=a.len().max(trimmed(&product).len())], trimmed(&product), trimmed(&rest));
            assert_eq!(trimmed(&sum), a, "{a:?} {b:?}");
        }
    }

    #[test]
    fn shifts_cross_digits() {
        let mut out = [0; 3];
        shift_left(&mut out, &[M], 65);
        assert_eq!(out, [0, M - 1, 1]);
        let mut back = [0; 2];
        assert!(!shift_right(&mut back, &out, 65));
        assert_eq!(back, [M, 0]);
        assert!(shift_right(&mut [0; 3], &out, 66));
        assert!(shift_right(&mut [], &out, 500));
    }

    #[test]
    fn mersenne_hash() {
        assert_eq!(modulo_mersenne61(&[(1 << 61) - 1]), 0);
        assert_eq!(modulo_mersenne61(&[1 << 61]), 1);
        assert_eq!(modulo_mersenne61(&[0, 1]), 8);
        assert_eq!(modulo_mersenne61(&[M]), 7);
        assert_eq!(modulo_mersenne61(&[12345, 6789]), 12345 + 6789 * 8);
    }
}
