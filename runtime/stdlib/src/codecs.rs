//! `_codecs`: the codec registry and the encodings that the runtime has built in, for the module `codecs` and the package `encodings`.
//!
//! The work is done in [`limpid_vm::types::str::codec`]; here it gets its Python names and argument rules.

use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{number, truth};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::get_buffer;
use limpid_vm::types::str::codec::utf16::Order;
use limpid_vm::types::str::codec::{self, Errors, charmap, escape, latin1, registry, utf7, utf8, utf16, utf32};
use limpid_vm::types::{Bytes, Str, Tuple, int};

/// `_codecs`
pub static MODULE: ModuleDef = ModuleDef { functions: FUNCTIONS, ..ModuleDef::named("_codecs") };

/// `name_encode(str, errors=None, /)`
macro_rules! encoder {
    ($name:literal, $encode:expr) => {
        FnDef::def($name, "str, errors=None, /", |t, a| {
            let s = text(t, $name, 1, a[0])?;
            let encode: fn(&Thread, Ref<Str>, Errors) -> R<Ref<Bytes>> = $encode;
            encoded(t, s, encode(t, s, errors(t, $name, 2, a[1])?)?)
        })
    };
}

/// `name_decode(data, errors=None, final=False, /)`
macro_rules! decoder {
    ($name:literal, $decode:expr) => {
        FnDef::def($name, "data, errors=None, final=False, /", |t, a| {
            let last = !a[2].is_null() && truth::truth(t, a[2])?;
            let decode: fn(&Thread, &[u8], Value, Errors, bool) -> R<(Ref<Str>, usize)> = $decode;
            let (s, used) = decode(t, get_buffer(t, a[0])?.as_slice(), a[0], errors(t, $name, 2, a[1])?, last)?;
            Ok(pair(t, s.value(), used))
        })
    };
}

/// `name_encode(str, errors=None, byteorder=0, /)` and the like for UTF-16 and UTF-32, whose order of bytes is an argument.
macro_rules! wide {
    ($encode:literal, $decode:literal, $ex_decode:literal, $module:ident) => {
        [
            FnDef::def($encode, "str, errors=None, byteorder=0, /", |t, a| {
                let s = text(t, $encode, 1, a[0])?;
                let order = Order::from_number(order_number(t, a[2])?, Order::WithMark);
                encoded(t, s, $module::encode(t, s, errors(t, $encode, 2, a[1])?, order)?)
            }),
            decoder!($decode, |t, b, v, e, last| $module::decode(t, b, v, e, Order::ByMark, last).map(|(s, n, _)| (s, n))),
            FnDef::def($ex_decode, "data, errors=None, byteorder=0, final=False, /", |t, a| {
                let order = Order::from_number(order_number(t, a[2])?, Order::ByMark);
                let last = !a[3].is_null() && truth::truth(t, a[3])?;
                let buffer = get_buffer(t, a[0])?;
                let (s, used, found) = $module::decode(t, buffer.as_slice(), a[0], errors(t, $ex_decode, 2, a[1])?, order, last)?;
                let found = match found {
                    Order::Little => -1,
                    Order::Big => 1,
                    Order::WithMark | Order::ByMark => 0,
                };
                Ok(Tuple::from_slice(t, &[s.value(), int::from_usize(t, used), Value::int(found)]).value())
            }),
        ]
    };
}

const UTF_16: [FnDef; 3] = wide!("utf_16_encode", "utf_16_decode", "utf_16_ex_decode", utf16);
const UTF_32: [FnDef; 3] = wide!("utf_32_encode", "utf_32_decode", "utf_32_ex_decode", utf32);

