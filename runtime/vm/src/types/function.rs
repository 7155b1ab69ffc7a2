//! Functions made by `def` and `lambda`.

use crate::object::{Ref, Slot, header_of};
use crate::thread::Thread;
use crate::types::{Code, Dict, builtin};
use limpid_heap::{Header, Value};
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
