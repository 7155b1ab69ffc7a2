//! `hash()`: of any object, and of raw bytes.
//!
//! Text and bytes are hashed with SipHash-1-3 under a key that is different in each process, unless `PYTHONHASHSEED` fixes it; then the
//! hashes are CPython's, too.

use crate::object::{R, Ref, ValueExt};
use crate::thread::Thread;
use crate::types::{Str, builtin};
use limpid_heap::Value;
use siphasher::sip::SipHasher13;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static KEY: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

/// Sets the key of [`hash_bytes`] before anything is hashed: from the seed, or at random if there is none. Seed 0 is the key 0.
pub fn init_key(seed: Option<u32>) {
    let mut key = [0; 16];
    match seed {
        Some(0) => {}
        Some(seed) => fill_from_seed(seed, &mut key),
        None => {
            // SAFETY: the buffer has that many bytes. Without entropy (a very old kernel, early boot) the key stays partly zero.
            unsafe { libc::getrandom(key.as_mut_ptr().cast(), key.len(), libc::GRND_NONBLOCK) };
        }
    }
    for (word, bytes) in KEY.iter().zip(key.as_chunks::<8>().0) {
        word.store(u64::from_le_bytes(*bytes), Relaxed);
    }
}

/// The bytes of a linear congruential generator, as CPython makes them of a seed.
fn fill_from_seed(seed: u32, out: &mut [u8]) {
    let mut x = seed;
    for byte in out {
        x = x.wrapping_mul(214_013).wrapping_add(2_531_011);
        *byte = (x >> 16) as u8;
    }
}

/// The hash of bytes; 0 for none.
#[inline]
pub fn hash_bytes(bytes: &[u8]) -> i64 {
    if bytes.is_empty() {
        return 0;
    }
    avoid_error(SipHasher13::new_with_keys(KEY[0].load(Relaxed), KEY[1].load(Relaxed)).hash(bytes) as i64)
}

/// -1 is no hash, for CPython's sake.
#[inline(always)]
fn avoid_error(h: i64) -> i64 {
    if h == -1 { -2 } else { h }
}

/// `hash(v)`.
#[inline]
pub fn hash_value(t: &Thread, v: Value) -> R<i64> {
    if v.is_int() {
        return Ok(avoid_error(v.as_int()));
    }
    let class = v.class();
    if class == builtin::STR {
        // SAFETY: just tested.
        return Ok(unsafe { Ref::<Str>::from_value(v) }.hash());
    }
    match class.slots().hash {
        Some(f) => f(t, v),
        None => unhashable(t, v),
    }
}

/// The hash slot of types whose instances cannot be hashed: raises TypeError.
#[cold]
pub fn unhashable(t: &Thread, v: Value) -> R<i64> {
    raise!(t, TypeError, "unhashable type: '{}'", v.class().display_name())
}

const MODULUS_BITS: i32 = 61;
const MODULUS: u64 = (1 << MODULUS_BITS) - 1;

/// The hash of a float; equal to that of an equal int. NaN has the hash of the object that it is: `identity`.
pub fn hash_float(f: f64, identity: i64) -> i64 {
    if !f.is_finite() {
        return match f {
            f if f.is_nan() => avoid_error(identity),
            f if f > 0.0 => 314_159,
            _ => -314_159,
        };
    }
    if f == f.trunc() && f.abs() < (1u64 << 60) as f64 {
        return avoid_error(f as i64);
    }
    // f = m * 2**e with a whole m; a power of two modulo 2**61 - 1 is a rotation.
    let bits = f.to_bits();
    let exponent = (bits >> 52 & 0x7FF) as i32;
    let fraction = bits & ((1 << 52) - 1);
    let (m, e) = if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
    let e = e.rem_euclid(MODULUS_BITS);
    let h = (m << e & MODULUS) | m >> (MODULUS_BITS - e);
    avoid_error(if f < 0.0 { -(h as i64) } else { h as i64 })
}

/// The hash of an object by its address.
#[inline]
pub fn hash_identity(v: Value) -> i64 {
    // The lowest bits are the same for all cells.
    avoid_error((v.bits() >> 4 | v.bits() << 60) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_hash_like_cpython() {
        for (f, h) in [
            (0.5, 1152921504606846976),
            (-0.5, -1152921504606846976),
            (1.0, 1),
            (-1.0, -2),
            (0.1, 230584300921369408),
            (1e300, 1224995262755759164),
            (5e-324, 16777216),
            (f64::INFINITY, 314159),
            (f64::NEG_INFINITY, -314159),
        ] {
            assert_eq!(hash_float(f, 0), h, "{f}");
        }
    }

    #[test]
    fn seeded_bytes_hash_like_cpython() {
        init_key(Some(0));
        assert_eq!(hash_bytes(b"abc"), -4594863902769663758);
        init_key(Some(42));
        assert_eq!(hash_bytes(b"abc"), 3869580338025362921);
    }
}
