//! Functions made by `def` and `lambda`.

use crate::args::{Args, GetSet, Signature, receiver};
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::call;
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::descriptor::text;
use crate::types::{Cell, Code, Dict, Method, Str, Tuple, TypeDef, builtin, flag, instance};
use limpid_heap::{Header, Value};
use std::mem::offset_of;
use std::sync::atomic::{AtomicU32, Ordering};

/// The layout of a function.
#[repr(C)]
pub struct Function {
    header: Header,
    /// What it runs.
    pub code: Slot,
    /// The module's namespace, a dict.
    pub globals: Slot,
    /// Where names are looked up that the globals have not, a dict.
    pub builtins: Slot,
    /// A tuple of cells, or NULL.
    pub closure: Slot,
    /// A tuple, or NULL.
    pub defaults: Slot,
    /// A dict, or NULL.
    pub kwdefaults: Slot,
    /// `__name__`.
    pub name: Slot,
    /// `__qualname__`.
    pub qualname: Slot,
    /// `__module__`, or NULL.
    pub module: Slot,
    /// `__doc__`.
    pub doc: Slot,
    /// `__annotations__`, or NULL.
    pub annotations: Slot,
    /// `__annotate__`, or NULL.
    pub annotate: Slot,
    /// `__type_params__`, a tuple, or NULL.
    pub type_params: Slot,
    /// What calls rely on: changes with code, defaults and keyword defaults. 0: nobody may rely on it.
    pub version: AtomicU32,
    _reserved: u32,
    /// The attribute dict, or NULL. Where the type's `attrs_offset` points.
    pub dict: Slot,
}

crate::layout!(Function, builtin::FUNCTION, Slots);

impl Function {
    /// A function of this code in this namespace.
    pub fn new(t: &Thread, code: Ref<Code>, globals: Ref<Dict>, builtins: Value) -> Ref<Function> {
        let doc = code.docstring();
        let module = globals.get_name(crate::names::__name__).unwrap_or(Value::NULL);
        t.alloc(Function {
            header: header_of::<Function>(),
            code: Slot::new(code.value()),
            globals: Slot::new(globals.value()),
            builtins: Slot::new(builtins),
            closure: Slot::NULL,
            defaults: Slot::NULL,
            kwdefaults: Slot::NULL,
            name: Slot::new(code.name.get()),
            qualname: Slot::new(code.qualname.get()),
            module: Slot::new(module),
            doc: Slot::new(doc),
            annotations: Slot::NULL,
            annotate: Slot::NULL,
            type_params: Slot::NULL,
            version: AtomicU32::new(code.version()),
            _reserved: 0,
            dict: Slot::NULL,
        })
    }

    /// The code it runs.
    #[inline(always)]
    pub fn code(&self) -> Ref<Code> {
        // SAFETY: the field always refers to a code object.
        unsafe { Ref::from_value(self.code.get()) }
    }

    /// The module's namespace.
    #[inline(always)]
    pub fn globals(&self) -> Ref<Dict> {
        // SAFETY: the field always refers to a dict.
        unsafe { Ref::from_value(self.globals.get()) }
    }

    /// Where names are looked up that the globals have not.
    #[inline(always)]
    pub fn builtins(&self) -> Ref<Dict> {
        // SAFETY: the field always refers to a dict.
        unsafe { Ref::from_value(self.builtins.get()) }
    }

    /// Something that calls rely on has changed.
    pub fn invalidate(&self) {
        self.version.store(0, Ordering::Release);
    }
}

