//! `binascii`: binary data as ASCII text, and checksums.

mod base64;
mod quoted_printable;
mod uu;

use crate::exception_class::{self, ExceptionClass};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{number, truth};
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::{Buffer, get_buffer, has_buffer};
use limpid_vm::types::{Bytes, Module, Str, bytes_methods, int};
use limpid_vm::{exc, raise};

/// `binascii.Error`
pub static ERROR: TypeCell = TypeCell::new();
/// `binascii.Incomplete`
pub static INCOMPLETE: TypeCell = TypeCell::new();

/// `binascii`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Conversion between binary data and ASCII",
    functions: &[
        FnDef::def("a2b_base64", "data, /, *, strict_mode=False", a2b_base64).doc("Decode a line of base64 data."),
        FnDef::def("a2b_hex", "hexstr, /", a2b_hex).doc("Binary data of hexadecimal representation."),
        FnDef::def("a2b_qp", "data, header=False", a2b_qp).doc("Decode a string of qp-encoded data."),
        FnDef::def("a2b_uu", "data, /", a2b_uu).doc("Decode a line of uuencoded data."),
        FnDef::def("b2a_base64", "data, /, *, newline=True", b2a_base64).doc("Base64-code line of data."),
        FnDef::def("b2a_hex", "data, sep=<unrepresentable>, bytes_per_sep=1", b2a_hex).doc("Hexadecimal representation of binary data."),
        FnDef::def("b2a_qp", "data, quotetabs=False, istext=True, header=False", b2a_qp)
            .doc("Encode a string using quoted-printable encoding."),
        FnDef::def("b2a_uu", "data, /, *, backtick=False", b2a_uu).doc("Uuencode line of data."),
        FnDef::def("crc32", "data, crc=0, /", crc32).doc("Compute CRC-32 incrementally."),
        FnDef::def("crc_hqx", "data, crc, /", crc_hqx).doc("Compute CRC-CCITT incrementally."),
        FnDef::def("hexlify", "data, sep=<unrepresentable>, bytes_per_sep=1", b2a_hex).doc("Hexadecimal representation of binary data."),
        FnDef::def("unhexlify", "hexstr, /", a2b_hex).doc("Binary data of hexadecimal representation."),
    ],
    init,
    ..ModuleDef::named("binascii")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    exception_class::add(t, m, &ERROR, &ExceptionClass { name: "binascii.Error", doc: "", base: || exc::ValueError })?;
    exception_class::add(t, m, &INCOMPLETE, &ExceptionClass { name: "binascii.Incomplete", doc: "", base: || exc::Exception })
}

fn fail<T>(t: &Thread, message: &str) -> R<T> {
    Err(t.raise(ERROR.get(), message))
}

fn bytes(t: &Thread, contents: &[u8]) -> R {
    Ok(Bytes::from_slice(t, contents)?.value())
}

/// An optional truth value.
fn is_set(t: &Thread, v: Value, default: bool) -> R<bool> {
    if v.is_null() { Ok(default) } else { truth::truth(t, v) }
}

/// Text to decode: ASCII characters or bytes.
enum Text {
    Ascii(Ref<Str>),
    Bytes(Buffer),
}

impl Text {
    fn of(t: &Thread, v: Value) -> R<Text> {
        if let Some(s) = v.downcast::<Str>() {
            if s.as_ascii().is_none() {
                raise!(t, ValueError, "string argument should contain only ASCII characters")
            }
            return Ok(Text::Ascii(s));
        }
        if !has_buffer(v) {
            raise!(t, TypeError, "argument should be bytes, buffer or ASCII string, not '{}'", v.class().display_name())
        }
        Ok(Text::Bytes(get_buffer(t, v)?))
    }

    fn as_slice(&self) -> &[u8] {
        match self {
            Text::Ascii(s) => s.raw_bytes(),
            Text::Bytes(b) => b.as_slice(),
        }
    }
}

