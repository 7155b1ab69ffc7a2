//! Pickling: an object and what it refers to, as instructions. Here it is decided how an object is saved, and remembered what was.

mod containers;
mod reduced;
mod scalars;

use super::buffer::PickleBuffer;
use super::global;
use super::opcode as op;
use super::output::Output;
use super::pickler::{self, Pickler, Settings};
use super::places::Places;
use super::{PICKLING_ERROR, fail};
use limpid_heap::Value;
use limpid_vm::args::receiver;
use limpid_vm::names;
use limpid_vm::object::{R, Raised, Ref, ValueExt};
use limpid_vm::protocol::{attr, call, text};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Str, Type, ValueList, builtin, int};
use std::sync::atomic::Ordering::Relaxed;

/// How many objects of one pickle are remembered without a larger list.
const FIRST_OBJECTS: usize = 28;

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
}
