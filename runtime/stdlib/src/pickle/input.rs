//! Where a pickle is read: memory, or a file of which no more is read than the pickle says.

use super::{UNPICKLING_ERROR, fail};
use limpid_heap::Value;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::call;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::Buffer;
use limpid_vm::types::{Bytes, int};
use std::ops::Range;

pub(super) enum Input {
    Memory {
        buffer: Buffer,
        at: usize,
    },
    /// `ahead` was read before its turn; `at` is how far it is used.
    File {
        read: Value,
        readline: Value,
        ahead: Vec<u8>,
        at: usize,
    },
}

fn truncated<T>(t: &Thread) -> R<T> {
    fail(t, &UNPICKLING_ERROR, "pickle data was truncated")
}

impl Input {
    /// What the ranges are parts of.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Input::Memory { buffer, .. } => buffer.as_slice(),
            Input::File { ahead, .. } => ahead,
        }
    }

    /// The next instruction; EOFError when there is none.
    #[inline]
    pub fn opcode(&mut self, t: &Thread) -> R<u8> {
        if let Input::Memory { buffer, at } = self
            && let Some(code) = buffer.as_slice().get(*at)
        {
            *at += 1;
            return Ok(*code);
        }
        match self.take(t, 1) {
            Ok(range) => Ok(self.bytes()[range.start]),
            Err(raised) if !t.exception_is(UNPICKLING_ERROR.get()) => Err(raised),
            Err(_) => {
                t.take_exception();
                raise!(t, EOFError, "Ran out of input")
            }
        }
    }

    /// The next `n` bytes.
    #[inline]
    pub fn take(&mut self, t: &Thread, n: usize) -> R<Range<usize>> {
        let (at, len) = match self {
            Input::Memory { buffer, at } => (at, buffer.len),
            Input::File { ahead, at, .. } => (at, ahead.len()),
        };
        let start = *at;
        if n <= len - start {
            *at += n;
            return Ok(start..start + n);
        }
        self.fetch(t, n)
    }

    /// As [`Input::take`], when there are not so many bytes ahead.
    #[cold]
    fn fetch(&mut self, t: &Thread, n: usize) -> R<Range<usize>> {
        let Input::File { read, ahead, at, .. } = self else { return truncated(t) };
        ahead.drain(..*at);
        *at = 0;
        let missing = n - ahead.len();
        let got = call::call(t, *read, &[int::from_usize(t, missing)])?;
        let Some(bytes) = got.downcast::<Bytes>() else {
            raise!(t, ValueError, "read() returned non-bytes object ({})", got.class().display_name())
        };
        ahead.extend_from_slice(bytes.contents());
        if bytes.len() < missing {
            return truncated(t);
        }
        *at = n;
        Ok(0..n)
    }

    /// Makes sure that so many bytes are ahead, without using them.
    pub fn prefetch(&mut self, t: &Thread, n: usize) -> R<()> {
        let range = self.take(t, n)?;
        match self {
            Input::Memory { at, .. } | Input::File { at, .. } => *at = range.start,
        }
        Ok(())
    }

    /// The rest of the line, without its end.
    pub fn line(&mut self, t: &Thread) -> R<Range<usize>> {
        let (start, end) = match self {
            Input::Memory { buffer, at } => (*at, memchr::memchr(b'\n', &buffer.as_slice()[*at..])),
            Input::File { ahead, at, .. } => (*at, memchr::memchr(b'\n', &ahead[*at..])),
        };
        if let Some(n) = end {
            match self {
                Input::Memory { at, .. } | Input::File { at, .. } => *at = start + n + 1,
            }
            return Ok(start..start + n);
        }
        let Input::File { readline, ahead, at, .. } = self else { return truncated(t) };
        ahead.drain(..*at);
        let got = call::call(t, *readline, &[])?;
        let Some(bytes) = got.downcast::<Bytes>() else {
            raise!(t, ValueError, "readline() returned non-bytes object ({})", got.class().display_name())
        };
        ahead.extend_from_slice(bytes.contents());
        *at = ahead.len();
        match ahead.split_last() {
            Some((b'\n', line)) => Ok(0..line.len()),
            _ => truncated(t),
        }
    }
}
