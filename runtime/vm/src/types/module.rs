//! `module`

use crate::args::{Args, FnDef, GetSet, Signature, receiver};
use crate::modules::shadowing;
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{attr, call, sequence, truth::truth};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::descriptor::text;
use crate::types::{Dict, List, Str, Type, TypeDef, builtin, flag};
use limpid_heap::{Header, Value};
use std::mem::offset_of;

/// The layout of a module.
#[repr(C)]
pub struct Module {
    header: Header,
    /// The namespace.
    dict: Slot,
}

crate::layout!(Module, builtin::MODULE, Slots);

/// `types.ModuleType`
pub static MODULE_DEF: TypeDef = TypeDef {
    doc: "module(name, doc=None)\n--\n\nCreate a module object.\n\nThe name must be a string; the optional docstring can have any type.",
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable {
        repr: Some(repr),
        new: Some(|t, class, _| {
            let module = Module { header: header_of::<Module>(), dict: Slot::new(Dict::new(t).value()) };
            // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
            Ok(t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, module).value())
        }),
        init: Some(init),
        getattribute: Some(get_attribute),
        ..SlotTable::EMPTY
    },
    methods: &[FnDef::def("__dir__", "self, /", dir).doc("__dir__() -> list\nspecialized dir() implementation")],
    getset: &[
        GetSet::getter("__dict__", |_, m| Ok(receiver::<Module>(m).dict().value())).member(),
        GetSet::property("__annotations__", get_annotations, set_annotations),
        GetSet::property("__annotate__", get_annotate, set_annotate),
    ],
    dict_offset: offset_of!(Module, dict),
    ..TypeDef::of::<Module>("module")
};

const INIT: Signature = Signature::parse("self, name, doc=None");

impl Module {
    /// Where the namespace is.
    pub const DICT: usize = std::mem::offset_of!(Module, dict);

    /// A new module with the attributes that every module has.
    pub fn new(t: &Thread, name: Value) -> R<Ref<Module>> {
        let dict = Dict::with_capacity(t, 8)?;
        let module = t.alloc(Module { header: header_of::<Module>(), dict: Slot::new(dict.value()) });
        fill(t, dict, name, Value::NONE)?;
        Ok(module)
    }

    /// The namespace.
    #[inline(always)]
    pub fn dict(&self) -> Ref<Dict> {
        // SAFETY: the field always refers to a dict.
        unsafe { Ref::from_value(self.dict.get()) }
    }

    /// `__name__`, if it is a str.
    pub fn name(&self) -> Option<Ref<Str>> {
        self.dict().get_name(names::__name__)?.downcast()
    }
}

/// A builtin by its name.
pub fn builtin(t: &Thread, name: Value) -> R {
    let found = t.interpreter().builtins.get().downcast::<Dict>().and_then(|b| b.get_name(name));
    match found {
        Some(v) => Ok(v),
        None => raise!(t, RuntimeError, "lost builtins.{}", text(name)),
    }
}

fn fill(t: &Thread, dict: Ref<Dict>, name: Value, doc: Value) -> R<()> {
    dict.set_name(t, names::__name__, name)?;
    dict.set_name(t, names::__doc__, doc)?;
    dict.set_name(t, names::__package__, Value::NONE)?;
    dict.set_name(t, names::__loader__, Value::NONE)?;
    dict.set_name(t, names::__spec__, Value::NONE)
}

fn init(t: &Thread, m: Value, args: Args<'_>) -> R<()> {
    args.with_first(t, m, |args| {
        args.bind(t, "module", &INIT, |a| {
            if !a[1].is_instance(builtin::STR) {
                raise!(t, TypeError, "module() argument 'name' must be str, not {}", a[1].class().display_name());
            }
            fill(t, receiver::<Module>(a[0]).dict(), a[1], a[2].non_null().unwrap_or(Value::NONE))
        })
    })
}

/// The attribute, or what the module's own `__getattr__` gives.
fn get_attribute(t: &Thread, m: Value, name: Value) -> R {
    if let Some(v) = attr::generic_lookup(t, m, name)? {
        return Ok(v);
    }
    let dict = receiver::<Module>(m).dict();
    if let Some(f) = dict.get_name(names::__getattr__) {
        return call::call(t, f, &[name]);
    }
    Err(no_attribute(t, m, name)?)
}

