//! Unpickling: instructions to objects.

mod literals;
mod objects;

use super::input::Input;
use super::opcode as op;
use super::unpickler::{self, Unpickler};
use super::{HIGHEST_PROTOCOL, UNPICKLING_ERROR, fail};
use limpid_heap::Value;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{attr, call};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytearray, Bytes, Dict, List, Str, Tuple, ValueList, float, int, set};
use limpid_vm::{names, raise};
use objects::instantiate;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

/// Places of the memo below this are kept in a list.
const NEAR: usize = 1 << 16;

/// One call of `load`.
pub(super) struct Loading {
    unpickler: Ref<Unpickler>,
    input: Input,
    stack: ValueList,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    /// What is below belongs to an outer mark.
    fence: usize,
    /// The memo's first places: NULL where there is nothing.
    near: ValueList,
    /// How many objects are in the memo.
    memoized: usize,
    /// Finds classes as the unpickler itself does.
    plain: bool,
}

impl Loading {
    pub fn new(t: &Thread, unpickler: Ref<Unpickler>, input: Input) -> R<Loading> {
        let plain = unpickler.value().class() == unpickler::UNPICKLER.get();
        let mut loading = Loading {
            unpickler,
            input,
            stack: ValueList::with_capacity(t, 32),
            marks: Vec::new(),
            fence: 0,
            near: ValueList::with_capacity(t, 32),
            memoized: 0,
            plain,
        };
        if let Some(memo) = unpickler.memo() {
            for (key, v) in memo.iter() {
                loading.put(t, int::to_usize(t, key)?, v)?;
            }
        }
        Ok(loading)
    }

    pub fn load(mut self, t: &Thread) -> R {
        let result = self.run(t);
        // What the memo has now is for the next pickle of the file.
        if self.input.is_file() {
            let memo = unpickler::memo_for_writing(t, self.unpickler);
            for (i, v) in self.near.iter().enumerate().filter(|(_, v)| !v.is_null()) {
                memo.set_item(t, int::from_usize(t, i), v)?;
            }
        }
        result
    }

    fn run(&mut self, t: &Thread) -> R {
        loop {
            let code = self.input.opcode(t)?;
            if code == op::STOP {
                return self.pop(t);
            }
            self.step(t, code)?;
        }
    }

    // ---- the stack ----

    fn push(&mut self, t: &Thread, v: Value) {
        self.stack.push(t, v);
    }

    fn underflow<T>(&self, t: &Thread) -> R<T> {
        fail(t, &UNPICKLING_ERROR, if self.marks.is_empty() { "unpickling stack underflow" } else { "unexpected MARK found" })
    }

    fn pop(&mut self, t: &Thread) -> R {
        if self.stack.len() <= self.fence {
            return self.underflow(t);
        }
        match self.stack.pop() {
            Some(v) => Ok(v),
            None => self.underflow(t),
        }
    }

    fn top(&self, t: &Thread) -> R {
        if self.stack.len() <= self.fence {
            return self.underflow(t);
        }
        Ok(self.stack.get(self.stack.len() - 1))
    }

    /// Where the innermost mark is, which is none any more.
    fn mark(&mut self, t: &Thread) -> R<usize> {
        match self.marks.pop() {
            Some(at) => {
                self.fence = self.marks.last().copied().unwrap_or(0);
                Ok(at)
            }
            None => fail(t, &UNPICKLING_ERROR, "could not find MARK"),
        }
    }

    /// Replaces everything from `at` on by what `f` makes of it.
    fn fold(&mut self, t: &Thread, at: usize, f: impl FnOnce(&[Value]) -> R) -> R<()> {
        let v = f(&self.stack.as_slice()[at..])?;
        self.stack.truncate(at);
        self.push(t, v);
        Ok(())
    }

    // ---- the memo ----

