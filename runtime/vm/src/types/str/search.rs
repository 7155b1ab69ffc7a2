//! Finding a run of characters or bytes in another, for every width of characters.
//!
//! Characters of two or four bytes are searched for as bytes, with memchr's vector code; a match that does not begin at a character is
//! passed over.

use memchr::memmem::{Finder, FinderRev};

/// What text is made of: bytes, or characters of one width.
pub trait Unit: Copy + Eq + Ord + Into<u32> + 'static {
    /// From a character that is known to fit.
    fn truncate(c: u32) -> Self;
}

impl Unit for u8 {
    #[inline(always)]
    fn truncate(c: u32) -> u8 {
        c as u8
    }
}

impl Unit for u16 {
    #[inline(always)]
    fn truncate(c: u32) -> u16 {
        c as u16
    }
}

impl Unit for u32 {
    #[inline(always)]
    fn truncate(c: u32) -> u32 {
        c
    }
}

#[inline(always)]
fn bytes_of<U: Unit>(units: &[U]) -> &[u8] {
    // SAFETY: units are plain integers without padding.
    unsafe { std::slice::from_raw_parts(units.as_ptr().cast(), size_of_val(units)) }
}

/// Where the first `unit` is.
#[inline]
pub fn find_unit<U: Unit>(haystack: &[U], unit: U) -> Option<usize> {
    if size_of::<U>() == 1 { memchr::memchr(unit.into() as u8, bytes_of(haystack)) } else { haystack.iter().position(|u| *u == unit) }
}

/// Where the last `unit` is.
#[inline]
pub fn rfind_unit<U: Unit>(haystack: &[U], unit: U) -> Option<usize> {
    if size_of::<U>() == 1 { memchr::memrchr(unit.into() as u8, bytes_of(haystack)) } else { haystack.iter().rposition(|u| *u == unit) }
}

/// A needle, prepared for several searches.
pub struct Needle<'n, U> {
    needle: &'n [U],
    finder: Option<Finder<'n>>,
}

impl<'n, U: Unit> Needle<'n, U> {
    /// Prepares a needle.
    #[inline]
    pub fn new(needle: &'n [U]) -> Needle<'n, U> {
        Needle { needle, finder: (needle.len() > 1).then(|| Finder::new(bytes_of(needle))) }
    }

    /// How long it is.
    #[allow(clippy::len_without_is_empty, reason = "nobody asks")]
    #[inline]
    pub fn len(&self) -> usize {
        self.needle.len()
    }

    /// The first match that begins at `from` or later.
    #[inline]
    pub fn find_from(&self, haystack: &[U], from: usize) -> Option<usize> {
        let rest = haystack.get(from..)?;
        match (&self.finder, self.needle) {
            (Some(finder), _) => find_aligned::<U>(bytes_of(rest), |bytes| finder.find(bytes)).map(|i| from + i),
            (None, [unit]) => find_unit(rest, *unit).map(|i| from + i),
            (None, _) => Some(from),
        }
    }

    /// How many matches there are that do not overlap, at most `limit`.
    pub fn count(&self, haystack: &[U], limit: usize) -> usize {
        let (mut n, mut at) = (0, 0);
        if let [unit] = self.needle {
            return haystack.iter().filter(|u| **u == *unit).count().min(limit);
        }
        while n < limit
            && let Some(i) = self.find_from(haystack, at)
        {
            n += 1;
            at = i + self.needle.len().max(1);
        }
        n
    }
}

/// Finds a match that begins at a multiple of the unit's size.
#[inline]
fn find_aligned<U: Unit>(haystack: &[u8], find: impl Fn(&[u8]) -> Option<usize>) -> Option<usize> {
    let size = size_of::<U>();
    let mut from = 0;
    loop {
        let at = from + find(&haystack[from..])?;
        if at.is_multiple_of(size) {
            return Some(at / size);
        }
        from = at.next_multiple_of(size);
    }
}

/// Where `needle` first is.
#[inline]
pub fn find<U: Unit>(haystack: &[U], needle: &[U]) -> Option<usize> {
    match needle {
        [] => Some(0),
        [unit] => find_unit(haystack, *unit),
        _ if needle.len() > haystack.len() => None,
        _ => find_aligned::<U>(bytes_of(haystack), |bytes| memchr::memmem::find(bytes, bytes_of(needle))),
    }
}

/// Where `needle` last is.
pub fn rfind<U: Unit>(haystack: &[U], needle: &[U]) -> Option<usize> {
    match needle {
        [] => Some(haystack.len()),
        [unit] => rfind_unit(haystack, *unit),
        _ if needle.len() > haystack.len() => None,
        _ => {
            let finder = FinderRev::new(bytes_of(needle));
            let size = size_of::<U>();
            let mut rest = bytes_of(haystack);
            loop {
                let at = finder.rfind(rest)?;
                if at.is_multiple_of(size) {
                    return Some(at / size);
                }
                // The next match begins at a character before this one.
                rest = &rest[..at / size * size + size_of_val(needle)];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_matches_begin_at_characters() {
        // As bytes, [0x01, 0x00] also occurs between the characters.
        let haystack = [0x0100u16, 0x0001, 0x0100, 0x0001, 0x0002];
        assert_eq!(find(&haystack, &[0x0001, 0x0002]), Some(3));
        assert_eq!(find(&[0x0101u16, 0x0101, 0x0102], &[0x0101, 0x0102]), Some(1));
        assert_eq!(find(&[0x0001u16, 0x0100], &[0x0000, 0x0001]), None);
        assert_eq!(rfind(&[0x0101u16, 0x0101, 0x0101], &[0x0101, 0x0101]), Some(1));
        assert_eq!(rfind(&[0x0100u16, 0x0001, 0x0002], &[0x0001, 0x0000]), None);
        assert_eq!(rfind(&[0x10FFFFu32, 5, 0x10FFFF, 5], &[0x10FFFF, 5]), Some(2));
    }

    #[test]
    fn counts() {
        assert_eq!(Needle::new(b"aa").count(b"aaaaa", usize::MAX), 2);
        assert_eq!(Needle::new(b"a").count(b"aaaaa", 3), 3);
        assert_eq!(Needle::new(b"").count(b"abc", usize::MAX), 4);
        assert_eq!(find(b"abc", b""), Some(0));
        assert_eq!(rfind(b"abcabc", b"bc"), Some(4));
    }
}
