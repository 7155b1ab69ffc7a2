//! Where a trace comes from in the program's source, for those who show its code to people: perf, gdb, `-X jit-dump`.
//!
//! Made by the thread whose trace it is, before the worker gets it: the worker touches no Python object.

use crate::ir::{Snapshot, Trace};
use limpid_heap::Value;
use limpid_vm::interp::trace::line_at;
use limpid_vm::object::Ref;
use limpid_vm::types::{Code, Str};
use rustc_hash::FxHashMap;

/// A function that a trace has instructions of.
pub struct Function {
    /// `co_qualname`
    pub name: String,
    /// `co_filename`
    pub file: String,
}

/// The place of a snapshot: a function and a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which of the functions.
    pub function: usize,
    /// The line, 0 if it has none.
    pub line: u32,
}

/// The places of a trace.
pub struct SourceMap {
    /// The functions, in the order in which the trace gets to them.
    pub functions: Vec<Function>,
    /// By number of the snapshot. None: it is in no function of the program's.
    pub places: Vec<Option<Place>>,
}

impl SourceMap {
    /// That of a trace whose code objects are alive.
    pub fn of(trace: &Trace) -> SourceMap {
        let mut source = SourceMap { functions: Vec::new(), places: Vec::new() };
        let mut known = FxHashMap::default();
        for snapshot in &trace.snapshots {
            let place = code_of(snapshot).map(|code| {
                let function = *known.entry(code.ptr()).or_insert_with(|| {
                    source.functions.push(Function { name: text_of(code.qualname.get()), file: text_of(code.filename.get()) });
                    source.functions.len() - 1
                });
                let line = line_at(code, code.offset_of(snapshot.pc as *const u16));
                Place { function, line: line.max(0) as u32 }
            });
            source.places.push(place);
        }
        source
    }

    /// The function of a place.
    pub fn function_at(&self, place: Place) -> &Function {
        &self.functions[place.function]
    }

    /// `file:line` of a snapshot, or nothing.
    pub fn describe(&self, snapshot: usize) -> String {
        let place = self.places.get(snapshot).copied().flatten();
        place.map_or_else(String::new, |place| {
            let Function { name, file } = self.function_at(place);
            format!("{name} {file}:{}", place.line)
        })
    }
}

/// The code object that the innermost frame of a snapshot runs.
fn code_of(snapshot: &Snapshot) -> Option<Ref<Code>> {
    let address = snapshot.frames.last()?.code as *mut Code;
    // SAFETY: the trace refers to it, so it is alive while the trace is made.
    (!address.is_null()).then(|| unsafe { Ref::from_ptr(address) })
}

/// The text of a name or file of a code object.
pub fn text_of(name: Value) -> String {
    // SAFETY: names and files of code objects are strings.
    unsafe { Ref::<Str>::from_value(name) }.to_string_lossy().into_owned()
}
