//! What is searched: text or bytes, and how the engine reads it.

use limpid_heap::Value;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::{Buffer, get_buffer, has_buffer};
use limpid_vm::types::str::Chars;
use limpid_vm::types::{Bytes, Str};
use rustpython_sre_engine::{Request, State, StrDrive, StringCursor};

/// Text of `WIDTH` bytes a character, in this machine's order, as the engine reads it. The engine's own cursor over bytes is moved
/// `WIDTH` bytes for each character, and its position counted in characters.
#[derive(Clone, Copy)]
struct Wide<'a, const WIDTH: usize>(&'a [u8]);

/// Moves the cursor over bytes, and its position by so many characters.
fn moved<T>(cursor: &mut StringCursor, position: usize, f: impl FnOnce(&mut StringCursor) -> T) -> T {
    let result = f(cursor);
    cursor.position = position;
    result
}

impl<const WIDTH: usize> StrDrive for Wide<'_, WIDTH> {
    fn count(&self) -> usize {
        self.0.len() / WIDTH
    }

    fn create_cursor(&self, n: usize) -> StringCursor {
        let mut cursor = self.0.create_cursor(n * WIDTH);
        cursor.position = n;
        cursor
    }

    fn adjust_cursor(&self, cursor: &mut StringCursor, n: usize) {
        *cursor = self.create_cursor(n);
    }

    fn advance(cursor: &mut StringCursor) -> u32 {
        moved(cursor, cursor.position + 1, |c| {
            let mut bytes = [0; 4];
            bytes[..WIDTH].fill_with(|| <&[u8]>::advance(c) as u8);
            from_native::<WIDTH>(bytes)
        })
    }

    fn peek(cursor: &StringCursor) -> u32 {
        Self::advance(&mut { *cursor })
    }

    fn skip(cursor: &mut StringCursor, n: usize) {
        moved(cursor, cursor.position + n, |c| <&[u8]>::skip(c, n * WIDTH));
    }

    fn back_advance(cursor: &mut StringCursor) -> u32 {
        Self::back_skip(cursor, 1);
        Self::peek(cursor)
    }

    fn back_peek(cursor: &StringCursor) -> u32 {
        Self::back_advance(&mut { *cursor })
    }

    fn back_skip(cursor: &mut StringCursor, n: usize) {
        // The engine counts positions down itself: they must not go below zero on the way.
        let position = cursor.position;
        cursor.position = position * WIDTH;
        moved(cursor, position - n, |c| <&[u8]>::back_skip(c, n * WIDTH));
    }
}

/// A character of `WIDTH` bytes, which come first.
fn from_native<const WIDTH: usize>(bytes: [u8; 4]) -> u32 {
    if WIDTH == 2 { u16::from_ne_bytes([bytes[0], bytes[1]]) as u32 } else { u32::from_ne_bytes(bytes) }
}

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

/// How to search.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    /// The compiled pattern.
    pub code: &'a [u32],
    /// Where to begin.
    pub start: usize,
    /// Where to end.
    pub end: usize,
    /// The match begins at `start`.
    pub anchored: bool,
    /// It ends at `end`.
    pub whole: bool,
    /// It is not empty at `start`.
    pub must_advance: bool,
}

/// A match: where it and its groups are.
pub(super) struct Found {
    pub start: usize,
    pub end: usize,
    /// Start and end of the groups, -1 where they did not take part; the whole match first.
    pub marks: Vec<i64>,
    pub lastindex: Option<usize>,
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

    /// Runs the engine.
    pub fn find(&self, attempt: Attempt<'_>, groups: usize) -> Option<Found> {
        match &self.content {
            Content::Text(s) => match s.chars() {
                Chars::Ascii(chars) | Chars::Latin1(chars) => run(chars, attempt, groups),
                Chars::Ucs2(_) => run(Wide::<2>(s.raw_bytes()), attempt, groups),
                Chars::Ucs4(_) => run(Wide::<4>(s.raw_bytes()), attempt, groups),
            },
            Content::Bytes(b) => run(b.as_slice(), attempt, groups),
        }
    }
}

fn run<S: StrDrive>(subject: S, attempt: Attempt<'_>, groups: usize) -> Option<Found> {
    if attempt.start > attempt.end {
        return None;
    }
    let mut request = Request::new(subject, attempt.start, attempt.end, attempt.code, attempt.whole);
    request.must_advance = attempt.must_advance;
    let mut state = State::default();
    state.reset(&request, request.start);
    let found = if attempt.anchored { state.py_match(&request) } else { state.search(request) };
    if !found {
        return None;
    }
    let mut marks = vec![state.start as i64, state.cursor.position as i64];
    for group in 0..groups {
        let (start, end) = state.marks.get(group);
        match (start.into_option(), end.into_option()) {
            (Some(start), Some(end)) => marks.extend([start as i64, end as i64]),
            _ => marks.extend([-1, -1]),
        }
    }
    let lastindex = usize::try_from(state.marks.last_index()).ok().filter(|i| *i > 0);
    Some(Found { start: state.start, end: state.cursor.position, marks, lastindex })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_are_read_both_ways() {
        let bytes: Vec<u8> = [0x3B1u16, 0x62, 0x20AC].iter().flat_map(|c| c.to_ne_bytes()).collect();
        let text = Wide::<2>(&bytes);
        assert_eq!(text.count(), 3);
        let mut c = text.create_cursor(0);
        assert_eq!([Wide::<2>::advance(&mut c), Wide::<2>::peek(&c)], [0x3B1, 0x62]);
        Wide::<2>::skip(&mut c, 2);
        assert_eq!((c.position, Wide::<2>::back_peek(&c)), (3, 0x20AC));
        assert_eq!(Wide::<2>::back_advance(&mut c), 0x20AC);
        Wide::<2>::back_skip(&mut c, 2);
        assert_eq!((c.position, Wide::<2>::peek(&c)), (0, 0x3B1));
    }
}
