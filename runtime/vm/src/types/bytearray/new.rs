//! `bytearray(...)`.

use super::receiver;
use crate::args::{Args, Signature};
use crate::object::{R, ValueExt};
use crate::protocol::{iter, number};
use crate::thread::Thread;
use crate::types::memory::get_buffer_opt;
use crate::types::{List, Tuple, builtin, bytes, int};
use limpid_heap::Value;

static SIGNATURE: Signature = Signature::parse("source=None, encoding='utf-8', errors='strict'");

pub(super) fn init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    args.bind(t, "bytearray", &SIGNATURE, |a| fill(t, v, a[0], a[1], a[2]))
}

fn fill(t: &Thread, v: Value, source: Value, encoding: Value, errors: Value) -> R<()> {
    let array = receiver(v);
    if !array.is_empty() {
        array.replace_all(t, &[])?;
    }
    if source.is_null() {
        if !encoding.is_null() || !errors.is_null() {
            let which = if encoding.is_null() { "errors" } else { "encoding" };
            raise!(t, TypeError, "{which} without a string argument")
        }
        return Ok(());
    }
    if source.is_instance(builtin::STR) && encoding.is_null() {
        raise!(t, TypeError, "string argument without an encoding")
    }
    if !encoding.is_null() || !errors.is_null() {
        let encoded = bytes::encoded(t, source, encoding, errors)?;
        return array.replace_all(t, encoded.contents());
    }
    if number::is_index(source) {
        match number::index_isize(t, source) {
            Ok(n) if n < 0 => raise!(t, ValueError, "negative count"),
            Ok(n) => return array.resize(t, n as usize),
            Err(_) => t.catch(crate::exc::TypeError)?,
        }
    }
    if let Some(buffer) = get_buffer_opt(t, source)? {
        return array.replace_all(t, &buffer.to_contiguous());
    }
    if source.exact::<List>().is_some() || source.exact::<Tuple>().is_some() {
        let contents = bytes::collect_bytes(t, source, "bytearray")?;
        return array.replace_all(t, &contents);
    }
    if source.class().slots().iter.is_none() && !iter::is_sequence(source) {
        raise!(t, TypeError, "cannot convert '{}' object to bytearray", source.class().display_name())
    }
    // The iterable may look at the bytearray while it is being filled.
    iter::for_each(t, source, |item| {
        let b = int::to_byte_value(t, item, "bytearray")?;
        let len = array.len();
        array.splice(t, len, len, &[b])
    })
}
