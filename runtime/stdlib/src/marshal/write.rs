//! Values to bytes.

use super::{MAX_DEPTH, code, tag};
use limpid_heap::Value;
use limpid_vm::exc;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::iter;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::get_buffer_opt;
use limpid_vm::types::str::codec::utf8;
use limpid_vm::types::{Bytes, Code, Dict, List, Slice, Str, Tuple, ValueList, builtin, complex, float, int, set};
use std::collections::HashMap;

/// Bits of a digit of a long int.
const DIGIT_BITS: usize = 15;

/// Bytes being written.
pub(super) struct Writer<'a> {
    t: &'a Thread,
    version: i32,
    allow_code: bool,
    /// What is written so far.
    pub out: Vec<u8>,
    /// Numbers of the values that can be referred to, by identity.
    numbers: HashMap<u64, u32>,
    /// These values, so that none dies and leaves its identity to another.
    alive: ValueList,
}

impl<'a> Writer<'a> {
    pub fn new(t: &'a Thread, version: i32, allow_code: bool) -> Writer<'a> {
        Writer { t, version, allow_code, out: Vec::new(), numbers: HashMap::new(), alive: ValueList::new(t) }
    }

    fn u32(&mut self, n: u32) {
        self.out.extend_from_slice(&n.to_le_bytes());
    }

    fn len(&mut self, n: usize) -> R<()> {
        match i32::try_from(n) {
            Ok(n) => {
                self.u32(n as u32);
                Ok(())
            }
            Err(_) => raise!(self.t, ValueError, "unmarshallable object"),
        }
    }

    fn sized(&mut self, kind: u8, bytes: &[u8]) -> R<()> {
        self.out.push(kind);
        self.len(bytes.len())?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// Writes a value at this depth.
    pub fn value(&mut self, v: Value, depth: u32) -> R<()> {
        if depth >= MAX_DEPTH {
            raise!(self.t, ValueError, "object too deeply nested to marshal")
        }
        self.t.check_stack("")?;
        if !v.is_cell() {
            return self.immediate(v);
        }
        if v == exc::StopIteration.value() {
            self.out.push(tag::STOP_ITERATION);
            return Ok(());
        }
        let mut flag = 0;
        if self.version >= 3 {
            if let Some(&number) = self.numbers.get(&v.bits()) {
                self.out.push(tag::BACK);
                self.u32(number);
                return Ok(());
            }
            self.numbers.insert(v.bits(), self.alive.len() as u32);
            self.alive.push(self.t, v);
            flag = tag::REF;
        }
        let at = self.out.len();
        self.object(v, depth)?;
        self.out[at] |= flag;
        Ok(())
    }

    fn immediate(&mut self, v: Value) -> R<()> {
        match v {
            Value::NONE => self.out.push(tag::NONE),
            Value::TRUE => self.out.push(tag::TRUE),
            Value::FALSE => self.out.push(tag::FALSE),
            Value::ELLIPSIS => self.out.push(tag::ELLIPSIS),
            v if v.is_int() => return self.int(v),
            v if v.is_float() => return self.floats(tag::FLOAT, tag::BINARY_FLOAT, &[v.as_float()]),
            _ => raise!(self.t, ValueError, "unmarshallable object"),
        }
        Ok(())
    }

    fn int(&mut self, v: Value) -> R<()> {
        let small = int::as_i64_opt(v).and_then(|i| i32::try_from(i).ok());
        if let Some(i) = small {
            self.out.push(tag::INT);
            self.u32(i as u32);
            return Ok(());
        }
        let mut scratch = 0;
        let parts = int::parts(v, &mut scratch);
        let bits = parts.bit_length() as usize;
        let count = bits.div_ceil(DIGIT_BITS);
        let Ok(signed) = i32::try_from(count) else { raise!(self.t, ValueError, "unmarshallable object") };
        self.out.push(tag::LONG);
        self.u32(if parts.negative { -signed } else { signed } as u32);
        for i in 0..count {
            let (word, shift) = (i * DIGIT_BITS / 64, i * DIGIT_BITS % 64);
            let low = parts.digits[word] >> shift;
            let high = parts.digits.get(word + 1).filter(|_| shift > 64 - DIGIT_BITS).map_or(0, |d| d << (64 - shift));
            self.out.extend_from_slice(&(((low | high) & 0x7FFF) as u16).to_le_bytes());
        }
        Ok(())
    }

    fn floats(&mut self, as_text: u8, binary: u8, numbers: &[f64]) -> R<()> {
        if self.version > 1 {
            self.out.push(binary);
            numbers.iter().for_each(|f| self.out.extend_from_slice(&f.to_le_bytes()));
            return Ok(());
        }
        self.out.push(as_text);
        for f in numbers {
            let text = float::repr(self.t, *f)?.to_string_lossy().into_owned();
            self.out.push(text.len() as u8);
            self.out.extend_from_slice(text.as_bytes());
        }
        Ok(())
    }

    fn text(&mut self, s: limpid_vm::object::Ref<Str>) -> R<()> {
        let interned = s.is_interned();
        if self.version >= 4
            && let Some(ascii) = s.as_ascii()
        {
            if ascii.len() < 256 {
                self.out.push(if interned { tag::SHORT_ASCII_INTERNED } else { tag::SHORT_ASCII });
                self.out.push(ascii.len() as u8);
                self.out.extend_from_slice(ascii.as_bytes());
                return Ok(());
            }
            return self.sized(if interned { tag::ASCII_INTERNED } else { tag::ASCII }, ascii.as_bytes());
        }
        let mut bytes = Vec::with_capacity(s.len());
        s.code_points().for_each(|c| utf8::push_char(&mut bytes, c));
        self.sized(if interned && self.version >= 3 { tag::INTERNED } else { tag::TEXT }, &bytes)
    }

    fn items(&mut self, kind: u8, items: &[Value], depth: u32) -> R<()> {
        self.out.push(kind);
        self.len(items.len())?;
        items.iter().try_for_each(|v| self.value(*v, depth + 1))
    }

    fn object(&mut self, v: Value, depth: u32) -> R<()> {
        let t = self.t;
        if int::is_exact(v) {
            return self.int(v);
        }
        if let Some(s) = v.exact::<Str>() {
            return self.text(s);
        }
        if let Some(b) = v.exact::<Bytes>() {
            return self.sized(tag::BYTES, b.as_slice());
        }
        if let Some(tuple) = v.exact::<Tuple>() {
            let items = tuple.as_slice();
            if self.version >= 4 && items.len() < 256 {
                self.out.extend_from_slice(&[tag::SMALL_TUPLE, items.len() as u8]);
                return items.iter().try_for_each(|v| self.value(*v, depth + 1));
            }
            return self.items(tag::TUPLE, items, depth);
        }
        if let Some(list) = v.exact::<List>() {
            let snapshot = list.snapshot(t);
            return self.items(tag::LIST, snapshot.as_slice(), depth);
        }
        if let Some(dict) = v.exact::<Dict>() {
            self.out.push(tag::DICT);
            for (key, value) in dict.copy(t)?.iter() {
                self.value(key, depth + 1)?;
                self.value(value, depth + 1)?;
            }
            self.out.push(tag::NULL);
            return Ok(());
        }
        if let Some(code) = v.exact::<Code>() {
            if !self.allow_code {
                raise!(t, ValueError, "marshalling code objects is disallowed")
            }
            let bytes = code::encode(t, code)?;
            return self.sized(tag::CODE, &bytes);
        }
        if let Some(slice) = v.exact::<Slice>().filter(|_| self.version >= 5) {
            self.out.push(tag::SLICE);
            return [slice.start.get(), slice.stop.get(), slice.step.get()].iter().try_for_each(|v| self.value(*v, depth + 1));
        }
        if let Some((re, im)) = complex::as_parts(v).filter(|_| v.class() == builtin::COMPLEX) {
            return self.floats(tag::COMPLEX, tag::BINARY_COMPLEX, &[re, im]);
        }
        if (v.class() == builtin::SET || v.class() == builtin::FROZENSET) && set::as_set(v).is_some() {
            return self.set(v, depth);
        }
        if let Some(buffer) = get_buffer_opt(t, v)? {
            return self.sized(tag::BYTES, &buffer.to_contiguous());
        }
        raise!(t, ValueError, "unmarshallable object")
    }

    /// The elements in the order of their own bytes, so that equal sets give equal bytes.
    fn set(&mut self, v: Value, depth: u32) -> R<()> {
        let items = iter::collect(self.t, v)?;
        let mut keyed = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let mut alone = Writer::new(self.t, self.version, self.allow_code);
            alone.value(item, depth + 1)?;
            keyed.push((alone.out, i));
        }
        keyed.sort();
        self.out.push(if v.class() == builtin::SET { tag::SET } else { tag::FROZENSET });
        self.len(items.len())?;
        keyed.iter().try_for_each(|(_, i)| self.value(items.get(*i), depth + 1))
    }
}
