//! `zlib`: compression.
//!
//! Streams work with the thread's other duties suspended, under a lock of their own ([`owned::lock`]).

mod compress;
mod decompress;
mod stream;

use crate::constants;
use crate::exception_class::{self, ExceptionClass};
use compress::{COMPRESS, COMPRESS_DEF};
use decompress::{DECOMPRESS, DECOMPRESS_DEF, DECOMPRESSOR, DECOMPRESSOR_DEF};
use libz_rs_sys as z;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Raised, Ref};
use limpid_vm::protocol::number;
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::{Buffer, get_buffer, has_buffer};
use limpid_vm::types::{Bytes, Module, Str, int, type_};
use limpid_vm::{err, exc, raise};
use std::ffi::{CStr, c_int};
use stream::{Settings, Stream};

/// `zlib.error`
pub static ERROR: TypeCell = TypeCell::new();

/// `zlib`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "The functions in this module allow compression and decompression using the\nzlib library, which is based on GNU zip.",
    functions: &[
        FnDef::def("adler32", "data, value=1, /", |t, a| {
            let data = get_buffer(t, a[0])?;
            let start = checksum(t, a[1], 1)?;
            Ok(int::from_u64(t, t.blocking(|| zlib_rs::adler32::adler32(start, data.as_slice())) as u64))
        })
        .doc("Compute an Adler-32 checksum of data."),
        FnDef::def("compress", "data, /, level=Z_DEFAULT_COMPRESSION, wbits=MAX_WBITS", compress_once)
            .doc("Returns a bytes object containing compressed data."),
        FnDef::def(
            "compressobj",
            "level=Z_DEFAULT_COMPRESSION, method=DEFLATED, wbits=MAX_WBITS, memLevel=DEF_MEM_LEVEL, strategy=Z_DEFAULT_STRATEGY, zdict=None",
            compress::create,
        )
        .doc("Return a compressor object."),
        FnDef::def("crc32", "data, value=0, /", |t, a| {
            let data = get_buffer(t, a[0])?;
            let start = checksum(t, a[1], 0)?;
            Ok(int::from_u64(t, t.blocking(|| zlib_rs::crc32::crc32(start, data.as_slice())) as u64))
        })
        .doc("Compute a CRC-32 checksum of data."),
        FnDef::def("decompress", "data, /, wbits=MAX_WBITS, bufsize=DEF_BUF_SIZE", decompress_once)
            .doc("Returns a bytes object containing the uncompressed data."),
        FnDef::def("decompressobj", "wbits=MAX_WBITS, zdict=b''", decompress::create).doc("Return a decompressor object."),
    ],
    init,
    ..ModuleDef::named("zlib")
};

/// The method and the default sizes of CPython's module.
const DEFAULT_MEMORY_LEVEL: c_int = 8;
const MAX_WINDOW_BITS: c_int = 15;
const BUFFER_SIZE: i64 = 16 << 10;

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    exception_class::add(t, m, &ERROR, &ExceptionClass { name: "zlib.error", doc: "", base: || exc::Exception })?;
    type_::create_native(t, &COMPRESS_DEF, &COMPRESS)?;
    type_::create_native(t, &DECOMPRESS_DEF, &DECOMPRESS)?;
    let decompressor = type_::create_native(t, &DECOMPRESSOR_DEF, &DECOMPRESSOR)?;
    m.dict().set_text(t, "_ZlibDecompressor", decompressor.value())?;
    for (name, value) in [
        ("DEFLATED", z::Z_DEFLATED as i64),
        ("DEF_BUF_SIZE", BUFFER_SIZE),
        ("DEF_MEM_LEVEL", DEFAULT_MEMORY_LEVEL as i64),
        ("MAX_WBITS", MAX_WINDOW_BITS as i64),
        ("Z_BEST_COMPRESSION", z::Z_BEST_COMPRESSION as i64),
        ("Z_BEST_SPEED", z::Z_BEST_SPEED as i64),
        ("Z_BLOCK", z::Z_BLOCK as i64),
        ("Z_DEFAULT_COMPRESSION", z::Z_DEFAULT_COMPRESSION as i64),
        ("Z_DEFAULT_STRATEGY", z::Z_DEFAULT_STRATEGY as i64),
        ("Z_FILTERED", z::Z_FILTERED as i64),
        ("Z_FINISH", z::Z_FINISH as i64),
        ("Z_FIXED", z::Z_FIXED as i64),
        ("Z_FULL_FLUSH", z::Z_FULL_FLUSH as i64),
        ("Z_HUFFMAN_ONLY", z::Z_HUFFMAN_ONLY as i64),
        ("Z_NO_COMPRESSION", z::Z_NO_COMPRESSION as i64),
        ("Z_NO_FLUSH", z::Z_NO_FLUSH as i64),
        ("Z_PARTIAL_FLUSH", z::Z_PARTIAL_FLUSH as i64),
        ("Z_RLE", z::Z_RLE as i64),
        ("Z_SYNC_FLUSH", z::Z_SYNC_FLUSH as i64),
        ("Z_TREES", z::Z_TREES as i64),
    ] {
        constants::add_one(t, m, name, value)?;
    }
    // SAFETY: the library's version is a C string that lives as long as the program.
    let version = unsafe { CStr::from_ptr(z::zlibVersion()) }.to_string_lossy();
    for name in ["ZLIB_VERSION", "ZLIB_RUNTIME_VERSION"] {
        m.dict().set_text(t, name, Str::new(t, &version).value())?;
    }
    m.dict().set_text(t, "__version__", Str::new(t, "1.0").value())
}

