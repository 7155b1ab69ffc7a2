//! BaseExceptionGroup and ExceptionGroup: several exceptions raised as one, and taking them apart.

use super::{Exception, Message, base, def};
use crate::args::{Args, FnDef, GetSet, receiver};
use crate::exc;
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt};
use crate::protocol::{attr, call, iter, text, truth};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{List, Str, Tuple, Type, TypeDef, ValueList, builtin, flag, generic_alias};
use limpid_heap::Value;

/// The layout of both classes.
#[repr(C)]
pub struct ExceptionGroup {
    base: Exception,
    /// `message`, a str.
    message: Slot,
    /// `exceptions`, a tuple.
    exceptions: Slot,
    /// The repr of the sequence that was given, if it was neither a list nor a tuple; else NULL.
    sequence_repr: Slot,
}

crate::layout!(ExceptionGroup, exc::BaseExceptionGroup, Slots);

pub(crate) const DEF: TypeDef = TypeDef {
    slots: SlotTable { new: Some(new), init: Some(base::init), repr: Some(repr), str: Some(str_of), ..SlotTable::EMPTY },
    methods: &[
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
        FnDef::def("derive", "self, excs, /", derive),
        FnDef::def("split", "self, matcher_value, /", split),
        FnDef::def("subgroup", "self, matcher_value, /", subgroup),
    ],
    getset: &[
        GetSet::getter("message", |_, e| Ok(receiver::<ExceptionGroup>(e).message.get())).member().doc("exception message"),
        GetSet::getter("exceptions", |_, e| Ok(receiver::<ExceptionGroup>(e).exceptions.get())).member().doc("nested exceptions"),
    ],
    ..def::<ExceptionGroup>()
};

/// ExceptionGroup, which gets its second base when the types are complete.
pub(crate) const SUBCLASS: TypeDef = def::<ExceptionGroup>();

impl ExceptionGroup {
    /// The exceptions in it.
    pub fn exceptions(&self) -> Ref<Tuple> {
        // SAFETY: the field is a tuple, set by the constructor.
        unsafe { Ref::from_value(self.exceptions.get()) }
    }

    /// `ExceptionGroup(message, exceptions)`, or a BaseExceptionGroup where the exceptions demand it.
    pub fn create(t: &Thread, message: &str, exceptions: Value) -> R {
        let message = Str::new(t, message).value();
        Exception::instantiate(t, exc::BaseExceptionGroup, &[message, exceptions])
    }
}

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
    let mut class = unsafe { Ref::<Type>::from_value(class) };
    let [message, given] = args.pos() else {
        raise!(t, TypeError, "BaseExceptionGroup.__new__() takes exactly 2 arguments ({} given)", args.pos().len())
    };
    if !message.is_instance(builtin::STR) {
        raise!(t, TypeError, "BaseExceptionGroup.__new__() argument 1 must be str, not {}", super::argument_type(*message))
    }
    if !iter::is_sequence(*given) {
        raise!(t, TypeError, "second argument (exceptions) must be a sequence")
    }
    let sequence_repr = if [builtin::LIST, builtin::TUPLE].contains(&given.class()) { Value::NULL } else { text::repr(t, *given)?.value() };
    let exceptions = iter::to_tuple(t, *given)?;
    if exceptions.is_empty() {
        raise!(t, ValueError, "second argument (exceptions) must be a non-empty sequence")
    }
    let mut has_base_exceptions = false;
    for (i, e) in exceptions.as_slice().iter().enumerate() {
        if !e.is_instance(exc::BaseException) {
            raise!(t, ValueError, "Item {i} of second argument (exceptions) is not an exception")
        }
        has_base_exceptions |= !e.is_instance(exc::Exception);
    }
    if class == exc::ExceptionGroup {
        if has_base_exceptions {
            raise!(t, TypeError, "Cannot nest BaseExceptions in an ExceptionGroup")
        }
    } else if class == exc::BaseExceptionGroup {
        if !has_base_exceptions {
            class = exc::ExceptionGroup;
        }
    } else if has_base_exceptions && class.is_subtype(exc::Exception) {
        raise!(t, TypeError, "Cannot nest BaseExceptions in '{}'", class.display_name())
    }
    let e = Exception::allocate(t, class);
    e.set_args(t, Tuple::from_slice(t, args.pos()));
    // SAFETY: `allocate` gave it the class's layout.
    let e = unsafe { e.cast::<ExceptionGroup>() };
    e.message.set(t, e, *message);
    e.exceptions.set(t, e, exceptions.value());
    e.sequence_repr.set(t, e, sequence_repr);
    Ok(e.value())
}

fn str_of(t: &Thread, e: Value) -> R {
    let e = receiver::<ExceptionGroup>(e);
    let n = e.exceptions().len();
    let count = format!(" ({n} sub-exception{})", if n > 1 { "s" } else { "" });
    Ok(Message::default().str_of(t, e.message.get())?.text(&count).finish(t)?.value())
}

