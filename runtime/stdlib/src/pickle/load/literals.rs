//! Numbers, strings, bytes and buffers.

use super::Loading;
use crate::pickle::{UNPICKLING_ERROR, fail};
use limpid_heap::Value;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::{call, iter};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytes, Tuple, int};

impl Loading {
    pub(super) fn int_line(&mut self, t: &Thread) -> R<()> {
        let line = self.word(t)?;
        let v = match &line[..] {
            b"00" => Value::FALSE,
            b"01" => Value::TRUE,
            _ => parse_int(t, &line)?,
        };
        self.push(t, v);
        Ok(())
    }

    pub(super) fn long_line(&mut self, t: &Thread) -> R<()> {
        let line = self.word(t)?;
        let v = parse_int(t, line.strip_suffix(b"L").unwrap_or(&line))?;
        self.push(t, v);
        Ok(())
    }

    pub(super) fn long(&mut self, t: &Thread, n: usize) -> R<()> {
        let range = self.input.take(t, n)?;
        let v = int::from_bytes(t, &self.input.bytes()[range], true, true)?;
        self.push(t, v);
        Ok(())
    }

    pub(super) fn quoted_string(&mut self, t: &Thread) -> R<()> {
        let line = self.line(t)?;
        let Some((&quote @ (b'"' | b'\''), rest)) = line.split_first() else {
            return fail(t, &UNPICKLING_ERROR, "the STRING opcode argument must be quoted");
        };
        let Some(inside) = rest.strip_suffix(&[quote]) else {
            return fail(t, &UNPICKLING_ERROR, "the STRING opcode argument must be quoted");
        };
        let escaped = Bytes::from_slice(t, inside)?.value();
        let codecs = limpid_vm::modules::import::import_text(t, "_codecs")?;
        let decoded = call::call_method_text(t, codecs, "escape_decode", &[escaped])?;
        let bytes = decoded.downcast::<Tuple>().map_or(Value::NONE, |pair| pair.get(0));
        self.push_old_string(t, bytes)
    }

    pub(super) fn next_buffer(&mut self, t: &Thread) -> R<()> {
        let Some(buffers) = self.unpickler.buffers.opt() else {
            let message = "pickle stream refers to out-of-band data but no *buffers* argument was given";
            return fail(t, &UNPICKLING_ERROR, message);
        };
        let v = iter::next(t, buffers)?;
        if v.is_null() {
            return fail(t, &UNPICKLING_ERROR, "not enough out-of-band buffers");
        }
        self.push(t, v);
        Ok(())
    }
}

fn parse_int(t: &Thread, text: &[u8]) -> R {
    match int::from_text(t, text, 10)? {
        Some(v) => Ok(v),
        None => raise!(t, ValueError, "could not convert string to int"),
    }
}
