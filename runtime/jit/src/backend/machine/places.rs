//! Which frames the program has while machine code runs, for those who look from outside: see [`limpid_pystats::machine_code`].
//!
//! A uop belongs to the place of the last guard before it, whose snapshot tells the frames and the instruction.

use crate::ir::Snapshot;
use cranelift_codegen::{Final, MachSrcLoc};
use limpid_pystats::machine_code::NOWHERE;

/// The places of compiled code, whose source locations are the numbers of snapshots.
pub fn words(locations: &[MachSrcLoc<Final>], snapshots: &[Snapshot]) -> Box<[u64]> {
    let mut words = Vec::new();
    let mut last = None;
    for location in locations {
        let number = location.loc.bits() as usize;
        if last != Some(number)
            && let Some(snapshot) = snapshots.get(number)
        {
            words.push(u64::from(location.start));
            frames(snapshot, &mut words);
            last = Some(number);
        }
    }
    words.into()
}

fn frames(snapshot: &Snapshot, words: &mut Vec<u64>) {
    words.push(snapshot.frames.len() as u64);
    for (i, frame) in snapshot.frames.iter().enumerate() {
        let place = if frame.base.is_some() { NOWHERE } else { i64::from(frame.place) as u64 };
        // A call is the word before the one that it returns to.
        let pc = snapshot.frames.get(i + 1).map_or(snapshot.pc, |called| called.return_pc - 2);
        words.extend([frame.code, place, pc]);
    }
}
