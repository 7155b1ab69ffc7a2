//! Streams of compression libraries (`_bz2`, `_lzma`) that are fed piece by piece: the loops around the library's one step, and what a
//! decompressor keeps between calls.

use crate::owned;
use limpid_heap::Value;
use limpid_vm::object::{R, Raised};
use limpid_vm::protocol::number;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::Bytes;
use limpid_vm::types::memory::get_buffer;
use parking_lot::Mutex;
use std::mem::MaybeUninit;

/// What one step did.
pub(crate) struct Step {
    /// Bytes of input that were taken.
    pub consumed: usize,
    /// Bytes of output that were written.
    pub produced: usize,
    /// The end of the stream was reached.
    pub ended: bool,
}

/// A library's stream.
pub(crate) trait CodecStream {
    /// What goes wrong.
    type Error;
    /// Goes on with `input` as far as there is room. `finish` says that no more input follows. A step that can do nothing is no error
    /// where there is no input.
    fn step(&mut self, input: &[u8], out: &mut [MaybeUninit<u8>], finish: bool) -> Result<Step, Self::Error>;
    /// Raises what an error stands for.
    fn raise(t: &Thread, error: Self::Error) -> Raised;
}

/// Room for the first output.
const FIRST: usize = 32 << 10;
/// The most that is added at once.
const MOST: usize = 64 << 20;

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The stream is at its end.
    Stream,
    /// There is no more input, and all output was written.
    Input,
    /// The limit of the output is reached.
    Room,
}

/// Takes steps until something is used up. `input` is cut off at the front, `out` grows up to a length of `limit`.
fn run<S: CodecStream>(stream: &mut S, input: &mut &[u8], out: &mut Vec<u8>, limit: usize, finish: bool) -> Result<End, S::Error> {
    loop {
        if out.len() == out.capacity() {
            out.reserve_exact(out.len().clamp(FIRST, MOST).min(limit.saturating_sub(out.len())));
        }
        let room = (out.capacity() - out.len()).min(limit.saturating_sub(out.len()));
        let step = stream.step(input, &mut out.spare_capacity_mut()[..room], finish)?;
        *input = &input[step.consumed..];
        // SAFETY: the library has written so many bytes behind the contents.
        unsafe { out.set_len(out.len() + step.produced) };
        if step.ended {
            return Ok(End::Stream);
        }
        let full = step.produced == room;
        if full && out.len() >= limit {
            return Ok(End::Room);
        }
        if !full && input.is_empty() && !finish {
            return Ok(End::Input);
        }
    }
}

/// Compresses `data`; with `finish`, to the end of the stream.
fn run_compressor<S: CodecStream>(t: &Thread, stream: &mut S, data: &[u8], finish: bool) -> Result<Vec<u8>, S::Error> {
    t.blocking(|| {
        let mut out = Vec::new();
        run(stream, &mut &data[..], &mut out, usize::MAX, finish)?;
        Ok(out)
    })
}

fn bytes<S: CodecStream>(t: &Thread, out: Result<Vec<u8>, S::Error>) -> R {
    Ok(Bytes::from_slice(t, &out.map_err(|e| S::raise(t, e))?)?.value())
}

/// `compress` of a compressor, whose stream is None when it has been flushed.
pub(crate) fn compress<S: CodecStream>(t: &Thread, stream: &Mutex<Option<S>>, data: Value) -> R {
    let data = get_buffer(t, data)?;
    let mut stream = owned::lock(t, stream);
    let Some(s) = stream.as_mut() else {
        drop(stream);
        raise!(t, ValueError, "Compressor has been flushed")
    };
    let out = run_compressor(t, s, data.as_slice(), false);
    drop(stream);
    bytes::<S>(t, out)
}

/// `flush` of a compressor.
pub(crate) fn flush<S: CodecStream>(t: &Thread, stream: &Mutex<Option<S>>) -> R {
    let taken = owned::lock(t, stream).take();
    let Some(mut stream) = taken else { raise!(t, ValueError, "Repeated call to flush()") };
    let out = run_compressor(t, &mut stream, &[], true);
    bytes::<S>(t, out)
}

/// `decompress` of a decompressor; `at_end` is what it says when the end was reached before. A negative `max_length`, as one that is
/// missing, is no limit.
pub(crate) fn decompress<S: CodecStream>(t: &Thread, decoder: &Mutex<Decoder<S>>, data: Value, max_length: Value, at_end: &str) -> R {
    let data = get_buffer(t, data)?;
    let limit = if max_length.is_null() { -1 } else { number::index_isize(t, max_length)? };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut decoder = owned::lock(t, decoder);
    if decoder.eof {
        drop(decoder);
        raise!(t, EOFError, "{at_end}")
    }
    let out = t.blocking(|| decoder.decompress(data.as_slice(), limit));
    drop(decoder);
    bytes::<S>(t, out)
}

/// A stream that is decompressed, and what belongs to it.
pub(crate) struct Decoder<S> {
    /// The library's stream.
    pub stream: S,
    /// The end of the stream was reached.
    pub eof: bool,
    /// Nothing can be had without more input.
    pub needs_input: bool,
    /// What came behind the end.
    pub unused: Vec<u8>,
    /// Input there was no room to decompress.
    pending: Vec<u8>,
}

impl<S: CodecStream> Decoder<S> {
    /// At the beginning of a stream.
    pub fn new(stream: S) -> Decoder<S> {
        Decoder { stream, eof: false, needs_input: true, unused: Vec::new(), pending: Vec::new() }
    }

    /// Decompresses what was kept and `data`, giving `limit` bytes at most.
    fn decompress(&mut self, data: &[u8], limit: usize) -> Result<Vec<u8>, S::Error> {
        let mut kept = std::mem::take(&mut self.pending);
        let mut input = if kept.is_empty() {
            data
        } else {
            kept.extend_from_slice(data);
            &kept
        };
        let mut out = Vec::new();
        match run(&mut self.stream, &mut input, &mut out, limit, false)? {
            End::Stream => {
                self.eof = true;
                self.needs_input = false;
                self.unused = input.to_vec();
            }
            end => {
                self.needs_input = end == End::Input;
                self.pending = input.to_vec();
            }
        }
        Ok(out)
    }
}
