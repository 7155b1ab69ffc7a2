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

enum Source {
    Memory(Buffer),
    File {
        read: Value,
        readline: Value,
        /// What was read before its turn.
        ahead: Vec<u8>,
    },
}

pub(super) struct Input {
    source: Source,
    /// How much is used.
    at: usize,
    /// Up to here it can be taken without looking at anything else: not beyond the frame's end, nor beyond what there is.
    ready: usize,
    /// Where the current frame ends. All of it is there.
    frame_end: Option<usize>,
}

fn truncated<T>(t: &Thread) -> R<T> {
    fail(t, &UNPICKLING_ERROR, "pickle data was truncated")
}

fn exhausted<T>(t: &Thread) -> R<T> {
    fail(t, &UNPICKLING_ERROR, "pickle exhausted before end of frame")
}

impl Input {
    pub fn memory(buffer: Buffer) -> Input {
        Input { at: 0, ready: buffer.as_slice().len(), frame_end: None, source: Source::Memory(buffer) }
    }

    pub fn file(read: Value, readline: Value) -> Input {
        Input { source: Source::File { read, readline, ahead: Vec::new() }, at: 0, ready: 0, frame_end: None }
    }

    pub fn is_file(&self) -> bool {
        matches!(self.source, Source::File { .. })
    }

    /// What the ranges are parts of.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match &self.source {
            Source::Memory(buffer) => buffer.as_slice(),
            Source::File { ahead, .. } => ahead,
        }
    }

    /// The next instruction; EOFError when there is none.
    #[inline]
    pub fn opcode(&mut self, t: &Thread) -> R<u8> {
        if self.at < self.ready {
            self.at += 1;
            return Ok(self.bytes()[self.at - 1]);
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

    /// The next `n` bytes, which do not go beyond the end of a frame.
    #[inline]
    pub fn take(&mut self, t: &Thread, n: usize) -> R<Range<usize>> {
        let start = self.at;
        if n <= self.ready - start {
            self.at += n;
            return Ok(start..start + n);
        }
        self.take_slowly(t, n)
    }

    /// As [`Input::take`], at the end of a frame or of what there is.
    #[inline(never)]
    fn take_slowly(&mut self, t: &Thread, n: usize) -> R<Range<usize>> {
        if let Some(end) = self.frame_end {
            if self.at != end || n == 0 {
                return exhausted(t);
            }
            self.leave_frame();
        }
        let start = self.at;
        if n <= self.ready - start {
            self.at += n;
            return Ok(start..start + n);
        }
        self.fetch(t, n)
    }

    fn leave_frame(&mut self) {
        self.frame_end = None;
        self.ready = self.bytes().len();
    }

    /// As [`Input::take`], when there are not so many bytes ahead.
    #[cold]
    fn fetch(&mut self, t: &Thread, n: usize) -> R<Range<usize>> {
        let Source::File { read, ahead, .. } = &mut self.source else { return truncated(t) };
        ahead.drain(..self.at);
        self.at = 0;
        self.ready = ahead.len();
        let missing = n - ahead.len();
        let got = call::call(t, *read, &[int::from_usize(t, missing)])?;
        let Some(bytes) = got.downcast::<Bytes>() else {
            raise!(t, ValueError, "read() returned non-bytes object ({})", got.class().display_name())
        };
        ahead.extend_from_slice(bytes.contents());
        self.ready = ahead.len();
        if bytes.len() < missing {
            return truncated(t);
        }
        self.at = n;
        Ok(0..n)
    }

    /// The next `n` bytes are a frame.
    pub fn begin_frame(&mut self, t: &Thread, n: usize) -> R<()> {
        if self.frame_end.is_some_and(|end| end > self.at) {
            return fail(t, &UNPICKLING_ERROR, "beginning of a new frame before end of current frame");
        }
        self.leave_frame();
        let range = self.take(t, n)?;
        self.at = range.start;
        self.frame_end = Some(range.end);
        self.ready = range.end;
        Ok(())
    }

    /// The rest of the line, without its end.
    pub fn line(&mut self, t: &Thread) -> R<Range<usize>> {
        if self.frame_end == Some(self.at) {
            self.leave_frame();
        }
        let start = self.at;
        let end = self.frame_end.unwrap_or(self.bytes().len());
        if let Some(n) = memchr::memchr(b'\n', &self.bytes()[start..end]) {
            self.at = start + n + 1;
            return Ok(start..start + n);
        }
        if self.frame_end.is_some() {
            return exhausted(t);
        }
        let Source::File { readline, ahead, .. } = &mut self.source else { return truncated(t) };
        ahead.drain(..start);
        self.at = 0;
        self.ready = ahead.len();
        let got = call::call(t, *readline, &[])?;
        let Some(bytes) = got.downcast::<Bytes>() else {
            raise!(t, ValueError, "readline() returned non-bytes object ({})", got.class().display_name())
        };
        ahead.extend_from_slice(bytes.contents());
        self.at = ahead.len();
        self.ready = ahead.len();
        match ahead.split_last() {
            Some((b'\n', line)) => Ok(0..line.len()),
            _ => truncated(t),
        }
    }
}
