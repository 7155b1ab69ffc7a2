//! `open()`

use super::buffered::{RANDOM, READER, WRITER};
use super::file_io::FILE_IO;
use super::text::TEXT_IO_WRAPPER;
use super::{ask, method};
use limpid_heap::Value;
use limpid_vm::args::Args;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::{attr, call, number, text};
use limpid_vm::thread::Thread;
use limpid_vm::types::str::intern;
use limpid_vm::types::{Str, Tuple, builtin, int};
use limpid_vm::{names, raise};

/// `open(file, mode, buffering, encoding, errors, newline, closefd, opener)`
pub fn open(t: &Thread, a: &[Value]) -> R {
    let given = |i: usize| a[i].non_null().filter(|v| !v.is_none());
    let file = if int::is_int(a[0]) { a[0] } else { crate::fs::fspath(t, a[0])? };
    let mode = match a[1].non_null() {
        None => "r".to_owned(),
        Some(m) if m.is_instance(builtin::STR) => text::str_of(t, m)?.to_string_lossy().into_owned(),
        Some(m) => raise!(t, TypeError, "open() argument 'mode' must be str, not {}", m.class().display_name()),
    };
    let mut buffering = match a[2].non_null() {
        Some(b) => number::index_isize(t, b)?,
        None => -1,
    };
    let (mut seen, mut raw_mode) = (String::new(), String::new());
    for c in mode.chars() {
        if !"rwxabt+".contains(c) || seen.contains(c) {
            raise!(t, ValueError, "invalid mode: '{mode}'");
        }
        seen.push(c);
        if !"bt".contains(c) {
            raw_mode.push(c);
        }
    }
    let has = |c: char| seen.contains(c);
    let binary = has('b');
    if has('t') && binary {
        raise!(t, ValueError, "can't have text and binary mode at once");
    }
    if "rwxa".chars().filter(|c| has(*c)).count() != 1 {
        raise!(t, ValueError, "must have exactly one of create/read/write/append mode");
    }
    for (i, what) in [(3, "an encoding"), (4, "an errors"), (5, "a newline")] {
        if binary && given(i).is_some() {
            raise!(t, ValueError, "binary mode doesn't take {what} argument");
        }
    }
    if binary && buffering == 1 {
        let message = "line buffering (buffering=1) isn't supported in binary mode, the default buffer size will be used";
        limpid_vm::warnings::warn(t, limpid_vm::exc::RuntimeWarning, message, 1)?;
    }
    let close_fd = a[6].non_null().unwrap_or(Value::TRUE);
    let opener = a[7].non_null().unwrap_or(Value::NONE);
    let raw = call::call(t, FILE_IO.get().value(), &[file, Str::new(t, &raw_mode).value(), close_fd, opener])?;
    match wrap(t, raw, &mode, binary, &mut buffering, a) {
        Ok(v) => Ok(v),
        Err(_) => {
            let e = t.take_exception();
            if method(t, raw, "close", &[]).is_err() {
                let second = t.take_exception();
                limpid_vm::types::Exception::set_context(t, second, e);
                return Err(t.raise_value(second));
            }
            Err(t.raise_value(e))
        }
    }
}

fn wrap(t: &Thread, raw: Value, mode: &str, binary: bool, buffering: &mut isize, a: &[Value]) -> R {
    let is_tty = *buffering < 0 && ask(t, raw, "_isatty_open_only")?;
    let line_buffering = *buffering == 1 || is_tty;
    if *buffering == 1 || is_tty {
        *buffering = -1;
    }
    if *buffering < 0 {
        let block = int::to_i64(t, attr::get_attr_text(t, raw, "_blksize")?)?;
        *buffering = (block as isize).clamp(super::DEFAULT_BUFFER_SIZE as isize, 8 << 20);
    }
    if *buffering == 0 {
        if !binary {
            raise!(t, ValueError, "can't have unbuffered text I/O");
        }
        return Ok(raw);
    }
    let class = if mode.contains('+') {
        RANDOM.get()
    } else if mode.contains(['w', 'x', 'a']) {
        WRITER.get()
    } else {
        READER.get()
    };
    let buffer = call::call(t, class.value(), &[raw, Value::int(*buffering as i64)])?;
    if binary {
        return Ok(buffer);
    }
    let or_none = |i: usize| a[i].non_null().unwrap_or(Value::NONE);
    let arguments = [buffer, or_none(3), or_none(4), or_none(5), Value::bool(line_buffering)];
    let keywords = Tuple::from_slice(t, &[intern(t, "line_buffering")]);
    let wrapper = call::call_args(t, TEXT_IO_WRAPPER.get().value(), Args::with_keywords(&arguments, keywords.value()))?;
    attr::set_attr(t, wrapper, names::mode, Str::new(t, mode).value())?;
    Ok(wrapper)
}
