//! Where machine code of the just-in-time compiler is left: how often, by source line and reason, where other processes can read it.
//!
//! A table in a section of its own leads to the places. They are found as the live segment is ([`crate::live`]).
//!
//! ```text
//!  0   "LIMPEXIT"                   magic
//!  8   u32 version                  of this layout
//!  12  u32 size of a place          places may grow at their end
//!  16  u32 places in a chunk
//!  20  u32 offset of the first      from the start of a chunk
//!  24  u64 address of a chunk       0 if nothing was left yet
//!
//! chunk:  u64 address of the next chunk, 0 if there is none; then places
//! place:  u64 address of the file's name, u64 address of the reason, u64 line, u64 how often
//! ```
//!
//! Invariants
//! - Chunks and names are never freed, and a place never changes but for its count. A place without a file is not in use yet.
//! - Nothing is counted in machine code: the way back into the interpreter counts.

use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char};
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering::*};

/// The section that holds the table.
pub const SECTION: &str = ".limpid.exits";
/// What the table begins with.
pub const MAGIC: [u8; 8] = *b"LIMPEXIT";
/// The version of the layout.
pub const VERSION: u32 = 1;
/// Places in a chunk.
const CHUNK: usize = 64;

/// A line that machine code is left at, for one reason.
#[repr(C)]
#[derive(Default)]
pub struct Place {
    file: AtomicPtr<c_char>,
    reason: AtomicPtr<c_char>,
    line: AtomicU64,
    taken: AtomicU64,
    /// How many of these are in a dump already, or were cleared.
    written: AtomicU64,
}

#[repr(C)]
struct Chunk {
    next: AtomicPtr<Chunk>,
    places: [Place; CHUNK],
}

/// The table.
#[repr(C)]
pub struct Table {
    magic: [u8; 8],
    version: u32,
    place_size: u32,
    chunk: u32,
    offset: u32,
    first: AtomicPtr<Chunk>,
}

/// This process's table.
#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".limpid.exits"))]
pub static EXITS: Table = Table {
    magic: MAGIC,
    version: VERSION,
    place_size: size_of::<Place>() as u32,
    chunk: CHUNK as u32,
    offset: std::mem::offset_of!(Chunk, places) as u32,
    first: AtomicPtr::new(std::ptr::null_mut()),
};

/// The places in use, by file, line and reason; how many of the newest chunk's are.
type Known = (HashMap<(CString, u32, usize), &'static Place>, usize);
static KNOWN: Mutex<Option<Known>> = Mutex::new(None);

/// The place of these, made if it is new.
pub fn place(file: &CStr, line: u32, reason: &'static CStr) -> &'static Place {
    let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (places, used) = known.get_or_insert_with(|| (HashMap::new(), CHUNK));
    let key = (file.to_owned(), line, reason.as_ptr() as usize);
    if let Some(place) = places.get(&key) {
        return place;
    }
    if *used == CHUNK {
        let chunk = Chunk { next: AtomicPtr::new(EXITS.first.load(Acquire)), places: std::array::from_fn(|_| Place::default()) };
        EXITS.first.store(Box::into_raw(Box::new(chunk)), Release);
        *used = 0;
    }
    // SAFETY: chunks are never freed.
    let place = unsafe { &(*EXITS.first.load(Acquire)).places[*used] };
    *used += 1;
    place.reason.store(reason.as_ptr().cast_mut(), Relaxed);
    place.line.store(line.into(), Relaxed);
    place.file.store(file.to_owned().into_raw(), Release);
    places.insert(key, place);
    place
}

impl Place {
    /// Machine code was left here.
    #[inline]
    pub fn count(&self) {
        self.taken.fetch_add(1, Relaxed);
    }
}

/// Calls a function with file, line and reason of every place in use.
fn each(mut f: impl FnMut(&Place, &CStr, u64, &CStr)) {
    let mut chunk = EXITS.first.load(Acquire);
    // SAFETY: chunks are never freed.
    while let Some(this) = unsafe { chunk.as_ref() } {
        for place in &this.places {
            let file = place.file.load(Acquire);
            if !file.is_null() {
                // SAFETY: both are strings that are never freed.
                let (file, reason) = unsafe { (CStr::from_ptr(file), CStr::from_ptr(place.reason.load(Relaxed))) };
                f(place, file, place.line.load(Relaxed), reason);
            }
        }
        chunk = this.next.load(Acquire);
    }
}

/// What was counted since this was last asked, the most frequent first: file, line, reason, how often.
pub fn take() -> Vec<crate::dump::Exit> {
    let mut found = Vec::new();
    each(|place, file, line, reason| {
        let taken = place.taken.load(Relaxed);
        let new = taken - place.written.swap(taken, Relaxed);
        if new != 0 {
            found.push((file.to_string_lossy().into_owned(), line, reason.to_string_lossy().into_owned(), new));
        }
    });
    found.sort_by(|a, b| b.3.cmp(&a.3).then_with(|| a.cmp(b)));
    found
}

const _: () = assert!(std::mem::offset_of!(Table, first) == 24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_again() {
        let other = place(c"other.py", 7, c"guard_float");
        other.count();
        for line in 0..100 {
            place(c"program.py", line, c"guard_int").count();
        }
        assert!(std::ptr::eq(place(c"program.py", 3, c"guard_int"), place(c"program.py", 3, c"guard_int")));
        place(c"program.py", 3, c"guard_int").count();
        let taken = take();
        assert_eq!(taken.len(), 101);
        assert_eq!(taken[0], ("program.py".to_owned(), 3, "guard_int".to_owned(), 2));
        other.count();
        assert_eq!(take(), [("other.py".to_owned(), 7, "guard_float".to_owned(), 1)]);
        assert_eq!(take(), []);
    }
}
