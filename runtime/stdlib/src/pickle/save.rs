//! Pickling: an object and what it refers to, as instructions.

use super::buffer::PickleBuffer;
use super::global;
use super::opcode as op;
use super::output::Output;
use super::pickler::{self, Pickler, Settings};
use super::places::Places;
use super::{PICKLING_ERROR, fail};
use limpid_heap::Value;
use limpid_vm::args::receiver;
use limpid_vm::object::{R, Raised, Ref, ValueExt};
use limpid_vm::protocol::{attr, call, iter, text, truth};
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::{Memoryview, get_buffer_with, request};
use limpid_vm::types::set::as_set;
use limpid_vm::types::{Bytearray, Bytes, Dict, List, Str, Tuple, Type, ValueList, builtin, float, int};
use limpid_vm::{exc, names, raise};
use smallvec::SmallVec;
use std::sync::atomic::Ordering::Relaxed;

/// How many items are appended at once.
const BATCH: usize = 1000;
/// How many objects of one pickle are remembered without a larger list.
const FIRST_OBJECTS: usize = 28;
/// How deep objects may be nested in fast mode before it is looked for cycles.
const FAST_NESTING: usize = 50;

/// Gives a dict's next entry, None at the end.
type NextEntry<'a> = dyn FnMut(&Thread) -> R<Option<(Value, Value)>> + 'a;

/// One call of `dump`.
pub(super) struct Saving {
    /// None: nobody sees one.
    pickler: Option<Ref<Pickler>>,
    buffer_callback: Option<Value>,
    out: Output,
    objects: ValueList,
    places: Places,
    protocol: i64,
    binary: bool,
    fast: bool,
    fix_imports: bool,
    persistent_id: Option<Value>,
    reducer: Option<Value>,
    /// Objects that are being saved in fast mode.
    open: Vec<u64>,
}

/// Adds to the current exception what was being pickled.
#[cold]
fn noted(t: &Thread, object: Value, part: impl FnOnce() -> R<String>) -> Raised {
    let e = t.take_exception();
    let add = || -> R {
        let note = format!("when serializing {} {}", crate::qualified_name(t, object.class())?, part()?);
        call::call_method_text(t, e, "add_note", &[Str::new(t, &note).value()])
    };
    match add() {
        Ok(_) => t.raise_value(e),
        Err(raised) => raised,
    }
}

/// `f`, with a note if it fails.
fn noting<T>(t: &Thread, result: R<T>, object: Value, part: &str) -> R<T> {
    result.map_err(|_| noted(t, object, || Ok(part.to_string())))
}

fn name_of(t: &Thread, v: Value) -> R<String> {
    crate::qualified_name(t, v.class())
}

impl Saving {
    /// For a pickler's method `dump`.
    pub fn for_pickler(t: &Thread, pickler: Ref<Pickler>, out: Output, objects: ValueList, places: Places) -> R<Saving> {
        let v = pickler.value();
        let plain = v.class() == pickler::PICKLER.get();
        Ok(Saving {
            pickler: Some(pickler),
            buffer_callback: pickler.buffer_callback.opt(),
            out,
            objects,
            places,
            protocol: pickler.protocol.load(Relaxed),
            binary: pickler.binary.load(Relaxed) != 0,
            fast: pickler.fast.load(Relaxed) != 0,
            fix_imports: pickler.fix_imports.load(Relaxed),
            persistent_id: pickler::persistent_id(t, v)?,
            reducer: if plain { None } else { attr::get_attr_opt(t, v, limpid_vm::types::str::intern(t, "reducer_override"))? },
            open: Vec::new(),
        })
    }

    /// For one object, which is all that the memo is for.
    pub fn once(t: &Thread, settings: Settings, out: Output) -> Saving {
        Saving {
            pickler: None,
            buffer_callback: settings.buffer_callback,
            out,
            objects: ValueList::with_capacity(t, FIRST_OBJECTS),
            places: Places::reused(),
            protocol: settings.protocol,
            binary: settings.protocol > 0,
            fast: false,
            fix_imports: settings.fix_imports,
            persistent_id: None,
            reducer: None,
            open: Vec::new(),
        }
    }

