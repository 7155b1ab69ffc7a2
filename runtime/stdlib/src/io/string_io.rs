//! `StringIO`: text in memory as a file.

use super::base::TEXT_IO_BASE;
use super::newline;
use super::{size, whence};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, call, number};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, Str, Tuple, Type, TypeDef, flag, int};
use limpid_vm::{layout, names, raise};
use parking_lot::Mutex;
use std::mem::offset_of;
use std::ptr::NonNull;

/// `io.StringIO`
pub static STRING_IO: TypeCell = TypeCell::new();

#[derive(Default)]
struct Content {
    chars: Vec<u32>,
    position: usize,
    closed: bool,
    /// What `\n` is written as; None: as it is.
    write_newline: Option<Vec<u32>>,
    /// What ends a line when reading.
    read_newline: ReadNewline,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum ReadNewline {
    /// `\n` only.
    #[default]
    Lf,
    Cr,
    CrLf,
    /// Any of them, untranslated.
    Any,
}

/// The layout.
#[repr(C)]
pub struct StringIo {
    header: Header,
    dict: Slot,
    /// An [`newline::NewlineDecoder`], or NULL when line ends stay as they are.
    decoder: Slot,
    /// The `newline` argument, for `__getstate__`.
    newline: Slot,
    content: Box<Mutex<Content>>,
}
layout!(StringIo, STRING_IO.get(), Slots);

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: `__new__` is called with a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let object = t.alloc_instance(
        class,
        StringIo { header: header_of::<StringIo>(), dict: Slot::NULL, decoder: Slot::NULL, newline: Slot::NULL, content: Box::default() },
    );
    // SAFETY: the function drops what was made here.
    unsafe { limpid_heap::register_drop(&t.mutator, NonNull::new_unchecked(object.ptr().cast()), drop_content) };
    Ok(object.value())
}

unsafe fn drop_content(p: *mut u8) {
    // SAFETY: registered for this layout only; the cell is dead.
    unsafe { std::ptr::drop_in_place(&raw mut (*(p as *mut StringIo)).content) }
}

fn init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    static SIGNATURE: Signature = Signature::parse("initial_value='', newline='\\n'");
    args.bind(t, "StringIO", &SIGNATURE, |a| {
        let newline = match a[1].non_null() {
            None => Some("\n".to_owned()),
            Some(n) if n.is_none() => None,
            Some(n) => match n.downcast::<Str>() {
                Some(s) => Some(s.to_string_lossy().into_owned()),
                None => raise!(t, TypeError, "newline must be str or None, not {}", n.class().display_name()),
            },
        };
        if let Some(n) = &newline
            && !["", "\n", "\r", "\r\n"].contains(&n.as_str())
        {
            raise!(t, ValueError, "illegal newline value: {}", limpid_vm::protocol::text::repr(t, a[1])?.to_string_lossy());
        }
        let this = receiver::<StringIo>(v);
        let decoder = match newline.as_deref() {
            None => newline::wrap(t, Value::NONE, true),
            Some("") => newline::wrap(t, Value::NONE, false),
            Some(_) => Value::NULL,
        };
        this.decoder.set(t, this, decoder);
        this.newline.set(t, this, a[1].non_null().unwrap_or(names::newline));
        *this.content.lock() = Content {
            write_newline: newline.as_deref().filter(|n| n.starts_with('\r')).map(|n| n.chars().map(|c| c as u32).collect()),
            read_newline: match newline.as_deref() {
                Some("") => ReadNewline::Any,
                Some("\r") => ReadNewline::Cr,
                Some("\r\n") => ReadNewline::CrLf,
                _ => ReadNewline::Lf,
            },
            ..Content::default()
        };
        if let Some(initial) = a[0].non_null().filter(|i| !i.is_none()) {
            let Some(s) = initial.downcast::<Str>() else {
                raise!(t, TypeError, "initial_value must be str or None, not {}", initial.class().display_name());
            };
            write_text(t, v, s)?;
            this.content.lock().position = 0;
        }
        Ok(())
    })
}

/// Runs `f` on the content of an open file. `f` runs no Python code.
fn with<T>(t: &Thread, v: Value, f: impl FnOnce(&mut Content) -> T) -> R<T> {
    let this = receiver::<StringIo>(v);
    let mut content = this.content.lock();
    if content.closed {
        drop(content);
        raise!(t, ValueError, "I/O operation on closed file");
    }
    Ok(f(&mut content))
}

