//! `builtin_function_or_method`: a native function of a module, or a native method with its receiver.

use crate::args::{Args, FnDef, GetSet, receiver};
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::hash;
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::descriptor::{doc_value, text, text_signature};
use crate::types::{Module, Str, Tuple, Type, TypeDef, builtin};
use limpid_heap::{Header, Kind, Value};
use std::ffi::{CStr, CString, c_char};
use std::sync::OnceLock;

/// The layout of a native function.
#[repr(C)]
pub struct BuiltinFunction {
    header: Header,
    /// `__self__`: the module of a function, the object or class of a method, NULL for neither.
    pub receiver: Slot,
    /// The name of the module, or NULL.
    module: Slot,
    def: &'static FnDef,
    passes_receiver: bool,
}

// SAFETY: repr(C); what follows the two values holds no references.
unsafe impl crate::object::Layout for BuiltinFunction {
    const KIND: u8 = Kind::Slots as u8;
    const SLOTS: u8 = 2;
    #[inline(always)]
    fn class() -> Ref<Type> {
        builtin::BUILTIN_FUNCTION
    }
}

/// `types.BuiltinFunctionType`
pub static BUILTIN_FUNCTION_DEF: TypeDef = TypeDef {
    slots: SlotTable {
        repr: Some(repr),
        hash: Some(|_, f| {
            let f = receiver::<BuiltinFunction>(f);
            Ok(hash::hash_identity(f.receiver.get()) ^ std::ptr::from_ref(f.def) as i64)
        }),
        richcompare: Some(compare),
        call: Some(|t, f, args| receiver::<BuiltinFunction>(f).invoke(t, args)),
        ..SlotTable::EMPTY
    },
    methods: &[FnDef::def("__reduce__", "self, /", reduce)],
    getset: &[
        GetSet::getter("__name__", |t, f| Ok(crate::types::str::intern(t, receiver::<BuiltinFunction>(f).def.name))),
        GetSet::getter("__qualname__", qualname),
        GetSet::getter("__doc__", |t, f| Ok(doc_value(t, receiver::<BuiltinFunction>(f).def.doc))),
        GetSet::getter("__self__", |_, f| Ok(receiver::<BuiltinFunction>(f).receiver.opt().unwrap_or(Value::NONE))),
        GetSet::getter("__text_signature__", |t, f| Ok(text_signature(t, receiver::<BuiltinFunction>(f).def))),
        GetSet::property(
            "__module__",
            |_, f| Ok(receiver::<BuiltinFunction>(f).module.opt().unwrap_or(Value::NONE)),
            |t, f, v| {
                let f = receiver::<BuiltinFunction>(f);
                f.module.set(t, f, v);
                Ok(())
            },
        )
        .member(),
    ],
    ..TypeDef::of::<BuiltinFunction>("builtin_function_or_method")
};

impl BuiltinFunction {
    fn create(t: &Thread, def: &'static FnDef, object: Value, module: Value, passes_receiver: bool) -> Ref<BuiltinFunction> {
        t.alloc(BuiltinFunction {
            header: header_of::<BuiltinFunction>(),
            receiver: Slot::new(object),
            module: Slot::new(module),
            def,
            passes_receiver,
        })
    }

    /// A function of a module: the module object and its name (either may be NULL).
    pub fn new(t: &Thread, def: &'static FnDef, module: Value, module_name: Value) -> Ref<BuiltinFunction> {
        BuiltinFunction::create(t, def, module, module_name, false)
    }

    /// A method bound to its receiver.
    pub fn bound(t: &Thread, def: &'static FnDef, object: Value) -> Ref<BuiltinFunction> {
        BuiltinFunction::create(t, def, object, Value::NULL, true)
    }

    /// A static method of a native type.
    pub fn static_method(t: &Thread, def: &'static FnDef, class: Ref<Type>) -> Ref<BuiltinFunction> {
        BuiltinFunction::create(t, def, class.value(), Value::NULL, false)
    }

