//! Exception classes that native modules bring: `struct.error`, `zlib.error`.
//!
//! They are ordinary classes, as if a class statement had made them.

use limpid_vm::object::{R, Ref};
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, Module, Str, Type, type_};

/// An exception class, as a module declares it.
pub struct ExceptionClass {
    /// `"struct.error"`: what is before the last dot is its `__module__`.
    pub name: &'static str,
    /// The documentation string, or nothing.
    pub doc: &'static str,
    /// Its base class.
    pub base: fn() -> Ref<Type>,
}

/// Makes the class, remembers it in `cell`, and adds it to the module by its own name. A module that is imported afresh gets the class
/// that was made for the first: it is the one that native code raises.
pub fn add(t: &Thread, m: Ref<Module>, cell: &'static TypeCell, declared: &ExceptionClass) -> R<()> {
    let (module, name) = declared.name.rsplit_once('.').unwrap_or(("builtins", declared.name));
    if let Some(class) = cell.opt() {
        return m.dict().set_text(t, name, class.value());
    }
    let namespace = Dict::new(t);
    namespace.set_text(t, "__module__", Str::new(t, module).value())?;
    if !declared.doc.is_empty() {
        namespace.set_text(t, "__doc__", Str::new(t, declared.doc).value())?;
    }
    let class = type_::new_class(t, name, &[(declared.base)().value()], namespace)?;
    cell.set(class);
    m.dict().set_text(t, name, class.value())
}