fn write_text(t: &Thread, v: Value, s: Ref<Str>) -> R<()> {
    let decoder = receiver::<StringIo>(v).decoder.opt();
    let text = match decoder {
        Some(d) => newline::translate(t, d, s.value(), true)?,
        None => s.value(),
    };
    let Some(text) = text.downcast::<Str>() else { raise!(t, TypeError, "a str is needed") };
    with(t, v, |c| {
        let mut chars: Vec<u32> = Vec::with_capacity(text.len());
        for ch in text.code_points() {
            match &c.write_newline {
                Some(n) if ch == 0x0A => chars.extend_from_slice(n),
                _ => chars.push(ch),
            }
        }
        if chars.is_empty() {
            return;
        }
        let end = c.position + chars.len();
        if c.position == c.chars.len() {
            c.chars.extend_from_slice(&chars);
        } else {
            if end > c.chars.len() {
                c.chars.resize(end, 0);
            }
            c.chars[c.position..end].copy_from_slice(&chars);
        }
        c.position = end;
    })
}

fn write(t: &Thread, a: &[Value]) -> R {
    let Some(s) = a[1].downcast::<Str>() else {
        raise!(t, TypeError, "string argument expected, got '{}'", a[1].class().display_name());
    };
    write_text(t, a[0], s)?;
    Ok(Value::int(s.len() as i64))
}

fn take(c: &mut Content, n: usize) -> Vec<u32> {
    let start = c.position.min(c.chars.len());
    let end = start.saturating_add(n).min(c.chars.len());
    if end > start {
        c.position = end;
    }
    c.chars[start..end].to_vec()
}

fn to_str(t: &Thread, chars: &[u32]) -> R {
    Ok(Str::from_chars(t, chars.iter().copied())?.value())
}

fn read(t: &Thread, a: &[Value]) -> R {
    let n = size(t, a[1])?.unwrap_or(usize::MAX);
    to_str(t, &with(t, a[0], |c| take(c, n))?)
}

fn line_length(rest: &[u32], kind: ReadNewline) -> usize {
    let end = match kind {
        ReadNewline::Lf => rest.iter().position(|c| *c == 0x0A).map(|i| i + 1),
        ReadNewline::Cr => rest.iter().position(|c| *c == 0x0D).map(|i| i + 1),
        ReadNewline::CrLf => rest.windows(2).position(|w| w == [0x0D, 0x0A]).map(|i| i + 2),
        ReadNewline::Any => rest
            .iter()
            .position(|c| *c == 0x0A || *c == 0x0D)
            .map(|i| if rest[i] == 0x0D && rest.get(i + 1) == Some(&0x0A) { i + 2 } else { i + 1 }),
    };
    end.unwrap_or(rest.len())
}

fn line(c: &mut Content, limit: usize) -> Vec<u32> {
    let start = c.position.min(c.chars.len());
    let n = line_length(&c.chars[start..], c.read_newline).min(limit);
    take(c, n)
}

fn readline(t: &Thread, a: &[Value]) -> R {
    let n = size(t, a[1])?.unwrap_or(usize::MAX);
    to_str(t, &with(t, a[0], |c| line(c, n))?)
}

fn next(t: &Thread, v: Value) -> R {
    let l = if v.class() == STRING_IO.get() {
        with(t, v, |c| line(c, usize::MAX))?
    } else {
        return super::base::next_line(t, v);
    };
    if l.is_empty() { Ok(Value::NULL) } else { to_str(t, &l) }
}

fn seek(t: &Thread, a: &[Value]) -> R {
    let (offset, how) = (number::index_isize(t, a[1])?, whence(t, a[2])?);
    let (at, len) = with(t, a[0], |c| (c.position, c.chars.len()))?;
    let target = match how {
        0 if offset < 0 => raise!(t, ValueError, "Negative seek position {offset}"),
        0 => offset as usize,
        1 | 2 if offset != 0 => raise!(t, OSError, "Can't do nonzero cur-relative seeks"),
        1 => at,
        2 => len,
        _ => raise!(t, ValueError, "Invalid whence ({how}, should be 0, 1 or 2)"),
    };
    with(t, a[0], |c| c.position = target)?;
    Ok(int::from_usize(t, target))
}

