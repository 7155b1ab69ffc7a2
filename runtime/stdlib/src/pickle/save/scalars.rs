//! Numbers, strings, bytes and what has a buffer.

use super::Saving;
use crate::pickle::buffer::PickleBuffer;
use crate::pickle::global;
use crate::pickle::opcode as op;
use crate::pickle::{PICKLING_ERROR, fail};
use limpid_heap::Value;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{call, truth};
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::{Memoryview, get_buffer_with, request};
use limpid_vm::types::{Bytearray, Bytes, Str, Tuple, builtin, float, int};
use limpid_vm::{exc, raise};
use smallvec::SmallVec;

impl Saving {
    pub(super) fn save_bool(&mut self, b: bool) {
        match (self.protocol >= 2, b) {
            (true, true) => self.out.instruction(op::NEWTRUE),
            (true, false) => self.out.instruction(op::NEWFALSE),
            (false, true) => self.out.write(b"I01\n"),
            (false, false) => self.out.write(b"I00\n"),
        }
    }

    pub(super) fn save_int(&mut self, t: &Thread, v: Value) -> R<()> {
        let small = int::as_i64_opt(v).and_then(|i| i32::try_from(i).ok());
        if let Some(i) = small {
            if !self.binary {
                self.out.write(format!("{}{i}\n", op::INT as char).as_bytes());
            } else if let Ok(i) = u8::try_from(i) {
                self.out.write_operand(op::BININT1, [i]);
            } else if let Ok(i) = u16::try_from(i) {
                self.out.write_operand(op::BININT2, i.to_le_bytes());
            } else {
                self.out.write_operand(op::BININT, i.to_le_bytes());
            }
            return Ok(());
        }
        if self.protocol < 2 {
            let digits = int::text::repr(t, v)?;
            self.out.write(format!("{}{}L\n", op::LONG as char, digits.to_string_lossy()).as_bytes());
            return Ok(());
        }
        let mut scratch = 0;
        let bits = int::parts(v, &mut scratch).bit_length() as usize;
        let mut bytes = vec![0; bits / 8 + 1];
        int::to_bytes(t, v, &mut bytes, true, true)?;
        // A negative number may have a byte too many.
        if let [.., next, 0xFF] = bytes[..]
            && next & 0x80 != 0
        {
            bytes.pop();
        }
        match u8::try_from(bytes.len()) {
            Ok(n) => self.out.write(&[op::LONG1, n]),
            Err(_) => match i32::try_from(bytes.len()) {
                Ok(n) => {
                    self.out.instruction(op::LONG4);
                    self.out.write(&n.to_le_bytes());
                }
                Err(_) => raise!(t, OverflowError, "int too large to pickle"),
            },
        }
        self.out.write(&bytes);
        Ok(())
    }

    pub(super) fn save_float(&mut self, t: &Thread, f: f64) -> R<()> {
        if self.binary {
            self.out.write_operand(op::BINFLOAT, f.to_bits().to_be_bytes());
        } else {
            self.out.write(format!("{}{}\n", op::FLOAT as char, float::repr(t, f)?.to_string_lossy()).as_bytes());
        }
        Ok(())
    }

    /// The instruction for so many bytes: with a length of one, four or eight bytes.
    fn sized(short: Option<u8>, long: u8, longest: Option<u8>, len: usize) -> Option<SmallVec<[u8; 9]>> {
        if let (Some(code), Ok(n)) = (short, u8::try_from(len)) {
            return Some(SmallVec::from_slice(&[code, n]));
        }
        let mut header = SmallVec::new();
        match u32::try_from(len) {
            Ok(n) => {
                header.push(long);
                header.extend_from_slice(&n.to_le_bytes());
            }
            Err(_) => {
                header.push(longest?);
                header.extend_from_slice(&(len as u64).to_le_bytes());
            }
        }
        Some(header)
    }

    pub(super) fn save_bytes(&mut self, t: &Thread, b: Ref<Bytes>) -> R<()> {
        if self.protocol < 3 {
            // Older Pythons have no bytes: as text that is encoded again, or none.
            let args = if b.is_empty() {
                t.empty_tuple()
            } else {
                let text = Str::from_latin1(t, b.contents())?.value();
                Tuple::from_slice(t, &[text, Str::new(t, "latin1").value()]).value()
            };
            let function = if b.is_empty() { builtin::BYTES.value() } else { global::CODECS_ENCODE.get(t)? };
            return self.save_reduced(t, Tuple::from_slice(t, &[function, args]).value(), Some(b.value()));
        }
        self.save_byte_contents(t, b.contents(), Some(b.value()))?;
        self.memoize(t, b.value());
        Ok(())
    }