const FUNCTIONS: &[FnDef] = &[
    FnDef::def("register", "search_function, /", |t, a| registry::register(t, a[0]).map(|()| Value::NONE)).doc(
        "Register a codec search function.\n\nSearch functions are expected to take one argument, the encoding name in\nall lower case \
         letters, and either return None, or a tuple of functions\n(encoder, decoder, stream_reader, stream_writer) (or a CodecInfo object).",
    ),
    FnDef::def("unregister", "search_function, /", |t, a| {
        registry::unregister(t, a[0]);
        Ok(Value::NONE)
    })
    .doc("Unregister a codec search function and clear the registry's cache.\n\nIf the search function is not registered, do nothing."),
    FnDef::def("lookup", "encoding, /", |t, a| Ok(registry::lookup(t, name(t, "lookup", 1, a[0])?)?.value()))
        .doc("Looks up a codec tuple in the Python codec registry and returns a CodecInfo object."),
    FnDef::def("encode", "obj, encoding='utf-8', errors='strict'", |t, a| {
        let (encoding, errors) = codec::arguments(t, "encode", a[1], a[2])?;
        codec::encode_by_registry(t, a[0], encoding, errors)
    })
    .doc("Encodes obj using the codec registered for encoding."),
    FnDef::def("decode", "obj, encoding='utf-8', errors='strict'", |t, a| {
        let (encoding, errors) = codec::arguments(t, "decode", a[1], a[2])?;
        codec::decode_by_registry(t, a[0], encoding, errors)
    })
    .doc("Decodes obj using the codec registered for encoding."),
    FnDef::def("register_error", "errors, handler, /", |t, a| {
        registry::register_error(t, name(t, "register_error", 1, a[0])?, a[1])?;
        Ok(Value::NONE)
    })
    .doc("Register the specified error handler under the name errors."),
    FnDef::def("_unregister_error", "errors, /", |t, a| {
        Ok(Value::bool(registry::unregister_error(t, name(t, "_unregister_error", 1, a[0])?)?))
    })
    .doc("Un-register the specified error handler for the error handling `errors'."),
    FnDef::def("lookup_error", "name, /", |t, a| registry::lookup_error(t, Some(name(t, "lookup_error", 1, a[0])?)))
        .doc("lookup_error(errors) -> handler\n\nReturn the error handler for the specified error handling name or raise a\nLookupError, if no handler exists under this name."),
    encoder!("utf_8_encode", utf8::encode),
    decoder!("utf_8_decode", utf8::decode),
    encoder!("utf_7_encode", |t, s, _| utf7::encode(t, s)),
    decoder!("utf_7_decode", utf7::decode),
    UTF_16[0],
    UTF_16[1],
    UTF_16[2],
    encoder!("utf_16_le_encode", |t, s, e| utf16::encode(t, s, e, Order::Little)),
    encoder!("utf_16_be_encode", |t, s, e| utf16::encode(t, s, e, Order::Big)),
    decoder!("utf_16_le_decode", |t, b, v, e, last| utf16::decode(t, b, v, e, Order::Little, last).map(|(s, n, _)| (s, n))),
    decoder!("utf_16_be_decode", |t, b, v, e, last| utf16::decode(t, b, v, e, Order::Big, last).map(|(s, n, _)| (s, n))),
    UTF_32[0],
    UTF_32[1],
    UTF_32[2],
    encoder!("utf_32_le_encode", |t, s, e| utf32::encode(t, s, e, Order::Little)),
    encoder!("utf_32_be_encode", |t, s, e| utf32::encode(t, s, e, Order::Big)),
    decoder!("utf_32_le_decode", |t, b, v, e, last| utf32::decode(t, b, v, e, Order::Little, last).map(|(s, n, _)| (s, n))),
    decoder!("utf_32_be_decode", |t, b, v, e, last| utf32::decode(t, b, v, e, Order::Big, last).map(|(s, n, _)| (s, n))),
    encoder!("latin_1_encode", |t, s, e| latin1::encode(t, s, e, latin1::LATIN1)),
    FnDef::def("latin_1_decode", "data, errors=None, /", |t, a| {
        errors(t, "latin_1_decode", 2, a[1])?;
        let buffer = get_buffer(t, a[0])?;
        Ok(pair(t, Str::from_latin1(t, buffer.as_slice())?.value(), buffer.as_slice().len()))
    }),
    encoder!("ascii_encode", |t, s, e| latin1::encode(t, s, e, latin1::ASCII)),
    FnDef::def("ascii_decode", "data, errors=None, /", |t, a| {
        let buffer = get_buffer(t, a[0])?;
        let s = latin1::decode_ascii(t, buffer.as_slice(), a[0], errors(t, "ascii_decode", 2, a[1])?)?;
        Ok(pair(t, s.value(), buffer.as_slice().len()))
    }),
    encoder!("unicode_escape_encode", |t, s, _| escape::encode_unicode(t, s)),
    escape_decoder("unicode_escape_decode", |t, a| decode_escaped(t, a, "unicode_escape_decode", escape::decode_unicode)),
    encoder!("raw_unicode_escape_encode", |t, s, _| escape::encode_raw_unicode(t, s)),
    escape_decoder("raw_unicode_escape_decode", |t, a| decode_escaped(t, a, "raw_unicode_escape_decode", escape::decode_raw_unicode)),
    FnDef::def("escape_encode", "data, errors=None, /", |t, a| {
        let Some(bytes) = a[0].downcast::<Bytes>() else {
            raise!(t, TypeError, "escape_encode() argument 1 must be bytes, not {}", a[0].class().display_name())
        };
        errors(t, "escape_encode", 2, a[1])?;
        Ok(pair(t, escape::encode_bytes(t, bytes.as_slice())?.value(), bytes.len()))
    }),
    FnDef::def("escape_decode", "data, errors=None, /", |t, a| {
        with_source(t, a[0], |bytes, _| {
            let out = escape::decode_bytes(t, bytes, errors(t, "escape_decode", 2, a[1])?)?;
            Ok(pair(t, out.value(), bytes.len()))
        })
    }),
    FnDef::def("charmap_encode", "str, errors=None, mapping=None, /", |t, a| {
        let s = text(t, "charmap_encode", 1, a[0])?;
        let errors = errors(t, "charmap_encode", 2, a[1])?;
        let bytes = match mapping(a[2]) {
            Some(mapping) => charmap::encode(t, s, errors, mapping)?,
            None => latin1::encode(t, s, errors, latin1::LATIN1)?,
        };
        encoded(t, s, bytes)
    }),
    FnDef::def("charmap_decode", "data, errors=None, mapping=None, /", |t, a| {
        let buffer = get_buffer(t, a[0])?;
        let bytes = buffer.as_slice();
        let errors = errors(t, "charmap_decode", 2, a[1])?;
        let s = match mapping(a[2]) {
            Some(mapping) => charmap::decode(t, bytes, a[0], errors, mapping)?,
            None => Str::from_latin1(t, bytes)?,
        };
        Ok(pair(t, s.value(), bytes.len()))
    }),
    FnDef::def("charmap_build", "map, /", |t, a| Ok(charmap::build(t, text(t, "charmap_build", 1, a[0])?)?.value())),
    FnDef::def("readbuffer_encode", "data, errors=None, /", |t, a| {
        with_source(t, a[0], |bytes, _| Ok(pair(t, Bytes::from_slice(t, bytes)?.value(), bytes.len())))
    }),
];

