//! BaseException itself, and the classes that add nothing to it.

use super::{Exception, Message, def};
use crate::args::{Args, FnDef, GetSet, receiver};
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, text};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::traceback::Traceback;
use crate::types::{Dict, List, Tuple, Type, TypeDef, builtin, instance};
use crate::{exc, names};
use limpid_heap::Value;

const SLOTS: SlotTable = SlotTable { new: Some(new), init: Some(init), repr: Some(repr), str: Some(str_of), ..SlotTable::EMPTY };

/// BaseException.
pub(crate) const DEF: TypeDef = TypeDef { slots: SLOTS, methods: METHODS, getset: GETSET, ..def::<Exception>() };
/// Classes like `ValueError`.
pub(crate) const PLAIN: TypeDef =
    TypeDef { slots: SlotTable { new: Some(new), init: Some(init), ..SlotTable::EMPTY }, ..def::<Exception>() };

/// `BaseException.__new__`: a class's instance whose `args` are the positional arguments.
pub(super) fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
    let e = Exception::allocate(t, unsafe { Ref::<Type>::from_value(class) });
    e.set_args(t, Tuple::from_slice(t, args.pos()));
    Ok(e.value())
}

/// `BaseException.__init__`.
pub(super) fn init(t: &Thread, e: Value, args: Args<'_>) -> R<()> {
    if args.keyword_count() > 0 {
        args.no_keywords(t, &e.class().display_name())?;
    }
    init_args(t, e, args);
    Ok(())
}

/// The part of `__init__` for classes with keywords of their own.
pub(super) fn init_args(t: &Thread, e: Value, args: Args<'_>) {
    let e = receiver::<Exception>(e);
    if e.args().as_slice() != args.pos() {
        e.set_args(t, Tuple::from_slice(t, args.pos()));
    }
}

/// `BaseException.__str__`.
pub(super) fn str_of(t: &Thread, e: Value) -> R {
    let args = receiver::<Exception>(e).args();
    Ok(match args.as_slice() {
        [] => names::empty,
        [one] => text::str_of(t, *one)?.value(),
        _ => text::str_of(t, args.value())?.value(),
    })
}

fn repr(t: &Thread, e: Value) -> R {
    let args = receiver::<Exception>(e).args();
    let name = Message::new(&e.class().display_name());
    let message = match args.as_slice() {
        [one] => name.text("(").repr(t, *one)?.text(")"),
        _ => name.repr(t, args.value())?,
    };
    Ok(message.finish(t)?.value())
}

/// The attribute dict, if it was made and holds something.
pub(super) fn attributes(t: &Thread, e: Value) -> R<Option<Ref<Dict>>> {
    Ok(instance::dict_if_any(t, e)?.filter(|d| !d.is_empty()))
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let e = receiver::<Exception>(a[0]);
    reduce_with(t, a[0], e.args().value(), attributes(t, a[0])?.map(|d| d.value()))
}

/// `(type(e), args)` or `(type(e), args, state)`.
pub(super) fn reduce_with(t: &Thread, e: Value, args: Value, state: Option<Value>) -> R {
    let class = e.class().value();
    Ok(match state {
        Some(state) => Tuple::from_slice(t, &[class, args, state]),
        None => Tuple::from_slice(t, &[class, args]),
    }
    .value())
}

fn setstate(t: &Thread, a: &[Value]) -> R {
    if a[1].is_none() {
        return Ok(Value::NONE);
    }
    let Some(state) = a[1].downcast::<Dict>() else { raise!(t, TypeError, "state is not a dictionary") };
    let mut position = 0;
    while let Some((name, value)) = state.next_entry(&mut position) {
        attr::set_attr(t, a[0], name, value)?;
    }
    Ok(Value::NONE)
}

fn with_traceback(t: &Thread, a: &[Value]) -> R {
    set_traceback(t, a[0], a[1])?;
    Ok(a[0])
}

fn add_note(t: &Thread, a: &[Value]) -> R {
    if !a[1].is_instance(builtin::STR) {
        raise!(t, TypeError, "note must be a str, not '{}'", a[1].class().display_name())
    }
    let notes = match attr::get_attr_opt(t, a[0], names::__notes__)? {
        Some(notes) => notes,
        None => {
            let notes = List::new(t).value();
            attr::set_attr(t, a[0], names::__notes__, notes)?;
            notes
        }
    };
    let Some(notes) = notes.downcast::<List>() else { raise!(t, TypeError, "Cannot add note: __notes__ is not a list") };
    notes.append(t, a[1])?;
    Ok(Value::NONE)
}

const METHODS: &[FnDef] = &[
    FnDef::def("__reduce__", "self, /", reduce),
    FnDef::def("__setstate__", "self, object, /", setstate),
    FnDef::def("with_traceback", "self, object, /", with_traceback).doc("Set self.__traceback__ to tb and return self."),
    FnDef::def("add_note", "self, object, /", add_note).doc("Add a note to the exception"),
];

pub(super) const GETSET: &[GetSet] = &[
    GetSet::property("args", |_, e| Ok(receiver::<Exception>(e).args().value()), set_args),
    GetSet::property("__traceback__", |_, e| Ok(Exception::traceback(e)), set_traceback),
    GetSet::property("__context__", |_, e| Ok(Exception::context(e)), set_context).doc("exception context"),
    GetSet::property("__cause__", |_, e| Ok(Exception::cause(e)), set_cause).doc("exception cause"),
    GetSet::property("__suppress_context__", |_, e| Ok(Value::bool(Exception::suppress_context(e))), set_suppress_context),
];

fn set_args(t: &Thread, e: Value, v: Value) -> R<()> {
    if v.is_null() {
        raise!(t, TypeError, "args may not be deleted")
    }
    let args = crate::protocol::iter::to_tuple(t, v)?;
    receiver::<Exception>(e).set_args(t, args);
    Ok(())
}

fn set_traceback(t: &Thread, e: Value, v: Value) -> R<()> {
    if v.is_null() {
        raise!(t, TypeError, "__traceback__ may not be deleted")
    }
    if !v.is_none() && v.exact::<Traceback>().is_none() {
        raise!(t, TypeError, "__traceback__ must be a traceback or None")
    }
    Exception::set_traceback(t, e, v);
    Ok(())
}

fn set_context(t: &Thread, e: Value, v: Value) -> R<()> {
    require_exception(t, v, "context")?;
    Exception::set_context(t, e, v);
    Ok(())
}

fn set_cause(t: &Thread, e: Value, v: Value) -> R<()> {
    require_exception(t, v, "cause")?;
    Exception::set_cause(t, e, v);
    Ok(())
}

fn set_suppress_context(t: &Thread, e: Value, v: Value) -> R<()> {
    if v.is_null() {
        raise!(t, TypeError, "can't delete numeric/char attribute")
    }
    if !v.is_bool() {
        raise!(t, TypeError, "attribute value type must be bool")
    }
    Exception::set_suppress_context(t, e, v == Value::TRUE);
    Ok(())
}

fn require_exception(t: &Thread, v: Value, what: &str) -> R<()> {
    if v.is_null() {
        raise!(t, TypeError, "__{what}__ may not be deleted")
    }
    if !v.is_none() && !v.is_instance(exc::BaseException) {
        raise!(t, TypeError, "exception {what} must be None or derive from BaseException")
    }
    Ok(())
}
