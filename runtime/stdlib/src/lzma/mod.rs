//! `_lzma`: what `lzma` is made of.
//!
//! Each object has a lock for its stream ([`owned::lock`]), and works with the thread's other duties suspended.

mod filters;
mod stream;

use crate::codec_stream::{self, Decoder};
use crate::exception_class::{self, ExceptionClass};
use crate::{constants, owned};
use filters::Chain;
use liblzma_sys as z;
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Raised, Ref, header_of};
use limpid_vm::protocol::number;
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytes, Module, TypeDef, int, type_};
use limpid_vm::{exc, layout, raise};
use parking_lot::Mutex;
use stream::Stream;

/// `_lzma.LZMAError`
pub static ERROR: TypeCell = TypeCell::new();

/// Containers.
const FORMAT_AUTO: i32 = 0;
const FORMAT_XZ: i32 = 1;
const FORMAT_ALONE: i32 = 2;
const FORMAT_RAW: i32 = 3;

/// The highest number of a check, and what stands for one that is not known yet.
const CHECK_ID_MAX: u32 = 15;
const CHECK_UNKNOWN: u32 = CHECK_ID_MAX + 1;

/// `_lzma`
pub static MODULE: ModuleDef = ModuleDef {
    functions: &[
        FnDef::def("is_check_supported", "check_id, /", |t, a| {
            let check = number::index_i32(t, a[0])?;
            // SAFETY: any number may be asked for.
            Ok(Value::bool(unsafe { z::lzma_check_is_supported(check as u32) } != 0))
        })
        .doc("Does the library know this integrity check?"),
        FnDef::def("_encode_filter_properties", "filter, /", filters::encode_properties)
            .doc("A filter's options, all but its id, as bytes."),
        FnDef::def("_decode_filter_properties", "filter_id, encoded_props, /", filters::decode_properties)
            .doc("A filter's options, as a dict, from bytes."),
    ],
    init,
    ..ModuleDef::named("_lzma")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let error = ExceptionClass { name: "_lzma.LZMAError", doc: "Call to liblzma failed.", base: || exc::Exception };
    exception_class::add(t, m, &ERROR, &error)?;
    for (name, def, cell) in [("LZMACompressor", &COMPRESSOR_DEF, &COMPRESSOR), ("LZMADecompressor", &DECOMPRESSOR_DEF, &DECOMPRESSOR)] {
        m.dict().set_text(t, name, type_::create_native(t, def, cell)?.value())?;
    }
    constants::add(
        t,
        m,
        &[
            ("FORMAT_AUTO", FORMAT_AUTO.into()),
            ("FORMAT_XZ", FORMAT_XZ.into()),
            ("FORMAT_ALONE", FORMAT_ALONE.into()),
            ("FORMAT_RAW", FORMAT_RAW.into()),
            ("CHECK_NONE", z::LZMA_CHECK_NONE.into()),
            ("CHECK_CRC32", z::LZMA_CHECK_CRC32.into()),
            ("CHECK_CRC64", z::LZMA_CHECK_CRC64.into()),
            ("CHECK_SHA256", z::LZMA_CHECK_SHA256.into()),
            ("CHECK_ID_MAX", CHECK_ID_MAX.into()),
            ("CHECK_UNKNOWN", CHECK_UNKNOWN.into()),
            ("FILTER_LZMA1", z::LZMA_FILTER_LZMA1 as i64),
            ("FILTER_LZMA2", z::LZMA_FILTER_LZMA2 as i64),
            ("FILTER_DELTA", z::LZMA_FILTER_DELTA as i64),
            ("FILTER_X86", z::LZMA_FILTER_X86 as i64),
            ("FILTER_POWERPC", z::LZMA_FILTER_POWERPC as i64),
            ("FILTER_IA64", z::LZMA_FILTER_IA64 as i64),
            ("FILTER_ARM", z::LZMA_FILTER_ARM as i64),
            ("FILTER_ARMTHUMB", z::LZMA_FILTER_ARMTHUMB as i64),
            ("FILTER_SPARC", z::LZMA_FILTER_SPARC as i64),
            ("MF_HC3", z::LZMA_MF_HC3.into()),
            ("MF_HC4", z::LZMA_MF_HC4.into()),
            ("MF_BT2", z::LZMA_MF_BT2.into()),
            ("MF_BT3", z::LZMA_MF_BT3.into()),
            ("MF_BT4", z::LZMA_MF_BT4.into()),
            ("MODE_FAST", z::LZMA_MODE_FAST.into()),
            ("MODE_NORMAL", z::LZMA_MODE_NORMAL.into()),
            ("PRESET_DEFAULT", z::LZMA_PRESET_DEFAULT.into()),
            ("PRESET_EXTREME", z::LZMA_PRESET_EXTREME.into()),
        ],
    )
}

