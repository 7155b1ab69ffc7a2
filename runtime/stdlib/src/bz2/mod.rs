//! `_bz2`: what `bz2` is made of.
//!
//! Each object has a lock for its stream ([`owned::lock`]), and works with the thread's other duties suspended.

use crate::codec_stream::{self, CodecStream, Decoder, Step};
use crate::owned;
use bzip2::{Action, Compress, Compression, Decompress, Error, Status};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Raised, Ref, header_of};
use limpid_vm::protocol::number;
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytes, Module, TypeDef, type_};
use limpid_vm::{err, layout, raise};
use parking_lot::Mutex;
use std::mem::MaybeUninit;

/// `_bz2`
pub static MODULE: ModuleDef = ModuleDef { init, ..ModuleDef::named("_bz2") };

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    for (name, def, cell) in [("BZ2Compressor", &COMPRESSOR_DEF, &COMPRESSOR), ("BZ2Decompressor", &DECOMPRESSOR_DEF, &DECOMPRESSOR)] {
        m.dict().set_text(t, name, type_::create_native(t, def, cell)?.value())?;
    }
    Ok(())
}

/// What went wrong: the library's error, or no memory.
pub(crate) enum Failure {
    Library(Error),
    Memory,
}

fn raise(t: &Thread, failure: Failure) -> Raised {
    match failure {
        Failure::Memory => err!(t, MemoryError, ""),
        Failure::Library(Error::Data | Error::DataMagic) => err!(t, OSError, "Invalid data stream"),
        Failure::Library(Error::Param) => err!(t, ValueError, "Internal error - invalid parameters passed to libbzip2"),
        Failure::Library(Error::Sequence) => err!(t, RuntimeError, "Internal error - Invalid sequence of commands sent to libbzip2"),
    }
}

/// How much the library takes, or gives, at once.
const MOST: usize = u32::MAX as usize;

impl CodecStream for Compress {
    type Error = Failure;

    fn raise(t: &Thread, error: Failure) -> Raised {
        raise(t, error)
    }

    fn step(&mut self, input: &[u8], out: &mut [MaybeUninit<u8>], finish: bool) -> Result<Step, Failure> {
        let (before_in, before_out) = (self.total_in(), self.total_out());
        let given = &input[..input.len().min(MOST)];
        let action = if finish && given.len() == input.len() { Action::Finish } else { Action::Run };
        let status = self.compress_uninit(given, out, action).map_err(Failure::Library)?;
        Ok(Step {
            consumed: (self.total_in() - before_in) as usize,
            produced: (self.total_out() - before_out) as usize,
            ended: status == Status::StreamEnd,
        })
    }
}

impl CodecStream for Decompress {
    type Error = Failure;

    fn raise(t: &Thread, error: Failure) -> Raised {
        raise(t, error)
    }

    fn step(&mut self, input: &[u8], out: &mut [MaybeUninit<u8>], _: bool) -> Result<Step, Failure> {
        let (before_in, before_out) = (self.total_in(), self.total_out());
        match self.decompress_uninit(input, out).map_err(Failure::Library)? {
            Status::MemNeeded => Err(Failure::Memory),
            status => Ok(Step {
                consumed: (self.total_in() - before_in) as usize,
                produced: (self.total_out() - before_out) as usize,
                ended: status == Status::StreamEnd,
            }),
        }
    }
}

// ---- BZ2Compressor ----

/// The layout of `BZ2Compressor`.
#[repr(C)]
pub struct Compressor {
    header: Header,
    /// None when it has been flushed.
    stream: Mutex<Option<Compress>>,
}

/// `_bz2.BZ2Compressor`
pub static COMPRESSOR: TypeCell = TypeCell::new();
layout!(Compressor, COMPRESSOR.get(), Leaf);

fn compressor_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::of_constructor("compresslevel=9, /");
    args.bind(t, "BZ2Compressor", &SIGNATURE, |a| {
        let level = if a[0].is_null() { 9 } else { number::index_i32(t, a[0])? };
        if !(1..=9).contains(&level) {
            raise!(t, ValueError, "compresslevel must be between 1 and 9")
        }
        let stream = Mutex::new(Some(Compress::new(Compression::new(level as u32), 0)));
        let made = Compressor { header: header_of::<Compressor>(), stream };
        // SAFETY: the slot is called with a type.
        Ok(owned::dropped(t, t.alloc_instance(unsafe { Ref::from_value(class) }, made)).value())
    })
}

static COMPRESSOR_DEF: TypeDef = TypeDef {
    doc: "BZ2Compressor(compresslevel=9, /)\n--\n\nA compressor for data that comes in pieces.\n\n  compresslevel\n    From 1 (least memory) to 9 (smallest output).",
    slots: SlotTable { new: Some(compressor_new), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("compress", "self, data, /", |t, a| codec_stream::compress(t, &receiver::<Compressor>(a[0]).stream, a[1]))
            .doc("Take more data; what can be written of the compressed data by now."),
        FnDef::def("flush", "self, /", |t, a| codec_stream::flush(t, &receiver::<Compressor>(a[0]).stream))
            .doc("End the compressed data; its last part. The compressor is of no use after that."),
    ],
    ..TypeDef::of::<Compressor>("_bz2.BZ2Compressor")
};

// ---- BZ2Decompressor ----

/// The layout of `BZ2Decompressor`.
#[repr(C)]
pub struct Decompressor {
    header: Header,
    decoder: Mutex<Decoder<Decompress>>,
}

/// `_bz2.BZ2Decompressor`
pub static DECOMPRESSOR: TypeCell = TypeCell::new();
layout!(Decompressor, DECOMPRESSOR.get(), Leaf);

fn decompressor_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::of_constructor("");
    args.bind(t, "BZ2Decompressor", &SIGNATURE, |_| {
        let decoder = Mutex::new(Decoder::new(Decompress::new(false)));
        let made = Decompressor { header: header_of::<Decompressor>(), decoder };
        // SAFETY: the slot is called with a type.
        Ok(owned::dropped(t, t.alloc_instance(unsafe { Ref::from_value(class) }, made)).value())
    })
}

/// A part of the state.
fn part<T>(t: &Thread, v: Value, f: impl FnOnce(&Decoder<Decompress>) -> T) -> T {
    f(&owned::lock(t, &receiver::<Decompressor>(v).decoder))
}

static DECOMPRESSOR_DEF: TypeDef = TypeDef {
    doc: "BZ2Decompressor()\n--\n\nA decompressor for data that comes in pieces.",
    slots: SlotTable { new: Some(decompressor_new), ..SlotTable::EMPTY },
    methods: &[FnDef::def("decompress", "self, data, max_length=-1", |t, a| {
        codec_stream::decompress(t, &receiver::<Decompressor>(a[0]).decoder, a[1], a[2], "End of stream already reached")
    })
    .doc("Take more data; what can be decompressed by now, max_length bytes at most unless that is negative.")],
    getset: &[
        GetSet::getter("eof", |t, v| Ok(Value::bool(part(t, v, |d| d.eof))))
            .doc("Has the end of the compressed data been reached?")
            .member(),
        GetSet::getter("unused_data", |t, v| Ok(Bytes::from_slice(t, &part(t, v, |d| d.unused.clone()))?.value()))
            .doc("What came behind the end of the compressed data.")
            .member(),
        GetSet::getter("needs_input", |t, v| Ok(Value::bool(part(t, v, |d| d.needs_input))))
            .doc("Does it take more input to get more output?")
            .member(),
    ],
    ..TypeDef::of::<Decompressor>("_bz2.BZ2Decompressor")
};
