//! `_io`: files, buffers, text.
//!
//! * [`base`]: the abstract classes; [`file_io`]: raw files; [`buffered`]: buffers in front of raw files; [`bytes_io`], [`string_io`]:
//!   files in memory; [`text`]: text in front of buffers; [`newline`]: the decoder that translates line ends; [`open`]: `open()`.

mod base;
mod buffered;
mod bytes_io;
mod file_io;
mod newline;
mod open;
mod string_io;
mod text;

use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::exc;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Raised, Ref, ValueExt};
use limpid_vm::protocol::{attr, call, truth};
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Exception, Module, Str, int, type_};

/// How much is read or written at a time.
pub const DEFAULT_BUFFER_SIZE: usize = 128 << 10;

/// `_io`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Files, buffers and text streams: what the module io is made of.",
    functions: &[
        FnDef::def("open", "file, mode='r', buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None", open::open),
        FnDef::def("open_code", "path", |t, a| {
            let mode = Str::new(t, "rb").value();
            open::open(t, &[a[0], mode, Value::NULL, Value::NULL, Value::NULL, Value::NULL, Value::NULL, Value::NULL])
        }),
        FnDef::def("text_encoding", "encoding, stacklevel=2, /", |t, a| {
            if !a[0].is_none() {
                return Ok(a[0]);
            }
            if warns_of_default_encoding(t) {
                let level = a[1].non_null().map_or(Ok(2), |level| limpid_vm::protocol::number::index_isize(t, level))?;
                limpid_vm::warnings::warn(t, exc::EncodingWarning, "'encoding' argument not specified", level)?;
            }
            let utf8 = t.runtime().options.utf8_mode;
            Ok(Str::new(t, if utf8 { "utf-8" } else { "locale" }).value())
        }),
    ],
    init,
    ..ModuleDef::named("_io")
};

static UNSUPPORTED_OPERATION: TypeCell = TypeCell::new();

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let dict = m.dict();
    dict.set_text(t, "DEFAULT_BUFFER_SIZE", Value::int(DEFAULT_BUFFER_SIZE as i64))?;
    dict.set_text(t, "BlockingIOError", exc::BlockingIOError.value())?;
    if UNSUPPORTED_OPERATION.opt().is_none() {
        let namespace = limpid_vm::types::Dict::new(t);
        namespace.set_text(t, "__module__", Str::new(t, "io").value())?;
        let bases = [exc::OSError.value(), exc::ValueError.value()];
        UNSUPPORTED_OPERATION.set(type_::new_class(t, "UnsupportedOperation", &bases, namespace)?);
    }
    dict.set_text(t, "UnsupportedOperation", UNSUPPORTED_OPERATION.get().value())?;
    for (cell, def) in [
        (&base::IO_BASE, &base::IO_BASE_DEF),
        (&base::RAW_IO_BASE, &base::RAW_IO_BASE_DEF),
        (&base::BUFFERED_IO_BASE, &base::BUFFERED_IO_BASE_DEF),
        (&base::TEXT_IO_BASE, &base::TEXT_IO_BASE_DEF),
        (&file_io::FILE_IO, &file_io::FILE_IO_DEF),
        (&bytes_io::BYTES_IO, &bytes_io::BYTES_IO_DEF),
        (&bytes_io::BYTES_IO_BUFFER, &bytes_io::BYTES_IO_BUFFER_DEF),
        (&buffered::READER, &buffered::READER_DEF),
        (&buffered::WRITER, &buffered::WRITER_DEF),
        (&buffered::RANDOM, &buffered::RANDOM_DEF),
        (&buffered::pair::RW_PAIR, &buffered::pair::RW_PAIR_DEF),
        (&newline::NEWLINE_DECODER, &newline::NEWLINE_DECODER_DEF),
        (&text::TEXT_IO_WRAPPER, &text::TEXT_IO_WRAPPER_DEF),
        (&string_io::STRING_IO, &string_io::STRING_IO_DEF),
    ] {
        let class = type_::create_native(t, def, cell)?;
        let name = def.name.rsplit('.').next().unwrap_or(def.name);
        dict.set_text(t, name, class.value())?;
    }
    Ok(())
}

/// `io.UnsupportedOperation`
pub(crate) fn unsupported(t: &Thread, what: &str) -> Raised {
    t.raise(UNSUPPORTED_OPERATION.get(), what)
}

/// Calls a method by name.
pub(crate) fn method(t: &Thread, v: Value, name: &str, args: &[Value]) -> R {
    call::call_method_text(t, v, name, args)
}

/// The truth of what a method gives.
pub(crate) fn ask(t: &Thread, v: Value, name: &str) -> R<bool> {
    truth::truth(t, method(t, v, name, &[])?)
}

/// Is the stream closed, by its attribute?
pub(crate) fn is_closed(t: &Thread, v: Value) -> R<bool> {
    truth::truth(t, attr::get_attr_text(t, v, "closed")?)
}

/// Is a text stream that is not told its encoding to be warned of?
pub(crate) fn warns_of_default_encoding(t: &Thread) -> bool {
    t.runtime().options.warn_default_encoding
}

/// Flushes a stream, then closes what it is built on, also if flushing fails. Of two exceptions the first is the second one's context.
pub(crate) fn flush_and_close(t: &Thread, stream: Value, below: Value) -> R {
    let flushed = method(t, stream, "flush", &[]);
    after(t, flushed, || method(t, below, "close", &[]))
}

/// Does something after something that may have failed. Of two exceptions the first is the second one's context.
pub(crate) fn after(t: &Thread, first: R, then: impl FnOnce() -> R) -> R {
    let saved = first.is_err().then(|| t.take_exception());
    match (saved, then()) {
        (Some(first), Err(_)) => {
            let second = t.take_exception();
            Exception::set_context(t, second, first);
            Err(t.raise_value(second))
        }
        (Some(first), Ok(_)) => Err(t.raise_value(first)),
        (None, result) => result,
    }
}

/// ValueError if the stream is closed.
pub(crate) fn check_open(t: &Thread, v: Value) -> R<()> {
    if is_closed(t, v)? {
        return Err(t.raise(exc::ValueError, "I/O operation on closed file."));
    }
    Ok(())
}

/// A size argument: None and negative numbers mean "all".
pub(crate) fn size(t: &Thread, v: Value) -> R<Option<usize>> {
    if v.is_null() || v.is_none() {
        return Ok(None);
    }
    if !limpid_vm::protocol::number::is_index(v) {
        return Err(t.raise(exc::TypeError, &format!("argument should be integer or None, not '{}'", v.class().display_name())));
    }
    Ok(usize::try_from(limpid_vm::protocol::number::index_clamped(t, v)?).ok())
}

/// What `seek` is given as its second argument.
pub(crate) fn whence(t: &Thread, v: Value) -> R<i64> {
    if v.is_null() { Ok(0) } else { int::to_i64(t, v) }
}
