//! The reprs of containers: text put together from the items' reprs, and `...` where a container contains itself.

use crate::object::{R, Ref};
use crate::protocol::text;
use crate::thread::Thread;
use crate::types::Str;
use crate::types::str::StrBuilder;
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

/// A repr under construction.
pub struct ReprText(StrBuilder);

impl ReprText {
    /// Text that begins like this.
    pub fn new(start: &str) -> ReprText {
        let mut text = StrBuilder::default();
        text.push_text(start);
        ReprText(text)
    }

    /// Adds text.
    pub fn text(&mut self, text: &str) {
        self.0.push_text(text);
    }

    /// Adds a str.
    pub fn str(&mut self, s: Ref<Str>) {
        self.0.push_str(s);
    }

    /// Adds `repr(v)`.
    pub fn repr(&mut self, t: &Thread, v: Value) -> R<()> {
        self.0.push_str(text::repr(t, v)?);
        Ok(())
    }

    /// Adds the reprs of all items with commas between them.
    pub fn items(&mut self, t: &Thread, items: impl Iterator<Item = Value>) -> R<()> {
        t.check_stack(" while getting the repr of an object")?;
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
        Ok(self.0.finish(t)?.value())
    }
}
