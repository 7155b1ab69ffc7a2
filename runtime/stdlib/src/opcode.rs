//! `_opcode`: what the instructions of the interpreter mean, for the modules opcode and dis. It comes from the table in `limpid-bytecode`.

use limpid_bytecode::{BinaryOperator, Intrinsic1, Intrinsic2, Opcode, Operand, SpecialMethod};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref};
use limpid_vm::protocol::number;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{List, Module, Str, Tuple};

/// `_opcode`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Opcode support module.",
    functions: &[
        FnDef::def("stack_effect", "opcode, oparg=None, /, *, jump=None", stack_effect).doc("Compute the stack effect of the opcode."),
        FnDef::def("is_valid", "opcode", |t, a| asked(t, a, |_| true)).doc("Return True if opcode is valid, False otherwise."),
        FnDef::def("has_arg", "opcode", |t, a| asked(t, a, |op| op.operand() != Operand::None))
            .doc("Return True if the opcode uses its oparg, False otherwise."),
        FnDef::def("has_const", "opcode", |t, a| asked(t, a, |op| op.operand() == Operand::Const))
            .doc("Return True if the opcode accesses a constant, False otherwise."),
        FnDef::def("has_name", "opcode", |t, a| {
            asked(t, a, |op| matches!(op.operand(), Operand::Name | Operand::NameFlag | Operand::NameSuper))
        })
        .doc("Return True if the opcode accesses an attribute by name, False otherwise."),
        FnDef::def("has_jump", "opcode", |t, a| asked(t, a, Opcode::is_jump))
            .doc("Return True if the opcode has a jump target, False otherwise."),
        FnDef::def("has_free", "opcode", |t, a| asked(t, a, |op| op.operand() == Operand::Cell))
            .doc("Return True if the opcode accesses a free variable, False otherwise.\n\nNote that 'free' in this context refers to names in the current scope\nthat are referenced by inner scopes or names that are referenced\nfrom this scope. It does not include references to global or builtin\nscopes."),
        FnDef::def("has_local", "opcode", |t, a| asked(t, a, |op| matches!(op.operand(), Operand::Local | Operand::LocalPair)))
            .doc("Return True if the opcode accesses a local variable, False otherwise."),
        // Handlers are found by tables alone.
        FnDef::def("has_exc", "opcode", |t, a| asked(t, a, |_| false))
            .doc("Return True if the opcode sets an exception handler, False otherwise."),
        FnDef::def("get_intrinsic1_descs", "", |t, _| texts(t, Intrinsic1::ALL.iter().map(|i| i.name())))
            .doc("Return a list of names of the unary intrinsics."),
        FnDef::def("get_intrinsic2_descs", "", |t, _| texts(t, Intrinsic2::ALL.iter().map(|i| i.name())))
            .doc("Return a list of names of the binary intrinsics."),
        FnDef::def("get_special_method_names", "", |t, _| texts(t, SpecialMethod::ALL.iter().map(|m| m.name())))
            .doc("Return a list of special method names."),
        FnDef::def("get_nb_ops", "", operators).doc("Return array of symbols of binary ops.\n\nIndexed by the BINARY_OP oparg value."),
        FnDef::def("get_specialization_stats", "", |_, _| Ok(Value::NONE)).doc("Return the specialization stats"),
        FnDef::def("get_executor", "code, offset", |t, _| raise!(t, RuntimeError, "Executors are not available in this build"))
            .doc("Return the executor object at offset in code if exists, None otherwise."),
    ],
    init,
    ..ModuleDef::named("_opcode")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    for name in ["ENABLE_SPECIALIZATION", "ENABLE_SPECIALIZATION_FT"] {
        m.dict().set_text(t, name, Value::TRUE)?;
    }
    Ok(())
}

/// As much as an oparg is taken for.
const MAX_OPARG: i32 = 1 << 30;

fn opcode(t: &Thread, v: Value) -> R<Option<Opcode>> {
    Ok(u8::try_from(number::index_i32(t, v)?).ok().and_then(Opcode::from_u8))
}

fn asked(t: &Thread, a: &[Value], question: impl Fn(Opcode) -> bool) -> R {
    Ok(Value::bool(opcode(t, a[0])?.is_some_and(question)))
}

fn stack_effect(t: &Thread, a: &[Value]) -> R {
    let opcode = opcode(t, a[0])?;
    let oparg = if a[1].is_none() || a[1].is_null() { 0 } else { number::index_i32(t, a[1])?.clamp(0, MAX_OPARG) };
    let jump = match a[2] {
        Value::NULL | Value::NONE => None,
        Value::TRUE => Some(true),
        Value::FALSE => Some(false),
        _ => raise!(t, ValueError, "stack_effect: jump must be False, True or None"),
    };
    let Some(opcode) = opcode.filter(|op| !op.is_specialized()) else { raise!(t, ValueError, "invalid opcode or oparg") };
    let effect = |(pops, pushes): (i32, i32)| pushes - pops;
    let (stay, go) = (effect(opcode.stack_effect(oparg)), effect(opcode.jump_stack_effect(oparg)));
    Ok(Value::int(match jump {
        Some(true) => go,
        Some(false) => stay,
        None if opcode.is_jump() => stay.max(go),
        None => stay,
    } as i64))
}

fn texts(t: &Thread, names: impl Iterator<Item = &'static str>) -> R {
    let list = List::new(t);
    for name in names {
        list.append(t, Str::new(t, name).value())?;
    }
    Ok(list.value())
}

fn operators(t: &Thread, _: &[Value]) -> R {
    let list = List::new(t);
    for operator in BinaryOperator::ALL {
        let pair = [Str::new(t, operator.c_name()).value(), Str::new(t, operator.symbol()).value()];
        list.append(t, Tuple::from_slice(t, &pair).value())?;
    }
    Ok(list.value())
}