/// `types.FunctionType`
pub static FUNCTION_DEF: TypeDef = TypeDef {
    doc: "function(code, globals, name=None, argdefs=None, closure=None, kwdefaults=None)\n--\n\nCreate a function object.\n\n  code\n    \
        a code object\n  globals\n    the globals dictionary\n  name\n    a string that overrides the name from the code object\n  \
        argdefs\n    a tuple that specifies the default argument values\n  closure\n    a tuple that supplies the bindings for free \
        variables\n  kwdefaults\n    a dictionary that specifies the default keyword argument values",
    flags: flag::METHOD_DESCRIPTOR | flag::WEAK_REFERENCES,
    slots: SlotTable {
        repr: Some(|t, f| {
            let name = text(receiver::<Function>(f).qualname.get());
            Ok(Str::try_new(t, &format!("<function {name} at {:#x}>", f.bits()))?.value())
        }),
        call: Some(|t, f, args| crate::interp::calls::call_function(t, receiver(f), args)),
        new: Some(new),
        descr_get: Some(|t, f, object, _| Ok(if object.is_null() { f } else { Method::bind(t, f, object) })),
        ..SlotTable::EMPTY
    },
    getset: &[
        GetSet::getter("__closure__", |_, f| Ok(or_none(&receiver::<Function>(f).closure))).member(),
        GetSet::property(
            "__doc__",
            |_, f| Ok(or_none(&receiver::<Function>(f).doc)),
            |t, f, v| {
                let f = receiver::<Function>(f);
                f.doc.set(t, f, if v.is_null() { Value::NONE } else { v });
                Ok(())
            },
        )
        .member(),
        GetSet::getter("__globals__", |_, f| Ok(receiver::<Function>(f).globals.get())).member(),
        GetSet::property(
            "__module__",
            |_, f| Ok(or_none(&receiver::<Function>(f).module)),
            |t, f, v| {
                let f = receiver::<Function>(f);
                f.module.set(t, f, v);
                Ok(())
            },
        )
        .member(),
        GetSet::getter("__builtins__", |_, f| Ok(receiver::<Function>(f).builtins.get())).member(),
        GetSet::property("__code__", |_, f| Ok(receiver::<Function>(f).code.get()), set_code),
        GetSet::property("__defaults__", |_, f| Ok(or_none(&receiver::<Function>(f).defaults)), set_defaults),
        GetSet::property("__kwdefaults__", |_, f| Ok(or_none(&receiver::<Function>(f).kwdefaults)), set_kwdefaults),
        GetSet::property("__annotations__", get_annotations, set_annotations),
        GetSet::property("__annotate__", |_, f| Ok(or_none(&receiver::<Function>(f).annotate)), set_annotate),
        instance::NATIVE_DICT,
        GetSet::property(
            "__name__",
            |_, f| Ok(receiver::<Function>(f).name.get()),
            |t, f, v| {
                let f = receiver::<Function>(f);
                set_string(t, f, &f.name, "__name__", v)
            },
        ),
        GetSet::property(
            "__qualname__",
            |_, f| Ok(receiver::<Function>(f).qualname.get()),
            |t, f, v| {
                let f = receiver::<Function>(f);
                set_string(t, f, &f.qualname, "__qualname__", v)
            },
        ),
        GetSet::property(
            "__type_params__",
            |t, f| Ok(receiver::<Function>(f).type_params.opt().unwrap_or(t.empty_tuple())),
            |t, f, v| {
                if v.is_null() || !v.is_instance(builtin::TUPLE) {
                    raise!(t, TypeError, "__type_params__ must be set to a tuple");
                }
                let f = receiver::<Function>(f);
                f.type_params.set(t, f, v);
                Ok(())
            },
        ),
    ],
    dict_offset: offset_of!(Function, dict),
    ..TypeDef::of::<Function>("function")
};

fn or_none(slot: &Slot) -> Value {
    slot.opt().unwrap_or(Value::NONE)
}

const NEW: Signature = Signature::parse("code, globals, name=None, argdefs=None, closure=None, kwdefaults=None");

fn new(t: &Thread, _class: Value, args: Args<'_>) -> R {
    args.bind(t, "function", &NEW, |a| {
        let Some(code) = a[0].exact::<Code>() else {
            raise!(t, TypeError, "function() argument 'code' must be code, not {}", a[0].class().display_name());
        };
        let Some(globals) = a[1].downcast::<Dict>() else {
            raise!(t, TypeError, "function() argument 'globals' must be dict, not {}", a[1].class().display_name());
        };
        let given = |i: usize| a[i].non_null().filter(|v: &Value| !v.is_none());
        if given(2).is_some_and(|v| !v.is_instance(builtin::STR)) {
            raise!(t, TypeError, "arg 3 (name) must be None or string");
        }
        if given(3).is_some_and(|v| !v.is_instance(builtin::TUPLE)) {
            raise!(t, TypeError, "arg 4 (defaults) must be None or tuple");
        }
        let closure = checked_closure(t, code, given(4))?;
        if given(5).is_some_and(|v| !v.is_instance(builtin::DICT)) {
            raise!(t, TypeError, "arg 6 (kwdefaults) must be None or dict");
        }
        let builtins = crate::interp::calls::builtins_of(t, globals)?;
        let f = Function::new(t, code, globals, builtins);
        if let Some(name) = given(2) {
            f.name.set(t, f, name);
        }
        f.defaults.set(t, f, given(3).unwrap_or(Value::NULL));
        f.closure.set(t, f, closure);
        f.kwdefaults.set(t, f, given(5).unwrap_or(Value::NULL));
        f.invalidate();
        Ok(f.value())
    })
}

