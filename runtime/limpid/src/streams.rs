//! `sys.stdin`, `sys.stdout` and `sys.stderr`.

use crate::locale::Locale;
use limpid_heap::Value;
use limpid_vm::args::Args;
use limpid_vm::modules::{import, sys};
use limpid_vm::object::R;
use limpid_vm::protocol::{attr, call, truth};
use limpid_vm::thread::Thread;
use limpid_vm::types::str::intern;
use limpid_vm::types::{Str, Tuple};
use limpid_vm::{exc, names};

/// How the streams turn text into bytes.
pub struct Encoding {
    name: String,
    errors: String,
}

impl Encoding {
    /// What the locale says, unless UTF-8 mode or `PYTHONIOENCODING` (`given`) says otherwise.
    pub fn new(locale: &Locale, utf8_mode: bool, given: Option<&str>) -> Encoding {
        let (name, errors) = given.map_or(("", ""), |g| g.split_once(':').unwrap_or((g, "")));
        let default_name = if utf8_mode { "utf-8" } else { &locale.encoding };
        // Who chooses an encoding wants to hear what does not fit into it.
        let keeps_bytes = name.is_empty() && (utf8_mode || locale.keeps_bytes);
        let default_errors = if keeps_bytes { "surrogateescape" } else { "strict" };
        let choose = |given: &str, default: &str| if given.is_empty() { default } else { given }.to_owned();
        Encoding { name: choose(name, default_name), errors: choose(errors, default_errors) }
    }
}

/// Makes the three streams; None stands for one whose file is closed.
pub fn create(t: &Thread, encoding: &Encoding) -> R<()> {
    let streams = [
        (0, names::stdin, names::__stdin__, "<stdin>", encoding.errors.as_str()),
        (1, names::stdout, names::__stdout__, "<stdout>", encoding.errors.as_str()),
        (2, names::stderr, names::__stderr__, "<stderr>", "backslashreplace"),
    ];
    let io = import::import_text(t, "io")?;
    let encoding_name = codec_name(t, &encoding.name)?;
    for (descriptor, name, second_name, label, errors) in streams {
        let stream = open(t, io, descriptor, label, encoding_name, errors)?;
        sys::set_attribute(t, name, stream)?;
        sys::set_attribute(t, second_name, stream)?;
    }
    Ok(())
}

/// Calls a function with the standard streams, as they are and as they were at the start, and with the streams inside of them.
pub fn each_part(t: &Thread, f: impl Fn(Value)) {
    for name in [names::stdin, names::__stdin__, names::stdout, names::__stdout__, names::stderr, names::__stderr__] {
        let mut part = sys::attribute(t, name).filter(|stream| stream.is_cell());
        for inside in ["buffer", "raw"] {
            let Some(stream) = part else { break };
            f(stream);
            part = attr::get_attr_text(t, stream, inside).ok().filter(|inner| inner.is_cell());
            t.take_exception();
        }
        part.into_iter().for_each(&f);
    }
}

/// The name that the codec itself goes by.
fn codec_name(t: &Thread, name: &str) -> R {
    let text = Str::new(t, name).value();
    if name == "utf-8" {
        return Ok(text);
    }
    let codecs = import::import_text(t, "_codecs")?;
    let codec = call::call_method_text(t, codecs, "lookup", &[text])?;
    attr::get_attr(t, codec, names::name)
}

fn open(t: &Thread, io: Value, descriptor: i32, label: &str, encoding: Value, errors: &str) -> R {
    // SAFETY: any number is a valid argument.
    if unsafe { libc::fcntl(descriptor, libc::F_GETFD) } < 0 {
        return Ok(Value::NONE);
    }
    match open_valid(t, io, descriptor, label, encoding, errors) {
        // A folder as standard input, or a file closed meanwhile.
        Err(_) if t.exception_is(exc::OSError) => {
            t.take_exception();
            Ok(Value::NONE)
        }
        other => other,
    }
}