    fn put(&mut self, t: &Thread, place: usize, v: Value) -> R<()> {
        if place >= NEAR.max(self.near.len() * 2) {
            return unpickler::memo_for_writing(t, self.unpickler).set_item(t, int::from_usize(t, place), v);
        }
        if place == self.near.len() {
            self.near.push(t, v);
            self.memoized += 1;
            return Ok(());
        }
        while self.near.len() <= place {
            self.near.push(t, Value::NULL);
        }
        self.memoized += self.near.get(place).is_null() as usize;
        self.near.set(t, place, v);
        Ok(())
    }

    fn get(&mut self, t: &Thread, place: usize) -> R<()> {
        let near = (place < self.near.len()).then(|| self.near.get(place)).and_then(|v| v.non_null());
        let found = match near {
            Some(v) => Some(v),
            None => match self.unpickler.memo() {
                Some(memo) => memo.get(t, int::from_usize(t, place))?,
                None => None,
            },
        };
        match found {
            Some(v) => {
                self.push(t, v);
                Ok(())
            }
            None => fail(t, &UNPICKLING_ERROR, &format!("Memo value not found at index {place}")),
        }
    }

    // ---- operands ----

    #[inline]
    fn number<const WIDTH: usize>(&mut self, t: &Thread) -> R<u64> {
        let range = self.input.take(t, WIDTH)?;
        let mut word = [0; 8];
        word[..WIDTH].copy_from_slice(&self.input.bytes()[range]);
        Ok(u64::from_le_bytes(word))
    }

    /// So many bytes as a number of `WIDTH` bytes in front says.
    #[inline]
    fn counted<const WIDTH: usize>(&mut self, t: &Thread, what: &str) -> R<Range<usize>> {
        let n = self.number::<WIDTH>(t)?;
        if n > isize::MAX as u64 {
            raise!(t, OverflowError, "{what} exceeds system's maximum size of {} bytes", isize::MAX);
        }
        self.input.take(t, n as usize)
    }

    /// As [`Loading::counted`], with a signed number of four bytes.
    fn counted_signed(&mut self, t: &Thread, what: &str) -> R<Range<usize>> {
        match usize::try_from(self.number::<4>(t)? as u32 as i32) {
            Ok(n) => self.input.take(t, n),
            Err(_) => fail(t, &UNPICKLING_ERROR, &format!("{what} pickle has negative byte count")),
        }
    }

    fn push_bytes(&mut self, t: &Thread, range: Range<usize>) -> R<()> {
        let v = Bytes::from_slice(t, &self.input.bytes()[range])?.value();
        self.push(t, v);
        Ok(())
    }

    fn push_text(&mut self, t: &Thread, range: Range<usize>) -> R<()> {
        let bytes = &self.input.bytes()[range];
        let v = if bytes.is_ascii() { Str::from_ascii(t, bytes)?.value() } else { decode(t, bytes, "utf-8", "surrogatepass")? };
        self.push(t, v);
        Ok(())
    }

    /// A byte string of Python 2: text in the encoding that the program has told, or bytes.
    fn push_old_string(&mut self, t: &Thread, bytes: Value) -> R<()> {
        let encoding = self.unpickler.encoding.get();
        let v = match encoding.downcast::<Str>() {
            Some(s) if s.eq_str("bytes") => bytes,
            _ => call::call_method(t, bytes, names::decode, &[encoding, self.unpickler.errors.get()])?,
        };
        self.push(t, v);
        Ok(())
    }

    fn line(&mut self, t: &Thread) -> R<Vec<u8>> {
        let range = self.input.line(t)?;
        Ok(self.input.bytes()[range].to_vec())
    }

    /// A line with something in it.
    fn word(&mut self, t: &Thread) -> R<Vec<u8>> {
        let line = self.line(t)?;
        if line.is_empty() { fail(t, &UNPICKLING_ERROR, "pickle data was truncated") } else { Ok(line) }
    }

