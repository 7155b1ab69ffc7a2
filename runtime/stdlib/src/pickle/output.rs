//! Where a pickle is written: bytes in memory, in frames from protocol 4 on, which go to the file when they are full.

use super::opcode as op;
use limpid_heap::Value;
use limpid_vm::object::R;
use limpid_vm::protocol::call;
use limpid_vm::thread::Thread;
use limpid_vm::types::Bytes;

/// How large frames become, and what is written apart from them.
pub(super) const FRAME_TARGET: usize = 64 << 10;
const FRAME_MIN: usize = 4;
const FRAME_HEADER: usize = 9;

pub(super) struct Output {
    bytes: Vec<u8>,
    /// Where the current frame begins, its header included.
    frame: Option<usize>,
    framing: bool,
    /// The file's method `write`; NULL when the pickle stays in memory.
    file: Value,
}

impl Output {
    pub fn new(file: Value) -> Output {
        Output { bytes: Vec::with_capacity(1024), frame: None, framing: false, file }
    }

    /// From here on there are frames.
    pub fn start_framing(&mut self) {
        self.framing = true;
    }

    #[inline]
    pub fn write(&mut self, bytes: &[u8]) {
        self.begin_frame();
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes an instruction without operands.
    #[inline]
    pub fn instruction(&mut self, code: u8) {
        self.begin_frame();
        self.bytes.push(code);
    }

    /// Writes an instruction with an operand of fixed size.
    #[inline]
    pub fn write_operand<const N: usize>(&mut self, code: u8, operand: [u8; N]) {
        self.begin_frame();
        self.bytes.reserve(1 + N);
        self.bytes.push(code);
        self.bytes.extend_from_slice(&operand);
    }

    /// Writes an instruction with a payload that is counted by one byte.
    #[inline]
    pub fn write_short(&mut self, code: u8, len: u8, payload: &[u8]) {
        self.begin_frame();
        self.bytes.reserve(2 + payload.len());
        self.bytes.extend_from_slice(&[code, len]);
        self.bytes.extend_from_slice(payload);
    }

    /// Starts a frame if there should be one and is none.
    #[inline]
    fn begin_frame(&mut self) {
        if self.framing && self.frame.is_none() {
            self.frame = Some(self.bytes.len());
            self.bytes.extend_from_slice(&[0; FRAME_HEADER]);
        }
    }

    /// Ends the current frame.
    fn end_frame(&mut self) {
        let Some(start) = self.frame.take() else { return };
        let len = self.bytes.len() - start - FRAME_HEADER;
        if len < FRAME_MIN {
            self.bytes.drain(start..start + FRAME_HEADER);
            return;
        }
        self.bytes[start] = op::FRAME;
        self.bytes[start + 1..start + FRAME_HEADER].copy_from_slice(&(len as u64).to_le_bytes());
    }

    /// Ends the current frame if it is full, before an object.
    #[inline]
    pub fn between_objects(&mut self, t: &Thread) -> R<()> {
        match self.frame {
            Some(start) if self.bytes.len() - start - FRAME_HEADER >= FRAME_TARGET => {
                self.end_frame();
                self.flush(t)
            }
            _ => Ok(()),
        }
    }

    fn flush(&mut self, t: &Thread) -> R<()> {
        if self.file.is_null() || self.bytes.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.bytes);
        call::call(t, self.file, &[Bytes::from_slice(t, &bytes)?.value()]).map(|_| ())
    }

    /// Writes something large: outside frames, and to a file without a copy.
    pub fn write_large(&mut self, t: &Thread, header: &[u8], payload: &[u8], object: Option<Value>) -> R<()> {
        if payload.len() < FRAME_TARGET || !self.framing && self.file.is_null() {
            self.write(header);
            self.write(payload);
            return Ok(());
        }
        self.end_frame();
        if self.file.is_null() {
            self.bytes.extend_from_slice(header);
            self.bytes.extend_from_slice(payload);
            return Ok(());
        }
        self.bytes.extend_from_slice(header);
        self.flush(t)?;
        let object = match object {
            Some(object) => object,
            None => Bytes::from_slice(t, payload)?.value(),
        };
        call::call(t, self.file, &[object]).map(|_| ())
    }

    /// Ends the pickle: the bytes that are not in the file.
    pub fn finish(mut self, t: &Thread) -> R<Vec<u8>> {
        self.end_frame();
        self.flush(t)?;
        Ok(self.bytes)
    }
}
