//! Values to the bytes of an item, and back.

use super::ERROR;
use super::format::{Format, Item, Kind};
use limpid_heap::Value;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::{number, truth};
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::{f64_to_half, half_to_f64};
use limpid_vm::types::{Bytearray, Bytes, Tuple, ValueList, complex, int};
use limpid_vm::{exc, raise};

/// Writes the lowest bytes of `bits`.
fn put(out: &mut [u8], bits: u64, little: bool) {
    let n = out.len();
    if little {
        out.copy_from_slice(&bits.to_le_bytes()[..n]);
    } else {
        out.copy_from_slice(&bits.to_be_bytes()[8 - n..]);
    }
}

/// The number of up to eight bytes.
fn take(bytes: &[u8], little: bool) -> u64 {
    let mut word = [0; 8];
    if little {
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(word)
    } else {
        word[8 - bytes.len()..].copy_from_slice(bytes);
        u64::from_be_bytes(word)
    }
}

fn integer(t: &Thread, v: Value) -> R {
    if int::is_int(v) {
        return Ok(v);
    }
    if !number::is_index(v) {
        return struct_error(t, "required argument is not an integer");
    }
    number::index(t, v)
}

#[cold]
fn out_of_range<T>(t: &Thread, item: &Item) -> R<T> {
    let bits = item.size as u32 * 8;
    let (min, max) = match item.kind {
        Kind::Signed => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
        _ => (0, (1i128 << bits) - 1),
    };
    struct_error(t, &format!("'{}' format requires {min} <= number <= {max}", item.code as char))
}

fn float(t: &Thread, v: Value) -> R<f64> {
    number::as_float(t, v).or_else(|_| {
        t.take_exception();
        struct_error(t, "required argument is not a float")
    })
}

/// A number in single precision; OverflowError when it is finite and does not fit.
fn single(t: &Thread, x: f64) -> R<f32> {
    let f = x as f32;
    if f.is_infinite() && x.is_finite() {
        raise!(t, OverflowError, "float too large to pack with f format")
    }
    Ok(f)
}

fn complex(t: &Thread, v: Value) -> R<(f64, f64)> {
    let converted = match complex::as_parts(v) {
        Some(parts) => return Ok(parts),
        None => complex::to_parts(t, v),
    };
    converted.or_else(|_| {
        t.take_exception();
        struct_error(t, "required argument is not a complex")
    })
}

/// The contents of an argument for `s` or `p`.
fn bytes<'a>(t: &Thread, item: &Item, v: Value) -> R<&'a [u8]> {
    if let Some(b) = v.downcast::<Bytes>() {
        return Ok(b.contents());
    }
    match v.downcast::<Bytearray>() {
        Some(b) => Ok(b.contents()),
        None => struct_error(t, &format!("argument for '{}' must be a bytes object", item.code as char)),
    }
}

fn pack_one(t: &Thread, format: &Format, item: &Item, v: Value, out: &mut [u8]) -> R<()> {
    let little = format.little;
    match item.kind {
        Kind::Pad => {}
        Kind::Char => match v.downcast::<Bytes>().filter(|b| b.len() == 1) {
            Some(b) => out[0] = b.contents()[0],
            None => return struct_error(t, "char format requires a bytes object of length 1"),
        },
        Kind::Signed => {
            let bits = item.size as u32 * 8;
            match int::as_i64_opt(integer(t, v)?).filter(|i| bits == 64 || (i << (64 - bits)) >> (64 - bits) == *i) {
                Some(i) => put(out, i as u64, little),
                None => return out_of_range(t, item),
            }
        }
        Kind::Unsigned => {
            let bits = item.size as u32 * 8;
            match int::as_u64_opt(integer(t, v)?).filter(|u| bits == 64 || u >> bits == 0) {
                Some(u) => put(out, u, little),
                None => return out_of_range(t, item),
            }
        }
        Kind::Pointer => {
            let i = integer(t, v)?;
            match int::as_u64_opt(i).or_else(|| int::as_i64_opt(i).map(|i| i as u64)) {
                Some(u) => put(out, u, little),
                None => raise!(t, OverflowError, "int too large to convert to pointer"),
            }
        }
        Kind::Bool => out[0] = truth::truth(t, v)? as u8,
        Kind::Half => match f64_to_half(float(t, v)?) {
            Some(h) => put(out, h as u64, little),
            None => raise!(t, OverflowError, "float too large to pack with e format"),
        },
        Kind::Float => put(out, single(t, float(t, v)?)?.to_bits() as u64, little),
        Kind::Double => put(out, float(t, v)?.to_bits(), little),
        Kind::ComplexFloat => {
            let (re, im) = complex(t, v)?;
            put(&mut out[..4], single(t, re)?.to_bits() as u64, little);
            put(&mut out[4..], single(t, im)?.to_bits() as u64, little);
        }
        Kind::ComplexDouble => {
            let (re, im) = complex(t, v)?;
            put(&mut out[..8], re.to_bits(), little);
            put(&mut out[8..], im.to_bits(), little);
        }
        Kind::Bytes => {
            let b = bytes(t, item, v)?;
            let n = b.len().min(out.len());
            out[..n].copy_from_slice(&b[..n]);
        }
        Kind::Pascal => {
            let b = bytes(t, item, v)?;
            if let Some((count, out)) = out.split_first_mut() {
                let n = b.len().min(out.len());
                out[..n].copy_from_slice(&b[..n]);
                *count = n.min(u8::MAX as usize) as u8;
            }
        }
    }
    Ok(())
}

