//! `str`: immutable text.
//!
//! One cell: header, hash, length and flags in a word, characters. The characters are stored in the narrowest of three widths that holds
//! them all, one, two or four bytes (Latin-1, UCS-2, UCS-4; lone surrogates are ordinary characters); ASCII is told apart from the rest
//! of Latin-1 because it is also UTF-8. A zero character follows the last one, so a one-byte string can be handed to C and to a tracer.
//!
//! ```text
//!  0        8        16                          24
//! +--------+--------+--------------------------+------------------+---+
//! | header | hash   | length << 8 | flags       | characters       | 0 |
//! +--------+--------+--------------------------+------------------+---+
//! ```

use crate::object::{R, Ref, ValueExt, header_of};
use crate::thread::Thread;
use crate::types::builtin;
use limpid_heap::{Header, Value};
use std::borrow::Cow;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

mod builder;
pub mod codec;
pub mod format_spec;
mod intern;
mod iterator;
pub mod methods;
pub mod percent;
pub mod pieces;
pub mod repr;
pub mod search;
pub mod template;
pub mod unicode;

pub use builder::{AsciiText, StrBuilder};
pub use intern::{InternTable, intern, intern_name, intern_value};
pub use iterator::{STR_ASCII_ITERATOR_DEF, STR_ITERATOR_DEF};
pub use methods::STR_DEF;

/// How wide the characters of a string are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Width {
    /// All characters are below 128.
    Ascii = 0,
    /// All are below 256, one byte each.
    Latin1 = 1,
    /// All are below 65,536, two bytes each.
    Ucs2 = 2,
    /// Four bytes each.
    Ucs4 = 3,
}

impl Width {
    /// Bytes a character.
    #[inline(always)]
    pub const fn bytes(self) -> usize {
        [1, 1, 2, 4][self as usize]
    }

    /// The narrowest width that holds a character.
    #[inline(always)]
    pub const fn of_char(c: u32) -> Width {
        match c {
            0..0x80 => Width::Ascii,
            0x80..0x100 => Width::Latin1,
            0x100..0x10000 => Width::Ucs2,
            _ => Width::Ucs4,
        }
    }

    /// The narrowest width that holds all these characters, and how many there are.
    fn of_chars(chars: impl Iterator<Item = u32>) -> (Width, usize) {
        let (len, max) = chars.fold((0, 0), |(len, max), c| (len + 1, c.max(max)));
        (Width::of_char(max), len)
    }
}

