//! SyntaxError and its subclasses: where in which file.

use super::{Exception, Message, base, def, member, or_none};
use crate::args::{Args, receiver};
use crate::exc;
use crate::object::{R, Slot, ValueExt};
use crate::protocol::iter;
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Str, TypeDef, builtin, int};
use limpid_heap::Value;

/// The layout of SyntaxError; NULL stands for None.
#[repr(C)]
pub struct SyntaxError {
    base: Exception,
    /// The message.
    pub msg: Slot,
    /// The file.
    pub filename: Slot,
    /// The line, from 1.
    pub lineno: Slot,
    /// The column, from 1.
    pub offset: Slot,
    /// The line's text.
    pub text: Slot,
    /// The line where the error ends.
    pub end_lineno: Slot,
    /// The column where it ends.
    pub end_offset: Slot,
    /// How the traceback printer shows the place.
    pub print_file_and_line: Slot,
    /// What suggestions need, for the traceback module.
    pub metadata: Slot,
}

crate::layout!(SyntaxError, exc::SyntaxError, Slots);

pub(crate) const SUBCLASS: TypeDef =
    TypeDef { slots: SlotTable { new: Some(base::new), init: Some(init), ..SlotTable::EMPTY }, ..def::<SyntaxError>() };

pub(crate) const DEF: TypeDef = TypeDef {
    slots: SlotTable { str: Some(str_of), ..SUBCLASS.slots },
    getset: &[
        member!(SyntaxError, msg).doc("exception msg"),
        member!(SyntaxError, filename).doc("exception filename"),
        member!(SyntaxError, lineno).doc("exception lineno"),
        member!(SyntaxError, offset).doc("exception offset"),
        member!(SyntaxError, text).doc("exception text"),
        member!(SyntaxError, end_lineno).doc("exception end lineno"),
        member!(SyntaxError, end_offset).doc("exception end offset"),
        member!(SyntaxError, print_file_and_line).doc("exception print_file_and_line"),
        member!(SyntaxError, metadata, "_metadata").doc("exception private metadata"),
    ],
    ..SUBCLASS
};

fn init(t: &Thread, e: Value, args: Args<'_>) -> R<()> {
    base::init(t, e, args)?;
    let e = receiver::<SyntaxError>(e);
    if let Some(message) = args.pos().first() {
        e.msg.set(t, e, *message);
    }
    let [_, details] = args.pos() else { return Ok(()) };
    let details = iter::to_tuple(t, *details)?;
    let n = details.len();
    if n < 4 {
        raise!(t, TypeError, "function missing required argument '{}' (pos {})", ["filename", "lineno", "offset", "text"][n], n + 1)
    }
    if n > 7 {
        raise!(t, TypeError, "function takes at most 7 arguments ({n} given)")
    }
    let fields = [&e.filename, &e.lineno, &e.offset, &e.text, &e.end_lineno, &e.end_offset, &e.metadata];
    for (i, slot) in fields.into_iter().enumerate() {
        slot.set(t, e, details.as_slice().get(i).copied().unwrap_or(Value::NULL));
    }
    if n == 5 {
        raise!(t, TypeError, "end_offset must be provided when end_lineno is provided")
    }
    Ok(())
}

fn str_of(t: &Thread, e: Value) -> R {
    let e = receiver::<SyntaxError>(e);
    let message = Message::default().str_of(t, or_none(e.msg.get()))?;
    let filename = match e.filename.get().non_null().and_then(|f| f.downcast::<Str>()) {
        Some(f) => {
            let start = f.code_points().rposition(|c| c == '/' as u32).map_or(0, |i| i + 1);
            Some(f.slice(t, start, f.len())?)
        }
        None => None,
    };
    let line = e.lineno.opt().filter(|l| l.class() == builtin::INT);
    let message = match (filename, line) {
        (None, None) => message,
        (Some(file), Some(line)) => message.text(" (").add(file).text(&format!(", line {})", int::to_i64(t, line)?)),
        (Some(file), None) => message.text(" (").add(file).text(")"),
        (None, Some(line)) => message.text(&format!(" (line {})", int::to_i64(t, line)?)),
    };
    Ok(message.finish(t)?.value())
}
