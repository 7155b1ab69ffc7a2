//! Ints as text in some base, and the limit on the length of decimal text.

use super::{Parts, fits_i64, parts};
use crate::object::{R, Ref};
use crate::thread::Thread;
use crate::types::Str;
use crate::types::str::AsciiText;
use dashu_int::UBig;
use limpid_heap::Value;
use std::io::Write as _;
use std::sync::atomic::Ordering::Relaxed;

/// The limit when the program sets none.
pub const DEFAULT_MAX_STR_DIGITS: usize = 4300;
/// The smallest limit that may be set, besides 0 for none; shorter text is never refused.
pub const MAX_STR_DIGITS_THRESHOLD: usize = 640;

/// `sys.get_int_max_str_digits()`: 0 is no limit.
pub fn max_str_digits(t: &Thread) -> usize {
    t.interpreter().max_str_digits.load(Relaxed)
}

/// Room for any 64-bit number in decimal.
pub type DecimalBuffer = [u8; 20];

/// A 64-bit number in decimal.
#[inline]
pub fn decimal_i64(i: i64, buffer: &mut DecimalBuffer) -> &str {
    const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
        2021222324252627282930313233343536373839\
        4041424344454647484950515253545556575859\
        6061626364656667686970717273747576777879\
        8081828384858687888990919293949596979899";
    let mut m = i.unsigned_abs();
    let mut at = buffer.len();
    while m >= 100 {
        let pair = (m % 100) as usize * 2;
        m /= 100;
        at -= 2;
        buffer[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    }
    if m >= 10 {
        at -= 2;
        buffer[at..at + 2].copy_from_slice(&PAIRS[m as usize * 2..m as usize * 2 + 2]);
    } else {
        at -= 1;
        buffer[at] = b'0' + m as u8;
    }
    if i < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    // SAFETY: only ASCII digits and a sign were written.
    unsafe { std::str::from_utf8_unchecked(&buffer[at..]) }
}

/// `repr` of an int.
#[inline]
pub fn repr(t: &Thread, v: Value) -> R<Ref<Str>> {
    match fits_i64(v) {
        Some(i @ 0..10) => Ok(t.runtime().latin1_char(b'0' + i as u8)),
        Some(i) => Str::from_ascii(t, decimal_i64(i, &mut [0; 20]).as_bytes()),
        None => {
            let mut text = AsciiText::new();
            write_radix(t, v, 10, &mut text)?;
            Str::from_ascii(t, &text)
        }
    }
}

/// An int in base 2, 8 or 16 with its prefix: `bin`, `oct`, `hex`.
pub fn to_text_prefixed(t: &Thread, v: Value, base: u32) -> R<Ref<Str>> {
    let mut digits = AsciiText::new();
    write_radix(t, v, base, &mut digits)?;
    let negative = digits.first() == Some(&b'-');
    let prefix: &[u8] = match base {
        2 => b"0b",
        8 => b"0o",
        _ => b"0x",
    };
    digits.insert_from_slice(negative as usize, prefix);
    Str::from_ascii(t, &digits)
}

/// Appends an int in a base from 2 to 36, lower case, a minus sign if negative, no prefix. ValueError when decimal text would be longer
/// than the limit.
pub fn write_radix(t: &Thread, v: Value, base: u32, out: &mut AsciiText) -> R<()> {
    if let Some(i) = fits_i64(v) {
        match base {
            10 => out.extend_from_slice(decimal_i64(i, &mut [0; 20]).as_bytes()),
            _ => {
                if i < 0 {
                    out.push(b'-');
                }
                let m = i.unsigned_abs();
                // Writing to memory cannot fail.
                let _ = match base {
                    16 => write!(out, "{m:x}"),
                    8 => write!(out, "{m:o}"),
                    2 => write!(out, "{m:b}"),
                    _ => write!(out, "{}", UBig::from(m).in_radix(base as u8)),
                };
            }
        }
        return Ok(());
    }
    let mut scratch = 0;
    let p = parts(v, &mut scratch);
    if base == 10 {
        check_limit(t, p)?;
    }
    if p.negative {
        out.push(b'-');
    }
    let start = out.len();
    let _ = write!(out, "{}", p.to_ubig().in_radix(base as u8));
    if base == 10 && exceeds(t, out.len() - start) {
        return too_long(t);
    }
    Ok(())
}

fn exceeds(t: &Thread, digits: usize) -> bool {
    let limit = max_str_digits(t);
    limit > 0 && digits > limit && digits > MAX_STR_DIGITS_THRESHOLD
}

/// Refuses numbers that surely have too many digits without converting them.
fn check_limit(t: &Thread, p: Parts<'_>) -> R<()> {
    // log10(2) is a little more than 0.30102.
    let at_least = (p.bit_length() - 1) as u128 * 30102 / 100_000;
    if at_least > 0 && exceeds(t, at_least as usize) { too_long(t) } else { Ok(()) }
}

#[cold]
fn too_long<T>(t: &Thread) -> R<T> {
    let limit = max_str_digits(t);
    raise!(
        t,
        ValueError,
        "Exceeds the limit ({limit} digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit"
    )
}
