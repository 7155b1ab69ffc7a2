//! A stream that is compressed or decompressed: zlib's own interface, made safe.

use libz_rs_sys::{
    deflate, deflateCopy, deflateEnd, deflateInit2_, deflateSetDictionary, inflate, inflateCopy, inflateEnd, inflateInit2_,
    inflateSetDictionary, z_stream, zlibVersion,
};
use std::ffi::{CStr, c_int};

#[derive(Clone, Copy)]
enum Kind {
    Deflate,
    Inflate,
}

/// A stream; see the module's page.
pub(super) struct Stream {
    /// The library's structure, which stays where it is.
    raw: Box<z_stream>,
    kind: Kind,
}

// SAFETY: the structure belongs to the stream alone.
unsafe impl Send for Stream {}

/// How to compress.
pub(super) struct Settings {
    pub level: c_int,
    pub method: c_int,
    pub window_bits: c_int,
    pub memory_level: c_int,
    pub strategy: c_int,
}

const SIZE: c_int = size_of::<z_stream>() as c_int;

impl Stream {
    /// A stream that compresses; zlib's code if the settings are wrong.
    pub fn deflate(s: &Settings) -> Result<Stream, c_int> {
        let mut raw = Box::new(z_stream::default());
        // SAFETY: a new structure, and the library's own version and size.
        let code = unsafe { deflateInit2_(&mut *raw, s.level, s.method, s.window_bits, s.memory_level, s.strategy, zlibVersion(), SIZE) };
        if code == libz_rs_sys::Z_OK { Ok(Stream { raw, kind: Kind::Deflate }) } else { Err(code) }
    }

    /// A stream that decompresses.
    pub fn inflate(window_bits: c_int) -> Result<Stream, c_int> {
        let mut raw = Box::new(z_stream::default());
        // SAFETY: as in `deflate`.
        let code = unsafe { inflateInit2_(&mut *raw, window_bits, zlibVersion(), SIZE) };
        if code == libz_rs_sys::Z_OK { Ok(Stream { raw, kind: Kind::Inflate }) } else { Err(code) }
    }

    /// Hands over what the data is expected to repeat.
    pub fn set_dictionary(&mut self, dictionary: &[u8]) -> c_int {
        let len = dictionary.len().min(u32::MAX as usize) as u32;
        // SAFETY: the stream is initialised, and the dictionary has that many bytes.
        unsafe {
            match self.kind {
                Kind::Deflate => deflateSetDictionary(&mut *self.raw, dictionary.as_ptr(), len),
                Kind::Inflate => inflateSetDictionary(&mut *self.raw, dictionary.as_ptr(), len),
            }
        }
    }

    /// Goes on with `input`, which is cut off at the front, and appends to `out` up to a length of `limit`. Stops when the input is used
    /// up as far as it can be, the limit is reached or zlib has something else to say.
    pub fn run(&mut self, input: &mut &[u8], out: &mut Vec<u8>, limit: usize, flush: c_int) -> c_int {
        const FIRST: usize = 16 << 10;
        loop {
            if out.len() == out.capacity() {
                let more = out.len().clamp(FIRST, 64 << 20).min(limit.saturating_sub(out.len()));
                out.reserve_exact(more);
            }
            let given = input.len().min(u32::MAX as usize);
            let spare = out.spare_capacity_mut();
            let room = spare.len().min(limit.saturating_sub(out.len())).min(u32::MAX as usize);
            let spare = out.spare_capacity_mut();
            self.raw.next_in = input.as_ptr();
            self.raw.avail_in = given as u32;
            self.raw.next_out = spare.as_mut_ptr().cast();
            self.raw.avail_out = room as u32;
            // SAFETY: the stream is initialised, and points to `given` bytes to read and `room` bytes to write.
            let code = unsafe {
                match self.kind {
                    Kind::Deflate => deflate(&mut *self.raw, flush),
                    Kind::Inflate => inflate(&mut *self.raw, flush),
                }
            };
            *input = &input[given - self.raw.avail_in as usize..];
            let written = room - self.raw.avail_out as usize;
            // SAFETY: the library has written so many bytes behind the contents.
            unsafe { out.set_len(out.len() + written) };
            let full = self.raw.avail_out == 0;
            let fine = matches!(code, libz_rs_sys::Z_OK | libz_rs_sys::Z_BUF_ERROR);
            if !fine || out.len() >= limit || (!full && (input.is_empty() || given < u32::MAX as usize)) {
                return code;
            }
        }
    }

    /// A stream in the same state.
    pub fn try_clone(&mut self) -> Option<Stream> {
        let mut raw = Box::new(z_stream::default());
        // SAFETY: the stream is initialised, the other one is not.
        let code = unsafe {
            match self.kind {
                Kind::Deflate => deflateCopy(&mut *raw, &mut *self.raw),
                Kind::Inflate => inflateCopy(&mut *raw, &*self.raw),
            }
        };
        (code == libz_rs_sys::Z_OK).then_some(Stream { raw, kind: self.kind })
    }

    /// What zlib says of the last error.
    pub fn message(&self) -> Option<String> {
        // SAFETY: a message is a C string that lives as long as the program.
        (!self.raw.msg.is_null()).then(|| unsafe { CStr::from_ptr(self.raw.msg) }.to_string_lossy().into_owned())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: the stream is initialised and not used any more.
        unsafe {
            match self.kind {
                Kind::Deflate => deflateEnd(&mut *self.raw),
                Kind::Inflate => inflateEnd(&mut *self.raw),
            };
        }
    }
}