#[cold]
fn no_attribute(t: &Thread, m: Value, name: Value) -> R<crate::object::Raised> {
    let dict = receiver::<Module>(m).dict();
    let attribute = text(name);
    let Some(own_name) = dict.get_name(names::__name__).and_then(|n| n.downcast::<Str>()) else {
        return Ok(attr::raise_attribute_error(t, &format!("module has no attribute '{attribute}'"), m, name));
    };
    let module = own_name.to_string_lossy();
    let spec = dict.get_name(names::__spec__).unwrap_or(Value::NONE);
    let initializing = is_initializing(t, spec)?;
    let message = if let Some(hint) = shadowing::hint(t, own_name.value(), spec, initializing)? {
        format!("module '{module}' has no attribute '{attribute}'{hint}")
    } else if initializing {
        let origin = shadowing::file_of(t, spec)?;
        let from = origin.map(|o| format!(" from '{}'", text(o))).unwrap_or_default();
        format!("partially initialized module '{module}'{from} has no attribute '{attribute}' (most likely due to a circular import)")
    } else if is_uninitialized_submodule(t, spec, name)? {
        format!("cannot access submodule '{attribute}' of module '{module}' (most likely due to a circular import)")
    } else {
        format!("module '{module}' has no attribute '{attribute}'")
    };
    Ok(attr::raise_attribute_error(t, &message, m, name))
}

/// Is the module that has this spec being imported right now?
pub fn is_initializing(t: &Thread, spec: Value) -> R<bool> {
    if spec.is_none() {
        return Ok(false);
    }
    match attr::get_attr_opt(t, spec, names::_initializing)? {
        Some(v) => truth(t, v),
        None => Ok(false),
    }
}

fn is_uninitialized_submodule(t: &Thread, spec: Value, name: Value) -> R<bool> {
    if spec.is_none() {
        return Ok(false);
    }
    match attr::get_attr_opt(t, spec, names::_uninitialized_submodules)? {
        Some(list) => sequence::contains(t, list, name),
        None => Ok(false),
    }
}

fn repr(t: &Thread, m: Value) -> R {
    if let Some(bootstrap) = t.interpreter().importlib.opt()
        && let Some(f) = attr::get_attr_opt(t, bootstrap, crate::types::str::intern(t, "_module_repr"))?
    {
        return call::call(t, f, &[m]);
    }
    let name = receiver::<Module>(m).name().map_or("?".into(), |n| n.to_string_lossy().into_owned());
    Ok(Str::new(t, &format!("<module '{name}' (built-in)>")).value())
}

fn dir(t: &Thread, a: &[Value]) -> R {
    let Some(dict) = attr::get_attr(t, a[0], names::__dict__)?.downcast::<Dict>() else {
        raise!(t, TypeError, "<module>.__dict__ is not a dictionary");
    };
    if let Some(f) = dict.get_name(names::__dir__) {
        return call::call(t, f, &[]);
    }
    let list = List::new(t);
    for (name, _) in dict.iter() {
        list.append(t, name)?;
    }
    Ok(list.value())
}

fn get_annotate(t: &Thread, m: Value) -> R {
    let dict = receiver::<Module>(m).dict();
    match dict.get_name(names::__annotate__) {
        Some(f) => Ok(f),
        None => {
            dict.set_name(t, names::__annotate__, Value::NONE)?;
            Ok(Value::NONE)
        }
    }
}

fn set_annotate(t: &Thread, m: Value, v: Value) -> R<()> {
    if v.is_null() {
        raise!(t, TypeError, "cannot delete __annotate__ attribute");
    }
    if !v.is_none() && !call::is_callable(v) {
        raise!(t, TypeError, "__annotate__ must be callable or None");
    }
    let dict = receiver::<Module>(m).dict();
    dict.set_name(t, names::__annotate__, v)?;
    if !v.is_none() {
        dict.remove(t, names::__annotations__)?;
    }
    Ok(())
}

fn get_annotations(t: &Thread, m: Value) -> R {
    let dict = receiver::<Module>(m).dict();
    if let Some(found) = dict.get_name(names::__annotations__) {
        return Ok(found);
    }
    let spec = dict.get_name(names::__spec__).unwrap_or(Value::NONE);
    let annotations = match dict.get_name(names::__annotate__).filter(|f| call::is_callable(*f)) {
        Some(f) => {
            let result = call::call(t, f, &[Value::int(1)])?;
            if result.downcast::<Dict>().is_none() {
                raise!(t, TypeError, "__annotate__ returned non-dict of type '{}'", result.class().display_name());
            }
            result
        }
        None => Dict::new(t).value(),
    };
    // While the module runs more may be added.
    if !is_initializing(t, spec)? {
        dict.set_name(t, names::__annotations__, annotations)?;
    }
    Ok(annotations)
}

fn set_annotations(t: &Thread, m: Value, v: Value) -> R<()> {
    let dict = receiver::<Module>(m).dict();
    if !v.is_null() {
        dict.set_name(t, names::__annotations__, v)?;
    } else if dict.remove(t, names::__annotations__)?.is_none() {
        return Err(attr::raise_attribute_error(t, "__annotations__", m, names::__annotations__));
    }
    dict.remove(t, names::__annotate__)?;
    Ok(())
}
