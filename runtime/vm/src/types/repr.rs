//! The reprs of containers: text put together from the items' reprs, and `...` where a container contains itself.

use crate::object::{R, Ref};
use crate::protocol::text;
use crate::thread::Thread;
use crate::types::Str;
use crate::types::str::Chars;
use limpid_heap::Value;

/// Notes that an object's repr is being made, until it is dropped.
pub struct ReprGuard<'a>(&'a Thread);

impl<'a> ReprGuard<'a> {
    /// None if this thread is making the object's repr already: the object contains itself.
    pub fn enter(t: &'a Thread, object: Value) -> Option<ReprGuard<'a>> {
        // SAFETY: the stack belongs to the running thread, and no reference into it outlives a statement.
        let stack = unsafe { &mut *t.repr_stack.get() };
        if stack.contains(&object.bits()) {
            return None;
        }
        stack.push(object.bits());
        Some(ReprGuard(t))
    }
}

impl Drop for ReprGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: as in `enter`.
        unsafe { &mut *self.0.repr_stack.get() }.pop();
    }
}

/// Text under construction. Holds no values: it is UTF-8 in which lone surrogates may be encoded as well.
#[derive(Default)]
pub struct ReprText(Vec<u8>);

impl ReprText {
    /// Text that begins like this.
    pub fn new(start: &str) -> ReprText {
        ReprText(start.as_bytes().to_vec())
    }

    /// Adds text.
    pub fn text(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Adds a str.
    pub fn string(&mut self, s: Ref<Str>) {
        match s.chars() {
            Chars::Ascii(ascii) => self.0.extend_from_slice(ascii),
            _ => s.code_points().for_each(|c| push_wtf8(&mut self.0, c)),
        }
    }

    /// Adds `repr(v)`.
    pub fn repr(&mut self, t: &Thread, v: Value) -> R<()> {
        self.string(text::repr(t, v)?);
        Ok(())
    }

    /// Adds the reprs of all items with commas between them.
    pub fn items(&mut self, t: &Thread, items: impl Iterator<Item = Value>) -> R<()> {
        let _nested = t.enter_at(" while getting the repr of an object")?;
        for (i, item) in items.enumerate() {
            if i > 0 {
                self.text(", ");
            }
            self.repr(t, item)?;
            t.poll()?;
        }
        Ok(())
    }

    /// The text as a str.
    pub fn finish(self, t: &Thread) -> R {
        Ok(Str::from_wtf8(t, &self.0)?.value())
    }
}

/// Appends a code point, surrogates included, in UTF-8's way.
fn push_wtf8(out: &mut Vec<u8>, c: u32) {
    let tail = |shift: u32| 0x80 | (c >> shift & 0x3F) as u8;
    match c {
        0..0x80 => out.push(c as u8),
        0x80..0x800 => out.extend([0xC0 | (c >> 6) as u8, tail(0)]),
        0x800..0x1_0000 => out.extend([0xE0 | (c >> 12) as u8, tail(6), tail(0)]),
        _ => out.extend([0xF0 | (c >> 18) as u8, tail(12), tail(6), tail(0)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surrogates_survive() {
        let mut out = Vec::new();
        let all = [0x41, 0xE9, 0x20AC, 0xD800, 0xDFFF, 0x1F600, 0x10FFFF];
        all.iter().for_each(|&c| push_wtf8(&mut out, c));
        assert_eq!(crate::types::str::decode_wtf8(&out), all);
    }
}
