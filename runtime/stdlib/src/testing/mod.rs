//! What tests written for CPython import to look inside it: `_testinternalcapi`, `_testlimitedcapi` and `_testcapi` ([`capi`]), as far as the
//! questions have an answer here, and `_testmultiphase`, a native module that does nothing but be imported.

pub mod capi;

use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::interp::backoff;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::R;
use limpid_vm::protocol::{number, sequence};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Str, instance, int};

/// `_testinternalcapi`
pub static INTERNAL: ModuleDef = ModuleDef {
    functions: &[
        FnDef::def("has_inline_values", "obj, /", |_, a| Ok(Value::bool(instance::has_inline_slots(a[0]))))
            .doc("Does the object keep its attributes in itself, without a dict?"),
        FnDef::def("get_recursion_depth", "", |t, _| Ok(Value::int(i64::from(t.depth.get())))).doc("How deep are calls nested?"),
    ],
    init: |t, m| {
        let numbers = [("SPECIALIZATION_THRESHOLD", backoff::WARM_UP), ("SPECIALIZATION_COOLDOWN", backoff::COOL_DOWN)];
        numbers.iter().try_for_each(|(name, counter)| m.dict().set_text(t, name, Value::int(backoff::rounds(*counter))))
    },
    ..ModuleDef::named("_testinternalcapi")
};

/// `_testlimitedcapi`
pub static LIMITED: ModuleDef = ModuleDef {
    functions: &[
        FnDef::def("_py_getbuiltwithassert", "", |_, _| Ok(Value::FALSE)).doc("Are there the assertions of CPython's debug build?"),
        FnDef::def("sequence_getitem", "obj, index, /", |t, a| sequence::get_item(t, a[0], place(t, a[0], a[1])?)),
        FnDef::def("sequence_setitem", "obj, index, value, /", |t, a| {
            sequence::set_item(t, a[0], place(t, a[0], a[1])?, a[2])?;
            Ok(Value::int(0))
        }),
        FnDef::def("sequence_delitem", "obj, index, /", |t, a| {
            sequence::del_item(t, a[0], place(t, a[0], a[1])?)?;
            Ok(Value::int(0))
        }),
    ],
    ..ModuleDef::named("_testlimitedcapi")
};

/// `_testmultiphase`
pub static MULTIPHASE: ModuleDef = ModuleDef {
    doc: "Test module main",
    functions: &[FnDef::def("foo", "i, j, /", |t, a| number::add(t, a[0], a[1])).doc("foo(i,j)\n\nReturn the sum of i and j.")],
    init: |t, m| {
        m.dict().set_text(t, "int_const", Value::int(1969))?;
        m.dict().set_text(t, "str_const", Str::new(t, "something different").value())
    },
    ..ModuleDef::named("_testmultiphase")
};

/// The index as C code passes it: a number, which counts from the end if it is negative.
fn place(t: &Thread, object: Value, index: Value) -> R {
    let i = number::index_isize(t, index)?;
    let i = if i < 0 { i + sequence::len(t, object)? as isize } else { i };
    Ok(int::from_i64(t, i as i64))
}
