//! Exceptions as text without any Python code but `str(exception)`: for when the traceback module cannot be used.

use super::write_stderr;
use crate::exc;
use crate::object::{Ref, ValueExt};
use crate::protocol::text;
use crate::thread::Thread;
use crate::types::exceptions::{ExceptionGroup, SyntaxError};
use crate::types::traceback::Traceback;
use crate::types::{Bytes, Exception, Str};
use limpid_bytecode::{LineTable, Location};
use limpid_heap::Value;
use std::fs;

const CAUSE: &str = "\nThe above exception was the direct cause of the following exception:\n\n";
const CONTEXT: &str = "\nDuring handling of the above exception, another exception occurred:\n\n";
/// How many equal frames are shown before they are counted.
const REPEATS: usize = 3;
/// How many exceptions of a chain, and how deep groups, are shown.
const MOST: usize = 32;

/// Prints an exception and those it is chained to.
pub(super) fn print(t: &Thread, e: Value) {
    let mut out = String::new();
    if e.is_instance(exc::BaseException) {
        chain(t, e, &mut Vec::new(), 0, &mut out);
    } else {
        let class = e.class().display_name();
        out += &format!("TypeError: print_exception(): Exception expected for value, {class} found\n");
    }
    write_stderr(t, &out);
}

fn chain(t: &Thread, e: Value, seen: &mut Vec<u64>, depth: usize, out: &mut String) {
    seen.push(e.bits());
    let earlier = match (Exception::cause(e), Exception::context(e)) {
        (Value::NONE, Value::NONE) => None,
        (Value::NONE, context) => (!Exception::suppress_context(e)).then_some((context, CONTEXT)),
        (cause, _) => Some((cause, CAUSE)),
    };
    if let Some((first, message)) = earlier
        && !seen.contains(&first.bits())
        && seen.len() < MOST
    {
        chain(t, first, seen, depth, out);
        indent(depth, message, out);
    }
    one(t, e, depth, out);
}

fn indent(depth: usize, text: &str, out: &mut String) {
    let prefix = if depth == 0 { String::new() } else { "  ".repeat(depth) + "| " };
    for line in text.split_inclusive('\n') {
        out.push_str(&prefix);
        out.push_str(line);
    }
}

/// One exception: the traceback, then the class and the text.
fn one(t: &Thread, e: Value, depth: usize, out: &mut String) {
    let mut text = String::new();
    if let Some(tb) = Exception::traceback(e).exact::<Traceback>() {
        text += "Traceback (most recent call last):\n";
        traceback(t, tb, &mut text);
    }
    if let Some(s) = e.downcast::<SyntaxError>() {
        syntax_error_place(t, s, &mut text);
    }
    text += &title(t, e);
    notes(t, e, &mut text);
    indent(depth, &text, out);
    if let Some(group) = e.downcast::<ExceptionGroup>()
        && depth < MOST
    {
        for (i, inner) in group.exceptions().as_slice().iter().enumerate() {
            let plus = if i == 0 { "+-" } else { "  " };
            out.push_str(&format!("{}{plus}+---------------- {} ----------------\n", "  ".repeat(depth), i + 1));
            chain(t, *inner, &mut Vec::new(), depth + 1, out);
        }
        out.push_str(&format!("{}+------------------------------------\n", "  ".repeat(depth + 1)));
    }
}

/// `module.Class: text`
fn title(t: &Thread, e: Value) -> String {
    let class = e.class();
    let mut title = String::new();
    let module = class.dict().get_name(crate::names::__module__).and_then(|m| m.downcast::<Str>());
    if let Some(module) = module.filter(|m| !m.eq_str("builtins") && !m.eq_str("__main__")) {
        title += &format!("{}.", module.to_string_lossy());
    }
    title += &class.qualname.get().downcast::<Str>().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let shown = match e.downcast::<SyntaxError>() {
        Some(s) => text::str_of(t, s.msg.opt().unwrap_or(Value::NONE)),
        None => text::str_of(t, e),
    };
    match shown {
        Ok(s) if s.is_empty() => {}
        Ok(s) => title += &format!(": {}", s.to_string_lossy()),
        Err(_) => {
            t.take_exception();
            title += ": <exception str() failed>";
        }
    }
    title + "\n"
}