/// Raises what a code of the library stands for, if that is a failure.
fn failure(t: &Thread, code: z::lzma_ret) -> R<()> {
    let text = match code {
        z::LZMA_OK | z::LZMA_GET_CHECK | z::LZMA_NO_CHECK | z::LZMA_STREAM_END => return Ok(()),
        z::LZMA_MEM_ERROR => raise!(t, MemoryError, ""),
        z::LZMA_UNSUPPORTED_CHECK => "Unsupported integrity check",
        z::LZMA_MEMLIMIT_ERROR => "Memory usage limit exceeded",
        z::LZMA_FORMAT_ERROR => "Input format not supported by decoder",
        z::LZMA_OPTIONS_ERROR => "Invalid or unsupported options",
        z::LZMA_DATA_ERROR => "Corrupt input data",
        z::LZMA_BUF_ERROR => "Insufficient buffer space",
        z::LZMA_PROG_ERROR => "Internal error",
        _ => return Err(t.raise(ERROR.get(), &format!("Unrecognized error from liblzma: {code}"))),
    };
    Err(t.raise(ERROR.get(), text))
}

/// Raises what a code of the library stands for, which is no success.
fn raised(t: &Thread, code: z::lzma_ret) -> Raised {
    failure(t, code).err().unwrap_or_else(|| t.raise(ERROR.get(), "Internal error"))
}

/// What the library has made, or the exception its code stands for.
fn done<T>(t: &Thread, result: Result<T, z::lzma_ret>) -> R<T> {
    result.map_err(|code| raised(t, code))
}

/// An argument that is missing when it is NULL or None.
fn given(v: Value) -> Option<Value> {
    if v.is_null() || v.is_none() { None } else { Some(v) }
}

fn invalid_format<T>(t: &Thread, format: i32) -> R<T> {
    raise!(t, ValueError, "Invalid container format: {format}")
}

// ---- LZMACompressor ----

/// The layout of `LZMACompressor`.
#[repr(C)]
pub struct Compressor {
    header: Header,
    /// None when it has been flushed.
    stream: Mutex<Option<Stream>>,
}

/// `_lzma.LZMACompressor`
pub static COMPRESSOR: TypeCell = TypeCell::new();
layout!(Compressor, COMPRESSOR.get(), Leaf);

fn compressor_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::of_constructor("format=FORMAT_XZ, check=-1, preset=None, filters=None");
    args.bind(t, "LZMACompressor", &SIGNATURE, |a| {
        let format = if a[0].is_null() { FORMAT_XZ } else { number::index_i32(t, a[0])? };
        let check = if a[1].is_null() { -1 } else { number::index_i32(t, a[1])? };
        let (preset, filters) = (given(a[2]), given(a[3]));
        if preset.is_some() && filters.is_some() {
            raise!(t, ValueError, "Cannot specify both preset and filter chain")
        }
        let preset = preset.map_or(Ok(z::LZMA_PRESET_DEFAULT), |v| int::to_u32(t, number::index(t, v)?))?;
        if format != FORMAT_XZ && check != -1 && check != z::LZMA_CHECK_NONE as i32 {
            raise!(t, ValueError, "Integrity checks are only supported by FORMAT_XZ")
        }
        let check = if check == -1 { z::LZMA_CHECK_CRC64 } else { check as u32 };
        let chain = filters.map(|f| Chain::parse(t, f)).transpose()?;
        let stream = match (format, &chain) {
            (FORMAT_XZ, None) => Stream::xz_encoder(preset, check),
            (FORMAT_XZ, Some(chain)) => Stream::xz_filter_encoder(chain, check),
            (FORMAT_ALONE, None) => Stream::alone_encoder(&filters::preset(t, preset)?),
            (FORMAT_ALONE, Some(chain)) => match chain.alone() {
                Some(options) => Stream::alone_encoder(options),
                None => raise!(t, ValueError, "Invalid filter chain for FORMAT_ALONE - must be a single LZMA1 filter"),
            },
            (FORMAT_RAW, None) => raise!(t, ValueError, "Must specify filters for FORMAT_RAW"),
            (FORMAT_RAW, Some(chain)) => Stream::raw_encoder(chain),
            _ => return invalid_format(t, format),
        };
        let made = Compressor { header: header_of::<Compressor>(), stream: Mutex::new(Some(done(t, stream)?)) };
        // SAFETY: the slot is called with a type.
        Ok(owned::dropped(t, t.alloc_instance(unsafe { Ref::from_value(class) }, made)).value())
    })
}

