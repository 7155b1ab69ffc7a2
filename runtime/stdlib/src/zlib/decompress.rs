//! What `zlib.decompressobj` gives, and `zlib._ZlibDecompressor`.

use super::stream::Stream;
use super::{BUFFER_SIZE, MAX_WINDOW_BITS, bytes, dictionary, failure, initialised, small};
use crate::owned;
use libz_rs_sys as z;
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, header_of};
use limpid_vm::protocol::number;
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::get_buffer;
use limpid_vm::types::{TypeDef, flag};
use limpid_vm::{layout, raise};
use parking_lot::Mutex;
use std::ffi::c_int;

const DOING: &str = "while decompressing data";

/// The stream and what belongs to it.
struct State {
    /// None when it has ended.
    stream: Option<Stream>,
    dictionary: Option<Vec<u8>>,
    /// What came behind the end of the compressed data.
    unused: Vec<u8>,
    /// Input that is yet to be decompressed.
    pending: Vec<u8>,
    eof: bool,
}

impl State {
    fn new(t: &Thread, window_bits: Value, dictionary_argument: Value) -> R<State> {
        let window_bits = small(t, window_bits, MAX_WINDOW_BITS)?;
        let dictionary = dictionary(t, dictionary_argument)?.filter(|d| !d.is_empty());
        let mut stream = initialised(t, Stream::inflate(window_bits), "decompression")?;
        if let Some(dictionary) = dictionary.as_ref().filter(|_| window_bits < 0) {
            let code = stream.set_dictionary(dictionary);
            if code != z::Z_OK {
                return Err(failure(t, code, Some(&stream), "while setting zdict"));
            }
        }
        Ok(State { stream: Some(stream), dictionary, unused: Vec::new(), pending: Vec::new(), eof: false })
    }

    /// Decompresses until the input or the room for output is used up. Gives zlib's code and what it was doing when it went wrong.
    fn run(&mut self, input: &mut &[u8], out: &mut Vec<u8>, limit: usize, flush: c_int) -> (c_int, Option<&'static str>) {
        let Some(stream) = self.stream.as_mut() else { return (z::Z_STREAM_ERROR, None) };
        loop {
            let code = stream.run(input, out, limit, flush);
            match self.dictionary.as_ref().filter(|_| code == z::Z_NEED_DICT) {
                None => return (code, None),
                Some(dictionary) => {
                    let code = stream.set_dictionary(dictionary);
                    if code != z::Z_OK {
                        return (code, Some("while setting zdict"));
                    }
                }
            }
        }
    }
}

// ---- Decompress ----

/// The layout of `Decompress`.
#[repr(C)]
pub struct Decompress {
    header: Header,
    state: Mutex<State>,
}

/// `zlib.Decompress`
pub static DECOMPRESS: TypeCell = TypeCell::new();
layout!(Decompress, DECOMPRESS.get(), Leaf);

fn object(t: &Thread, state: State) -> Value {
    owned::dropped(t, t.alloc(Decompress { header: header_of::<Decompress>(), state: Mutex::new(state) })).value()
}

/// `zlib.decompressobj`
pub(super) fn create(t: &Thread, a: &[Value]) -> R {
    Ok(object(t, State::new(t, a[0], a[1])?))
}

/// Keeps what was not decompressed for the program to see.
fn keep(state: &mut State, rest: &[u8], code: c_int) {
    if code == z::Z_STREAM_END {
        state.unused.extend_from_slice(rest);
        state.pending.clear();
    } else {
        state.pending = rest.to_vec();
    }
}

fn decompress(t: &Thread, a: &[Value]) -> R {
    let data = get_buffer(t, a[1])?;
    let limit = match if a[2].is_null() { 0 } else { number::index_isize(t, a[2])? } {
        n if n < 0 => raise!(t, ValueError, "max_length must be non-negative"),
        0 => usize::MAX,
        n => n as usize,
    };
    let this = receiver::<Decompress>(a[0]);
    let mut state = owned::lock(t, &this.state);
    let (mut input, mut out) = (data.as_slice(), Vec::new());
    let (code, doing) = t.blocking(|| state.run(&mut input, &mut out, limit, z::Z_SYNC_FLUSH));
    keep(&mut state, input, code);
    match code {
        z::Z_STREAM_END => state.eof = true,
        z::Z_OK | z::Z_BUF_ERROR => {}
        _ => return Err(failure(t, code, state.stream.as_ref(), doing.unwrap_or(DOING))),
    }
    drop(state);
    bytes(t, &out)
}

fn flush(t: &Thread, a: &[Value]) -> R {
    let length = if a[1].is_null() { BUFFER_SIZE as isize } else { number::index_isize(t, a[1])? };
    if length <= 0 {
        raise!(t, ValueError, "length must be greater than zero")
    }
    let this = receiver::<Decompress>(a[0]);
    let mut state = owned::lock(t, &this.state);
    if state.stream.is_none() {
        drop(state);
        return bytes(t, &[]);
    }
    let pending = std::mem::take(&mut state.pending);
    let (mut input, mut out) = (&pending[..], Vec::new());
    let (code, doing) = t.blocking(|| state.run(&mut input, &mut out, usize::MAX, z::Z_FINISH));
    keep(&mut state, input, code);
    match code {
        z::Z_STREAM_END => {
            state.eof = true;
            state.stream = None;
        }
        z::Z_OK | z::Z_BUF_ERROR => {}
        _ => return Err(failure(t, code, state.stream.as_ref(), doing.unwrap_or(DOING))),
    }
    drop(state);
    bytes(t, &out)
}