const fn escape_decoder(name: &'static str, f: fn(&Thread, &[Value]) -> R) -> FnDef {
    FnDef::def(name, "data, errors=None, final=True, /", f)
}

type Decode = fn(&Thread, &[u8], Value, Errors, bool) -> R<(Ref<Str>, usize)>;

/// The decoders of escapes take text as well, and are final unless told otherwise.
fn decode_escaped(t: &Thread, a: &[Value], function: &str, decode: Decode) -> R {
    let last = a[2].is_null() || truth::truth(t, a[2])?;
    with_source(t, a[0], |bytes, source| {
        let (s, used) = decode(t, bytes, source, errors(t, function, 2, a[1])?, last)?;
        Ok(pair(t, s.value(), used))
    })
}

/// Hands `f` the bytes of an argument that is bytes-like or a str, which stands for its UTF-8, and the object they came from.
fn with_source(t: &Thread, v: Value, f: impl FnOnce(&[u8], Value) -> R) -> R {
    match v.downcast::<Str>() {
        Some(s) => {
            let bytes = utf8::encode(t, s, Errors::Strict)?;
            f(bytes.as_slice(), bytes.value())
        }
        None => f(get_buffer(t, v)?.as_slice(), v),
    }
}

fn text(t: &Thread, function: &str, n: usize, v: Value) -> R<Ref<Str>> {
    match v.downcast::<Str>() {
        Some(s) => Ok(s),
        None if n == 1 && !function.contains("_encode") => {
            raise!(t, TypeError, "{function}() argument must be str, not {}", v.class().display_name())
        }
        None => raise!(t, TypeError, "{function}() argument {n} must be str, not {}", v.class().display_name()),
    }
}

/// A str without NUL characters.
fn name(t: &Thread, function: &str, n: usize, v: Value) -> R<Ref<Str>> {
    let s = text(t, function, n, v)?;
    if s.code_points().any(|c| c == 0) {
        raise!(t, ValueError, "embedded null character")
    }
    Ok(s)
}

fn errors(t: &Thread, function: &str, n: usize, v: Value) -> R<Errors> {
    if v.is_null() || v.is_none() {
        return Ok(Errors::Strict);
    }
    if v.downcast::<Str>().is_none() {
        raise!(t, TypeError, "{function}() argument {n} must be str or None, not {}", v.class().display_name())
    }
    Ok(Errors::named(Some(name(t, function, n, v)?)))
}

fn order_number(t: &Thread, v: Value) -> R<i64> {
    if v.is_null() { Ok(0) } else { Ok(number::index_i32(t, v)? as i64) }
}

fn mapping(v: Value) -> Option<Value> {
    v.non_null().filter(|m| !m.is_none())
}

fn pair(t: &Thread, v: Value, used: usize) -> Value {
    Tuple::from_slice(t, &[v, int::from_usize(t, used)]).value()
}

fn encoded(t: &Thread, s: Ref<Str>, bytes: Ref<Bytes>) -> R {
    Ok(pair(t, bytes.value(), s.len()))
}