/// A checksum to go on with: the lowest bits of an int.
fn checksum(t: &Thread, v: Value, default: u32) -> R<u32> {
    if v.is_null() { Ok(default) } else { Ok(int::to_u64_masked(t, number::index(t, v)?)? as u32) }
}

/// An optional 32-bit argument.
fn small(t: &Thread, v: Value, default: c_int) -> R<c_int> {
    if v.is_null() { Ok(default) } else { number::index_i32(t, v) }
}

fn bytes(t: &Thread, contents: &[u8]) -> R {
    Ok(Bytes::from_slice(t, contents)?.value())
}

/// What `zlib.error` says of a code. `stream` is None where there is none any more.
fn failure(t: &Thread, code: c_int, stream: Option<&Stream>, doing: &str) -> Raised {
    let own = if code == z::Z_VERSION_ERROR { None } else { stream.and_then(Stream::message) };
    let reason = own.or_else(|| {
        let reason = match code {
            z::Z_BUF_ERROR => "incomplete or truncated stream",
            z::Z_STREAM_ERROR => "inconsistent stream state",
            z::Z_DATA_ERROR => "invalid input data",
            z::Z_VERSION_ERROR => "library version mismatch",
            _ => return None,
        };
        Some(reason.to_string())
    });
    let text = match reason {
        Some(reason) => format!("Error {code} {doing}: {reason}"),
        None => format!("Error {code} {doing}"),
    };
    t.raise(ERROR.get(), &text)
}

/// Did the library accept the settings?
fn initialised(t: &Thread, made: Result<Stream, c_int>, doing: &str) -> R<Stream> {
    made.map_err(|code| match code {
        z::Z_MEM_ERROR => err!(t, MemoryError, "Can't allocate memory for {doing} object"),
        z::Z_STREAM_ERROR => err!(t, ValueError, "Invalid initialization option"),
        _ => failure(t, code, None, &format!("while creating {doing} object")),
    })
}

/// The bytes of a dictionary argument, NULL or None for none.
fn dictionary(t: &Thread, v: Value) -> R<Option<Vec<u8>>> {
    if v.is_null() || v.is_none() {
        return Ok(None);
    }
    if !has_buffer(v) {
        raise!(t, TypeError, "zdict argument must support the buffer protocol")
    }
    Ok(Some(get_buffer(t, v)?.as_slice().to_vec()))
}

fn compress_once(t: &Thread, a: &[Value]) -> R {
    let data = get_buffer(t, a[0])?;
    let settings = Settings {
        level: small(t, a[1], z::Z_DEFAULT_COMPRESSION)?,
        method: z::Z_DEFLATED,
        window_bits: small(t, a[2], MAX_WINDOW_BITS)?,
        memory_level: DEFAULT_MEMORY_LEVEL,
        strategy: z::Z_DEFAULT_STRATEGY,
    };
    let mut stream = match Stream::deflate(&settings) {
        Ok(stream) => stream,
        Err(z::Z_STREAM_ERROR) => return Err(t.raise(ERROR.get(), "Bad compression level")),
        Err(code) => return Err(failure(t, code, None, "while compressing data")),
    };
    let mut out = Vec::new();
    let code = t.blocking(|| stream.run(&mut data.as_slice(), &mut out, usize::MAX, z::Z_FINISH));
    if code != z::Z_STREAM_END {
        return Err(failure(t, code, Some(&stream), "while compressing data"));
    }
    bytes(t, &out)
}

fn decompress_once(t: &Thread, a: &[Value]) -> R {
    const DOING: &str = "while decompressing data";
    let data: Buffer = get_buffer(t, a[0])?;
    let window_bits = small(t, a[1], MAX_WINDOW_BITS)?;
    if !a[2].is_null() && number::index_isize(t, a[2])? < 0 {
        raise!(t, ValueError, "bufsize must be non-negative")
    }
    let mut stream = match Stream::inflate(window_bits) {
        Ok(stream) => stream,
        Err(code) => return Err(failure(t, code, None, "while preparing to decompress data")),
    };
    let mut out = Vec::new();
    match t.blocking(|| stream.run(&mut data.as_slice(), &mut out, usize::MAX, z::Z_SYNC_FLUSH)) {
        z::Z_STREAM_END => bytes(t, &out),
        z::Z_OK | z::Z_BUF_ERROR => Err(failure(t, z::Z_BUF_ERROR, Some(&stream), DOING)),
        code => Err(failure(t, code, Some(&stream), DOING)),
    }
}
