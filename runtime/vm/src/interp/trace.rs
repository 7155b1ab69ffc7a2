//! What the interpreter tells tracers: the probes of functions and lines.

use crate::instrument::{self, events::Event};
use crate::interp::frame::Frame;
use crate::object::Ref;
use crate::thread::Thread;
use crate::types::{Bytes, Code};
use limpid_bytecode::LineTable;
use limpid_heap::Value;
use limpid_probes as probes;

/// The line of an instruction.
pub fn line_at(code: Ref<Code>, at: usize) -> i32 {
    if let Some(l) = code.locations() {
        return l.line_at(at);
    }
    // SAFETY: the field is bytes.
    let table = unsafe { Ref::<Bytes>::from_value(code.linetable.get()) };
    LineTable { bytes: table.as_slice(), firstlineno: code.firstlineno }.line_at(at as u32)
}

/// A line starts, or a jump leads back within one: fires `line`, or has nobody tell it any more when nobody listens.
pub fn line(t: &Thread, code: Ref<Code>, at: usize, event: Event, args: &[Value]) {
    if !probes::line::enabled() {
        instrument::set_events(t, instrument::PROBE, 0);
    } else if event == Event::LINE || instrument::legacy::repeats_line(code, at, args) {
        probes::line::fire(code.file_c(), code.name_c(), line_at(code, at));
    }
}

/// A frame starts or resumes. The line is that of the `def`.
pub fn entry(t: &Thread, f: Frame, resumed: bool) {
    if probes::line::enabled() {
        instrument::set_events(t, instrument::PROBE, Event::LINE.bit() | Event::JUMP.bit());
    }
    if probes::function__resume::enabled() && resumed {
        let code = f.code();
        probes::function__resume::fire(code.file_c(), code.name_c(), code.firstlineno as i32);
    }
    if probes::function__entry::enabled() {
        let code = f.code();
        probes::function__entry::fire(code.file_c(), code.name_c(), code.firstlineno as i32);
    }
}

/// A frame returns; `pc` is its return instruction.
pub fn returned(_t: &Thread, f: Frame, pc: *const u16) {
    if probes::function__return::enabled() {
        let code = f.code();
        probes::function__return::fire(code.file_c(), code.name_c(), line_at(code, code.offset_of(pc)));
    }
}

/// A generator yields.
pub fn yielded(_t: &Thread, f: Frame, pc: *const u16) {
    let code = f.code();
    let line = line_at(code, code.offset_of(pc));
    if probes::function__yield::enabled() {
        probes::function__yield::fire(code.file_c(), code.name_c(), line);
    }
    if probes::function__return::enabled() {
        probes::function__return::fire(code.file_c(), code.name_c(), line);
    }
}

/// An exception leaves a frame.
pub fn unwound(_t: &Thread, f: Frame, pc: *const u16) {
    if !probes::function__unwind::enabled() && !probes::function__return::enabled() {
        return;
    }
    let code = f.code();
    let line = line_at(code, code.offset_of(pc));
    if probes::function__unwind::enabled() {
        probes::function__unwind::fire(code.file_c(), code.name_c(), line);
    }
    if probes::function__return::enabled() {
        probes::function__return::fire(code.file_c(), code.name_c(), line);
    }
}

/// A `raise` statement runs.
pub fn raised(t: &Thread, f: Frame, pc: *const u16) {
    use crate::object::ValueExt;
    limpid_pystats::live::LIVE.exceptions_raised.add(1);
    if probes::exception__raise::enabled() && !t.exception().is_null() {
        let code = f.code();
        let name = t.exception().class().name.get();
        // SAFETY: names of types are strings.
        let name = unsafe { Ref::<crate::types::Str>::from_value(name) };
        probes::exception__raise::fire(name.data_ptr() as *const _, code.file_c(), line_at(code, code.offset_of(pc)));
    }
}