fn copy(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Decompress>(a[0]);
    let mut state = owned::lock(t, &this.state);
    let Some(stream) = state.stream.as_mut().and_then(Stream::try_clone) else {
        drop(state);
        raise!(t, ValueError, "Inconsistent stream state")
    };
    let copied = State {
        stream: Some(stream),
        dictionary: state.dictionary.clone(),
        unused: state.unused.clone(),
        pending: state.pending.clone(),
        eof: state.eof,
    };
    drop(state);
    Ok(object(t, copied))
}

/// A copy of a part of the state.
fn part<T>(t: &Thread, state: &Mutex<State>, f: impl FnOnce(&State) -> T) -> T {
    f(&owned::lock(t, state))
}

/// `zlib.Decompress`
pub static DECOMPRESS_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    methods: &[
        FnDef::def("decompress", "self, data, /, max_length=0", decompress)
            .doc("Return a bytes object containing the decompressed version of the data."),
        FnDef::def("flush", "self, length=zlib.DEF_BUF_SIZE, /", flush)
            .doc("Return a bytes object containing any remaining decompressed data."),
        FnDef::def("copy", "self, /", copy).doc("Return a copy of the decompression object."),
        FnDef::def("__copy__", "self, /", copy),
        FnDef::def("__deepcopy__", "self, memo, /", copy),
    ],
    getset: &[
        GetSet::getter("unused_data", |t, v| bytes(t, &part(t, &receiver::<Decompress>(v).state, |s| s.unused.clone()))).member(),
        GetSet::getter("unconsumed_tail", |t, v| bytes(t, &part(t, &receiver::<Decompress>(v).state, |s| s.pending.clone()))).member(),
        GetSet::getter("eof", |t, v| Ok(Value::bool(part(t, &receiver::<Decompress>(v).state, |s| s.eof)))).member(),
    ],
    ..TypeDef::of::<Decompress>("zlib.Decompress")
};

// ---- _ZlibDecompressor ----

/// The layout of `_ZlibDecompressor`: it keeps input that it had no room to decompress.
#[repr(C)]
pub struct Decompressor {
    header: Header,
    state: Mutex<State>,
}

/// `zlib._ZlibDecompressor`
pub static DECOMPRESSOR: TypeCell = TypeCell::new();
layout!(Decompressor, DECOMPRESSOR.get(), Leaf);

fn decompressor_new(t: &Thread, _: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("wbits=MAX_WBITS, zdict=b''");
    args.bind(t, "_ZlibDecompressor", &SIGNATURE, |a| {
        let state = State::new(t, a[0], a[1])?;
        let made = t.alloc(Decompressor { header: header_of::<Decompressor>(), state: Mutex::new(state) });
        Ok(owned::dropped(t, made).value())
    })
}

fn decompressor_decompress(t: &Thread, a: &[Value]) -> R {
    let data = get_buffer(t, a[1])?;
    let limit = match if a[2].is_null() { -1 } else { number::index_isize(t, a[2])? } {
        n if n < 0 => usize::MAX,
        n => n as usize,
    };
    let this = receiver::<Decompressor>(a[0]);
    let mut state = owned::lock(t, &this.state);
    if state.eof {
        drop(state);
        raise!(t, EOFError, "End of stream already reached")
    }
    let mut kept = std::mem::take(&mut state.pending);
    let mut input = if kept.is_empty() {
        data.as_slice()
    } else {
        kept.extend_from_slice(data.as_slice());
        &kept
    };
    let mut out = Vec::new();
    let (code, doing) = t.blocking(|| state.run(&mut input, &mut out, limit, z::Z_SYNC_FLUSH));
    match code {
        z::Z_STREAM_END => {
            state.eof = true;
            state.unused = input.to_vec();
        }
        z::Z_OK | z::Z_BUF_ERROR => state.pending = input.to_vec(),
        _ => return Err(failure(t, code, state.stream.as_ref(), doing.unwrap_or(DOING))),
    }
    drop(state);
    bytes(t, &out)
}

/// `zlib._ZlibDecompressor`
pub static DECOMPRESSOR_DEF: TypeDef = TypeDef {
    doc: "_ZlibDecompressor(wbits=15, zdict=b'')\n--\n\nCreate a decompressor object for decompressing data incrementally.",
    slots: SlotTable { new: Some(decompressor_new), ..SlotTable::EMPTY },
    methods: &[FnDef::def("decompress", "self, data, max_length=-1", decompressor_decompress)
        .doc("Decompress *data*, returning uncompressed data as bytes.")],
    getset: &[
        GetSet::getter("eof", |t, v| Ok(Value::bool(part(t, &receiver::<Decompressor>(v).state, |s| s.eof))))
            .doc("True if the end-of-stream marker has been reached.")
            .member(),
        GetSet::getter("unused_data", |t, v| bytes(t, &part(t, &receiver::<Decompressor>(v).state, |s| s.unused.clone())))
            .doc("Data found after the end of the compressed stream.")
            .member(),
        GetSet::getter("needs_input", |t, v| {
            Ok(Value::bool(part(t, &receiver::<Decompressor>(v).state, |s| !s.eof && s.pending.is_empty())))
        })
        .doc("True if more input is needed before more decompressed data can be produced.")
        .member(),
    ],
    ..TypeDef::of::<Decompressor>("zlib._ZlibDecompressor")
};
