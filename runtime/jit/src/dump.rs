//! `-X jit-dump=DIR`: files for each trace, `trace-N.*`.
//!
//! * `.txt`: the instructions that were recorded, with their lines; the uops that came of them, before and after they were optimized; which
//!   line each exit belongs to.
//! * `.clif` and `.asm`, if there is machine code: Cranelift's form of it, where `@n` is the number of an exit, and its assembly.
//!
//! What cannot be written is left out: nothing depends on it.

use crate::ir::Trace;
use crate::source_map::{SourceMap, text_of};
use limpid_vm::interp::trace::line_at;
use limpid_vm::tier2::Recording;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What is written about a trace.
pub struct Dump {
    /// Its files but for the extension.
    path: PathBuf,
    recorded: String,
}

impl Dump {
    /// Begins to write about a recording, if the user has asked for it.
    pub fn of(recording: &Recording) -> Option<Dump> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let folder = crate::option("jit-dump")?.unwrap_or(".");
        let path = Path::new(folder).join(format!("trace-{}", NUMBER.fetch_add(1, Relaxed)));
        Some(Dump { path, recorded: instructions(recording) })
    }

    /// The trace that came of it; its text before it was optimized.
    pub fn compiled(&self, trace: &Trace, map: &SourceMap, before: &str) {
        let mut text = format!("{}\nbefore:\n{before}\nafter:\n{trace}\nsource:\n", self.recorded);
        for exit in 0..trace.snapshots.len() {
            let _ = writeln!(text, "!{exit}: {}", map.describe(exit));
        }
        self.write("txt", &text);
    }

    /// No trace came of it.
    pub fn aborted(&self, reason: &str) {
        self.write("txt", &format!("{}\naborted: {reason}\n", self.recorded));
    }

    /// Writes one of its files.
    pub fn write(&self, extension: &str, text: &str) {
        let _ = std::fs::write(self.path.with_extension(extension), text);
    }
}

fn instructions(recording: &Recording) -> String {
    let mut text = format!("{:?}, {:?}\n", recording.origin, recording.end);
    for step in &recording.steps {
        let place = step.code.map(|code| (text_of(code.name.get()), line_at(code, code.offset_of(step.pc))));
        let (name, line) = place.unwrap_or_default();
        let _ = writeln!(text, "{name}:{line} {:?} {} {:?}", step.op, step.oparg, step.operands);
    }
    text
}
