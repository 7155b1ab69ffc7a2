//! `_typing`: the types that the compiler's type parameters make, for the module typing.

use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::types::{builtin, typevar};

/// `_typing`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Primitives and accelerators for the typing module.\n",
    functions: &[FnDef::def("_idfunc", "x, /", |_, a| Ok(a[0]))],
    init: |t, m| {
        for (name, class) in [
            ("TypeVar", builtin::TYPE_VAR),
            ("TypeVarTuple", builtin::TYPE_VAR_TUPLE),
            ("ParamSpec", builtin::PARAM_SPEC),
            ("ParamSpecArgs", builtin::PARAM_SPEC_ARGS),
            ("ParamSpecKwargs", builtin::PARAM_SPEC_KWARGS),
            ("Generic", builtin::GENERIC),
            ("TypeAliasType", builtin::TYPE_ALIAS),
            ("Union", builtin::UNION),
        ] {
            m.dict().set_text(t, name, class.value())?;
        }
        m.dict().set_text(t, "NoDefault", typevar::no_default())
    },
    ..ModuleDef::named("_typing")
};