/// The characters of a string, in its width.
#[derive(Clone, Copy, Debug)]
pub enum Chars<'a> {
    /// ASCII: also valid UTF-8.
    Ascii(&'a [u8]),
    /// Latin-1.
    Latin1(&'a [u8]),
    /// Two bytes each.
    Ucs2(&'a [u16]),
    /// Four bytes each.
    Ucs4(&'a [u32]),
}

/// The layout of a str.
#[repr(C)]
pub struct Str {
    header: Header,
    /// 0: not computed yet.
    hash: AtomicI64,
    flags: AtomicU8,
    length: [u8; 7],
    data: [u32; 0],
}

crate::layout!(Str, builtin::STR, Leaf);

const WIDTH_MASK: u8 = 3;
const INTERNED: u8 = 4;
/// Bytes before the characters.
pub const STR_OVERHEAD: usize = 24;
const _: () = assert!(size_of::<Str>() == STR_OVERHEAD);

impl Str {
    /// A string of `len` characters of a width, zeroed, to be filled by [`Str::data_mut`] before anybody else sees it.
    pub fn alloc(t: &Thread, width: Width, len: usize) -> R<Ref<Str>> {
        let p = t.try_alloc_bytes(Self::size(width, len), header_of::<Str>())?.as_ptr() as *mut Str;
        // SAFETY: a new, zeroed cell of that size.
        unsafe {
            Str::init_meta(p, width, len);
            Ok(Ref::from_ptr(p))
        }
    }

    /// As [`Str::alloc`], beyond the limit of the heap if need be.
    fn alloc_surely(t: &Thread, width: Width, len: usize) -> Ref<Str> {
        let p = t.mutator.alloc_any(Self::size(width, len), header_of::<Str>()).as_ptr() as *mut Str;
        // SAFETY: a new, zeroed cell of that size.
        unsafe {
            Str::init_meta(p, width, len);
            Ref::from_ptr(p)
        }
    }

    /// Of a cell, with a zero at the end of the text.
    fn size(width: Width, len: usize) -> usize {
        STR_OVERHEAD + (len + 1).checked_mul(width.bytes()).unwrap_or(usize::MAX / 2)
    }

    /// # Safety
    /// `p` is a cell under construction.
    pub(crate) unsafe fn init_meta(p: *mut Str, width: Width, len: usize) {
        // SAFETY: by contract.
        unsafe {
            (*p).flags = AtomicU8::new(width as u8);
            let b = (len as u64).to_le_bytes();
            (*p).length.copy_from_slice(&b[..7]);
        }
    }

    /// A string from Rust text, for which there is always room: what is over the limit of the heap ends in a MemoryError soon.
    pub fn new(t: &Thread, text: &str) -> Ref<Str> {
        if text.is_ascii() {
            let s = Str::alloc_surely(t, Width::Ascii, text.len());
            s.fill_ascii(text.as_bytes());
            return s;
        }
        let chars = text.chars().map(|c| c as u32);
        let (width, len) = Width::of_chars(chars.clone());
        let s = Str::alloc_surely(t, width, len);
        s.fill(width, chars);
        s
    }

    /// A string from Rust text; MemoryError when there is no room.
    pub fn try_new(t: &Thread, text: &str) -> R<Ref<Str>> {
        if text.is_ascii() { Str::from_ascii(t, text.as_bytes()) } else { Str::from_chars(t, text.chars().map(|c| c as u32)) }
    }

    /// A string from bytes that are all below 128.
    pub fn from_ascii(t: &Thread, bytes: &[u8]) -> R<Ref<Str>> {
        debug_assert!(bytes.is_ascii());
        let s = Str::alloc(t, Width::Ascii, bytes.len())?;
        s.fill_ascii(bytes);
        Ok(s)
    }

    /// Writes the text of a new string of that length.
    fn fill_ascii(&self, bytes: &[u8]) {
        // SAFETY: the data area has `len` bytes and nobody else sees it yet.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.data_ptr(), bytes.len()) };
    }

    /// A string from Latin-1 bytes.
    pub fn from_latin1(t: &Thread, bytes: &[u8]) -> R<Ref<Str>> {
        let width = if bytes.is_ascii() { Width::Ascii } else { Width::Latin1 };
        let s = Str::alloc(t, width, bytes.len())?;
        // SAFETY: as in `from_ascii`.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), s.data_ptr(), bytes.len()) };
        Ok(s)
    }

    /// A string from code points (surrogates included).
    pub fn from_chars(t: &Thread, chars: impl Iterator<Item = u32> + Clone) -> R<Ref<Str>> {
        let (width, len) = Width::of_chars(chars.clone());
        let s = Str::alloc(t, width, len)?;
        s.fill(width, chars);
        Ok(s)
    }

    /// Writes the text of a new string of that width and length.
    fn fill(&self, width: Width, chars: impl Iterator<Item = u32>) {
        // SAFETY: the data area has as many characters of `width`, aligned to 8, and nobody else sees it yet.
        unsafe {
            match width {
                Width::Ascii | Width::Latin1 => chars.enumerate().for_each(|(i, c)| *self.data_ptr().add(i) = c as u8),
                Width::Ucs2 => chars.enumerate().for_each(|(i, c)| *(self.data_ptr() as *mut u16).add(i) = c as u16),
                Width::Ucs4 => chars.enumerate().for_each(|(i, c)| *(self.data_ptr() as *mut u32).add(i) = c),
            }
        }
    }

    /// A string from characters below 65,536; it is as narrow as they allow.
    pub fn from_ucs2(t: &Thread, chars: &[u16]) -> R<Ref<Str>> {
        match Width::of_char(chars.iter().fold(0, |max, c| max | *c) as u32) {
            Width::Ucs2 => {
                let s = Str::alloc(t, Width::Ucs2, chars.len())?;
                // SAFETY: the data area has that many characters, aligned to 8, and nobody else sees it yet.
                unsafe { std::ptr::copy_nonoverlapping(chars.as_ptr(), s.data_ptr() as *mut u16, chars.len()) };
                Ok(s)
            }
            width => Str::narrowed(t, width, chars.iter().map(|c| *c as u8)),
        }
    }

    /// A string from code points; it is as narrow as they allow.
    pub fn from_ucs4(t: &Thread, chars: &[u32]) -> R<Ref<Str>> {
        match Width::of_char(chars.iter().fold(0, |max, c| max | *c)) {
            Width::Ucs4 => {
                let s = Str::alloc(t, Width::Ucs4, chars.len())?;
                // SAFETY: as in `from_ucs2`.
                unsafe { std::ptr::copy_nonoverlapping(chars.as_ptr(), s.data_ptr() as *mut u32, chars.len()) };
                Ok(s)
            }
            Width::Ucs2 => {
                let s = Str::alloc(t, Width::Ucs2, chars.len())?;
                // SAFETY: as in `from_ucs2`.
                unsafe { chars.iter().enumerate().for_each(|(i, c)| *(s.data_ptr() as *mut u16).add(i) = *c as u16) };
                Ok(s)
            }
            width => Str::narrowed(t, width, chars.iter().map(|c| *c as u8)),
        }
    }

    fn narrowed(t: &Thread, width: Width, chars: impl ExactSizeIterator<Item = u8>) -> R<Ref<Str>> {
        let s = Str::alloc(t, width, chars.len())?;
        // SAFETY: the data area has that many bytes and nobody else sees it yet.
        unsafe { chars.enumerate().for_each(|(i, c)| *s.data_ptr().add(i) = c) };
        Ok(s)
    }

    /// A string from WTF-8: UTF-8 in which lone surrogates may be encoded. Malformed input yields U+FFFD.
    pub fn from_wtf8(t: &Thread, bytes: &[u8]) -> R<Ref<Str>> {
        match std::str::from_utf8(bytes) {
            Ok(s) => Str::try_new(t, s),
            Err(_) => {
                let chars = decode_wtf8(bytes);
                Str::from_chars(t, chars.iter().copied())
            }
        }
    }

    /// How many characters it has.
    #[inline(always)]
    pub fn len(&self) -> usize {
        // SAFETY: the word at `flags` is 8-aligned and readable; flags may change in its lowest byte only.
        (unsafe { std::ptr::read_volatile(&raw const self.flags as *const u64) } >> 8) as usize
    }

    /// Has it no characters?
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The width of its characters.
    #[inline(always)]
    pub fn width(&self) -> Width {
        match self.flags.load(Ordering::Relaxed) & WIDTH_MASK {
            0 => Width::Ascii,
            1 => Width::Latin1,
            2 => Width::Ucs2,
            _ => Width::Ucs4,
        }
    }

    /// Is it the one string of this text that names are compared with by identity?
    #[inline(always)]
    pub fn is_interned(&self) -> bool {
        self.flags.load(Ordering::Relaxed) & INTERNED != 0
    }

    pub(crate) fn mark_interned(&self) {
        self.flags.fetch_or(INTERNED, Ordering::Relaxed);
    }

    /// Where the characters start.
    #[inline(always)]
    pub fn data_ptr(&self) -> *mut u8 {
        (&raw const self.data) as *mut u8
    }

    /// The characters in their width.
    #[inline(always)]
    pub fn chars(&self) -> Chars<'_> {
        let (p, n) = (self.data_ptr(), self.len());
        // SAFETY: the data area holds `len` characters of the width, and a finished string never changes.
        unsafe {
            match self.width() {
                Width::Ascii => Chars::Ascii(std::slice::from_raw_parts(p, n)),
                Width::Latin1 => Chars::Latin1(std::slice::from_raw_parts(p, n)),
                Width::Ucs2 => Chars::Ucs2(std::slice::from_raw_parts(p as *const u16, n)),
                Width::Ucs4 => Chars::Ucs4(std::slice::from_raw_parts(p as *const u32, n)),
            }
        }
    }

    /// The bytes of the characters in their width, native byte order.
    #[inline(always)]
    pub fn raw_bytes(&self) -> &[u8] {
        // SAFETY: as in `chars`.
        unsafe { std::slice::from_raw_parts(self.data_ptr(), self.len() * self.width().bytes()) }
    }

    /// The character at `i`.
    ///
    /// # Panics
    /// When `i` is out of range.
    #[inline(always)]
    pub fn char_at(&self, i: usize) -> u32 {
        match self.chars() {
            Chars::Ascii(s) | Chars::Latin1(s) => s[i] as u32,
            Chars::Ucs2(s) => s[i] as u32,
            Chars::Ucs4(s) => s[i],
        }
    }

    /// Where the first `c`, an ASCII character, at or after `from` is. `from` is not beyond the end.
    pub fn find_char(&self, c: u8, from: usize) -> Option<usize> {
        let found = match self.chars() {
            Chars::Ascii(s) | Chars::Latin1(s) => search::find_unit(&s[from..], c),
            Chars::Ucs2(s) => search::find_unit(&s[from..], c as u16),
            Chars::Ucs4(s) => search::find_unit(&s[from..], c as u32),
        };
        found.map(|i| from + i)
    }

    /// The code points.
    pub fn code_points(&self) -> impl DoubleEndedIterator<Item = u32> + ExactSizeIterator + Clone + '_ {
        (0..self.len()).map(|i| self.char_at(i))
    }

    /// The text, if it is ASCII.
    #[inline]
    pub fn as_ascii(&self) -> Option<&str> {
        match self.chars() {
            // SAFETY: ASCII is UTF-8.
            Chars::Ascii(s) => Some(unsafe { std::str::from_utf8_unchecked(s) }),
            _ => None,
        }
    }

    /// The text as Rust text; None when it has lone surrogates.
    pub fn to_utf8(&self) -> Option<Cow<'_, str>> {
        if let Some(s) = self.as_ascii() {
            return Some(Cow::Borrowed(s));
        }
        self.code_points().map(char::from_u32).collect::<Option<String>>().map(Cow::Owned)
    }

    /// The text as Rust text, lone surrogates replaced by U+FFFD. For messages.
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        match self.as_ascii() {
            Some(s) => Cow::Borrowed(s),
            None => Cow::Owned(self.code_points().map(|c| char::from_u32(c).unwrap_or('\u{FFFD}')).collect()),
        }
    }

    /// Is it this text?
    #[inline]
    pub fn eq_str(&self, text: &str) -> bool {
        match self.chars() {
            Chars::Ascii(s) => s == text.as_bytes(),
            _ => self.code_points().eq(text.chars().map(|c| c as u32)),
        }
    }

    /// Are the characters the same?
    #[inline]
    pub fn equals(&self, other: &Str) -> bool {
        std::ptr::eq(self, other) || (self.len() == other.len() && self.width() == other.width() && self.raw_bytes() == other.raw_bytes())
    }

    /// The hash, computed once.
    #[inline]
    pub fn hash(&self) -> i64 {
        match self.hash.load(Ordering::Relaxed) {
            0 => {
                let h = crate::protocol::hash::hash_bytes(self.raw_bytes());
                self.hash.store(h, Ordering::Relaxed);
                h
            }
            h => h,
        }
    }

    /// The string of one character; those below 256 are made once.
    pub fn from_char(t: &Thread, c: u32) -> R<Ref<Str>> {
        if c < 256 {
            return Ok(t.runtime().latin1_char(c as u8));
        }
        Str::from_chars(t, std::iter::once(c))
    }

    /// Both strings one after the other.
    pub fn concat(t: &Thread, a: Ref<Str>, b: Ref<Str>) -> R<Ref<Str>> {
        if a.is_empty() && b.value().class() == builtin::STR {
            return Ok(b);
        }
        if b.is_empty() && a.value().class() == builtin::STR {
            return Ok(a);
        }
        let width = a.width().max(b.width());
        let s = Str::alloc(t, width, a.len() + b.len())?;
        // SAFETY: the data area has room for both, and nobody else sees it yet.
        unsafe {
            s.write_chars(0, &a);
            s.write_chars(a.len(), &b);
        }
        Ok(s)
    }

    /// All these strings one after the other.
    pub fn concat_all(t: &Thread, parts: &[Value]) -> R<Ref<Str>> {
        let (mut len, mut width) = (0, Width::Ascii);
        for &v in parts {
            // SAFETY: the compiler and the formatting instructions put strings here.
            let s = unsafe { Ref::<Str>::from_value(v) };
            len += s.len();
            width = width.max(s.width());
        }
        let out = Str::alloc(t, width, len)?;
        let mut at = 0;
        for &v in parts {
            // SAFETY: as above; the result is wide and long enough, and nobody else sees it yet.
            unsafe {
                let s = Ref::<Str>::from_value(v);
                out.write_chars(at, &s);
                at += s.len();
            }
        }
        Ok(out)
    }

    /// Copies another string's characters to position `at` of a string under construction that is wide enough.
    ///
    /// # Safety
    /// Nobody else sees `self` yet, its width holds `from`'s characters, and there is room.
    pub unsafe fn write_chars(&self, at: usize, from: &Str) {
        let to = self.data_ptr();
        // SAFETY: by contract.
        unsafe {
            match (self.width(), from.chars()) {
                (Width::Ascii | Width::Latin1, Chars::Ascii(s) | Chars::Latin1(s)) => {
                    std::ptr::copy_nonoverlapping(s.as_ptr(), to.add(at), s.len())
                }
                (Width::Ucs2, Chars::Ucs2(s)) => std::ptr::copy_nonoverlapping(s.as_ptr(), (to as *mut u16).add(at), s.len()),
                (Width::Ucs2, Chars::Ascii(s) | Chars::Latin1(s)) => {
                    s.iter().enumerate().for_each(|(i, &c)| *(to as *mut u16).add(at + i) = c as u16)
                }
                (Width::Ucs4, Chars::Ucs4(s)) => std::ptr::copy_nonoverlapping(s.as_ptr(), (to as *mut u32).add(at), s.len()),
                (Width::Ucs4, Chars::Ucs2(s)) => s.iter().enumerate().for_each(|(i, &c)| *(to as *mut u32).add(at + i) = c as u32),
                (Width::Ucs4, Chars::Ascii(s) | Chars::Latin1(s)) => {
                    s.iter().enumerate().for_each(|(i, &c)| *(to as *mut u32).add(at + i) = c as u32)
                }
                _ => unreachable!("the target is wide enough"),
            }
        }
    }
}

