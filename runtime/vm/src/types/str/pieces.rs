//! Cutting text into pieces: the parts of `split`, `partition`, `strip`, `splitlines`, `replace` and `expandtabs` that are the same for
//! bytes and for characters of every width. Pieces are given as ranges.

use super::search::{Needle, Unit, rfind};
use crate::object::R;
use std::ops::Range;

/// Splits at runs of white space, at most `max` times from the left.
pub fn split_whitespace<U: Unit>(
    text: &[U],
    max: usize,
    is_space: impl Fn(u32) -> bool,
    mut emit: impl FnMut(Range<usize>) -> R<()>,
) -> R<()> {
    let skip = |mut i: usize| {
        while i < text.len() && is_space(text[i].into()) {
            i += 1;
        }
        i
    };
    let mut i = skip(0);
    let mut splits = 0;
    while i < text.len() {
        if splits == max {
            // The rest is one piece, with the white space at its end.
            return emit(i..text.len());
        }
        let start = i;
        while i < text.len() && !is_space(text[i].into()) {
            i += 1;
        }
        emit(start..i)?;
        splits += 1;
        i = skip(i);
    }
    Ok(())
}

/// As [`split_whitespace`], from the right: the last piece comes first.
pub fn rsplit_whitespace<U: Unit>(
    text: &[U],
    max: usize,
    is_space: impl Fn(u32) -> bool,
    mut emit: impl FnMut(Range<usize>) -> R<()>,
) -> R<()> {
    let skip = |mut i: usize| {
        while i > 0 && is_space(text[i - 1].into()) {
            i -= 1;
        }
        i
    };
    let mut i = skip(text.len());
    let mut splits = 0;
    while i > 0 {
        if splits == max {
            return emit(0..i);
        }
        let end = i;
        while i > 0 && !is_space(text[i - 1].into()) {
            i -= 1;
        }
        emit(i..end)?;
        splits += 1;
        i = skip(i);
    }
    Ok(())
}

/// Splits at a separator, which is not empty, at most `max` times from the left.
pub fn split<U: Unit>(text: &[U], separator: &[U], max: usize, mut emit: impl FnMut(Range<usize>) -> R<()>) -> R<()> {
    let needle = Needle::new(separator);
    let (mut start, mut splits) = (0, 0);
    while splits < max
        && let Some(i) = needle.find_from(text, start)
    {
        emit(start..i)?;
        start = i + separator.len();
        splits += 1;
    }
    emit(start..text.len())
}

/// As [`split`], from the right: the last piece comes first.
pub fn rsplit<U: Unit>(text: &[U], separator: &[U], max: usize, mut emit: impl FnMut(Range<usize>) -> R<()>) -> R<()> {
    let (mut end, mut splits) = (text.len(), 0);
    while splits < max
        && let Some(i) = rfind(&text[..end], separator)
    {
        emit(i + separator.len()..end)?;
        end = i;
        splits += 1;
    }
    emit(0..end)
}

/// Splits at line ends, which belong to the pieces if `keep` says so.
pub fn split_lines<U: Unit>(text: &[U], keep: bool, is_break: impl Fn(u32) -> bool, mut emit: impl FnMut(Range<usize>) -> R<()>) -> R<()> {
    let (mut start, mut i) = (0, 0);
    while i < text.len() {
        let c: u32 = text[i].into();
        if !is_break(c) {
            i += 1;
            continue;
        }
        let end = i;
        i += 1;
        if c == b'\r' as u32 && i < text.len() && text[i].into() == b'\n' as u32 {
            i += 1;
        }
        emit(start..if keep { i } else { end })?;
        start = i;
    }
    if start < text.len() { emit(start..text.len()) } else { Ok(()) }
}

/// Which ends of text are meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The beginning.
    Left,
    /// The end.
    Right,
    /// Both.
    Both,
}

/// What is left after characters were taken off the ends.
pub fn strip<U: Unit>(text: &[U], side: Side, off: impl Fn(u32) -> bool) -> Range<usize> {
    let start = match side {
        Side::Right => 0,
        _ => text.iter().position(|c| !off((*c).into())).unwrap_or(text.len()),
    };
    let end = match side {
        Side::Left => text.len(),
        _ => text[start..].iter().rposition(|c| !off((*c).into())).map_or(start, |last| start + last + 1),
    };
    start..end
}