    /// A line that is a place of the memo.
    fn line_place(&mut self, t: &Thread) -> R<i64> {
        let line = self.word(t)?;
        match std::str::from_utf8(&line).ok().and_then(|s| s.trim().parse().ok()) {
            Some(n) => Ok(n),
            None => raise!(t, ValueError, "invalid literal for int() with base 10: {:?}", String::from_utf8_lossy(&line)),
        }
    }

    // ---- instructions ----

    fn step(&mut self, t: &Thread, code: u8) -> R<()> {
        match code {
            op::NONE => self.push(t, Value::NONE),
            op::NEWTRUE => self.push(t, Value::TRUE),
            op::NEWFALSE => self.push(t, Value::FALSE),
            op::BININT => {
                let n = self.number::<4>(t)? as u32 as i32;
                self.push(t, Value::int(n as i64));
            }
            op::BININT1 => {
                let n = self.number::<1>(t)?;
                self.push(t, Value::int(n as i64));
            }
            op::BININT2 => {
                let n = self.number::<2>(t)?;
                self.push(t, Value::int(n as i64));
            }
            op::INT => self.int_line(t)?,
            op::LONG => self.long_line(t)?,
            op::LONG1 => {
                let n = self.number::<1>(t)? as usize;
                self.long(t, n)?;
            }
            op::LONG4 => match usize::try_from(self.number::<4>(t)? as u32 as i32) {
                Ok(n) => self.long(t, n)?,
                Err(_) => return fail(t, &UNPICKLING_ERROR, "LONG pickle has negative byte count"),
            },
            op::FLOAT => {
                let line = self.word(t)?;
                match float::parse::parse(&line) {
                    Some(f) => self.push(t, Value::float(f)),
                    None => raise!(t, ValueError, "could not convert string to float"),
                }
            }
            op::BINFLOAT => {
                let bits = self.number::<8>(t)?.swap_bytes();
                self.push(t, Value::float(f64::from_bits(bits)));
            }
            op::SHORT_BINBYTES => {
                let range = self.counted::<1>(t, "SHORT_BINBYTES")?;
                self.push_bytes(t, range)?;
            }
            op::BINBYTES => {
                let range = self.counted::<4>(t, "BINBYTES")?;
                self.push_bytes(t, range)?;
            }
            op::BINBYTES8 => {
                let range = self.counted::<8>(t, "BINBYTES8")?;
                self.push_bytes(t, range)?;
            }
            op::BYTEARRAY8 => {
                let range = self.counted::<8>(t, "BYTEARRAY8")?;
                let v = Bytearray::from_slice(t, &self.input.bytes()[range])?.value();
                self.push(t, v);
            }
            op::SHORT_BINUNICODE => {
                let range = self.counted::<1>(t, "SHORT_BINUNICODE")?;
                self.push_text(t, range)?;
            }
            op::BINUNICODE => {
                let range = self.counted::<4>(t, "BINUNICODE")?;
                self.push_text(t, range)?;
            }
            op::BINUNICODE8 => {
                let range = self.counted::<8>(t, "BINUNICODE8")?;
                self.push_text(t, range)?;
            }
            op::UNICODE => {
                let line = self.line(t)?;
                let v = decode(t, &line, "raw-unicode-escape", "strict")?;
                self.push(t, v);
            }
            op::STRING => self.quoted_string(t)?,
            op::BINSTRING => {
                let range = self.counted_signed(t, "BINSTRING")?;
                let bytes = Bytes::from_slice(t, &self.input.bytes()[range])?.value();
                self.push_old_string(t, bytes)?;
            }
            op::SHORT_BINSTRING => {
                let range = self.counted::<1>(t, "SHORT_BINSTRING")?;
                let bytes = Bytes::from_slice(t, &self.input.bytes()[range])?.value();
                self.push_old_string(t, bytes)?;
            }
            op::NEXT_BUFFER => self.next_buffer(t)?,
            op::READONLY_BUFFER => {
                let v = self.pop(t)?;
                let view = limpid_vm::types::memory::of_object(t, v)?;
                let read_only = attr::get_attr_text(t, view, "readonly")? == Value::TRUE;
                let v = if read_only { v } else { call::call_method_text(t, view, "toreadonly", &[])? };
                self.push(t, v);
            }
            op::EMPTY_TUPLE => self.push(t, t.empty_tuple()),
            op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => {
                let n = (code - op::TUPLE1) as usize + 1;
                if self.stack.len() < self.fence + n {
                    return self.underflow(t);
                }
                self.fold(t, self.stack.len() - n, |items| Ok(Tuple::from_slice(t, items).value()))?;
            }
            op::TUPLE => {
                let at = self.mark(t)?;
                self.fold(t, at, |items| Ok(Tuple::try_from_slice(t, items)?.value()))?;
            }
            op::EMPTY_LIST => {
                let v = List::new(t).value();
                self.push(t, v);
            }
            op::LIST => {
                let at = self.mark(t)?;
                self.fold(t, at, |items| Ok(List::from_slice(t, items)?.value()))?;
            }
            op::EMPTY_DICT => {
                let v = Dict::new(t).value();
                self.push(t, v);
            }
            op::DICT => {
                let at = self.mark(t)?;
                if !(self.stack.len() - at).is_multiple_of(2) {
                    return fail(t, &UNPICKLING_ERROR, "odd number of items for DICT");
                }
                self.fold(t, at, |items| {
                    let dict = Dict::new(t);
                    items.chunks_exact(2).try_for_each(|pair| dict.set_item(t, pair[0], pair[1]))?;
                    Ok(dict.value())
                })?;
            }
            op::EMPTY_SET => {
                let v = set::new_set(t);
                self.push(t, v);
            }
            op::FROZENSET => {
                let at = self.mark(t)?;
                self.fold(t, at, |items| set::new_frozenset(t, items))?;
            }
            op::APPEND => {
                if self.stack.len() < self.fence + 2 {
                    return self.underflow(t);
                }
                self.append(t, self.stack.len() - 1)?;
            }
            op::APPENDS => {
                let at = self.mark(t)?;
                self.append(t, at)?;
            }
            op::SETITEM => {
                if self.stack.len() < self.fence + 3 {
                    return self.underflow(t);
                }
                self.set_items(t, self.stack.len() - 2)?;
            }
            op::SETITEMS => {
                let at = self.mark(t)?;
                self.set_items(t, at)?;
            }
            op::ADDITEMS => {
                let at = self.mark(t)?;
                self.add_items(t, at)?;
            }
            op::MARK => {
                self.marks.push(self.stack.len());
                self.fence = self.stack.len();
            }
            op::POP => {
                // A mark may be what is on the top.
                if self.marks.last() == Some(&self.stack.len()) {
                    self.mark(t)?;
                } else {
                    self.pop(t)?;
                }
            }
            op::POP_MARK => {
                let at = self.mark(t)?;
                self.stack.truncate(at);
            }
            op::DUP => {
                let v = self.top(t)?;
                self.push(t, v);
            }
            op::GET => match usize::try_from(self.line_place(t)?) {
                Ok(place) => self.get(t, place)?,
                Err(_) => return fail(t, &UNPICKLING_ERROR, "Memo value not found at index -1"),
            },
            op::BINGET => {
                let place = self.number::<1>(t)? as usize;
                self.get(t, place)?;
            }
            op::LONG_BINGET => {
                let place = self.number::<4>(t)? as usize;
                self.get(t, place)?;
            }
            op::PUT => {
                let v = self.top(t)?;
                match usize::try_from(self.line_place(t)?) {
                    Ok(place) => self.put(t, place, v)?,
                    Err(_) => raise!(t, ValueError, "negative PUT argument"),
                }
            }
            op::BINPUT => {
                let (v, place) = (self.top(t)?, self.number::<1>(t)? as usize);
                self.put(t, place, v)?;
            }
            op::LONG_BINPUT => {
                let (v, place) = (self.top(t)?, self.number::<4>(t)? as usize);
                self.put(t, place, v)?;
            }
            op::MEMOIZE => {
                let v = self.top(t)?;
                self.put(t, self.memoized, v)?;
            }
            op::GLOBAL => {
                let (module, name) = (self.word(t)?, self.word(t)?);
                let (module, name) = (decode(t, &module, "utf-8", "strict")?, decode(t, &name, "utf-8", "strict")?);
                let v = self.find_class(t, module, name)?;
                self.push(t, v);
            }
            op::STACK_GLOBAL => {
                let (name, module) = (self.pop(t)?, self.pop(t)?);
                if name.downcast::<Str>().is_none() || module.downcast::<Str>().is_none() {
                    return fail(t, &UNPICKLING_ERROR, "STACK_GLOBAL requires str");
                }
                let v = self.find_class(t, module, name)?;
                self.push(t, v);
            }
            op::REDUCE => {
                let args = self.pop(t)?;
                let function = self.pop(t)?;
                let Some(args) = args.downcast::<Tuple>() else { raise!(t, TypeError, "argument list must be a tuple") };
                let v = call::call_unpacked(t, function, args, None)?;
                self.push(t, v);
            }
            op::BUILD => self.build(t)?,
            op::NEWOBJ | op::NEWOBJ_EX => self.new_object(t, code)?,
            op::INST => {
                let (module, name) = (self.word(t)?, self.word(t)?);
                let (module, name) = (decode(t, &module, "ascii", "strict")?, decode(t, &name, "ascii", "strict")?);
                let at = self.mark(t)?;
                let class = self.find_class(t, module, name)?;
                self.fold(t, at, |args| instantiate(t, class, args))?;
            }
            op::OBJ => {
                let at = self.mark(t)?;
                if self.stack.len() == at {
                    return self.underflow(t);
                }
                self.fold(t, at, |items| instantiate(t, items[0], &items[1..]))?;
            }
            op::EXT1 => self.extension::<1>(t)?,
            op::EXT2 => self.extension::<2>(t)?,
            op::EXT4 => self.extension::<4>(t)?,
            op::PERSID => {
                let line = self.line(t)?;
                if !line.is_ascii() {
                    return fail(t, &UNPICKLING_ERROR, "persistent IDs in protocol 0 must be ASCII strings");
                }
                let id = Str::from_ascii(t, &line)?.value();
                self.persistent(t, id)?;
            }
            op::BINPERSID => {
                let id = self.pop(t)?;
                self.persistent(t, id)?;
            }
            op::PROTO => {
                let n = self.number::<1>(t)? as i64;
                if n > HIGHEST_PROTOCOL {
                    raise!(t, ValueError, "unsupported pickle protocol: {n}");
                }
                self.unpickler.protocol.store(n, Relaxed);
            }
            op::FRAME => {
                let n = self.number::<8>(t)?;
                if n > isize::MAX as u64 {
                    raise!(t, OverflowError, "FRAME length exceeds system's maximum of {} bytes", isize::MAX);
                }
                self.input.begin_frame(t, n as usize)?;
            }
            b' '..=b'~' if code != b'\'' && code != b'\\' => {
                return fail(t, &UNPICKLING_ERROR, &format!("invalid load key, '{}'.", code as char));
            }
            _ => return fail(t, &UNPICKLING_ERROR, &format!("invalid load key, '\\x{code:02x}'.")),
        }
        Ok(())
    }
}

fn decode(t: &Thread, bytes: &[u8], encoding: &str, errors: &str) -> R {
    let bytes = Bytes::from_slice(t, bytes)?.value();
    call::call_method(t, bytes, names::decode, &[Str::new(t, encoding).value(), Str::new(t, errors).value()])
}