fn open_valid(t: &Thread, io: Value, descriptor: i32, label: &str, encoding: Value, errors: &str) -> R {
    let text = |s: &str| Str::new(t, s).value();
    let writes = descriptor != 0;
    let unbuffered = writes && t.runtime().options.unbuffered;
    let buffer = call_with(
        t,
        attr::get_attr(t, io, names::open)?,
        &[Value::int(descriptor.into()), text(if writes { "wb" } else { "rb" })],
        &[("buffering", Value::int(if unbuffered { 0 } else { -1 })), ("closefd", Value::FALSE)],
    )?;
    let raw = if unbuffered { buffer } else { attr::get_attr_text(t, buffer, "raw")? };
    attr::set_attr(t, raw, names::name, text(label))?;
    let is_terminal = truth::truth(t, call::call_method(t, raw, names::isatty, &[])?)?;
    let line_buffering = !unbuffered && (is_terminal || descriptor == 2);
    let stream = call_with(
        t,
        attr::get_attr_text(t, io, "TextIOWrapper")?,
        &[buffer],
        &[
            ("encoding", encoding),
            ("errors", text(errors)),
            ("newline", names::newline),
            ("line_buffering", Value::bool(line_buffering)),
            ("write_through", Value::bool(unbuffered)),
        ],
    )?;
    attr::set_attr(t, stream, names::mode, text(if writes { "w" } else { "r" }))?;
    Ok(stream)
}

fn call_with(t: &Thread, f: Value, positional: &[Value], keywords: &[(&str, Value)]) -> R {
    let mut all = [Value::NULL; 8];
    let mut keyword_names = [Value::NULL; 8];
    all[..positional.len()].copy_from_slice(positional);
    for (i, (name, v)) in keywords.iter().enumerate() {
        all[positional.len() + i] = *v;
        keyword_names[i] = intern(t, name);
    }
    let keyword_names = Tuple::from_slice(t, &keyword_names[..keywords.len()]);
    call::call_args(t, f, Args::with_keywords(&all[..positional.len() + keywords.len()], keyword_names.value()))
}

/// Flushes `sys.stdout` and `sys.stderr` for the last time. False if something that the program has printed is lost; that is told on
/// standard error.
pub fn flush_at_exit(t: &Thread) -> bool {
    let mut ok = true;
    for name in [names::stdout, names::stderr] {
        let Some(file) = sys::attribute(t, name).filter(|f| !f.is_none()) else { continue };
        let is_closed = attr::get_attr_text(t, file, "closed").and_then(|v| truth::truth(t, v));
        if is_closed.unwrap_or(false) {
            continue;
        }
        t.take_exception();
        if call::call_method(t, file, names::flush, &[]).is_err() {
            ok = false;
            if name == names::stdout {
                limpid_vm::error_report::unraisable(t, file);
            }
            t.take_exception();
        }
    }
    ok
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding(keeps_bytes: bool, utf8_mode: bool, given: Option<&str>) -> (String, String) {
        let locale = Locale { is_c: keeps_bytes, keeps_bytes, encoding: "ISO-8859-15".into() };
        let e = Encoding::new(&locale, utf8_mode, given);
        (e.name, e.errors)
    }

    #[test]
    fn the_locale_has_the_first_word_and_the_variable_the_last() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(encoding(false, false, None), pair("ISO-8859-15", "strict"));
        assert_eq!(encoding(true, false, None), pair("ISO-8859-15", "surrogateescape"));
        assert_eq!(encoding(false, true, None), pair("utf-8", "surrogateescape"));
        assert_eq!(encoding(true, true, Some("ascii")), pair("ascii", "strict"));
        assert_eq!(encoding(false, false, Some("ascii:replace")), pair("ascii", "replace"));
        assert_eq!(encoding(true, false, Some(":ignore")), pair("ISO-8859-15", "ignore"));
    }
}
