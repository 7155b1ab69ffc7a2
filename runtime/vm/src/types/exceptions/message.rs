//! Putting messages together without losing characters that Rust text cannot hold.

use crate::object::{R, Ref};
use crate::thread::Thread;
use crate::types::Str;
use limpid_heap::Value;

/// A message under construction.
#[derive(Default)]
pub struct Message(Vec<u32>);

impl Message {
    /// A message that begins with this text.
    pub fn new(text: &str) -> Message {
        Message::default().text(text)
    }

    /// Adds text.
    pub fn text(mut self, text: &str) -> Message {
        self.0.extend(text.chars().map(u32::from));
        self
    }

    /// Adds a str.
    #[allow(clippy::should_implement_trait, reason = "one step of several, and not the only thing that is added")]
    pub fn add(mut self, s: Ref<Str>) -> Message {
        self.0.extend(s.code_points());
        self
    }

    /// Adds `str(v)`.
    pub fn str_of(self, t: &Thread, v: Value) -> R<Message> {
        Ok(self.add(crate::protocol::text::str_of(t, v)?))
    }

    /// Adds `repr(v)`.
    pub fn repr(self, t: &Thread, v: Value) -> R<Message> {
        Ok(self.add(crate::protocol::text::repr(t, v)?))
    }

    /// The message as a str.
    pub fn finish(self, t: &Thread) -> R<Ref<Str>> {
        Str::from_chars(t, self.0.into_iter())
    }
}