fn truncate(t: &Thread, a: &[Value]) -> R {
    let n = if a[1].is_null() || a[1].is_none() {
        with(t, a[0], |c| c.position)?
    } else {
        match number::index_isize(t, a[1])? {
            n if n < 0 => raise!(t, ValueError, "Negative size value {n}"),
            n => n as usize,
        }
    };
    with(t, a[0], |c| c.chars.truncate(n))?;
    Ok(int::from_usize(t, n))
}

fn close(_: &Thread, a: &[Value]) -> R {
    let this = receiver::<StringIo>(a[0]);
    let mut c = this.content.lock();
    c.closed = true;
    c.chars = Vec::new();
    Ok(Value::NONE)
}

fn getstate(t: &Thread, a: &[Value]) -> R {
    let (chars, position) = with(t, a[0], |c| (c.chars.clone(), c.position))?;
    let dict = match attr::get_attr_opt(t, a[0], names::__dict__)?.and_then(|d| d.downcast::<Dict>()) {
        Some(d) if !d.is_empty() => d.copy(t)?.value(),
        _ => Value::NONE,
    };
    let newline = receiver::<StringIo>(a[0]).newline.opt().unwrap_or(Value::NONE);
    Ok(Tuple::from_slice(t, &[to_str(t, &chars)?, newline, int::from_usize(t, position), dict]).value())
}

fn setstate(t: &Thread, a: &[Value]) -> R {
    with(t, a[0], |_| ())?;
    let Some(state) = a[1].downcast::<Tuple>().filter(|s| s.len() >= 4) else {
        raise!(
            t,
            TypeError,
            "{}.__setstate__ argument should be 4-tuple, got {}",
            a[0].class().display_name(),
            a[1].class().display_name()
        );
    };
    init(t, a[0], Args::positional(&[Value::NONE, state.get(1)]))?;
    let Some(s) = state.get(0).downcast::<Str>() else { raise!(t, TypeError, "the first item of state must be a str") };
    let position = int::to_i64(t, state.get(2))?;
    if position < 0 {
        raise!(t, ValueError, "position value cannot be negative");
    }
    with(t, a[0], |c| {
        c.chars = s.code_points().collect();
        c.position = position as usize;
    })?;
    if !state.get(3).is_none() {
        let dict = attr::get_attr(t, a[0], names::__dict__)?;
        call::call_method(t, dict, names::update, &[state.get(3)])?;
    }
    Ok(Value::NONE)
}

fn yes(t: &Thread, a: &[Value]) -> R {
    with(t, a[0], |_| Value::TRUE)
}

/// `io.StringIO`
pub static STRING_IO_DEF: TypeDef = TypeDef {
    doc: "StringIO(initial_value='', newline='\\n')\n--\n\nText in memory as a file.",
    base: Some(|| TEXT_IO_BASE.get()),
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable { new: Some(new), init: Some(init), next: Some(next), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("read", "self, size=-1, /", read),
        FnDef::def("readline", "self, size=-1, /", readline),
        FnDef::def("write", "self, s, /", write),
        FnDef::def("seek", "self, pos, whence=0, /", seek),
        FnDef::def("tell", "self, /", |t, a| Ok(int::from_usize(t, with(t, a[0], |c| c.position)?))),
        FnDef::def("truncate", "self, pos=None, /", truncate),
        FnDef::def("close", "self, /", close),
        FnDef::def("readable", "self, /", yes),
        FnDef::def("writable", "self, /", yes),
        FnDef::def("seekable", "self, /", yes),
        FnDef::def("getvalue", "self, /", |t, a| to_str(t, &with(t, a[0], |c| c.chars.clone())?)),
        FnDef::def("__getstate__", "self, /", getstate),
        FnDef::def("__setstate__", "self, state, /", setstate),
    ],
    getset: &[
        GetSet::getter("closed", |_, v| Ok(Value::bool(receiver::<StringIo>(v).content.lock().closed))),
        GetSet::getter("line_buffering", |t, v| with(t, v, |_| Value::FALSE)),
        GetSet::getter("newlines", |t, v| {
            with(t, v, |_| ())?;
            match receiver::<StringIo>(v).decoder.opt() {
                Some(d) => newline::newlines(t, d),
                None => Ok(Value::NONE),
            }
        }),
    ],
    dict_offset: offset_of!(StringIo, dict),
    ..TypeDef::of::<StringIo>("_io.StringIO")
};