    fn save_byte_contents(&mut self, t: &Thread, contents: &[u8], object: Option<Value>) -> R<()> {
        let longest = (self.protocol >= 4).then_some(op::BINBYTES8);
        let Some(header) = Saving::sized(Some(op::SHORT_BINBYTES), op::BINBYTES, longest, contents.len()) else {
            raise!(t, OverflowError, "serializing a bytes object larger than 4 GiB requires pickle protocol 4 or higher");
        };
        self.out.write_large(t, &header, contents, object)
    }

    pub(super) fn save_bytearray(&mut self, t: &Thread, array: Ref<Bytearray>) -> R<()> {
        if self.protocol < 5 {
            let args = if array.is_empty() {
                t.empty_tuple()
            } else {
                Tuple::from_slice(t, &[Bytes::from_slice(t, array.contents())?.value()]).value()
            };
            let reduced = Tuple::from_slice(t, &[builtin::BYTEARRAY.value(), args]).value();
            return self.save_reduced(t, reduced, Some(array.value()));
        }
        self.save_bytearray_contents(t, array.contents())?;
        self.memoize(t, array.value());
        Ok(())
    }

    fn save_bytearray_contents(&mut self, t: &Thread, contents: &[u8]) -> R<()> {
        let header = [&[op::BYTEARRAY8][..], &(contents.len() as u64).to_le_bytes()].concat();
        self.out.write_large(t, &header, contents, None)
    }

    pub(super) fn save_buffer(&mut self, t: &Thread, v: Ref<PickleBuffer>) -> R<()> {
        if self.protocol < 5 {
            return fail(t, &PICKLING_ERROR, "PickleBuffer can only be pickled with protocol >= 5");
        }
        let view = v.view(t)?;
        let Some(flat) = view.downcast::<Memoryview>() else { return Ok(()) };
        let flat = match flat.flattened(t) {
            Ok(flat) => flat,
            Err(_) => {
                t.catch(exc::BufferError)?;
                return fail(t, &PICKLING_ERROR, "PickleBuffer can not be pickled when pointing to a non-contiguous buffer");
            }
        };
        let in_band = match self.buffer_callback {
            None => true,
            Some(f) => truth::truth(t, call::call(t, f, &[v.value()])?)?,
        };
        let buffer = get_buffer_with(t, flat, request::FULL_RO)?;
        if !in_band {
            self.out.instruction(op::NEXT_BUFFER);
            if buffer.readonly {
                self.out.instruction(op::READONLY_BUFFER);
            }
            return Ok(());
        }
        if buffer.readonly {
            self.save_byte_contents(t, buffer.as_slice(), None)?;
        } else {
            self.save_bytearray_contents(t, buffer.as_slice())?;
        }
        self.memoize(t, v.value());
        Ok(())
    }

    /// Text, without the instruction for the memo.
    pub(super) fn save_str(&mut self, t: &Thread, s: Ref<Str>) -> R<()> {
        if !self.binary {
            self.save_str_line(s);
            return Ok(());
        }
        let mut encoded = Vec::new();
        let bytes = match s.as_ascii() {
            Some(ascii) => ascii.as_bytes(),
            None => {
                crate::pickle::push_wtf8(&mut encoded, &s);
                &encoded
            }
        };
        let modern = self.protocol >= 4;
        if modern && let Ok(len) = u8::try_from(bytes.len()) {
            self.out.write_short(op::SHORT_BINUNICODE, len, bytes);
            return Ok(());
        }
        let Some(header) = Saving::sized(None, op::BINUNICODE, modern.then_some(op::BINUNICODE8), bytes.len()) else {
            raise!(t, OverflowError, "serializing a string larger than 4 GiB requires pickle protocol 4 or higher");
        };
        self.out.write_large(t, &header, bytes, None)
    }

    fn save_str_line(&mut self, s: Ref<Str>) {
        let mut line = vec![op::UNICODE];
        for c in s.code_points() {
            match c {
                0x10000.. => line.extend_from_slice(format!("\\U{c:08x}").as_bytes()),
                0x100.. | 0x5C | 0 | 0x0A | 0x0D | 0x1A => line.extend_from_slice(format!("\\u{c:04x}").as_bytes()),
                _ => line.push(c as u8),
            }
        }
        line.push(b'\n');
        self.out.write(&line);
    }

    // ---- containers ----
}
