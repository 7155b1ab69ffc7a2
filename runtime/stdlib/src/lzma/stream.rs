//! A stream of liblzma, made safe.

use super::filters::Chain;
use crate::codec_stream::{CodecStream, Step};
use liblzma_sys as z;
use limpid_vm::object::Raised;
use limpid_vm::thread::Thread;
use std::mem::MaybeUninit;

/// A stream that is compressed or decompressed.
pub(super) struct Stream {
    /// The library's structure, which stays where it is.
    raw: Box<z::lzma_stream>,
    /// What checks the data, as far as it is known: a `CHECK_` constant.
    pub check: u32,
}

// SAFETY: the structure belongs to the stream alone.
unsafe impl Send for Stream {}

/// Is the code no failure?
fn fine(code: z::lzma_ret) -> bool {
    matches!(code, z::LZMA_OK | z::LZMA_GET_CHECK | z::LZMA_NO_CHECK | z::LZMA_STREAM_END)
}

impl Stream {
    /// Initialises a stream by one of the library's functions, which gives its code.
    fn make(check: u32, init: impl FnOnce(&mut z::lzma_stream) -> z::lzma_ret) -> Result<Stream, z::lzma_ret> {
        // SAFETY: zeros are the library's initial value of the structure.
        let mut stream = Stream { raw: Box::new(unsafe { std::mem::zeroed() }), check };
        let code = init(&mut stream.raw);
        if fine(code) { Ok(stream) } else { Err(code) }
    }

    /// Writes .xz with a preset.
    pub fn xz_encoder(preset: u32, check: u32) -> Result<Stream, z::lzma_ret> {
        // SAFETY: a new structure.
        Stream::make(check, |s| unsafe { z::lzma_easy_encoder(s, preset, check) })
    }

    /// Writes .xz with filters.
    pub fn xz_filter_encoder(filters: &Chain, check: u32) -> Result<Stream, z::lzma_ret> {
        // SAFETY: a new structure, and a chain with its end.
        filters.with_raw(|f| Stream::make(check, |s| unsafe { z::lzma_stream_encoder(s, f, check) }))
    }

    /// Writes .lzma.
    pub fn alone_encoder(options: &z::lzma_options_lzma) -> Result<Stream, z::lzma_ret> {
        // SAFETY: a new structure; the library copies what it needs of the options.
        Stream::make(z::LZMA_CHECK_NONE, |s| unsafe { z::lzma_alone_encoder(s, options) })
    }

    /// Writes data without a container.
    pub fn raw_encoder(filters: &Chain) -> Result<Stream, z::lzma_ret> {
        // SAFETY: as in `xz_filter_encoder`.
        filters.with_raw(|f| Stream::make(z::LZMA_CHECK_NONE, |s| unsafe { z::lzma_raw_encoder(s, f) }))
    }

    /// Reads .xz, or .lzma as well.
    pub fn decoder(memory: u64, any: bool) -> Result<Stream, z::lzma_ret> {
        const FLAGS: u32 = z::LZMA_TELL_ANY_CHECK | z::LZMA_TELL_NO_CHECK;
        let init = if any { z::lzma_auto_decoder } else { z::lzma_stream_decoder };
        // SAFETY: a new structure.
        Stream::make(super::CHECK_UNKNOWN, |s| unsafe { init(s, memory, FLAGS) })
    }

    /// Reads .lzma.
    pub fn alone_decoder(memory: u64) -> Result<Stream, z::lzma_ret> {
        // SAFETY: a new structure.
        Stream::make(z::LZMA_CHECK_NONE, |s| unsafe { z::lzma_alone_decoder(s, memory) })
    }

    /// Reads data without a container.
    pub fn raw_decoder(filters: &Chain) -> Result<Stream, z::lzma_ret> {
        // SAFETY: as in `xz_filter_encoder`.
        filters.with_raw(|f| Stream::make(z::LZMA_CHECK_NONE, |s| unsafe { z::lzma_raw_decoder(s, f) }))
    }
}

impl CodecStream for Stream {
    type Error = z::lzma_ret;

    fn raise(t: &Thread, code: z::lzma_ret) -> Raised {
        super::raised(t, code)
    }

    fn step(&mut self, input: &[u8], out: &mut [MaybeUninit<u8>], finish: bool) -> Result<Step, z::lzma_ret> {
        self.raw.next_in = input.as_ptr();
        self.raw.avail_in = input.len();
        self.raw.next_out = out.as_mut_ptr().cast();
        self.raw.avail_out = out.len();
        // SAFETY: the stream is initialised, and points to so many bytes to read and to write.
        let code = unsafe { z::lzma_code(&mut *self.raw, if finish { z::LZMA_FINISH } else { z::LZMA_RUN }) };
        if matches!(code, z::LZMA_GET_CHECK | z::LZMA_NO_CHECK) {
            // SAFETY: the decoder has just said that the check is known.
            self.check = unsafe { z::lzma_get_check(&*self.raw) };
        }
        // Without input there may be nothing to do.
        let idle = code == z::LZMA_BUF_ERROR && self.raw.avail_in == 0 && self.raw.avail_out > 0;
        if !fine(code) && !idle {
            return Err(code);
        }
        Ok(Step { consumed: input.len() - self.raw.avail_in, produced: out.len() - self.raw.avail_out, ended: code == z::LZMA_STREAM_END })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: the stream is not used any more; the library accepts one that failed to be initialised.
        unsafe { z::lzma_end(&mut *self.raw) }
    }
}
