//! print, input, breakpoint.

use crate::args::{Args, FnDef};
use crate::modules::sys;
use crate::names;
use crate::object::{R, ValueExt};
use crate::protocol::{call, text, truth};
use crate::thread::Thread;
use crate::types::{Bytes, Str, Tuple, builtin};
use limpid_heap::Value;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::raw("breakpoint", "*args, **kws", breakpoint).doc(
        "Call sys.breakpointhook(*args, **kws).\n\nsys.breakpointhook() must accept whatever arguments are passed.\n\nBy default, this \
         drops you into the pdb debugger.",
    ),
    FnDef::def("input", "prompt='', /", input).doc(
        "Read a string from standard input.  The trailing newline is stripped.\n\nThe prompt string, if given, is printed to standard \
         output without a\ntrailing newline before reading input.\n\nIf the user hits EOF (*nix: Ctrl-D, Windows: Ctrl-Z+Return), raise \
         EOFError.\nOn *nix systems, readline is used if available.",
    ),
    FnDef::def("print", "*args, sep=' ', end='\\n', file=None, flush=False", print).doc(
        "Prints the values to a stream, or to sys.stdout by default.\n\nsep\n  string inserted between values, default a space.\nend\n  \
         string appended after the last value, default a newline.\nfile\n  a file-like object (stream); defaults to the current \
         sys.stdout.\nflush\n  whether to forcibly flush the stream.",
    ),
];

fn print(t: &Thread, a: &[Value]) -> R {
    // SAFETY: `*args` is bound to a tuple.
    let values = unsafe { crate::object::Ref::<Tuple>::from_value(a[0]) };
    let file = match a[3].non_null().filter(|f| !f.is_none()) {
        Some(file) => file,
        None => match sys::attribute(t, names::stdout) {
            Some(file) if file.is_none() => return Ok(Value::NONE),
            Some(file) => file,
            None => raise!(t, RuntimeError, "lost sys.stdout"),
        },
    };
    let separator = string_or_none(t, a[1], "sep")?.unwrap_or(names::space);
    let end = string_or_none(t, a[2], "end")?.unwrap_or(names::newline);
    for (i, v) in values.as_slice().iter().enumerate() {
        if i > 0 {
            write(t, file, separator)?;
        }
        write(t, file, text::str_of(t, *v)?.value())?;
    }
    write(t, file, end)?;
    if let Some(flush) = a[4].non_null()
        && truth::truth(t, flush)?
    {
        call::call_method(t, file, names::flush, &[])?;
    }
    Ok(Value::NONE)
}

fn string_or_none(t: &Thread, v: Value, what: &str) -> R<Option<Value>> {
    match v.non_null() {
        None => Ok(None),
        Some(v) if v.is_none() => Ok(None),
        Some(v) if v.is_instance(builtin::STR) => Ok(Some(v)),
        Some(v) => raise!(t, TypeError, "{what} must be None or a string, not {}", v.class().display_name()),
    }
}

fn write(t: &Thread, file: Value, s: Value) -> R<()> {
    call::call_method(t, file, names::write, &[s]).map(|_| ())
}

fn stream(t: &Thread, name: Value, function: &str) -> R {
    match sys::attribute(t, name) {
        Some(file) if !file.is_none() => Ok(file),
        _ => {
            let name = text::str_of(t, name)?;
            raise!(t, RuntimeError, "{function}: lost sys.{}", name.to_string_lossy())
        }
    }
}

fn input(t: &Thread, a: &[Value]) -> R {
    let stdin = stream(t, names::stdin, "input()")?;
    let stdout = stream(t, names::stdout, "input()")?;
    let stderr = stream(t, names::stderr, "input()")?;
    let prompt = a[0].non_null();
    sys::audit(t, "builtins.input", &[prompt.unwrap_or(Value::NONE)])?;
    // What was written before may explain what to enter.
    if call::call_method(t, stderr, names::flush, &[]).is_err() {
        t.catch(crate::exc::Exception)?;
    }
    if let Some(prompt) = prompt {
        write(t, stdout, text::str_of(t, prompt)?.value())?;
    }
    if call::call_method(t, stdout, names::flush, &[]).is_err() {
        t.catch(crate::exc::Exception)?;
    }
    let line = read_line(t, stdin)?;
    sys::audit(t, "builtins.input/result", &[line])?;
    Ok(line)
}

/// A line without its newline; EOFError at the end of the file.
fn read_line(t: &Thread, file: Value) -> R {
    let line = call::call_method(t, file, names::readline, &[])?;
    if let Some(s) = line.downcast::<Str>() {
        return match s.len() {
            0 => raise!(t, EOFError, "EOF when reading a line"),
            n if s.char_at(n - 1) == '\n' as u32 => Ok(s.slice(t, 0, n - 1)?.value()),
            _ => Ok(line),
        };
    }
    if let Some(b) = line.downcast::<Bytes>() {
        return match b.as_slice() {
            [] => raise!(t, EOFError, "EOF when reading a line"),
            [head @ .., b'\n'] => Ok(Bytes::from_slice(t, head)?.value()),
            _ => Ok(line),
        };
    }
    raise!(t, TypeError, "object.readline() returned non-string")
}

fn breakpoint(t: &Thread, args: Args<'_>) -> R {
    let Some(hook) = sys::attribute(t, names::breakpointhook) else { raise!(t, RuntimeError, "lost sys.breakpointhook") };
    sys::audit(t, "builtins.breakpoint", &[hook])?;
    call::call_args(t, hook, args)
}
