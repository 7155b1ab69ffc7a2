//! `_functools`: `partial`, `reduce`, `cmp_to_key` and the wrapper of `lru_cache`, for the module functools.

mod key;
mod lru_cache;
mod partial;

use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref};
use limpid_vm::protocol::{call, iter};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Module, type_};
use limpid_vm::{exc, raise};

/// `_functools`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Tools that operate on functions.",
    functions: &[
        FnDef::def("reduce", "function, iterable, /, initial=<unrepresentable>", reduce).doc(
            "Apply a function of two arguments cumulatively to the items of an iterable, from left to right.\n\nThis effectively reduces the \
             iterable to a single value.  If initial is present,\nit is placed before the items of the iterable in the calculation, and serves \
             as\na default when the iterable is empty.",
        ),
        FnDef::def("cmp_to_key", "mycmp", key::cmp_to_key).doc("Convert a cmp= function into a key= function."),
    ],
    init,
    ..ModuleDef::named("_functools")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let dict = m.dict();
    let placeholder = type_::create_native(t, &partial::PLACEHOLDER_TYPE_DEF, &partial::PLACEHOLDER_TYPE)?;
    dict.set_text(t, "_PlaceholderType", placeholder.value())?;
    dict.set_text(t, "Placeholder", partial::placeholder(t))?;
    let class = type_::create_native(t, &partial::PARTIAL_DEF, &partial::PARTIAL)?;
    dict.set_text(t, "partial", class.value())?;
    let class = type_::create_native(t, &lru_cache::WRAPPER_DEF, &lru_cache::WRAPPER)?;
    dict.set_text(t, "_lru_cache_wrapper", class.value())?;
    type_::create_native(t, &lru_cache::LINK_DEF, &lru_cache::LINK)?;
    type_::create_native(t, &key::KEY_DEF, &key::KEY)?;
    Ok(())
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let (function, iterable, mut result) = (a[0], a[1], a[2]);
    let iterator = match iter::get_iter(t, iterable) {
        Ok(iterator) => iterator,
        Err(raised) if !t.exception_is(exc::TypeError) => return Err(raised),
        Err(_) => {
            t.take_exception();
            raise!(t, TypeError, "reduce() arg 2 must support iteration")
        }
    };
    iter::for_each_next(t, iterator, |item| {
        result = if result.is_null() { item } else { call::call(t, function, &[result, item])? };
        Ok(())
    })?;
    if result.is_null() {
        raise!(t, TypeError, "reduce() of empty iterable with no initial value")
    }
    Ok(result)
}
