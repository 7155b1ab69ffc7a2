//! ImportError and ModuleNotFoundError: which module, from where.

use super::{Exception, base, def, member};
use crate::args::{Args, FnDef, receiver};
use crate::object::{R, Ref, Slot, ValueExt};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Dict, Str, Tuple, Type, TypeDef};
use crate::{exc, names};
use limpid_heap::Value;

/// The layout of ImportError.
#[repr(C)]
pub struct ImportError {
    base: Exception,
    /// The message, or NULL.
    pub msg: Slot,
    /// The module's name, or NULL.
    pub name: Slot,
    /// Where it was looked for, or NULL.
    pub path: Slot,
    /// The name that the module lacks, or NULL.
    pub name_from: Slot,
}

crate::layout!(ImportError, exc::ImportError, Slots);

pub(crate) const SUBCLASS: TypeDef =
    TypeDef { slots: SlotTable { new: Some(base::new), init: Some(init), ..SlotTable::EMPTY }, ..def::<ImportError>() };

pub(crate) const DEF: TypeDef = TypeDef {
    slots: SlotTable { str: Some(str_of), ..SUBCLASS.slots },
    methods: &[FnDef::def("__reduce__", "self, /", reduce)],
    getset: &[
        member!(ImportError, msg).doc("exception message"),
        member!(ImportError, name).doc("module name"),
        member!(ImportError, path).doc("module path"),
        member!(ImportError, name_from).doc("name imported from module"),
    ],
    ..SUBCLASS
};

impl ImportError {
    /// A new exception of `class` with a message, a module's name and path (NULL when unknown).
    pub fn create(t: &Thread, class: Ref<Type>, message: Value, name: Value, path: Value) -> Ref<ImportError> {
        let e = Exception::allocate(t, class);
        e.set_args(t, Tuple::from_slice(t, &[message]));
        // SAFETY: callers name ImportError or a subclass.
        let e = unsafe { e.cast::<ImportError>() };
        e.msg.set(t, e, message);
        e.name.set(t, e, name);
        e.path.set(t, e, path);
        e
    }
}

/// Takes the keyword arguments that an exception class knows; TypeError for others.
pub(super) fn take_keywords<const N: usize>(t: &Thread, class: &str, args: Args<'_>, known: [&str; N]) -> R<[Value; N]> {
    let mut found = [Value::NULL; N];
    for (name, value) in args.keywords() {
        let text = name.downcast::<Str>();
        match known.iter().position(|k| text.is_some_and(|s| s.eq_str(k))) {
            Some(i) => found[i] = value,
            None => {
                let name = text.map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
                raise!(t, TypeError, "{class}() got an unexpected keyword argument '{name}'")
            }
        }
    }
    Ok(found)
}

fn init(t: &Thread, e: Value, args: Args<'_>) -> R<()> {
    let [name, path, name_from] = take_keywords(t, "ImportError", args, ["name", "path", "name_from"])?;
    base::init_args(t, e, args);
    let e = receiver::<ImportError>(e);
    e.name.set(t, e, name);
    e.path.set(t, e, path);
    e.name_from.set(t, e, name_from);
    let message = if let [message] = args.pos() { *message } else { Value::NULL };
    e.msg.set(t, e, message);
    Ok(())
}

fn str_of(t: &Thread, e: Value) -> R {
    let message = receiver::<ImportError>(e).msg.get();
    match message.exact::<Str>() {
        Some(_) => Ok(message),
        None => base::str_of(t, e),
    }
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let e = receiver::<ImportError>(a[0]);
    let fields = [(names::name, &e.name), (names::path, &e.path), (names::name_from, &e.name_from)];
    let attributes = base::attributes(t, a[0])?;
    if attributes.is_none() && fields.iter().all(|(_, slot)| slot.opt().is_none()) {
        return base::reduce_with(t, a[0], e.base.args.get(), None);
    }
    let state = match attributes {
        Some(d) => d.copy(t)?,
        None => Dict::new(t),
    };
    for (name, slot) in fields {
        if let Some(v) = slot.opt() {
            state.set_name(t, name, v)?;
        }
    }
    base::reduce_with(t, a[0], e.base.args.get(), Some(state.value()))
}