/// Looks as the constructor call did, but shows the exceptions as they were then.
fn repr(t: &Thread, e: Value) -> R {
    let group = receiver::<ExceptionGroup>(e);
    let exceptions = match group.sequence_repr.opt() {
        Some(repr) => repr,
        None => {
            let as_list = group.base.args().as_slice().get(1).is_some_and(|a| a.is_instance(builtin::LIST));
            let shown = if as_list { List::from_slice(t, group.exceptions().as_slice())?.value() } else { group.exceptions.get() };
            text::repr(t, shown)?.value()
        }
    };
    let message = Message::new(&e.class().display_name()).text("(").repr(t, group.message.get())?.text(", ");
    Ok(message.str_of(t, exceptions)?.text(")").finish(t)?.value())
}

fn derive(t: &Thread, a: &[Value]) -> R {
    Exception::instantiate(t, exc::BaseExceptionGroup, &[receiver::<ExceptionGroup>(a[0]).message.get(), a[1]])
}

fn split(t: &Thread, a: &[Value]) -> R {
    let (matched, rest) = Matcher::new(t, a[1])?.split(t, a[0], true)?;
    Ok(Tuple::from_slice(t, &[matched, rest]).value())
}

fn subgroup(t: &Thread, a: &[Value]) -> R {
    Ok(Matcher::new(t, a[1])?.split(t, a[0], false)?.0)
}

/// Which exceptions to take out of a group.
pub(super) enum Matcher {
    /// Instances of a class or of one in a tuple.
    Class(Value),
    /// Those for which a function is true.
    Predicate(Value),
    /// The very exceptions in a list.
    Identity(ValueList),
}

/// Is it a class that derives from BaseException?
pub fn is_exception_class(v: Value) -> bool {
    v.downcast::<Type>().is_some_and(|class| class.has(flag::EXCEPTION_SUBCLASS))
}

/// Does `except class` handle an exception? (`class` may be a tuple, of tuples as well.)
pub fn given_exception_matches(e: Value, class: Value) -> bool {
    if let Some(classes) = class.downcast::<Tuple>() {
        return classes.as_slice().iter().any(|c| given_exception_matches(e, *c));
    }
    match class.downcast::<Type>() {
        Some(c) if c.has(flag::EXCEPTION_SUBCLASS) => {
            let e = if e.is_instance(exc::BaseException) { e.class().value() } else { e };
            e.downcast::<Type>().is_some_and(|e| e.is_subtype(c))
        }
        _ => e == class,
    }
}

impl Matcher {
    fn new(t: &Thread, v: Value) -> R<Matcher> {
        if !v.is_instance(builtin::TYPE) && call::is_callable(v) {
            return Ok(Matcher::Predicate(v));
        }
        let all_classes = |tuple: Ref<Tuple>| tuple.as_slice().iter().all(|c| is_exception_class(*c));
        if is_exception_class(v) || v.exact::<Tuple>().is_some_and(all_classes) {
            return Ok(Matcher::Class(v));
        }
        raise!(t, TypeError, "expected an exception type, a tuple of exception types, or a callable (other than a class)")
    }

    fn accepts(&self, t: &Thread, e: Value) -> R<bool> {
        match self {
            Matcher::Class(class) => Ok(given_exception_matches(e, *class)),
            Matcher::Predicate(f) => truth::truth(t, call::call(t, *f, &[e])?),
            Matcher::Identity(list) => Ok(!e.is_instance(exc::BaseExceptionGroup) && list.iter().any(|v| v == e)),
        }
    }

    /// The part of an exception or group that matches and, if wanted, the rest; None for an empty part. Nesting, notes, traceback,
    /// cause and context are kept.
    pub(super) fn split(&self, t: &Thread, e: Value, want_rest: bool) -> R<(Value, Value)> {
        if self.accepts(t, e)? {
            return Ok((e, Value::NONE));
        }
        let Some(group) = e.downcast::<ExceptionGroup>() else {
            return Ok((Value::NONE, if want_rest { e } else { Value::NONE }));
        };
        t.check_stack("")?;
        let (mut matched, mut rest) = (ValueList::new(t), ValueList::new(t));
        for inner in group.exceptions().as_slice() {
            let (m, r) = self.split(t, *inner, want_rest)?;
            if !m.is_none() {
                matched.push(t, m);
            }
            if !r.is_none() {
                rest.push(t, r);
            }
        }
        Ok((subset(t, e, matched)?, subset(t, e, rest)?))
    }
}

/// A group like `original` with these exceptions, made by its `derive` method; None for no exceptions.
fn subset(t: &Thread, original: Value, exceptions: ValueList) -> R {
    if exceptions.is_empty() {
        return Ok(Value::NONE);
    }
    let list = List::from_slice(t, exceptions.as_slice())?.value();
    let derived = call::call_method_text(t, original, "derive", &[list])?;
    if !derived.is_instance(exc::BaseExceptionGroup) {
        raise!(t, TypeError, "derive must return an instance of BaseExceptionGroup")
    }
    let traceback = Exception::traceback(original);
    if !traceback.is_none() {
        Exception::set_traceback(t, derived, traceback);
    }
    Exception::set_context(t, derived, Exception::context(original));
    Exception::set_cause(t, derived, Exception::cause(original));
    if let Some(notes) = attr::get_attr_opt(t, original, names::__notes__)?
        && iter::is_sequence(notes)
    {
        // A copy: the parts have notes of their own from here on.
        attr::set_attr(t, derived, names::__notes__, iter::to_list(t, notes)?.value())?;
    }
    Ok(derived)
}