/// The closure for a function of this code, or NULL when it needs none.
fn checked_closure(t: &Thread, code: Ref<Code>, closure: Option<Value>) -> R {
    let needed = code.nfree as usize;
    let cells = match closure {
        None if needed == 0 => return Ok(Value::NULL),
        None => raise!(t, TypeError, "arg 5 (closure) must be tuple"),
        Some(v) => match v.downcast::<Tuple>() {
            Some(cells) => cells,
            None if needed == 0 => raise!(t, TypeError, "arg 5 (closure) must be None or tuple"),
            None => raise!(t, TypeError, "arg 5 (closure) must be tuple"),
        },
    };
    if cells.len() != needed {
        raise!(t, ValueError, "{} requires closure of length {needed}, not {}", text(code.name.get()), cells.len());
    }
    for cell in cells.as_slice() {
        if cell.exact::<Cell>().is_none() {
            raise!(t, TypeError, "arg 5 (closure) expected cell, found {}", cell.class().display_name());
        }
    }
    Ok(if needed == 0 { Value::NULL } else { cells.value() })
}

fn set_code(t: &Thread, f: Value, v: Value) -> R<()> {
    let Some(code) = v.non_null().and_then(|v| v.exact::<Code>()) else {
        raise!(t, TypeError, "__code__ must be set to a code object");
    };
    let f = receiver::<Function>(f);
    let cells = f.closure.opt().and_then(|c| c.downcast::<Tuple>()).map_or(0, |c| c.len());
    if cells != code.nfree as usize {
        raise!(t, ValueError, "{}() requires a code object with {cells} free vars, not {}", text(f.name.get()), code.nfree);
    }
    f.code.set(t, f, v);
    f.invalidate();
    crate::stats::count(t, |s| s.rare_events.func_modification.increment());
    Ok(())
}

fn set_defaults(t: &Thread, f: Value, v: Value) -> R<()> {
    let v = if v.is_none() { Value::NULL } else { v };
    if !v.is_null() && !v.is_instance(builtin::TUPLE) {
        raise!(t, TypeError, "__defaults__ must be set to a tuple object");
    }
    let f = receiver::<Function>(f);
    f.defaults.set(t, f, v);
    f.invalidate();
    crate::stats::count(t, |s| s.rare_events.func_modification.increment());
    Ok(())
}

fn set_kwdefaults(t: &Thread, f: Value, v: Value) -> R<()> {
    let v = if v.is_none() { Value::NULL } else { v };
    if !v.is_null() && !v.is_instance(builtin::DICT) {
        raise!(t, TypeError, "__kwdefaults__ must be set to a dict object");
    }
    let f = receiver::<Function>(f);
    f.kwdefaults.set(t, f, v);
    f.invalidate();
    crate::stats::count(t, |s| s.rare_events.func_modification.increment());
    Ok(())
}

fn set_string(t: &Thread, f: Ref<Function>, slot: &Slot, name: &str, v: Value) -> R<()> {
    if v.is_null() || !v.is_instance(builtin::STR) {
        raise!(t, TypeError, "{name} must be set to a string object");
    }
    slot.set(t, f, v);
    Ok(())
}

fn get_annotations(t: &Thread, f: Value) -> R {
    let f = receiver::<Function>(f);
    if let Some(v) = f.annotations.opt() {
        // Of annotations that are kept as text, the compiler makes a tuple of names and texts.
        let Some(pairs) = v.exact::<Tuple>() else { return Ok(v) };
        let dict = Dict::new(t);
        for pair in pairs.as_slice().as_chunks::<2>().0 {
            dict.set_item(t, pair[0], pair[1])?;
        }
        f.annotations.set(t, f, dict.value());
        return Ok(dict.value());
    }
    let annotations = match f.annotate.opt().filter(|a| call::is_callable(*a)) {
        Some(annotate) => {
            let v = call::call(t, annotate, &[Value::int(1)])?;
            if !v.is_instance(builtin::DICT) {
                raise!(t, TypeError, "__annotate__ returned non-dict of type '{}'", v.class().display_name());
            }
            v
        }
        None => Dict::new(t).value(),
    };
    f.annotations.set(t, f, annotations);
    Ok(annotations)
}

fn set_annotations(t: &Thread, f: Value, v: Value) -> R<()> {
    let v = if v.is_none() { Value::NULL } else { v };
    if !v.is_null() && !v.is_instance(builtin::DICT) {
        raise!(t, TypeError, "__annotations__ must be set to a dict object");
    }
    let f = receiver::<Function>(f);
    f.annotations.set(t, f, v);
    f.annotate.set(t, f, Value::NULL);
    Ok(())
}

fn set_annotate(t: &Thread, f: Value, v: Value) -> R<()> {
    if v.is_null() {
        raise!(t, TypeError, "__annotate__ cannot be deleted");
    }
    if !v.is_none() && !call::is_callable(v) {
        raise!(t, TypeError, "__annotate__ must be callable or None");
    }
    let f = receiver::<Function>(f);
    if !v.is_none() {
        f.annotations.set(t, f, Value::NULL);
    }
    f.annotate.set(t, f, v);
    Ok(())
}
