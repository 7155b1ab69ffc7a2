//! Letters: `lower`, `upper`, `title` and their kind.

use super::{exact, receiver};
use crate::object::{R, Ref};
use crate::thread::Thread;
use crate::types::str::unicode::{self, Mapped};
use crate::types::str::{Str, StrBuilder};
use limpid_heap::Value;

/// Maps ASCII text byte by byte; None for text that is not ASCII.
fn ascii(t: &Thread, s: Ref<Str>, f: impl FnMut(u8) -> u8) -> Option<R> {
    let text = s.as_ascii()?;
    let mapped: Vec<u8> = text.bytes().map(f).collect();
    Some(Str::from_ascii(t, &mapped).map(Ref::value))
}

/// Maps text character by character; the function is told the index.
fn mapped(t: &Thread, s: Ref<Str>, mut f: impl FnMut(usize, u32, &mut StrBuilder)) -> R {
    let mut out = StrBuilder::with_capacity(s.len());
    for (i, c) in s.code_points().enumerate() {
        f(i, c, &mut out);
    }
    Ok(out.finish(t)?.value())
}

fn push(out: &mut StrBuilder, m: Mapped) {
    m.chars().iter().for_each(|c| out.push(*c));
}

const CAPITAL_SIGMA: u32 = 0x3A3;

/// Appends the lower case of the character at `i`: a sigma at the end of a word is another one.
fn push_lower(out: &mut StrBuilder, s: Ref<Str>, i: usize, c: u32) {
    if c != CAPITAL_SIGMA {
        return push(out, unicode::to_lower(c));
    }
    let cased = |mut indices: &mut dyn Iterator<Item = usize>| {
        let neighbour = (&mut indices).map(|i| s.char_at(i)).find(|c| !unicode::is_case_ignorable(*c));
        neighbour.is_some_and(unicode::is_cased)
    };
    let ends_word = cased(&mut (0..i).rev()) && !cased(&mut (i + 1..s.len()));
    out.push(if ends_word { 0x3C2 } else { 0x3C3 });
}

pub(super) fn lower(t: &Thread, a: &[Value]) -> R {
    let s = receiver(a[0]);
    ascii(t, s, |c| c.to_ascii_lowercase()).unwrap_or_else(|| mapped(t, s, |i, c, out| push_lower(out, s, i, c)))
}

pub(super) fn upper(t: &Thread, a: &[Value]) -> R {
    let s = receiver(a[0]);
    ascii(t, s, |c| c.to_ascii_uppercase()).unwrap_or_else(|| mapped(t, s, |_, c, out| push(out, unicode::to_upper(c))))
}

pub(super) fn casefold(t: &Thread, a: &[Value]) -> R {
    let s = receiver(a[0]);
    ascii(t, s, |c| c.to_ascii_lowercase()).unwrap_or_else(|| mapped(t, s, |_, c, out| push(out, unicode::to_folded(c))))
}

pub(super) fn swap_case(t: &Thread, a: &[Value]) -> R {
    let s = receiver(a[0]);
    let swapped = |i: usize, c: u32, out: &mut StrBuilder| {
        if unicode::is_upper(c) {
            push_lower(out, s, i, c);
        } else if unicode::is_lower(c) {
            push(out, unicode::to_upper(c));
        } else {
            out.push(c);
        }
    };
    ascii(t, s, |c| if c.is_ascii_alphabetic() { c ^ 0x20 } else { c }).unwrap_or_else(|| mapped(t, s, swapped))
}

pub(super) fn capitalize(t: &Thread, a: &[Value]) -> R {
    let s = receiver(a[0]);
    if s.is_empty() {
        return exact(t, a[0]);
    }
    mapped(t, s, |i, c, out| if i == 0 { push(out, unicode::to_title(c)) } else { push_lower(out, s, i, c) })
}

pub(super) fn title(t: &Thread, a: &[Value]) -> R {
    let s = receiver(a[0]);
    let mut in_word = false;
    mapped(t, s, |i, c, out| {
        if in_word {
            push_lower(out, s, i, c);
        } else {
            push(out, unicode::to_title(c));
        }
        in_word = unicode::is_cased(c);
    })
}
