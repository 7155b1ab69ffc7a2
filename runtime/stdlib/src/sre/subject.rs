//! What is searched: text or bytes.

use super::engine::{Attempt, State};
use super::program::Program;
use limpid_heap::Value;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::{Buffer, get_buffer, has_buffer};
use limpid_vm::types::str::Chars;
use limpid_vm::types::{Bytes, Str};

enum Content {
    Text(Ref<Str>),
    Bytes(Buffer),
}

/// Something to search.
pub(super) struct Subject {
    /// The object itself.
    pub object: Value,
    content: Content,
}

impl Subject {
    /// The object as something to search with a pattern made of text or bytes (None: either).
    pub fn new(t: &Thread, object: Value, of_text: Option<bool>) -> R<Subject> {
        let content = match object.downcast::<Str>() {
            Some(s) => Content::Text(s),
            None if has_buffer(object) => Content::Bytes(get_buffer(t, object)?),
            None => raise!(t, TypeError, "expected string or bytes-like object, got '{}'", object.class().display_name()),
        };
        match (&content, of_text) {
            (Content::Text(_), Some(false)) => raise!(t, TypeError, "cannot use a bytes pattern on a string-like object"),
            (Content::Bytes(_), Some(true)) => raise!(t, TypeError, "cannot use a string pattern on a bytes-like object"),
            _ => Ok(Subject { object, content }),
        }
    }

    pub fn len(&self) -> usize {
        match &self.content {
            Content::Text(s) => s.len(),
            Content::Bytes(b) => b.as_slice().len(),
        }
    }

    /// A part of it, as text or bytes.
    pub fn slice(&self, t: &Thread, start: usize, end: usize) -> R {
        match &self.content {
            Content::Text(s) => Ok(s.slice(t, start, end)?.value()),
            Content::Bytes(b) if end - start == b.as_slice().len() && self.object.exact::<Bytes>().is_some() => Ok(self.object),
            Content::Bytes(b) => Ok(Bytes::from_slice(t, &b.as_slice()[start..end])?.value()),
        }
    }

    /// Runs the engine; true: `state` tells what was found.
    pub fn search(&self, t: &Thread, p: &Program, attempt: Attempt, state: &mut State) -> R<bool> {
        match &self.content {
            Content::Text(s) => match s.chars() {
                Chars::Ascii(chars) | Chars::Latin1(chars) => state.search(t, p, chars, attempt),
                Chars::Ucs2(chars) => state.search(t, p, chars, attempt),
                Chars::Ucs4(chars) => state.search(t, p, chars, attempt),
            },
            Content::Bytes(b) => state.search(t, p, b.as_slice(), attempt),
        }
    }
}