fn notes(t: &Thread, e: Value, out: &mut String) {
    let notes = match crate::protocol::attr::get_attr_opt(t, e, crate::names::__notes__) {
        Ok(Some(notes)) => notes,
        Ok(None) => return,
        Err(_) => {
            t.take_exception();
            return;
        }
    };
    let Some(list) = notes.downcast::<crate::types::List>() else { return };
    for note in list.snapshot(t).iter() {
        match text::str_of(t, note) {
            Ok(s) => *out += &format!("{}\n", s.to_string_lossy()),
            Err(_) => {
                t.take_exception();
                *out += "<note str() failed>\n";
            }
        }
    }
}

fn syntax_error_place(t: &Thread, e: Ref<SyntaxError>, out: &mut String) {
    let Some(line) = e.lineno.get().non_null().and_then(crate::types::int::as_i64_opt) else { return };
    let file = match e.filename.opt().filter(|f| !f.is_none()).map(|f| text::str_of(t, f)) {
        Some(Ok(file)) => file.to_string_lossy().into_owned(),
        _ => "<string>".into(),
    };
    *out += &format!("  File \"{file}\", line {line}\n");
    let Some(source) = e.text.get().non_null().and_then(|v| v.downcast::<Str>()) else { return };
    let source = source.to_string_lossy().into_owned();
    let trimmed = source.trim_start();
    *out += &format!("    {}\n", trimmed.trim_end());
    if let Some(offset) = e.offset.get().non_null().and_then(crate::types::int::as_i64_opt)
        && offset > 0
    {
        let removed = source.chars().count() - trimmed.chars().count();
        let at = (offset as usize - 1).saturating_sub(removed);
        *out += &format!("    {}^\n", " ".repeat(at));
    }
}

/// The frames of a traceback; many equal ones are counted.
fn traceback(t: &Thread, tb: Ref<Traceback>, out: &mut String) {
    let (mut at, mut last, mut repeated) = (Some(tb), None, 0);
    while let Some(tb) = at {
        let place = (tb.code(), tb.line(t));
        repeated = if last == Some(place) { repeated + 1 } else { finish_repeats(repeated, out) };
        last = Some(place);
        if repeated < REPEATS {
            frame(t, tb, out);
        }
        at = tb.next();
    }
    finish_repeats(repeated, out);
}

fn finish_repeats(repeated: usize, out: &mut String) -> usize {
    if repeated >= REPEATS {
        let more = repeated - REPEATS + 1;
        let s = if more == 1 { "" } else { "s" };
        *out += &format!("  [Previous line repeated {more} more time{s}]\n");
    }
    0
}

fn frame(t: &Thread, tb: Ref<Traceback>, out: &mut String) {
    let code = tb.code();
    let text = |v: Value| v.downcast::<Str>().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let (file, name) = (text(code.filename.get()), text(code.name.get()));
    let Some(line) = tb.line(t) else {
        *out += &format!("  File \"{file}\", line ?, in {name}\n");
        return;
    };
    *out += &format!("  File \"{file}\", line {line}, in {name}\n");
    let Some(source) = source_line(&file, line as usize) else { return };
    let shown = source.trim();
    if shown.is_empty() {
        return;
    }
    *out += &format!("    {shown}\n");
    // SAFETY: the field is bytes.
    let table = unsafe { Ref::<Bytes>::from_value(code.linetable.get()) };
    let table = LineTable { bytes: table.as_slice(), firstlineno: code.firstlineno };
    if let Ok(position) = u32::try_from(tb.position())
        && let Some(carets) = carets(&source, table.location_at(position))
    {
        *out += &format!("    {carets}\n");
    }
}

/// Marks the part of a line that an instruction comes from; None if it is the whole line or not on one line.
fn carets(source: &str, location: Location) -> Option<String> {
    if location.end_line != location.line || location.column < 0 || location.end_column < 0 {
        return None;
    }
    let width = |bytes: i32| source.get(..bytes as usize).map(|s| s.chars().count());
    let (from, to) = (width(location.column)?, width(location.end_column)?);
    let removed = source.chars().count() - source.trim_start().chars().count();
    let (from, to) = (from.checked_sub(removed)?, to.checked_sub(removed)?);
    (to > from && to - from < source.trim().chars().count()).then(|| " ".repeat(from) + &"^".repeat(to - from))
}

fn source_line(file: &str, line: usize) -> Option<String> {
    let bytes = fs::read(file).ok()?;
    let line = bytes.split(|b| *b == b'\n').nth(line.checked_sub(1)?)?;
    Some(String::from_utf8_lossy(line).into_owned())
}