static COMPRESSOR_DEF: TypeDef = TypeDef {
    doc: "LZMACompressor(format=FORMAT_XZ, check=-1, preset=None, filters=None)\n--\n\nA compressor for data that comes in pieces.",
    slots: SlotTable { new: Some(compressor_new), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("compress", "self, data, /", |t, a| codec_stream::compress(t, &receiver::<Compressor>(a[0]).stream, a[1]))
            .doc("Take more data; what can be written of the compressed data by now."),
        FnDef::def("flush", "self, /", |t, a| codec_stream::flush(t, &receiver::<Compressor>(a[0]).stream))
            .doc("End the compressed data; its last part. The compressor is of no use after that."),
    ],
    ..TypeDef::of::<Compressor>("_lzma.LZMACompressor")
};

// ---- LZMADecompressor ----

/// The layout of `LZMADecompressor`.
#[repr(C)]
pub struct Decompressor {
    header: Header,
    decoder: Mutex<Decoder<Stream>>,
}

/// `_lzma.LZMADecompressor`
pub static DECOMPRESSOR: TypeCell = TypeCell::new();
layout!(Decompressor, DECOMPRESSOR.get(), Leaf);

fn decompressor_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::of_constructor("format=FORMAT_AUTO, memlimit=None, filters=None");
    args.bind(t, "LZMADecompressor", &SIGNATURE, |a| {
        let format = if a[0].is_null() { FORMAT_AUTO } else { number::index_i32(t, a[0])? };
        let (limit, filters) = (given(a[1]), given(a[2]));
        if limit.is_some() && format == FORMAT_RAW {
            raise!(t, ValueError, "Cannot specify memory limit with FORMAT_RAW")
        }
        let memory = limit.map_or(Ok(u64::MAX), |v| int::to_u64(t, number::index(t, v)?))?;
        if format == FORMAT_RAW && filters.is_none() {
            raise!(t, ValueError, "Must specify filters for FORMAT_RAW")
        }
        if format != FORMAT_RAW && filters.is_some() {
            raise!(t, ValueError, "Cannot specify filters except with FORMAT_RAW")
        }
        let stream = match (format, filters) {
            (FORMAT_AUTO, _) => Stream::decoder(memory, true),
            (FORMAT_XZ, _) => Stream::decoder(memory, false),
            (FORMAT_ALONE, _) => Stream::alone_decoder(memory),
            (FORMAT_RAW, Some(filters)) => Stream::raw_decoder(&Chain::parse(t, filters)?),
            _ => return invalid_format(t, format),
        };
        let decoder = Mutex::new(Decoder::new(done(t, stream)?));
        let made = Decompressor { header: header_of::<Decompressor>(), decoder };
        // SAFETY: the slot is called with a type.
        Ok(owned::dropped(t, t.alloc_instance(unsafe { Ref::from_value(class) }, made)).value())
    })
}

/// A part of the state.
fn part<T>(t: &Thread, v: Value, f: impl FnOnce(&Decoder<Stream>) -> T) -> T {
    f(&owned::lock(t, &receiver::<Decompressor>(v).decoder))
}

static DECOMPRESSOR_DEF: TypeDef = TypeDef {
    doc: "LZMADecompressor(format=FORMAT_AUTO, memlimit=None, filters=None)\n--\n\nA decompressor for data that comes in pieces.",
    slots: SlotTable { new: Some(decompressor_new), ..SlotTable::EMPTY },
    methods: &[FnDef::def("decompress", "self, data, max_length=-1", |t, a| {
        codec_stream::decompress(t, &receiver::<Decompressor>(a[0]).decoder, a[1], a[2], "Already at end of stream")
    })
    .doc("Take more data; what can be decompressed by now, max_length bytes at most unless that is negative.")],
    getset: &[
        GetSet::getter("check", |t, v| Ok(int::from_u64(t, part(t, v, |d| d.stream.check).into())))
            .doc("What checks the data, CHECK_UNKNOWN before that is known.")
            .member(),
        GetSet::getter("eof", |t, v| Ok(Value::bool(part(t, v, |d| d.eof))))
            .doc("Has the end of the compressed data been reached?")
            .member(),
        GetSet::getter("needs_input", |t, v| Ok(Value::bool(part(t, v, |d| d.needs_input))))
            .doc("Does it take more input to get more output?")
            .member(),
        GetSet::getter("unused_data", |t, v| Ok(Bytes::from_slice(t, &part(t, v, |d| d.unused.clone()))?.value()))
            .doc("What came behind the end of the compressed data.")
            .member(),
    ],
    ..TypeDef::of::<Decompressor>("_lzma.LZMADecompressor")
};
