//! What there is to know about single objects: size, references, interning.

use crate::args::FnDef;
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, call};
use crate::thread::Thread;
use crate::tier2;
use crate::types::str::intern_value;
use crate::types::{BuiltinFunction, Dict, Str, Type, builtin, flag, int, simple_namespace};
use limpid_heap::Value;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("_clear_internal_caches", "", |_, _| Ok(Value::NONE)).doc("Clear all internal performance-related caches."),
    FnDef::def("_clear_type_descriptors", "type, /", clear_type_descriptors)
        .doc("Takes the attributes __dict__ and __weakref__ out of a class, for one that is about to be replaced."),
    FnDef::def("_clear_type_cache", "", |t, _| {
        let message = "sys._clear_type_cache() is deprecated and may be removed in a future version of Python. Use \
                       sys._clear_internal_caches() instead.";
        crate::modules::warnings::warn(t, crate::exc::DeprecationWarning, message, 1)?;
        Ok(Value::NONE)
    })
    .doc("Clear the internal type lookup cache."),
    FnDef::def("_is_immortal", "op, /", |_, a| {
        // What is no heap cell needs no memory, and interned names stay.
        Ok(Value::bool(!a[0].is_cell() || limpid_heap::immortal::is_immortal(a[0].bits() as usize) || is_interned(a[0])))
    })
    .doc("Return True if the given object is \"immortal\" per PEP 683.\n\nThis function should be used for specialized purposes only."),
    FnDef::def("_is_interned", "string, /", |t, a| {
        require_str(t, a[0], "_is_interned() argument")?;
        Ok(Value::bool(is_interned(a[0])))
    })
    .doc("Return True if the given string is \"interned\"."),
    FnDef::def("getdefaultencoding", "", |_, _| Ok(names::utf_8))
        .doc("Return the current default encoding used by the Unicode implementation."),
    FnDef::def("getfilesystemencodeerrors", "", |_, _| Ok(names::surrogateescape))
        .doc("Return the error mode used Unicode to OS filename conversion."),
    FnDef::def("getfilesystemencoding", "", |_, _| Ok(names::utf_8))
        .doc("Return the encoding used to convert Unicode filenames to OS filenames."),
    FnDef::def("getrefcount", "object, /", |_, _| Ok(Value::int(REFERENCES))).doc(
        "Return the reference count of object.\n\nThe count returned is generally one higher than you might expect,\nbecause it includes \
         the (temporary) reference as an argument to\ngetrefcount().",
    ),
    FnDef::def("getsizeof", "object, default=<unrepresentable>", getsizeof)
        .doc("getsizeof(object [, default]) -> int\n\nReturn the size of object in bytes."),
    FnDef::def("getunicodeinternedsize", "*, _only_immortal=False", |t, _| Ok(int::from_usize(t, t.runtime().interned.len())))
        .doc("Return the number of elements of the unicode interned dictionary"),
    FnDef::def("intern", "string, /", intern).doc(
        "``Intern'' the given string.\n\nThis enters the string in the (global) table of interned strings whose\npurpose is to speed up \
         dictionary lookups. Return the string itself or\nthe previously interned string object with the same value.",
    ),
];

/// Nothing counts references here; a number that is never taken for "the only one".
const REFERENCES: i64 = 3;

static JIT: [FnDef; 3] = [
    FnDef::def("is_available", "", |_, _| Ok(Value::bool(tier2::is_available())))
        .doc("Return True if the current Python executable supports JIT compilation, and False otherwise."),
    FnDef::def("is_enabled", "", |_, _| Ok(Value::bool(tier2::is_enabled()))).doc(
        "Return True if JIT compilation is enabled for the current Python process (implies sys._jit.is_available()), and False otherwise.",
    ),
    FnDef::def("is_active", "", |t, _| Ok(Value::bool(tier2::is_active(t)))).doc(
        "Return True if the topmost Python frame is currently executing JIT code (implies sys._jit.is_enabled()), and False otherwise.",
    ),
];

/// Adds the namespace that tells about the just-in-time compiler.
pub(super) fn add(t: &Thread, dict: Ref<Dict>) -> R<()> {
    let (jit, module) = (Dict::new(t), crate::types::str::intern(t, "sys._jit"));
    for def in &JIT {
        jit.set_text(t, def.name, BuiltinFunction::new(t, def, Value::NULL, module).value())?;
    }
    dict.set_text(t, "_jit", simple_namespace::from_dict(t, jit))
}

fn clear_type_descriptors(t: &Thread, a: &[Value]) -> R {
    let Some(class) = a[0].downcast::<Type>() else { raise!(t, TypeError, "argument must be a type, not {}", a[0].class().display_name()) };
    if class.has(flag::IMMUTABLE) {
        raise!(t, TypeError, "argument is immutable")
    }
    for name in [names::__dict__, names::__weakref__] {
        if class.dict().get_name(name).is_some() {
            crate::types::type_::set_own(t, class, name, Value::NULL)?;
        }
    }
    Ok(Value::NONE)
}

fn is_interned(v: Value) -> bool {
    v.exact::<Str>().is_some_and(|s| s.is_interned())
}

fn require_str(t: &Thread, v: Value, what: &str) -> R<()> {
    if v.is_instance(builtin::STR) {
        return Ok(());
    }
    raise!(t, TypeError, "{what} must be str, not {}", v.class().display_name())
}

fn intern(t: &Thread, a: &[Value]) -> R {
    require_str(t, a[0], "intern() argument")?;
    if a[0].class() != builtin::STR {
        raise!(t, TypeError, "can't intern {}", a[0].class().display_name())
    }
    intern_value(t, a[0])
}

fn getsizeof(t: &Thread, a: &[Value]) -> R {
    match size_of_object(t, a[0]) {
        Ok(size) => Ok(size),
        Err(raised) => {
            if let Some(default) = a[1].non_null()
                && t.exception_is(crate::exc::TypeError)
            {
                t.take_exception();
                return Ok(default);
            }
            Err(raised)
        }
    }
}

fn size_of_object(t: &Thread, v: Value) -> R {
    let Some(method) = attr::lookup_special(t, v, names::__sizeof__)? else {
        raise!(t, TypeError, "Type {} doesn't define __sizeof__", v.class().display_name())
    };
    let size = call::call(t, method, &[])?;
    if !size.is_instance(builtin::INT) {
        raise!(t, TypeError, "an integer is required")
    }
    if int::to_i64(t, size)? < 0 {
        raise!(t, ValueError, "__sizeof__() should return >= 0")
    }
    Ok(size)
}
