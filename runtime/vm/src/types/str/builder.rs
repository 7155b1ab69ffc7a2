//! Text under construction, outside the heap.
//!
//! [`AsciiText`] is for short pieces, most of which fit on the native stack: numbers. [`StrBuilder`] is for text of any width whose length
//! is not known before: its characters are held in the narrowest width so far.

use super::{Chars, Str, Width};
use crate::exc;
use crate::object::{R, Ref};
use crate::thread::Thread;
use smallvec::SmallVec;

/// ASCII text, short ones without allocation.
pub type AsciiText = SmallVec<[u8; 64]>;

/// Text of any width that grows at its end.
#[derive(Debug)]
pub enum StrBuilder {
    /// Characters below 256. It is not kept whether all are ASCII.
    Narrow(Vec<u8>),
    /// Characters below 65,536.
    Ucs2(Vec<u16>),
    /// Any characters.
    Ucs4(Vec<u32>),
}

impl Default for StrBuilder {
    fn default() -> StrBuilder {
        StrBuilder::new()
    }
}

/// Refuses a text of so many characters that there is no memory for, before it is built: MemoryError.
pub(super) fn check_width(t: &Thread, width: usize) -> R<()> {
    /// Up to here it is not worth asking.
    const SMALL: usize = 1 << 20;
    // Four bytes a character at most.
    if width > SMALL && Vec::<u32>::new().try_reserve_exact(width).is_err() {
        return Err(exc::raise_memory_error(t));
    }
    Ok(())
}

impl StrBuilder {
    /// No text.
    pub const fn new() -> StrBuilder {
        StrBuilder::Narrow(Vec::new())
    }

    /// No text, with room for so many narrow characters.
    pub fn with_capacity(n: usize) -> StrBuilder {
        StrBuilder::Narrow(Vec::with_capacity(n))
    }

    /// How many characters there are.
    pub fn len(&self) -> usize {
        match self {
            StrBuilder::Narrow(v) => v.len(),
            StrBuilder::Ucs2(v) => v.len(),
            StrBuilder::Ucs4(v) => v.len(),
        }
    }

    /// Is there no text?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes room for characters of a width.
    fn widen(&mut self, width: Width) {
        match (&*self, width) {
            (_, Width::Ascii | Width::Latin1) | (StrBuilder::Ucs4(_), _) | (StrBuilder::Ucs2(_), Width::Ucs2) => {}
            (StrBuilder::Narrow(v), Width::Ucs2) => *self = StrBuilder::Ucs2(v.iter().map(|&c| c as u16).collect()),
            (StrBuilder::Narrow(v), Width::Ucs4) => *self = StrBuilder::Ucs4(v.iter().map(|&c| c as u32).collect()),
            (StrBuilder::Ucs2(v), Width::Ucs4) => *self = StrBuilder::Ucs4(v.iter().map(|&c| c as u32).collect()),
        }
    }

    /// Appends a character.
    #[inline]
    pub fn push(&mut self, c: u32) {
        match self {
            StrBuilder::Narrow(v) if c < 0x100 => v.push(c as u8),
            StrBuilder::Ucs2(v) if c < 0x10000 => v.push(c as u16),
            StrBuilder::Ucs4(v) => v.push(c),
            _ => {
                self.widen(Width::of_char(c));
                self.push(c);
            }
        }
    }

    /// Appends the same character several times.
    pub fn push_repeated(&mut self, c: u32, n: usize) {
        if n == 0 {
            return;
        }
        self.widen(Width::of_char(c));
        match self {
            StrBuilder::Narrow(v) => v.resize(v.len() + n, c as u8),
            StrBuilder::Ucs2(v) => v.resize(v.len() + n, c as u16),
            StrBuilder::Ucs4(v) => v.resize(v.len() + n, c),
        }
    }

    /// Appends Latin-1 characters.
    pub fn push_latin1(&mut self, s: &[u8]) {
        match self {
            StrBuilder::Narrow(v) => v.extend_from_slice(s),
            StrBuilder::Ucs2(v) => v.extend(s.iter().map(|&c| c as u16)),
            StrBuilder::Ucs4(v) => v.extend(s.iter().map(|&c| c as u32)),
        }
    }

    /// Appends Rust text.
    pub fn push_text(&mut self, s: &str) {
        if s.is_ascii() { self.push_latin1(s.as_bytes()) } else { s.chars().for_each(|c| self.push(c as u32)) }
    }

    /// Appends a string.
    pub fn push_str(&mut self, s: Ref<Str>) {
        self.push_chars(s.chars(), 0, s.len());
    }

    /// Appends the characters `start..end` of a string.
    pub fn push_slice(&mut self, s: Ref<Str>, start: usize, end: usize) {
        self.push_chars(s.chars(), start, end);
    }

    fn push_chars(&mut self, chars: Chars<'_>, start: usize, end: usize) {
        match chars {
            Chars::Ascii(s) | Chars::Latin1(s) => self.push_latin1(&s[start..end]),
            Chars::Ucs2(s) => self.push_wide(&s[start..end]),
            Chars::Ucs4(s) => self.push_wide(&s[start..end]),
        }
    }

    fn push_wide<C: Copy + Into<u32>>(&mut self, s: &[C]) {
        let max = s.iter().fold(0, |max, &c| max | c.into());
        self.widen(Width::of_char(max));
        match self {
            StrBuilder::Narrow(v) => v.extend(s.iter().map(|&c| c.into() as u8)),
            StrBuilder::Ucs2(v) => v.extend(s.iter().map(|&c| c.into() as u16)),
            StrBuilder::Ucs4(v) => v.extend(s.iter().map(|&c| c.into())),
        }
    }

    /// The characters so far.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.len()).map(move |i| match self {
            StrBuilder::Narrow(v) => v[i] as u32,
            StrBuilder::Ucs2(v) => v[i] as u32,
            StrBuilder::Ucs4(v) => v[i],
        })
    }

    /// Forgets everything behind the first `n` characters.
    pub fn truncate(&mut self, n: usize) {
        match self {
            StrBuilder::Narrow(v) => v.truncate(n),
            StrBuilder::Ucs2(v) => v.truncate(n),
            StrBuilder::Ucs4(v) => v.truncate(n),
        }
    }

    /// The text as a str.
    pub fn finish(&self, t: &Thread) -> R<Ref<Str>> {
        match self {
            StrBuilder::Narrow(v) => Str::from_latin1(t, v),
            StrBuilder::Ucs2(v) => Str::from_ucs2(t, v),
            StrBuilder::Ucs4(v) => Str::from_ucs4(t, v),
        }
    }
}

impl std::fmt::Write for StrBuilder {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        self.push_text(s);
        Ok(())
    }
}
