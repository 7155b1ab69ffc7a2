//! What `zlib.compressobj` gives.

use super::stream::{Settings, Stream};
use super::{DEFAULT_MEMORY_LEVEL, MAX_WINDOW_BITS, bytes, dictionary, failure, initialised, small};
use crate::owned;
use libz_rs_sys as z;
use limpid_heap::{Header, Value};
use limpid_vm::args::{FnDef, receiver};
use limpid_vm::object::{R, header_of};
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::get_buffer;
use limpid_vm::types::{TypeDef, flag};
use limpid_vm::{layout, raise};
use parking_lot::Mutex;

/// The layout.
#[repr(C)]
pub struct Compress {
    header: Header,
    /// None when it has ended.
    stream: Mutex<Option<Stream>>,
}

/// `zlib.Compress`
pub static COMPRESS: TypeCell = TypeCell::new();
layout!(Compress, COMPRESS.get(), Leaf);

fn object(t: &Thread, stream: Stream) -> Value {
    owned::dropped(t, t.alloc(Compress { header: header_of::<Compress>(), stream: Mutex::new(Some(stream)) })).value()
}

/// `zlib.compressobj`
pub(super) fn create(t: &Thread, a: &[Value]) -> R {
    let settings = Settings {
        level: small(t, a[0], z::Z_DEFAULT_COMPRESSION)?,
        method: small(t, a[1], z::Z_DEFLATED)?,
        window_bits: small(t, a[2], MAX_WINDOW_BITS)?,
        memory_level: small(t, a[3], DEFAULT_MEMORY_LEVEL)?,
        strategy: small(t, a[4], z::Z_DEFAULT_STRATEGY)?,
    };
    let dictionary = dictionary(t, a[5])?;
    let mut stream = initialised(t, Stream::deflate(&settings), "compression")?;
    if let Some(dictionary) = dictionary {
        match stream.set_dictionary(&dictionary) {
            z::Z_OK => {}
            z::Z_STREAM_ERROR => raise!(t, ValueError, "Invalid dictionary"),
            _ => raise!(t, ValueError, "deflateSetDictionary()"),
        }
    }
    Ok(object(t, stream))
}

fn compress(t: &Thread, a: &[Value]) -> R {
    const DOING: &str = "while compressing data";
    let data = get_buffer(t, a[1])?;
    let this = receiver::<Compress>(a[0]);
    let mut stream = owned::lock(t, &this.stream);
    let Some(s) = stream.as_mut() else { return Err(failure(t, z::Z_STREAM_ERROR, None, DOING)) };
    let mut out = Vec::new();
    let code = t.blocking(|| s.run(&mut data.as_slice(), &mut out, usize::MAX, z::Z_NO_FLUSH));
    if code == z::Z_STREAM_ERROR {
        return Err(failure(t, code, Some(s), DOING));
    }
    bytes(t, &out)
}

fn flush(t: &Thread, a: &[Value]) -> R {
    const DOING: &str = "while flushing";
    let mode = small(t, a[1], z::Z_FINISH)?;
    if mode == z::Z_NO_FLUSH {
        return bytes(t, &[]);
    }
    let this = receiver::<Compress>(a[0]);
    let mut stream = owned::lock(t, &this.stream);
    let Some(s) = stream.as_mut() else { return Err(failure(t, z::Z_STREAM_ERROR, None, DOING)) };
    let mut out = Vec::new();
    let code = t.blocking(|| s.run(&mut &[][..], &mut out, usize::MAX, mode));
    match code {
        z::Z_STREAM_END if mode == z::Z_FINISH => *stream = None,
        z::Z_OK | z::Z_BUF_ERROR => {}
        _ => return Err(failure(t, code, Some(s), DOING)),
    }
    bytes(t, &out)
}

fn copy(t: &Thread, a: &[Value]) -> R {
    let copied = owned::lock(t, &receiver::<Compress>(a[0]).stream).as_mut().and_then(Stream::try_clone);
    match copied {
        Some(stream) => Ok(object(t, stream)),
        None => raise!(t, ValueError, "Inconsistent stream state"),
    }
}

/// `zlib.Compress`
pub static COMPRESS_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    methods: &[
        FnDef::def("compress", "self, data, /", compress).doc("Returns a bytes object containing compressed data."),
        FnDef::def("flush", "self, mode=zlib.Z_FINISH, /", flush).doc("Return a bytes object containing any remaining compressed data."),
        FnDef::def("copy", "self, /", copy).doc("Return a copy of the compression object."),
        FnDef::def("__copy__", "self, /", copy),
        FnDef::def("__deepcopy__", "self, memo, /", copy),
    ],
    ..TypeDef::of::<Compress>("zlib.Compress")
};
