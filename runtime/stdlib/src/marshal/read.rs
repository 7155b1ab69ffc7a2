//! Bytes to values. Damaged input ends in EOFError, ValueError or TypeError.

use super::{MAX_DEPTH, code, tag};
use limpid_heap::Value;
use limpid_vm::exc;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{call, number};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::str::intern_value;
use limpid_vm::types::{Bytearray, Bytes, Dict, List, Str, Tuple, ValueList, complex, int, set, slice};

enum Source<'a> {
    Bytes(&'a [u8]),
    File(Value),
}

/// Bytes being read.
pub(super) struct Reader<'a> {
    t: &'a Thread,
    source: Source<'a>,
    allow_code: bool,
    /// Values that can be referred to; `NotImplemented`, which is never read, for those that are not complete.
    refs: ValueList,
}

/// The bytes that a file's `read` gave.
pub(super) fn check_bytes(t: &Thread, v: Value) -> R<Ref<Bytes>> {
    match v.downcast::<Bytes>() {
        Some(b) => Ok(b),
        None => raise!(t, TypeError, "file.read() returned not bytes but {}", v.class().display_name()),
    }
}

impl<'a> Reader<'a> {
    pub fn from_bytes(t: &'a Thread, bytes: &'a [u8], allow_code: bool) -> Reader<'a> {
        Reader { t, source: Source::Bytes(bytes), allow_code, refs: ValueList::new(t) }
    }

    pub fn from_file(t: &'a Thread, file: Value, allow_code: bool) -> Reader<'a> {
        Reader { t, source: Source::File(file), allow_code, refs: ValueList::new(t) }
    }

    /// Reads one value.
    pub fn top_level(&mut self) -> R {
        let v = self.value(0)?;
        if v.is_null() {
            raise!(self.t, TypeError, "NULL object in marshal data for object")
        }
        Ok(v)
    }

    /// Hands the next `n` bytes to `f`.
    fn take<T>(&mut self, n: usize, f: impl FnOnce(&[u8]) -> T) -> R<T> {
        let t = self.t;
        match &mut self.source {
            Source::Bytes(rest) => match rest.split_at_checked(n) {
                Some((head, tail)) => {
                    *rest = tail;
                    Ok(f(head))
                }
                None => raise!(t, EOFError, "marshal data too short"),
            },
            Source::File(file) => {
                let into = Bytearray::from_slice(t, &vec![0; n])?;
                let got = call::call_method_text(t, *file, "readinto", &[into.value()])?;
                match number::index_isize(t, got)? {
                    got if got == n as isize => Ok(f(into.contents())),
                    got if got > n as isize => {
                        raise!(t, ValueError, "read() returned too much data: {n} bytes requested, {got} returned")
                    }
                    _ => raise!(t, EOFError, "EOF read where not expected"),
                }
            }
        }
    }

    fn u8(&mut self) -> R<u8> {
        self.take(1, |b| b[0])
    }

    fn i32(&mut self) -> R<i32> {
        self.take(4, |b| i32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    fn f64(&mut self) -> R<f64> {
        self.take(8, |b| f64::from_bits(b.iter().rev().fold(0, |n, b| n << 8 | *b as u64)))
    }

    fn text_float(&mut self) -> R<f64> {
        let n = self.u8()? as usize;
        let number = self.take(n, |b| std::str::from_utf8(b).ok().and_then(|s| s.parse().ok()))?;
        match number {
            Some(f) => Ok(f),
            None => raise!(self.t, ValueError, "could not convert string to float"),
        }
    }

    fn size(&mut self, what: &str) -> R<usize> {
        match usize::try_from(self.i32()?) {
            Ok(n) => Ok(n),
            Err(_) => raise!(self.t, ValueError, "bad marshal data ({what} size out of range)"),
        }
    }

    /// Makes room for a value that can be referred to.
    fn reserve(&mut self, flag: bool) -> Option<usize> {
        flag.then(|| {
            self.refs.push(self.t, Value::NOT_IMPLEMENTED);
            self.refs.len() - 1
        })
    }

    fn fill(&mut self, place: Option<usize>, v: Value) -> Value {
        if let Some(i) = place {
            self.refs.set(self.t, i, v);
        }
        v
    }

    /// The items of a container; none may be missing.
    fn items(&mut self, n: usize, what: &str, depth: u32, mut f: impl FnMut(Value) -> R<()>) -> R<()> {
        for _ in 0..n {
            let v = self.value(depth + 1)?;
            if v.is_null() {
                raise!(self.t, TypeError, "NULL object in marshal data for {what}")
            }
            f(v)?;
        }
        Ok(())
    }

    /// A value; NULL for the mark that ends a dict.
    fn value(&mut self, depth: u32) -> R {
        let t = self.t;
        let code = match self.u8() {
            Ok(code) => code,
            Err(raised) => {
                if t.exception_is(exc::EOFError) {
                    t.take_exception();
                    raise!(t, EOFError, "EOF read where object expected")
                }
                return Err(raised);
            }
        };
        if depth > MAX_DEPTH {
            raise!(t, ValueError, "recursion limit exceeded")
        }
        t.check_stack("")?;
        let (kind, flag) = (code & !tag::REF, code & tag::REF != 0);
        match kind {
            tag::NULL => return Ok(Value::NULL),
            tag::NONE => return Ok(Value::NONE),
            tag::TRUE => return Ok(Value::TRUE),
            tag::FALSE => return Ok(Value::FALSE),
            tag::ELLIPSIS => return Ok(Value::ELLIPSIS),
            tag::STOP_ITERATION => return Ok(exc::StopIteration.value()),
            tag::BACK => {
                let n = self.i32()?;
                let found = usize::try_from(n).ok().filter(|n| *n < self.refs.len()).map(|n| self.refs.get(n));
                return match found.filter(|v| *v != Value::NOT_IMPLEMENTED) {
                    Some(v) => Ok(v),
                    None => raise!(t, ValueError, "bad marshal data (invalid reference)"),
                };
            }
            _ => {}
        }
        let place = self.reserve(flag);
        let v = match kind {
            tag::INT => Value::int(self.i32()? as i64),
            tag::INT64 => int::from_i64(t, self.take(8, |b| b.iter().rev().fold(0, |n, b| n << 8 | *b as u64))? as i64),
            tag::LONG => self.long()?,
            tag::BINARY_FLOAT => Value::float(self.f64()?),
            tag::FLOAT => Value::float(self.text_float()?),
            tag::BINARY_COMPLEX => complex::new(t, self.f64()?, self.f64()?),
            tag::COMPLEX => complex::new(t, self.text_float()?, self.text_float()?),
            tag::BYTES => {
                let n = self.size("bytes object")?;
                self.take(n, |b| Bytes::from_slice(t, b))??.value()
            }
            tag::TEXT | tag::INTERNED => {
                let n = self.size("string")?;
                let s = self.take(n, |b| text(t, b))??;
                if kind == tag::INTERNED { intern_value(t, s.value())? } else { s.value() }
            }
            tag::ASCII | tag::ASCII_INTERNED | tag::SHORT_ASCII | tag::SHORT_ASCII_INTERNED => {
                let long = matches!(kind, tag::ASCII | tag::ASCII_INTERNED);
                let n = if long { self.size("string")? } else { self.u8()? as usize };
                let s = self.take(n, |b| Str::from_latin1(t, b))??;
                let interned = matches!(kind, tag::ASCII_INTERNED | tag::SHORT_ASCII_INTERNED);
                if interned { intern_value(t, s.value())? } else { s.value() }
            }
            tag::TUPLE | tag::SMALL_TUPLE => {
                let n = if kind == tag::TUPLE { self.size("tuple")? } else { self.u8()? as usize };
                let mut list = ValueList::new(t);
                self.items(n, "tuple", depth, |v| {
                    list.push(t, v);
                    Ok(())
                })?;
                Tuple::try_from_slice(t, list.as_slice())?.value()
            }
            tag::LIST => {
                let n = self.size("list")?;
                let list = List::new(t);
                self.fill(place, list.value());
                self.items(n, "list", depth, |v| list.append(t, v))?;
                list.value()
            }
            tag::DICT => {
                let dict = Dict::new(t);
                self.fill(place, dict.value());
                loop {
                    let key = self.value(depth + 1)?;
                    if key.is_null() {
                        break dict.value();
                    }
                    let value = self.value(depth + 1)?;
                    if value.is_null() {
                        break dict.value();
                    }
                    dict.set_item(t, key, value)?;
                }
            }
            tag::SET => {
                let n = self.size("set")?;
                let made = set::new_set(t);
                self.fill(place, made);
                self.items(n, "set", depth, |v| set::add_value(t, made, v).map(|_| ()))?;
                made
            }
            tag::FROZENSET => {
                let n = self.size("set")?;
                let mut list = ValueList::new(t);
                self.items(n, "set", depth, |v| {
                    list.push(t, v);
                    Ok(())
                })?;
                set::new_frozenset(t, list.as_slice())?
            }
            tag::SLICE => {
                let mut list = ValueList::new(t);
                self.items(3, "slice", depth, |v| {
                    list.push(t, v);
                    Ok(())
                })?;
                slice::new(t, list.get(0), list.get(1), list.get(2))
            }
            tag::CODE => {
                if !self.allow_code {
                    raise!(t, ValueError, "unmarshalling code objects is disallowed")
                }
                let n = self.size("code")?;
                self.take(n, |b| code::decode(t, b))??
            }
            _ => raise!(t, ValueError, "bad marshal data (unknown type code)"),
        };
        Ok(self.fill(place, v))
    }

    fn long(&mut self) -> R {
        let t = self.t;
        let n = self.i32()?;
        if n == i32::MIN {
            raise!(t, ValueError, "bad marshal data (long size out of range)")
        }
        let count = n.unsigned_abs() as usize;
        let digits = self.take(count * 2, |b| b.chunks_exact(2).map(|d| u16::from_le_bytes([d[0], d[1]])).collect::<Vec<_>>())?;
        if digits.last() == Some(&0) {
            raise!(t, ValueError, "bad marshal data (unnormalized long data)")
        }
        if digits.iter().any(|d| *d > 0x7FFF) {
            raise!(t, ValueError, "bad marshal data (digit out of range in long)")
        }
        int::build(t, n < 0, (count * 15).div_ceil(64), |words| {
            for (i, d) in digits.iter().enumerate() {
                let (word, shift) = (i * 15 / 64, i * 15 % 64);
                words[word] |= (*d as u64) << shift;
                if shift > 49 && *d >> (64 - shift) != 0 {
                    words[word + 1] |= (*d as u64) >> (64 - shift);
                }
            }
        })
    }
}

/// UTF-8 in which lone surrogates may occur.
fn text(t: &Thread, bytes: &[u8]) -> R<Ref<Str>> {
    use limpid_vm::types::str::codec::{Errors, utf8};
    Ok(utf8::decode(t, bytes, Value::NULL, Errors::SurrogatePass, true)?.0)
}
