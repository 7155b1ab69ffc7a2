//! The structs that the program in the kernel shares with this one: those of `trace.bpf.c`, field by field.

/// Buckets of a histogram of durations.
pub const BUCKETS: usize = 192;

/// Set before the program is loaded.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Config {
    pub event_min_ns: u64,
    pub depth: u32,
    pub threads: u32,
    pub nodes: u32,
    pub tid: u32,
    pub tgid: u32,
    pub sample: u32,
}

/// What could not be followed, and why.
#[repr(C)]
#[derive(Clone, Copy, Default, Debug, PartialEq, serde::Serialize)]
pub struct Missed {
    /// Events for which the ring buffer had no room.
    pub events: u64,
    /// Calls on a path for which the tree had no room.
    pub nodes: u64,
    /// Calls in threads for which there was no room.
    pub threads: u64,
    /// Calls deeper than what is followed.
    pub depth: u64,
    /// Returns of calls that began before the trace.
    pub returns: u64,
}

/// Where a node is in the tree, and which function it is of.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Description {
    pub parent: u32,
    pub line: u32,
    pub tid: u32,
    pub tgid: u32,
    pub file: [u8; 256],
    pub function: [u8; 96],
}

/// What was counted for a node.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Counters {
    pub calls: u64,
    pub resumptions: u64,
    pub unwinds: u64,
    pub inclusive_ns: u64,
    pub exclusive_ns: u64,
    pub longest_ns: u64,
    pub histogram: [u32; BUCKETS],
}

/// A call; what happens besides is a [`LongEvent`], which begins so.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Event {
    pub start: u64,
    pub duration: u64,
    pub node: u32,
    pub tid: u32,
    pub kind: u32,
    pub tgid: u32,
}

/// Anything but a call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LongEvent {
    pub event: Event,
    pub value: i64,
    pub generation: u32,
    pub uops: u32,
    pub text: [u8; 64],
}

/// A struct that consists of numbers only, so that any bytes are one and it has no padding.
///
/// # Safety
/// Only for `repr(C)` structs of integers, and arrays of them, without padding.
pub unsafe trait Plain: Copy {
    /// The struct at the start of these bytes, if there are enough.
    fn read(bytes: &[u8]) -> Option<Self> {
        // SAFETY: there are enough bytes, and any are valid for such a struct.
        (bytes.len() >= size_of::<Self>()).then(|| unsafe { bytes.as_ptr().cast::<Self>().read_unaligned() })
    }

    /// The bytes of the struct.
    fn bytes(&self) -> &[u8] {
        // SAFETY: the struct has no padding, so all its bytes are initialised.
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(self).cast(), size_of::<Self>()) }
    }
}

// SAFETY: integers and arrays of them; the asserts below add their sizes up.
unsafe impl Plain for Config {}
// SAFETY: as above.
unsafe impl Plain for Missed {}
// SAFETY: as above.
unsafe impl Plain for Description {}
// SAFETY: as above.
unsafe impl Plain for Counters {}
// SAFETY: as above.
unsafe impl Plain for Event {}
// SAFETY: as above.
unsafe impl Plain for LongEvent {}

const _: () = assert!(size_of::<Config>() == 8 + 6 * 4);
const _: () = assert!(size_of::<Missed>() == 5 * 8);
const _: () = assert!(size_of::<Description>() == 4 * 4 + 256 + 96);
const _: () = assert!(size_of::<Counters>() == 6 * 8 + BUCKETS * 4);
const _: () = assert!(size_of::<Event>() == 2 * 8 + 4 * 4);
const _: () = assert!(size_of::<LongEvent>() == size_of::<Event>() + 8 + 2 * 4 + 64);

/// The text up to its NUL.
pub fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// The middle of a bucket of a histogram: four buckets for each power of two, and one for each value below 4.
pub fn middle(bucket: usize) -> u64 {
    if bucket < 4 {
        return bucket as u64;
    }
    let width = 1 << (bucket / 4 - 1);
    (4 + bucket as u64 % 4) * width + width / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other() {
        let middles: Vec<u64> = (0..12).map(middle).collect();
        assert_eq!(middles, [0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 15]);
        // 1000 is 0b1111101000: exponent 9, the two digits behind the first are 11.
        assert_eq!(middle((9 - 1) * 4 + 3), (896 + 1024) / 2);
    }

    #[test]
    fn text_ends_at_its_nul() {
        assert_eq!(text(b"main\0rest"), "main");
        assert_eq!(text(b"cut"), "cut");
    }

    #[test]
    fn short_bytes_are_no_struct() {
        assert!(Event::read(&[0; 31]).is_none());
        assert!(Event::read(&[0; 32]).is_some());
    }
}