fn a2b_base64(t: &Thread, a: &[Value]) -> R {
    let strict = is_set(t, a[1], false)?;
    match base64::decode(Text::of(t, a[0])?.as_slice(), strict) {
        Ok(data) => bytes(t, &data),
        Err(message) => fail(t, &message),
    }
}

fn b2a_base64(t: &Thread, a: &[Value]) -> R {
    let newline = is_set(t, a[1], true)?;
    bytes(t, &base64::encode(get_buffer(t, a[0])?.as_slice(), newline))
}

fn a2b_hex(t: &Thread, a: &[Value]) -> R {
    let text = Text::of(t, a[0])?;
    let (pairs, rest) = text.as_slice().as_chunks::<2>();
    if !rest.is_empty() {
        return fail(t, "Odd-length string");
    }
    let digit = |c: u8| (c as char).to_digit(16);
    let decoded: Option<Vec<u8>> = pairs.iter().map(|[a, b]| Some((digit(*a)? << 4 | digit(*b)?) as u8)).collect();
    match decoded {
        Some(data) => bytes(t, &data),
        None => fail(t, "Non-hexadecimal digit found"),
    }
}

fn b2a_hex(t: &Thread, a: &[Value]) -> R {
    let data = get_buffer(t, a[0])?;
    let text = bytes_methods::hex(t, data.as_slice(), a[1], a[2])?;
    bytes(t, text.downcast::<Str>().as_ref().map_or(&[], |s| s.raw_bytes()))
}

fn a2b_qp(t: &Thread, a: &[Value]) -> R {
    let header = is_set(t, a[1], false)?;
    bytes(t, &quoted_printable::decode(Text::of(t, a[0])?.as_slice(), header))
}

fn b2a_qp(t: &Thread, a: &[Value]) -> R {
    let options =
        quoted_printable::Options { quote_tabs: is_set(t, a[1], false)?, text: is_set(t, a[2], true)?, header: is_set(t, a[3], false)? };
    bytes(t, &quoted_printable::encode(get_buffer(t, a[0])?.as_slice(), &options))
}

fn a2b_uu(t: &Thread, a: &[Value]) -> R {
    match uu::decode(Text::of(t, a[0])?.as_slice()) {
        Ok(data) => bytes(t, &data),
        Err(message) => fail(t, message),
    }
}

fn b2a_uu(t: &Thread, a: &[Value]) -> R {
    let backtick = is_set(t, a[1], false)?;
    let data = get_buffer(t, a[0])?;
    if data.len > uu::MOST {
        return fail(t, "At most 45 bytes at once");
    }
    bytes(t, &uu::encode(data.as_slice(), backtick))
}

/// A checksum to go on with: the lowest bits of an int.
fn checksum(t: &Thread, v: Value) -> R<u32> {
    if v.is_null() { Ok(0) } else { Ok(int::to_u64_masked(t, number::index(t, v)?)? as u32) }
}

fn crc32(t: &Thread, a: &[Value]) -> R {
    let data = get_buffer(t, a[0])?;
    let start = checksum(t, a[1])?;
    Ok(int::from_u64(t, zlib_rs::crc32::crc32(start, data.as_slice()) as u64))
}

fn crc_hqx(t: &Thread, a: &[Value]) -> R {
    const POLYNOMIAL: u16 = 0x1021;
    static TABLE: [u16; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let (mut crc, mut bit) = ((i as u16) << 8, 0);
            while bit < 8 {
                crc = if crc & 0x8000 != 0 { crc << 1 ^ POLYNOMIAL } else { crc << 1 };
                bit += 1;
            }
            table[i] = crc;
            i += 1;
        }
        table
    };
    let data = get_buffer(t, a[0])?;
    let start = checksum(t, a[1])? as u16;
    let crc = data.as_slice().iter().fold(start, |crc, b| crc << 8 ^ TABLE[(crc >> 8) as usize ^ *b as usize]);
    Ok(Value::int(crc as i64))
}