/// The text with matches of `from` replaced, at most `max` of them; None when there are none. Fails when the result would be too long.
pub fn replace<U: Unit>(text: &[U], from: &[U], to: &[U], max: usize) -> Option<Vec<U>> {
    if from.len() > text.len() || max == 0 {
        return None;
    }
    if from.is_empty() {
        // Between all characters, and at both ends.
        let times = max.min(text.len() + 1);
        let mut out = Vec::with_capacity(text.len() + to.len() * times);
        for (i, c) in text.iter().enumerate() {
            if i < times {
                out.extend_from_slice(to);
            }
            out.push(*c);
        }
        if text.len() < times {
            out.extend_from_slice(to);
        }
        return Some(out);
    }
    if from.len() == to.len() {
        let needle = Needle::new(from);
        let first = needle.find_from(text, 0)?;
        let mut out = text.to_vec();
        let (mut at, mut left) = (Some(first), max);
        while let Some(i) = at
            && left > 0
        {
            out[i..i + to.len()].copy_from_slice(to);
            left -= 1;
            at = needle.find_from(text, i + from.len());
        }
        return Some(out);
    }
    let needle = Needle::new(from);
    let mut at = Some(needle.find_from(text, 0)?);
    let mut out = Vec::with_capacity(text.len() + to.len());
    let (mut copied, mut left) = (0, max);
    while let Some(i) = at
        && left > 0
    {
        out.extend_from_slice(&text[copied..i]);
        out.extend_from_slice(to);
        copied = i + from.len();
        left -= 1;
        at = needle.find_from(text, copied);
    }
    out.extend_from_slice(&text[copied..]);
    Some(out)
}

/// The text with tabs replaced by blanks up to the next multiple of `size` columns; None when the result would be too long.
pub fn expand_tabs<U: Unit>(text: &[U], size: usize) -> Option<Vec<U>> {
    let blank = U::truncate(b' ' as u32);
    let (mut out, mut column) = (Vec::with_capacity(text.len()), 0usize);
    for &c in text {
        match c.into() {
            9 if size > 0 => {
                let n = size - column % size;
                if out.len().checked_add(n).is_none_or(|n| n > isize::MAX as usize / 8) {
                    return None;
                }
                out.resize(out.len() + n, blank);
                column += n;
            }
            9 => {}
            c32 => {
                column = if matches!(c32, 10 | 13) { 0 } else { column + 1 };
                out.push(c);
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(f: impl FnOnce(&mut dyn FnMut(Range<usize>) -> R<()>) -> R<()>, text: &str) -> Vec<String> {
        let mut out = Vec::new();
        assert!(
            f(&mut |r| {
                out.push(text[r].to_owned());
                Ok(())
            })
            .is_ok()
        );
        out
    }

    fn blank(c: u32) -> bool {
        c == 32
    }

    #[test]
    fn whitespace() {
        let text = "  a b  c ";
        assert_eq!(pieces(|e| split_whitespace(text.as_bytes(), usize::MAX, blank, e), text), ["a", "b", "c"]);
        assert_eq!(pieces(|e| split_whitespace(text.as_bytes(), 1, blank, e), text), ["a", "b  c"]);
        assert_eq!(pieces(|e| rsplit_whitespace(text.as_bytes(), 1, blank, e), text), ["c", "a b"]);
        assert!(pieces(|e| split_whitespace(b"  ", 0, blank, e), "  ").is_empty());
    }

    #[test]
    fn separators_and_lines() {
        assert_eq!(pieces(|e| split(b"a,,b", b",", usize::MAX, e), "a,,b"), ["a", "", "b"]);
        assert_eq!(pieces(|e| rsplit(b"a,,b", b",", 1, e), "a,,b"), ["b", "a,"]);
        let lines = "a\r\nb\n\rc";
        let ends = |c: u32| matches!(c, 10 | 13);
        assert_eq!(pieces(|e| split_lines(lines.as_bytes(), false, ends, e), lines), ["a", "b", "", "c"]);
        assert_eq!(pieces(|e| split_lines(lines.as_bytes(), true, ends, e), lines), ["a\r\n", "b\n", "\r", "c"]);
    }

    #[test]
    fn replacing() {
        assert_eq!(replace(b"abab", b"ab", b"x", usize::MAX).unwrap(), b"xx");
        assert_eq!(replace(b"abab", b"ab", b"xy", 1).unwrap(), b"xyab");
        assert_eq!(replace(b"abc", b"", b"-", usize::MAX).unwrap(), b"-a-b-c-");
        assert_eq!(replace(b"abc", b"", b"-", 2).unwrap(), b"-a-bc");
        assert_eq!(replace(b"abc", b"z", b"-", 2), None);
        assert_eq!(replace(b"", b"", b"-", 5).unwrap(), b"-");
        assert_eq!(expand_tabs(b"a\tb\n\tc", 4).unwrap(), b"a   b\n    c");
    }
}