    /// The native function.
    #[inline(always)]
    pub fn def(&self) -> &'static FnDef {
        self.def
    }

    /// Is the receiver passed as the first argument?
    #[inline(always)]
    pub fn passes_receiver(&self) -> bool {
        self.passes_receiver
    }

    /// Its name.
    pub fn name_text(&self) -> &'static str {
        self.def.name
    }

    /// Calls it, without probes.
    #[inline]
    pub fn invoke(&self, t: &Thread, args: Args<'_>) -> R {
        if self.passes_receiver { self.invoke_bound(t, args) } else { self.def.call(t, args) }
    }

    /// Not inlined, for the same reason as the slow part of [`Args::bind`].
    #[inline(never)]
    fn invoke_bound(&self, t: &Thread, args: Args<'_>) -> R {
        args.with_first(t, self.receiver.get(), |args| self.def.call(t, args))
    }

    /// The native type whose instances this function makes, if it is a `__new__`.
    pub(crate) fn constructs(&self) -> Option<Ref<Type>> {
        // SAFETY: `__new__` is bound to its type.
        crate::types::type_::is_new(self.def).then(|| unsafe { Ref::from_value(self.receiver.get()) })
    }

    /// The module (or, for a method, the type) and the name, for tracers.
    #[cold]
    pub fn probe_names(&self) -> (*const c_char, *const c_char) {
        let owner = match self.module.opt() {
            Some(module) => text(module),
            None if self.passes_receiver => self.receiver.get().class().display_name(),
            None => String::new(),
        };
        (resident(&owner), resident(self.def.name))
    }
}

/// A text as C sees it, in memory for ever: tracers read it when they like. There are few different ones.
fn resident(text: &str) -> *const c_char {
    use parking_lot::Mutex;
    use std::collections::HashMap;
    static TEXTS: OnceLock<Mutex<HashMap<String, &'static CStr>>> = OnceLock::new();
    let mut texts = TEXTS.get_or_init(Mutex::default).lock();
    if let Some(found) = texts.get(text) {
        return found.as_ptr();
    }
    let new: &'static CStr = Box::leak(CString::new(text.replace('\0', "")).unwrap_or_default().into_boxed_c_str());
    texts.insert(text.to_string(), new);
    new.as_ptr()
}

fn repr(t: &Thread, f: Value) -> R {
    let f = receiver::<BuiltinFunction>(f);
    let text = match f.receiver.opt() {
        Some(object) if object.downcast::<Module>().is_none() => {
            format!("<built-in method {} of {} object at {:#x}>", f.def.name, object.class().display_name(), object.bits())
        }
        _ => format!("<built-in function {}>", f.def.name),
    };
    Ok(Str::new(t, &text).value())
}

fn compare(_t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (Some(x), Some(y)) = (a.exact::<BuiltinFunction>(), b.exact::<BuiltinFunction>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    let same = x.receiver.get() == y.receiver.get() && std::ptr::eq(x.def, y.def);
    Ok(match op {
        Compare::Eq => Value::bool(same),
        Compare::Ne => Value::bool(!same),
        _ => Value::NOT_IMPLEMENTED,
    })
}

/// `__qualname__`: of a method its class's and its own.
fn qualname(t: &Thread, f: Value) -> R {
    let f = receiver::<BuiltinFunction>(f);
    let name = f.def.name;
    let class = match f.receiver.opt() {
        Some(object) if object.downcast::<Module>().is_none() => object.downcast::<Type>().unwrap_or(object.class()),
        _ => return Ok(crate::types::str::intern(t, name)),
    };
    Ok(Str::new(t, &format!("{}.{name}", text(class.qualname.get()))).value())
}

/// A function of a module is found by its name, a method through its receiver.
fn reduce(t: &Thread, a: &[Value]) -> R {
    let f = receiver::<BuiltinFunction>(a[0]);
    let name = crate::types::str::intern(t, f.def.name);
    match f.receiver.opt() {
        Some(object) if object.downcast::<Module>().is_none() => {
            let getattr = crate::types::module::builtin(t, names::getattr)?;
            let args = Tuple::from_slice(t, &[object, name]).value();
            Ok(Tuple::from_slice(t, &[getattr, args]).value())
        }
        _ => Ok(name),
    }
}
