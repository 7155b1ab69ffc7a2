//! Pickling: arrays as bytes with a code that says what they are on any machine.

use super::code::{self, Code, Kind};
use super::{ARRAY, Array, make, tuple};
use limpid_heap::Value;
use limpid_vm::args::receiver;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{attr, call, iter, number};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytes, Str, Type, int};
use limpid_vm::{names, raise};

/// A machine's format: its number is the index in [`FORMATS`].
struct Format {
    kind: Kind,
    size: usize,
    big: bool,
}

const fn format(kind: Kind, size: usize, big: bool) -> Format {
    Format { kind, size, big }
}

static FORMATS: [Format; 22] = [
    format(Kind::Unsigned, 1, false),
    format(Kind::Signed, 1, false),
    format(Kind::Unsigned, 2, false),
    format(Kind::Unsigned, 2, true),
    format(Kind::Signed, 2, false),
    format(Kind::Signed, 2, true),
    format(Kind::Unsigned, 4, false),
    format(Kind::Unsigned, 4, true),
    format(Kind::Signed, 4, false),
    format(Kind::Signed, 4, true),
    format(Kind::Unsigned, 8, false),
    format(Kind::Unsigned, 8, true),
    format(Kind::Signed, 8, false),
    format(Kind::Signed, 8, true),
    format(Kind::Float, 4, false),
    format(Kind::Float, 4, true),
    format(Kind::Float, 8, false),
    format(Kind::Float, 8, true),
    format(Kind::Text, 2, false),
    format(Kind::Text, 2, true),
    format(Kind::Text, 4, false),
    format(Kind::Text, 4, true),
];

/// The number of this machine's format of a type code.
fn own_format(code: &Code) -> usize {
    let own = |f: &Format| f.kind == code.kind && f.size == code.size && (!f.big || f.size == 1);
    FORMATS.iter().position(own).unwrap_or_default()
}

/// `array.__reduce_ex__`
pub(super) fn reduce(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Array>(a[0]);
    if !int::is_int(a[1]) {
        raise!(t, TypeError, "__reduce_ex__ argument should be an integer")
    }
    let protocol = int::to_i64(t, a[1])?;
    let state = attr::get_attr_opt(t, a[0], names::__dict__)?.unwrap_or(Value::NONE);
    let letter = Str::from_char(t, this.code.letter as u32)?.value();
    let class = a[0].class().value();
    if protocol < 3 {
        return Ok(tuple(t, &[class, tuple(t, &[letter, this.to_list(t)?.value()]), state]));
    }
    let module = limpid_vm::modules::import::import_text(t, "array")?;
    let function = attr::get_attr_text(t, module, "_array_reconstructor")?;
    let bytes = Bytes::from_slice(t, &this.snapshot())?.value();
    let args = tuple(t, &[class, letter, Value::int(own_format(this.code) as i64), bytes]);
    Ok(tuple(t, &[function, args, state]))
}

/// `array._array_reconstructor`
pub(super) fn reconstruct(t: &Thread, a: &[Value]) -> R {
    let [class, letter, number, items] = *a else { unreachable!("four parameters") };
    let Some(class) = class.downcast::<Type>() else {
        raise!(t, TypeError, "first argument must be a type object, not {}", class.class().display_name())
    };
    if !class.is_subtype(ARRAY.get()) {
        raise!(t, TypeError, "{} is not a subtype of {}", class.display_name(), ARRAY.get().display_name())
    }
    let Some(letter) = letter.downcast::<Str>().filter(|s| s.len() == 1) else {
        raise!(t, TypeError, "_array_reconstructor() argument 2 must be a unicode character, not {}", letter.class().display_name())
    };
    let Some(mut code) = code::find(letter.char_at(0)) else { raise!(t, ValueError, "second argument must be a valid type code") };
    let number = number::index_i32(t, number)?;
    let Some(format) = usize::try_from(number).ok().and_then(|n| FORMATS.get(n)) else {
        raise!(t, ValueError, "third argument must be a valid machine format code.")
    };
    let Some(bytes) = items.downcast::<Bytes>() else {
        raise!(t, TypeError, "fourth argument should be bytes, not {}", items.class().display_name())
    };
    let bytes = bytes.contents();
    if number as usize == own_format(code) {
        let array = make(t, class, code, Vec::new());
        array.append_from_bytes(t, bytes)?;
        return Ok(array.value());
    }
    if bytes.len() % format.size != 0 {
        raise!(t, ValueError, "bytes length not a multiple of item size")
    }
    if format.kind == Kind::Text {
        let array = make(t, class, code, Vec::new());
        let encoding = match (format.size, format.big) {
            (2, false) => "utf-16-le",
            (2, true) => "utf-16-be",
            (_, false) => "utf-32-le",
            (_, true) => "utf-32-be",
        };
        let text = call::call_method(t, items, names::decode, &[Str::new(t, encoding).value()])?;
        append_all(t, array, text)?;
        return Ok(array.value());
    }
    // Integers keep their own width if this machine has one like it.
    if matches!(format.kind, Kind::Signed | Kind::Unsigned)
        && let Some(same) = code::CODES.iter().rfind(|c| c.kind == format.kind && c.size == format.size)
    {
        code = same;
    }
    let array = make(t, class, code, Vec::new());
    let source = code::CODES.iter().find(|c| c.kind == format.kind && c.size == format.size).unwrap_or(code);
    for item in bytes.chunks_exact(format.size) {
        let mut item = item.to_vec();
        if format.big {
            item.reverse();
        }
        let v = source.read(t, code::bits_of(&item))?;
        array.append(t, v)?;
    }
    Ok(array.value())
}

/// Appends text to an array of characters, or raises what an item of it does.
fn append_all(t: &Thread, array: Ref<Array>, text: Value) -> R<()> {
    match text.downcast::<Str>() {
        Some(s) if array.code.kind == Kind::Text => array.append_text(t, &s),
        _ => iter::for_each(t, text, |c| array.append(t, c)),
    }
}
