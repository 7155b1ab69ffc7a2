//! What tools on this machine get to know about machine code.
//!
//! * Unwinders, gdb's and that of native backtraces, walk through it by its frame pointers: [`unwinding`].
//! * perf gets names, [`perf_map`], or names, bytes and lines, [`jitdump`], if the user has asked for that.

mod jitdump;
mod perf_map;
mod unwinding;

pub use unwinding::register;

use super::Piece;
use crate::source_map::{Place, SourceMap};
use cranelift_codegen::{Final, MachSrcLoc};
use limpid_vm::runtime::{PerfSupport, Runtime};
use parking_lot::Mutex;
use std::fs::File;
use std::io;

/// Instructions from an offset on, to where the next ones begin: a place in the program.
struct Lines {
    start: usize,
    place: Place,
}

/// The file that tells perf about this process.
enum Told {
    /// Nothing was told yet.
    Nothing,
    /// What is told goes here.
    To(File, u64),
    /// It cannot be written, and that was said.
    Failed,
}

static TOLD: Mutex<Told> = Mutex::new(Told::Nothing);

/// Tells perf about new code, if the user wants that. `locations` have numbers of snapshots.
pub fn tell(piece: &Piece, bytes: &[u8], locations: &[MachSrcLoc<Final>], source: &SourceMap) {
    let Some(wanted) = Runtime::get().options.perf else { return };
    let lines = lines(locations, source);
    let mut told = TOLD.lock();
    if let Told::Nothing = *told {
        let made = match wanted {
            PerfSupport::Map => perf_map::create(),
            PerfSupport::Dump => jitdump::create(),
        };
        *told = match made {
            Ok(file) => Told::To(file, 0),
            Err(e) => failed(wanted, &e),
        };
    }
    if let Told::To(file, number) = &mut *told {
        let written = match wanted {
            PerfSupport::Map => perf_map::write(file, piece, bytes.len(), &lines, source),
            PerfSupport::Dump => jitdump::write(file, *number, piece, bytes, &lines, source),
        };
        *number += 1;
        if let Err(e) = written {
            *told = failed(wanted, &e);
        }
    }
}

/// A child process has a file of its own.
pub fn after_fork() {
    if TOLD.is_locked() {
        // SAFETY: only the thread that has forked is there; the parent's worker held the lock.
        unsafe { TOLD.force_unlock() };
    }
    *TOLD.lock() = Told::Nothing;
}

fn failed(wanted: PerfSupport, e: &io::Error) -> Told {
    let path = match wanted {
        PerfSupport::Map => perf_map::path(),
        PerfSupport::Dump => jitdump::path(),
    };
    eprintln!("perf gets no names of machine code: {}: {e}", path.display());
    Told::Failed
}

/// The places of code in order, neighbours of the same place put together.
fn lines(locations: &[MachSrcLoc<Final>], source: &SourceMap) -> Vec<Lines> {
    let mut lines: Vec<Lines> = Vec::new();
    for location in locations {
        let place = source.places.get(location.loc.bits() as usize).copied().flatten();
        if let Some(place) = place
            && lines.last().is_none_or(|last| last.place != place)
        {
            lines.push(Lines { start: location.start as usize, place });
        }
    }
    // What leads into a function belongs to its first line.
    if let Some(first) = lines.first_mut() {
        first.start = 0;
    }
    lines
}