    pub fn end(self) -> (ValueList, Places, Output) {
        (self.objects, self.places, self.out)
    }

    pub fn dump(&mut self, t: &Thread, object: Value) -> R<()> {
        if self.protocol >= 2 {
            self.out.write(&[op::PROTO, self.protocol as u8]);
            if self.protocol >= 4 {
                self.out.start_framing();
            }
        }
        self.save(t, object)?;
        self.out.instruction(op::STOP);
        Ok(())
    }

    // ---- the memo ----

    fn place(&self, v: Value) -> Option<u32> {
        self.places.get(v.bits())
    }

    fn get(&mut self, place: u32) {
        if !self.binary {
            self.out.write(format!("{}{place}\n", op::GET as char).as_bytes());
        } else if let Ok(short) = u8::try_from(place) {
            self.out.write_operand(op::BINGET, [short]);
        } else {
            self.out.write_operand(op::LONG_BINGET, place.to_le_bytes());
        }
    }

    fn memoize(&mut self, t: &Thread, v: Value) {
        if self.fast {
            return;
        }
        let place = self.objects.len() as u32;
        self.places.insert(v.bits(), place);
        self.objects.push(t, v);
        self.put(place);
    }

    /// For an object that is saved without looking at others: saves another reference to it if it was saved before; else it is in the memo
    /// from now on, and its place is the one that [`Saving::put`] is to be called with after it.
    #[inline]
    fn get_or_memoize(&mut self, t: &Thread, v: Value) -> Option<u32> {
        let place = self.objects.len() as u32;
        if let Some(before) = self.places.get_or_insert(v.bits(), place) {
            self.get(before);
            return None;
        }
        self.objects.push(t, v);
        Some(place)
    }

    /// The instruction that puts the object saved last into the memo.
    #[inline]
    fn put(&mut self, place: u32) {
        if self.protocol >= 4 {
            self.out.instruction(op::MEMOIZE);
        } else if !self.binary {
            self.out.write(format!("{}{place}\n", op::PUT as char).as_bytes());
        } else if let Ok(short) = u8::try_from(place) {
            self.out.write_operand(op::BINPUT, [short]);
        } else {
            self.out.write_operand(op::LONG_BINPUT, place.to_le_bytes());
        }
    }

    // ---- any object ----

    fn save(&mut self, t: &Thread, v: Value) -> R<()> {
        self.save_unless_persistent(t, v, true)
    }

    fn save_unless_persistent(&mut self, t: &Thread, v: Value, ask: bool) -> R<()> {
        self.out.between_objects(t)?;
        if ask && let Some(f) = self.persistent_id {
            let id = call::call(t, f, &[v])?;
            if !id.is_none() {
                return self.save_persistent(t, id);
            }
        }
        if !v.is_cell() {
            return self.save_immediate(t, v);
        }
        let class = v.class();
        if class == builtin::STR && !self.fast {
            return match self.get_or_memoize(t, v) {
                Some(place) => self.save_str(t, receiver(v)).map(|()| self.put(place)),
                None => Ok(()),
            };
        }
        if class == builtin::INT {
            return self.save_int(t, v);
        }
        if let Some(place) = self.place(v) {
            self.get(place);
            return Ok(());
        }
        if class == builtin::BYTES {
            return self.save_bytes(t, receiver(v));
        }
        if class == builtin::STR {
            return self.save_str(t, receiver(v));
        }
        t.check_stack(" while pickling an object")?;
        if class == builtin::DICT {
            return self.save_dict(t, receiver(v));
        }
        if class == builtin::LIST {
            return self.save_list(t, receiver(v));
        }
        if class == builtin::TUPLE {
            return self.save_tuple(t, receiver(v));
        }
        if class == builtin::SET {
            return self.save_set(t, v);
        }
        if class == builtin::FROZENSET {
            return self.save_frozenset(t, v);
        }
        if class == builtin::BYTEARRAY {
            return self.save_bytearray(t, receiver(v));
        }
        if let Some(buffer) = v.exact::<PickleBuffer>() {
            return self.save_buffer(t, buffer);
        }
        self.save_other(t, v, class)
    }

