//! `-X jit-dump=DIR`: a file for each trace, with the instructions that were recorded and the uops that came of them.

use crate::ir::Trace;
use limpid_vm::tier2::Recording;
use limpid_vm::types::Str;
use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Writes a trace, if that was asked for. What cannot be written is left out: nothing depends on it.
pub fn dump(recording: &Recording, trace: &Trace, outcome: &str) {
    let Some(folder) = crate::option("jit-dump").flatten() else { return };
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Relaxed);
    let mut text = format!("{:?}, {:?}: {outcome}\n", recording.origin, recording.end);
    for step in &recording.steps {
        let place = step.code.map(|code| {
            let name = code.name.get();
            // SAFETY: names are strings.
            let name = unsafe { limpid_vm::object::Ref::<Str>::from_value(name) }.to_string_lossy().into_owned();
            (name, limpid_vm::interp::trace::line_at(code, code.offset_of(step.pc)))
        });
        let (name, line) = place.unwrap_or_default();
        let _ = writeln!(text, "{name}:{line} {:?} {} {:?}", step.op, step.oparg, step.operands);
    }
    let _ = write!(text, "{trace}");
    let _ = std::fs::write(Path::new(folder).join(format!("trace-{number}.txt")), text);
}