fn unpack_one(t: &Thread, item: &Item, little: bool, b: &[u8]) -> R {
    Ok(match item.kind {
        Kind::Pad => Value::NONE,
        Kind::Char | Kind::Bytes => Bytes::from_slice(t, b)?.value(),
        Kind::Signed => {
            let unused = 64 - item.size as u32 * 8;
            int::from_i64(t, ((take(b, little) << unused) as i64) >> unused)
        }
        Kind::Unsigned | Kind::Pointer => int::from_u64(t, take(b, little)),
        Kind::Bool => Value::bool(b[0] != 0),
        Kind::Half => Value::float(half_to_f64(take(b, little) as u16)),
        Kind::Float => Value::float(f32::from_bits(take(b, little) as u32) as f64),
        Kind::Double => Value::float(f64::from_bits(take(b, little))),
        Kind::ComplexFloat => {
            let part = |b: &[u8]| f32::from_bits(take(b, little) as u32) as f64;
            complex::new(t, part(&b[..4]), part(&b[4..]))
        }
        Kind::ComplexDouble => {
            let part = |b: &[u8]| f64::from_bits(take(b, little));
            complex::new(t, part(&b[..8]), part(&b[8..]))
        }
        Kind::Pascal => {
            let (n, rest) = b.split_first().map_or((0, b), |(n, rest)| (*n as usize, rest));
            Bytes::from_slice(t, &rest[..n.min(rest.len())])?.value()
        }
    })
}

/// Writes values, as many as the format has, to `out`, as long as the format.
pub(super) fn pack(t: &Thread, format: &Format, values: &[Value], out: &mut [u8]) -> R<()> {
    let mut values = values.iter();
    for item in &format.items {
        for i in 0..item.repeat {
            let at = item.offset + i * item.size;
            let v = values.next().copied().unwrap_or(Value::NONE);
            if let Err(raised) = pack_one(t, format, item, v, &mut out[at..at + item.size]) {
                if int::is_int(v) && t.exception_is(exc::OverflowError) {
                    t.take_exception();
                    return struct_error(t, "int too large to convert");
                }
                return Err(raised);
            }
        }
    }
    Ok(())
}

/// The values in `bytes`, as long as the format: a tuple.
pub(super) fn unpack(t: &Thread, format: &Format, bytes: &[u8]) -> R {
    const FEW: usize = 16;
    let mut few = [Value::NULL; FEW];
    let mut many = (format.values > FEW).then(|| ValueList::with_capacity(t, format.values));
    let mut n = 0;
    for item in &format.items {
        for i in 0..item.repeat {
            let at = item.offset + i * item.size;
            let v = unpack_one(t, item, format.little, &bytes[at..at + item.size])?;
            match &mut many {
                Some(list) => list.push(t, v),
                None => few[n] = v,
            }
            n += 1;
        }
    }
    match many {
        Some(list) => Ok(Tuple::try_from_slice(t, list.as_slice())?.value()),
        None => Ok(Tuple::from_slice(t, &few[..n]).value()),
    }
}

/// Raises `struct.error`.
pub(super) fn struct_error<T>(t: &Thread, message: &str) -> R<T> {
    Err(t.raise(ERROR.get(), message))
}