impl Ref<Str> {
    /// Characters `start..end`.
    pub fn slice(self, t: &Thread, start: usize, end: usize) -> R<Ref<Str>> {
        debug_assert!(start <= end && end <= self.len());
        if start == 0 && end == self.len() && self.value().class() == builtin::STR {
            return Ok(self);
        }
        match self.chars() {
            _ if end - start == 1 => Str::from_char(t, self.char_at(start)),
            Chars::Ascii(s) => Str::from_ascii(t, &s[start..end]),
            Chars::Latin1(s) => Str::from_latin1(t, &s[start..end]),
            Chars::Ucs2(s) => Str::from_ucs2(t, &s[start..end]),
            Chars::Ucs4(s) => Str::from_ucs4(t, &s[start..end]),
        }
    }
}

/// The text of a number as ASCII: decimal digits of any script become ASCII digits, white space a blank, anything else that is not
/// ASCII a character that no number has.
pub fn numeric_text<'a>(s: Ref<Str>) -> Cow<'a, [u8]> {
    let normal = |c: u32| match unicode::decimal_value(c) {
        Some(d) => b'0' + d,
        None if c < 0x80 => c as u8,
        None if unicode::is_space(c) => b' ',
        None => b'?',
    };
    match s.chars() {
        // SAFETY: the characters live as long as the string, which the caller holds.
        Chars::Ascii(a) => Cow::Borrowed(unsafe { std::slice::from_raw_parts(a.as_ptr(), a.len()) }),
        _ => Cow::Owned(s.code_points().map(normal).collect()),
    }
}

/// Code points of WTF-8 text; malformed bytes become U+FFFD.
pub fn decode_wtf8(bytes: &[u8]) -> Vec<u32> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let b = bytes[i];
        let (len, init) = match b {
            0..0x80 => (1, b as u32),
            0xC2..0xE0 => (2, b as u32 & 0x1F),
            0xE0..0xF0 => (3, b as u32 & 0x0F),
            0xF0..0xF5 => (4, b as u32 & 0x07),
            _ => (0, 0),
        };
        let tail = bytes.get(i + 1..i + len);
        match tail {
            Some(tail) if len > 0 && tail.iter().all(|t| t & 0xC0 == 0x80) => {
                out.push(tail.iter().fold(init, |c, t| c << 6 | (*t as u32 & 0x3F)));
                i += len;
            }
            _ => {
                out.push(0xFFFD);
                i += 1;
            }
        }
    }
    out
}
