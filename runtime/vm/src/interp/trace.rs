//! What the interpreter tells tracers: the probes of functions and lines.

use crate::interp::dispatch;
use crate::interp::frame::Frame;
use crate::object::Ref;
use crate::thread::Thread;
use crate::types::{Bytes, Code};
use limpid_bytecode::{LineTable, Opcode};
use limpid_heap::Value;
use limpid_probes as probes;
use std::cell::Cell;

/// The line of an instruction.
pub fn line_at(code: Ref<Code>, at: usize) -> i32 {
    // SAFETY: the field is bytes.
    let table = unsafe { Ref::<Bytes>::from_value(code.linetable.get()) };
    LineTable { bytes: table.as_slice(), firstlineno: code.firstlineno }.line_at(at as u32)
}

/// Where a thread was when it last told a tracer of a line or passed one by.
pub struct LineTrace {
    frame: Cell<*const Value>,
    pc: Cell<*const u16>,
    line: Cell<i32>,
}

impl LineTrace {
    pub const fn new() -> LineTrace {
        LineTrace { frame: Cell::new(std::ptr::null()), pc: Cell::new(std::ptr::null()), line: Cell::new(0) }
    }
}

/// An instruction is about to run: fires `line` if it is the first one of a line, or the target of a backward jump. False: nobody listens.
pub fn line(t: &Thread, pc: *const u16, fp: *mut Value) -> bool {
    if !probes::line::enabled() {
        return false;
    }
    // SAFETY: `pc` is an instruction, and so is what `opcode` gets below.
    let opcode = |pc: *const u16| Opcode::from_u8(unsafe { *(pc as *const u8) }).map(Opcode::family);
    let op = opcode(pc);
    // Leaving the loop belongs to no code, as little as the shim under `__init__`.
    if op == Some(Opcode::INTERPRETER_EXIT) || Frame(fp).is_shim() {
        return true;
    }
    let (code, last) = (Frame(fp).code(), &t.line_trace);
    let same_frame = last.frame.replace(fp) == fp.cast_const();
    // Remembered in every case: the place in another frame would be taken for one in this.
    let last_pc = last.pc.replace(pc);
    let jumped_back = same_frame && pc < last_pc;
    let at = code.offset_of(pc);
    let line = line_at(code, at);
    let continues = last.line.replace(line) == line && same_frame;
    // The end of a loop has the line of its head, but nobody thinks of it as another round.
    let silent = matches!(op, Some(Opcode::RESUME | Opcode::POP_ITER));
    let starts = !continues && (at == 0 || line_at(code, at - 1) != line || opcode(pc.wrapping_sub(1)) == Some(Opcode::RESUME));
    if line > 0 && !silent && (starts || jumped_back) {
        probes::line::fire(code.file_c(), code.name_c(), line);
    }
    true
}

/// A frame starts or resumes. The line is that of the `def`.
#[inline]
pub fn entry(t: &Thread, f: Frame, resumed: bool) {
    if probes::line::enabled() {
        dispatch::enter_lines(t);
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
