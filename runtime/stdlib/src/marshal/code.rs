//! Code objects as bytes and back, by way of the compiler's form of them.
//!
//! The interpreter trusts the instructions it runs, so a checksum of the bytes stands behind them: a file that was damaged is refused.

use super::MAX_DEPTH;
use limpid_bytecode::{CodeData, Constant, marshal};
use limpid_heap::Value;
use limpid_vm::object::{R, Raised, Ref, ValueExt};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::code::unspecialize;
use limpid_vm::types::{Bytes, Code, Slice, Str, Tuple, builtin, complex, int, set};
use siphasher::sip::SipHasher13;

/// What a code object's bytes are.
pub(super) fn encode(t: &Thread, code: Ref<Code>) -> R<Vec<u8>> {
    let data = data_of(t, code, 0)?;
    match marshal::encode(&data) {
        Ok(mut bytes) => {
            bytes.extend(checksum(&bytes).to_le_bytes());
            Ok(bytes)
        }
        Err(error) => raise!(t, ValueError, "{error}"),
    }
}

/// A code object from its bytes.
pub(super) fn decode(t: &Thread, bytes: &[u8]) -> R {
    let intact = bytes.split_last_chunk().filter(|(code, sum)| checksum(code).to_le_bytes() == **sum);
    let Some((bytes, _)) = intact else { raise!(t, ValueError, "bad marshal data (code object is damaged)") };
    match marshal::decode(bytes) {
        Ok(data) => Ok(Code::from_data(t, &data)?.value()),
        Err(error) => raise!(t, ValueError, "bad marshal data ({error})"),
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    SipHasher13::new().hash(bytes)
}

fn unmarshallable(t: &Thread) -> Raised {
    t.raise(limpid_vm::exc::ValueError, "unmarshallable object")
}

fn text(t: &Thread, v: Value) -> R<String> {
    match v.downcast::<Str>().and_then(|s| s.to_utf8().map(|u| u.into_owned())) {
        Some(text) => Ok(text),
        None => Err(unmarshallable(t)),
    }
}

fn bytes(t: &Thread, v: Value) -> R<Vec<u8>> {
    match v.downcast::<Bytes>() {
        Some(b) => Ok(b.as_slice().to_vec()),
        None => Err(unmarshallable(t)),
    }
}

fn items(t: &Thread, v: Value) -> R<&'static [Value]> {
    match v.downcast::<Tuple>() {
        Some(tuple) => Ok(tuple.as_slice()),
        None => Err(unmarshallable(t)),
    }
}

fn data_of(t: &Thread, code: Ref<Code>, depth: u32) -> R<CodeData> {
    let mut instructions = code.words();
    unspecialize(&mut instructions);
    Ok(CodeData {
        name: text(t, code.name.get())?,
        qualname: text(t, code.qualname.get())?,
        filename: text(t, code.filename.get())?,
        firstlineno: code.firstlineno,
        flags: code.flags,
        argcount: code.argcount,
        posonlyargcount: code.posonlyargcount,
        kwonlyargcount: code.kwonlyargcount,
        stacksize: code.stacksize,
        instructions,
        consts: items(t, code.consts.get())?.iter().map(|c| constant(t, *c, depth + 1)).collect::<R<_>>()?,
        names: items(t, code.names.get())?.iter().map(|n| text(t, *n)).collect::<R<_>>()?,
        localsplusnames: items(t, code.localsplusnames.get())?.iter().map(|n| text(t, *n)).collect::<R<_>>()?,
        localspluskinds: bytes(t, code.localspluskinds.get())?,
        linetable: bytes(t, code.linetable.get())?,
        exceptiontable: bytes(t, code.exceptiontable.get())?,
    })
}

fn constant(t: &Thread, v: Value, depth: u32) -> R<Constant> {
    if depth > MAX_DEPTH {
        raise!(t, ValueError, "object too deeply nested to marshal")
    }
    let all = |values: &[Value]| values.iter().map(|v| constant(t, *v, depth + 1)).collect::<R<Box<[_]>>>();
    if v.is_none() {
        return Ok(Constant::None);
    }
    if v.is_bool() {
        return Ok(Constant::Bool(v == Value::TRUE));
    }
    if v == Value::ELLIPSIS {
        return Ok(Constant::Ellipsis);
    }
    if v.is_float() {
        return Ok(Constant::Float(v.as_float()));
    }
    if int::is_exact(v) {
        if let Some(i) = int::as_i64_opt(v) {
            return Ok(Constant::Int(i));
        }
        let mut scratch = 0;
        let parts = int::parts(v, &mut scratch);
        return Ok(Constant::BigInt { negative: parts.negative, digits: parts.digits.into() });
    }
    if let Some(s) = v.exact::<Str>() {
        let mut wtf8 = Vec::with_capacity(s.len());
        s.code_points().for_each(|c| limpid_vm::types::str::codec::utf8::push_char(&mut wtf8, c));
        return Ok(Constant::Str(wtf8.into()));
    }
    if let Some(b) = v.exact::<Bytes>() {
        return Ok(Constant::Bytes(b.as_slice().into()));
    }
    if let Some(tuple) = v.exact::<Tuple>() {
        return Ok(Constant::Tuple(all(tuple.as_slice())?));
    }
    if let Some(code) = v.exact::<Code>() {
        return Ok(Constant::Code(Box::new(data_of(t, code, depth + 1)?)));
    }
    if let Some(slice) = v.exact::<Slice>() {
        let [a, b, c] = [slice.start.get(), slice.stop.get(), slice.step.get()].map(|v| constant(t, v, depth + 1));
        return Ok(Constant::Slice(Box::new([a?, b?, c?])));
    }
    if v.class() == builtin::FROZENSET
        && let Some(set) = set::as_set(v)
    {
        let items = set.entries().map(|(item, _)| constant(t, item, depth + 1)).collect::<R<Box<[_]>>>()?;
        return Ok(Constant::FrozenSet(items));
    }
    match complex::as_parts(v).filter(|_| v.class() == builtin::COMPLEX) {
        Some((re, im)) => Ok(Constant::Complex(re, im)),
        None => Err(unmarshallable(t)),
    }
}