    /// An object that takes no memory of its own.
    fn save_immediate(&mut self, t: &Thread, v: Value) -> R<()> {
        if int::is_exact(v) {
            return self.save_int(t, v);
        }
        if v.is_float() {
            return self.save_float(t, v.as_float());
        }
        if v.is_none() {
            self.out.instruction(op::NONE);
            return Ok(());
        }
        if v.is_bool() {
            self.save_bool(v == Value::TRUE);
            return Ok(());
        }
        match self.place(v) {
            Some(place) => {
                self.get(place);
                Ok(())
            }
            None => self.save_other(t, v, v.class()),
        }
    }

    /// An object of a class that has no instructions of its own.
    fn save_other(&mut self, t: &Thread, v: Value, class: Ref<Type>) -> R<()> {
        let overridden = match self.reducer {
            Some(f) => Some(call::call(t, f, &[v])?).filter(|r| *r != Value::NOT_IMPLEMENTED),
            None => None,
        };
        let reduced = match overridden {
            Some(reduced) => reduced,
            None if class == builtin::TYPE => return self.save_type(t, v),
            None if class == builtin::FUNCTION => return self.save_global(t, v, None),
            None => {
                let registered = match self.pickler.and_then(|p| p.dispatch_table.opt()) {
                    Some(table) => global::entry(t, table, class.value())?,
                    None => global::entry(t, global::DISPATCH_TABLE.get(t)?, class.value())?,
                };
                match registered {
                    Some(f) => call::call(t, f, &[v])?,
                    None if class.is_subtype(builtin::TYPE) => return self.save_global(t, v, None),
                    None => self.reduce(t, v)?,
                }
            }
        };
        if reduced.downcast::<Str>().is_some() {
            return self.save_global(t, v, Some(reduced));
        }
        let saved = self.save_reduced(t, reduced, Some(v));
        noting(t, saved, v, "object")
    }

    fn reduce(&mut self, t: &Thread, v: Value) -> R {
        if let Some(f) = attr::get_attr_opt(t, v, names::__reduce_ex__)? {
            return call::call(t, f, &[Value::int(self.protocol)]);
        }
        match attr::get_attr_opt(t, v, names::__reduce__)? {
            Some(f) => call::call(t, f, &[]),
            None => fail(t, &PICKLING_ERROR, &format!("can't pickle '{}' object", v.class().display_name())),
        }
    }

    fn save_persistent(&mut self, t: &Thread, id: Value) -> R<()> {
        if self.binary {
            self.save_unless_persistent(t, id, false)?;
            self.out.instruction(op::BINPERSID);
            return Ok(());
        }
        let s = text::str_of(t, id)?;
        let Some(ascii) = s.as_ascii() else {
            return fail(t, &PICKLING_ERROR, "persistent IDs in protocol 0 must be ASCII strings");
        };
        self.out.write(format!("{}{ascii}\n", op::PERSID as char).as_bytes());
        Ok(())
    }

    // ---- atoms ----

    fn save_bool(&mut self, b: bool) {
        match (self.protocol >= 2, b) {
            (true, true) => self.out.instruction(op::NEWTRUE),
            (true, false) => self.out.instruction(op::NEWFALSE),
            (false, true) => self.out.write(b"I01\n"),
            (false, false) => self.out.write(b"I00\n"),
        }
    }

    fn save_int(&mut self, t: &Thread, v: Value) -> R<()> {
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

    fn save_float(&mut self, t: &Thread, f: f64) -> R<()> {
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

    fn save_bytes(&mut self, t: &Thread, b: Ref<Bytes>) -> R<()> {
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

    fn save_bytearray(&mut self, t: &Thread, array: Ref<Bytearray>) -> R<()> {
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

    fn save_buffer(&mut self, t: &Thread, v: Ref<PickleBuffer>) -> R<()> {
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
    fn save_str(&mut self, t: &Thread, s: Ref<Str>) -> R<()> {
        if !self.binary {
            self.save_str_line(s);
            return Ok(());
        }
        let mut encoded = Vec::new();
        let bytes = match s.as_ascii() {
            Some(ascii) => ascii.as_bytes(),
            None => {
                super::push_wtf8(&mut encoded, &s);
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

    fn save_tuple(&mut self, t: &Thread, tuple: Ref<Tuple>) -> R<()> {
        let (v, items) = (tuple.value(), tuple.as_slice());
        if items.is_empty() {
            self.out.write(if self.binary { &[op::EMPTY_TUPLE] } else { &[op::MARK, op::TUPLE] });
            return Ok(());
        }
        let short = items.len() <= 3 && self.protocol >= 2;
        if !short {
            self.out.instruction(op::MARK);
        }
        for (i, item) in items.iter().enumerate() {
            self.save(t, *item).map_err(|_| noted(t, v, || Ok(format!("item {i}"))))?;
        }
        // A tuple that contains itself was saved on the way.
        if let Some(place) = self.place(v) {
            if short {
                items.iter().for_each(|_| self.out.instruction(op::POP));
            } else if self.binary {
                self.out.instruction(op::POP_MARK);
            } else {
                (0..=items.len()).for_each(|_| self.out.instruction(op::POP));
            }
            self.get(place);
            return Ok(());
        }
        self.out.instruction(match items.len() {
            _ if !short => op::TUPLE,
            1 => op::TUPLE1,
            2 => op::TUPLE2,
            _ => op::TUPLE3,
        });
        self.memoize(t, v);
        Ok(())
    }

    /// In fast mode, ValueError when an object contains itself.
    fn enter_fast(&mut self, t: &Thread, v: Value) -> R<()> {
        if !self.fast {
            return Ok(());
        }
        if self.open.len() >= FAST_NESTING && self.open.contains(&v.bits()) {
            let class = v.class().display_name();
            raise!(t, ValueError, "fast mode: can't pickle cyclic objects including object type {class} at {:#x}", v.bits());
        }
        self.open.push(v.bits());
        Ok(())
    }

    fn leave_fast(&mut self) {
        self.open.pop();
    }

    fn save_list(&mut self, t: &Thread, list: Ref<List>) -> R<()> {
        self.enter_fast(t, list.value())?;
        self.out.write(if self.binary { &[op::EMPTY_LIST] } else { &[op::MARK, op::LIST] });
        self.memoize(t, list.value());
        let mut i = 0;
        let result = self.append_all(t, list.value(), &mut |_| {
            i += 1;
            Ok(list.get(i - 1).unwrap_or(Value::NULL))
        });
        self.leave_fast();
        result
    }

    /// Items for a list; `next` gives NULL at the end.
    fn append_all(&mut self, t: &Thread, v: Value, next: &mut dyn FnMut(&Thread) -> R) -> R<()> {
        let mut i = 0;
        let mut save = |this: &mut Saving, item: Value| {
            let saved = this.save(t, item).map_err(|_| noted(t, v, || Ok(format!("item {i}"))));
            i += 1;
            saved
        };
        let mut first = next(t)?;
        if !self.binary {
            while !first.is_null() {
                save(self, first)?;
                self.out.instruction(op::APPEND);
                first = next(t)?;
            }
            return Ok(());
        }
        while !first.is_null() {
            let second = next(t)?;
            if second.is_null() {
                save(self, first)?;
                self.out.instruction(op::APPEND);
                return Ok(());
            }
            self.out.instruction(op::MARK);
            save(self, first)?;
            let mut item = second;
            let mut n = 1;
            while !item.is_null() {
                save(self, item)?;
                n += 1;
                item = if n < BATCH { next(t)? } else { Value::NULL };
            }
            self.out.instruction(op::APPENDS);
            first = if n < BATCH { Value::NULL } else { next(t)? };
        }
        Ok(())
    }

    fn save_dict(&mut self, t: &Thread, dict: Ref<Dict>) -> R<()> {
        self.enter_fast(t, dict.value())?;
        self.out.write(if self.binary { &[op::EMPTY_DICT] } else { &[op::MARK, op::DICT] });
        self.memoize(t, dict.value());
        let (mut position, size) = (0, dict.len());
        let result = self.set_all(t, dict.value(), &mut |t| {
            if dict.len() != size {
                raise!(t, RuntimeError, "dictionary changed size during iteration");
            }
            Ok(dict.next_entry(&mut position))
        });
        self.leave_fast();
        result
    }

    /// Entries for a dict.
    fn set_all(&mut self, t: &Thread, v: Value, next: &mut NextEntry<'_>) -> R<()> {
        let save = |this: &mut Saving, (key, value): (Value, Value)| {
            this.save(t, key)?;
            this.save(t, value).map_err(|_| noted(t, v, || Ok(format!("item {}", text::repr(t, key)?.to_string_lossy()))))
        };
        let mut first = next(t)?;
        if !self.binary {
            while let Some(entry) = first {
                save(self, entry)?;
                self.out.instruction(op::SETITEM);
                first = next(t)?;
            }
            return Ok(());
        }
        while let Some(entry) = first {
            let Some(second) = next(t)? else {
                save(self, entry)?;
                self.out.instruction(op::SETITEM);
                return Ok(());
            };
            self.out.instruction(op::MARK);
            save(self, entry)?;
            let mut entry = Some(second);
            let mut n = 1;
            while let Some(pair) = entry {
                save(self, pair)?;
                n += 1;
                entry = if n < BATCH { next(t)? } else { None };
            }
            self.out.instruction(op::SETITEMS);
            first = if n < BATCH { None } else { next(t)? };
        }
        Ok(())
    }

    /// The elements of a set as `f(list)`, for protocols without instructions for sets.
    fn save_set_as_list(&mut self, t: &Thread, v: Value) -> R<()> {
        let items = iter::to_list(t, v)?.value();
        let reduced = [v.class().value(), Tuple::from_slice(t, &[items]).value()];
        self.save_reduced(t, Tuple::from_slice(t, &reduced).value(), Some(v))
    }

    fn save_set(&mut self, t: &Thread, v: Value) -> R<()> {
        if self.protocol < 4 {
            return self.save_set_as_list(t, v);
        }
        let Some(set) = as_set(v) else { return Ok(()) };
        self.out.instruction(op::EMPTY_SET);
        self.memoize(t, v);
        let size = set.len();
        let mut n = 0;
        for (item, _) in set.entries() {
            if n % BATCH == 0 {
                self.out.instruction(op::MARK);
            }
            let saved = self.save(t, item);
            noting(t, saved, v, "element")?;
            n += 1;
            if n % BATCH == 0 {
                self.out.instruction(op::ADDITEMS);
            }
            if set.len() != size {
                raise!(t, RuntimeError, "set changed size during iteration");
            }
        }
        if n % BATCH != 0 {
            self.out.instruction(op::ADDITEMS);
        }
        Ok(())
    }

    fn save_frozenset(&mut self, t: &Thread, v: Value) -> R<()> {
        if self.protocol < 4 {
            return self.save_set_as_list(t, v);
        }
        let Some(set) = as_set(v) else { return Ok(()) };
        self.out.instruction(op::MARK);
        for (item, _) in set.entries() {
            let saved = self.save(t, item);
            noting(t, saved, v, "element")?;
        }
        if let Some(place) = self.place(v) {
            self.out.instruction(op::POP_MARK);
            self.get(place);
            return Ok(());
        }
        self.out.instruction(op::FROZENSET);
        self.memoize(t, v);
        Ok(())
    }

    // ---- what is found by name ----

    fn save_type(&mut self, t: &Thread, v: Value) -> R<()> {
        let singleton = [(builtin::NONE_TYPE, Value::NONE), (builtin::ELLIPSIS_TYPE, Value::ELLIPSIS)]
            .into_iter()
            .chain([(builtin::NOT_IMPLEMENTED_TYPE, Value::NOT_IMPLEMENTED)])
            .find(|(class, _)| class.value() == v);
        match singleton {
            Some((_, object)) => {
                let args = Tuple::from_slice(t, &[object]).value();
                self.save_reduced(t, Tuple::from_slice(t, &[builtin::TYPE.value(), args]).value(), Some(v))
            }
            None => self.save_global(t, v, None),
        }
    }

    fn save_global(&mut self, t: &Thread, v: Value, name: Option<Value>) -> R<()> {
        let name = match name {
            Some(name) => Some(name),
            None => attr::get_attr_opt(t, v, names::__qualname__)?,
        };
        let name = match name {
            Some(name) => name,
            None => attr::get_attr(t, v, names::__name__)?,
        };
        let Some(name) = name.downcast::<Str>() else {
            return fail(t, &PICKLING_ERROR, &format!("Can't pickle {}: its name is not a string", text::repr(t, v)?.to_string_lossy()));
        };
        let module = global::module_of(t, v, name)?;
        if self.protocol >= 2 {
            let key = Tuple::from_slice(t, &[module.value(), name.value()]).value();
            if let Some(code) = global::entry(t, global::EXTENSION_REGISTRY.get(t)?, key)? {
                return self.save_extension(t, v, code);
            }
        }
        if self.protocol >= 4 {
            self.save(t, module.value())?;
            self.save(t, name.value())?;
            self.out.instruction(op::STACK_GLOBAL);
        } else {
            let path = global::split(t, name)?;
            let getattr = if path.len() == 1 { Value::NULL } else { global::GETATTR.get(t)? };
            for _ in path.iter().skip(1) {
                self.save(t, getattr)?;
                if self.protocol < 2 {
                    self.out.instruction(op::MARK);
                }
            }
            self.save_toplevel(t, module, path.get(0))?;
            for name in path.iter().skip(1) {
                self.save(t, name)?;
                self.out.write(&[if self.protocol < 2 { op::TUPLE } else { op::TUPLE2 }, op::REDUCE]);
            }
        }
        self.memoize(t, v);
        Ok(())
    }

    fn save_extension(&mut self, t: &Thread, v: Value, code: Value) -> R<()> {
        if !int::is_exact(code) {
            let what = text::repr(t, v)?;
            let class = code.class().display_name();
            return fail(t, &PICKLING_ERROR, &format!("Can't pickle {}: extension code {class} isn't an integer", what.to_string_lossy()));
        }
        match int::as_i64_opt(code) {
            Some(n @ 1..=0xFF) => self.out.write(&[op::EXT1, n as u8]),
            Some(n @ 0x100..=0xFFFF) => {
                self.out.instruction(op::EXT2);
                self.out.write(&(n as u16).to_le_bytes());
            }
            Some(n @ 0x10000..=0x7FFF_FFFF) => {
                self.out.instruction(op::EXT4);
                self.out.write(&(n as i32).to_le_bytes());
            }
            _ => raise!(t, RuntimeError, "extension code {} is out of range", text::repr(t, code)?.to_string_lossy()),
        }
        Ok(())
    }

    /// A name in a module as two lines, for protocols below 4.
    fn save_toplevel(&mut self, t: &Thread, module: Ref<Str>, mut name: Value) -> R<()> {
        let mut module = module.value();
        if self.fix_imports {
            let key = Tuple::from_slice(t, &[module, name]).value();
            if let Some(old) = global::entry(t, global::REVERSE_NAME_MAPPING.get(t)?, key)? {
                if let Some(pair) = old.downcast::<Tuple>().filter(|p| p.len() == 2) {
                    (module, name) = (pair.get(0), pair.get(1));
                }
            } else if let Some(old) = global::entry(t, global::REVERSE_IMPORT_MAPPING.get(t)?, module)? {
                module = old;
            }
        }
        self.out.instruction(op::GLOBAL);
        for (v, kind) in [(module, "module"), (name, "global")] {
            let encoding = Str::new(t, if self.protocol >= 3 { "utf-8" } else { "ascii" }).value();
            let line = match call::call_method(t, v, names::encode, &[encoding]) {
                Ok(line) => line,
                Err(raised) => {
                    if !t.exception_is(exc::UnicodeEncodeError) {
                        return Err(raised);
                    }
                    let context = t.take_exception();
                    let message = format!(
                        "can't pickle {kind} identifier {} using pickle protocol {}",
                        text::repr(t, v)?.to_string_lossy(),
                        self.protocol
                    );
                    let raised = t.raise(PICKLING_ERROR.get(), &message);
                    let e = t.take_exception();
                    attr::set_attr(t, e, names::__context__, context)?;
                    t.raise_value(e);
                    return Err(raised);
                }
            };
            if let Some(bytes) = line.downcast::<Bytes>() {
                self.out.write(bytes.contents());
                self.out.write(b"\n");
            }
        }
        Ok(())
    }

    // ---- what `__reduce__` has given ----

    fn save_reduced(&mut self, t: &Thread, reduced: Value, object: Option<Value>) -> R<()> {
        let Some(parts) = reduced.downcast::<Tuple>() else {
            return fail(t, &PICKLING_ERROR, &format!("__reduce__ must return a string or tuple, not {}", name_of(t, reduced)?));
        };
        if !(2..=6).contains(&parts.len()) {
            return fail(t, &PICKLING_ERROR, "tuple returned by __reduce__ must contain 2 through 6 elements");
        }
        let part = |i: usize| parts.as_slice().get(i).copied().filter(|v| !v.is_none());
        let wrong = |which: &str, what: &str, v: Value| -> R<()> {
            let got = name_of(t, v)?;
            fail(t, &PICKLING_ERROR, &format!("{which} item of the tuple returned by __reduce__ must be {what}, not {got}"))
        };
        let (function, args) = (parts.get(0), parts.get(1));
        if !call::is_callable(function) {
            return wrong("first", "callable", function);
        }
        let Some(arguments) = args.downcast::<Tuple>() else { return wrong("second", "a tuple", args) };
        for (i, which) in [(3, "fourth"), (4, "fifth")] {
            if let Some(v) = part(i).filter(|v| !iter::is_iterator(*v)) {
                return wrong(which, "an iterator", v);
            }
        }
        if let Some(v) = part(5).filter(|v| !call::is_callable(*v)) {
            return wrong("sixth", "callable", v);
        }
        let subject = object.unwrap_or(reduced);
        let name =
            if self.protocol >= 2 { attr::get_attr_opt(t, function, names::__name__)?.and_then(|n| n.downcast::<Str>()) } else { None };
        if name.is_some_and(|n| n.eq_str("__newobj_ex__")) {
            self.save_newobj_ex(t, arguments, subject)?;
        } else if name.is_some_and(|n| n.eq_str("__newobj__")) {
            self.save_newobj(t, arguments, object, subject)?;
        } else {
            let saved = self.save(t, function);
            noting(t, saved, subject, "reconstructor")?;
            let saved = self.save(t, args);
            noting(t, saved, subject, "reconstructor arguments")?;
            self.out.instruction(op::REDUCE);
        }
        if let Some(v) = object {
            // An object that contains itself was saved on the way.
            match self.place(v) {
                Some(place) => {
                    self.out.instruction(op::POP);
                    self.get(place);
                }
                None => self.memoize(t, v),
            }
        }
        if let Some(items) = part(3) {
            self.append_all(t, subject, &mut |t| iter::next(t, items))?;
        }
        if let Some(items) = part(4) {
            self.set_all(t, subject, &mut |t| {
                let item = iter::next(t, items)?;
                if item.is_null() {
                    return Ok(None);
                }
                match item.downcast::<Tuple>().filter(|p| p.len() == 2) {
                    Some(pair) => Ok(Some((pair.get(0), pair.get(1)))),
                    None => raise!(t, TypeError, "dict items iterator must return 2-tuples"),
                }
            })?;
        }
        let Some(state) = part(2) else { return Ok(()) };
        let Some(setter) = part(5) else {
            let saved = self.save(t, state);
            noting(t, saved, subject, "state")?;
            self.out.instruction(op::BUILD);
            return Ok(());
        };
        let saved = self.save(t, setter);
        noting(t, saved, subject, "state setter")?;
        self.save(t, subject)?;
        let saved = self.save(t, state);
        noting(t, saved, subject, "state")?;
        self.out.write(&[op::TUPLE2, op::REDUCE, op::POP]);
        Ok(())
    }

    fn save_newobj(&mut self, t: &Thread, args: Ref<Tuple>, object: Option<Value>, subject: Value) -> R<()> {
        let Some((class, rest)) = args.as_slice().split_first() else {
            return fail(t, &PICKLING_ERROR, "__newobj__ expected at least 1 argument, got 0");
        };
        if class.downcast::<Type>().is_none() {
            return fail(t, &PICKLING_ERROR, &format!("first argument to __newobj__() must be a class, not {}", name_of(t, *class)?));
        }
        if let Some(v) = object {
            let own = attr::get_attr(t, v, names::__class__)?;
            if own != *class {
                let (own, class) = (text::repr(t, own)?, text::repr(t, *class)?);
                let message = format!("first argument to __newobj__() must be {}, not {}", own.to_string_lossy(), class.to_string_lossy());
                return fail(t, &PICKLING_ERROR, &message);
            }
        }
        let saved = self.save(t, *class);
        noting(t, saved, subject, "class")?;
        let saved = self.save(t, Tuple::from_slice(t, rest).value());
        noting(t, saved, subject, "__new__ arguments")?;
        self.out.instruction(op::NEWOBJ);
        Ok(())
    }

    fn save_newobj_ex(&mut self, t: &Thread, args: Ref<Tuple>, subject: Value) -> R<()> {
        let [class, positional, keywords] = *args.as_slice() else {
            return fail(t, &PICKLING_ERROR, &format!("__newobj_ex__ expected 3 arguments, got {}", args.len()));
        };
        if class.downcast::<Type>().is_none() {
            return fail(t, &PICKLING_ERROR, &format!("first argument to __newobj_ex__() must be a class, not {}", name_of(t, class)?));
        }
        let Some(given) = positional.downcast::<Tuple>() else {
            return fail(
                t,
                &PICKLING_ERROR,
                &format!("second argument to __newobj_ex__() must be a tuple, not {}", name_of(t, positional)?),
            );
        };
        let Some(named) = keywords.downcast::<Dict>() else {
            return fail(t, &PICKLING_ERROR, &format!("third argument to __newobj_ex__() must be a dict, not {}", name_of(t, keywords)?));
        };
        if self.protocol >= 4 {
            let saved = self.save(t, class);
            noting(t, saved, subject, "class")?;
            for part in [positional, keywords] {
                let saved = self.save(t, part);
                noting(t, saved, subject, "__new__ arguments")?;
            }
            self.out.instruction(op::NEWOBJ_EX);
            return Ok(());
        }
        let partial = global::PARTIAL.get(t)?;
        let mut all = ValueList::new(t);
        all.push(t, attr::get_attr(t, class, names::__new__)?);
        all.push(t, class);
        given.as_slice().iter().for_each(|v| all.push(t, *v));
        let function = call::call_unpacked(t, partial, Tuple::from_slice(t, all.as_slice()), Some(named))?;
        let saved = self.save(t, function);
        noting(t, saved, subject, "reconstructor")?;
        self.save(t, t.empty_tuple())?;
        self.out.instruction(op::REDUCE);
        Ok(())
    }
}
