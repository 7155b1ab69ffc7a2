//! `_operator`: operators as functions, and getters, for the module operator.

mod getters;

use limpid_bytecode::BinaryOperator;
use limpid_heap::Value;
use limpid_vm::args::{Args, FnDef};
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{call, compare, iter, number, sequence, truth};
use limpid_vm::raise;
use limpid_vm::slots::Compare;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Module, Str, int, memory, type_};

/// `_operator`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Operator interface.\n\nThis module exports a set of functions implemented in C corresponding\nto the intrinsic operators of Python.  \
          For example, operator.add(x, y)\nis equivalent to the expression x+y.",
    functions: FUNCTIONS,
    init,
    ..ModuleDef::named("_operator")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    for (cell, def, name) in [
        (&getters::ITEM_GETTER, &getters::ITEM_GETTER_DEF, "itemgetter"),
        (&getters::ATTR_GETTER, &getters::ATTR_GETTER_DEF, "attrgetter"),
        (&getters::METHOD_CALLER, &getters::METHOD_CALLER_DEF, "methodcaller"),
    ] {
        m.dict().set_text(t, name, type_::create_native(t, def, cell)?.value())?;
    }
    Ok(())
}

/// A function of two operands.
macro_rules! binary {
    ($name:literal, $operator:ident, $doc:literal) => {
        FnDef::def($name, "a, b, /", |t, a| number::binary(t, BinaryOperator::$operator, a[0], a[1])).doc($doc)
    };
}

/// A function of one operand.
macro_rules! unary {
    ($name:literal, $function:expr, $doc:literal) => {
        FnDef::def($name, "a, /", |t, a| $function(t, a[0])).doc($doc)
    };
}

/// A comparison.
macro_rules! comparison {
    ($name:literal, $operator:ident, $doc:literal) => {
        FnDef::def($name, "a, b, /", |t, a| compare::rich_compare(t, a[0], a[1], Compare::$operator)).doc($doc)
    };
}

const FUNCTIONS: &[FnDef] = &[
    FnDef::def("truth", "a, /", |t, a| truth::truth(t, a[0]).map(Value::bool)).doc("Return True if a is true, False otherwise."),
    FnDef::def("not_", "a, /", |t, a| truth::truth(t, a[0]).map(|b| Value::bool(!b))).doc("Same as not a."),
    FnDef::def("is_", "a, b, /", |_, a| Ok(Value::bool(a[0] == a[1]))).doc("Same as a is b."),
    FnDef::def("is_not", "a, b, /", |_, a| Ok(Value::bool(a[0] != a[1]))).doc("Same as a is not b."),
    FnDef::def("is_none", "a, /", |_, a| Ok(Value::bool(a[0].is_none()))).doc("Same as a is None."),
    FnDef::def("is_not_none", "a, /", |_, a| Ok(Value::bool(!a[0].is_none()))).doc("Same as a is not None."),
    comparison!("lt", Lt, "Same as a < b."),
    comparison!("le", Le, "Same as a <= b."),
    comparison!("eq", Eq, "Same as a == b."),
    comparison!("ne", Ne, "Same as a != b."),
    comparison!("ge", Ge, "Same as a >= b."),
    comparison!("gt", Gt, "Same as a > b."),
    unary!("abs", number::absolute, "Same as abs(a)."),
    unary!("neg", number::negative, "Same as -a."),
    unary!("pos", number::positive, "Same as +a."),
    unary!("invert", number::invert, "Same as ~a."),
    unary!("inv", number::invert, "Same as ~a."),
    unary!("index", number::index_exact, "Same as a.__index__()"),
    binary!("add", Add, "Same as a + b."),
    binary!("sub", Subtract, "Same as a - b."),
    binary!("mul", Multiply, "Same as a * b."),
    binary!("matmul", MatrixMultiply, "Same as a @ b."),
    binary!("floordiv", FloorDivide, "Same as a // b."),
    binary!("truediv", TrueDivide, "Same as a / b."),
    binary!("mod", Remainder, "Same as a % b."),
    binary!("pow", Power, "Same as a ** b."),
    binary!("lshift", LeftShift, "Same as a << b."),
    binary!("rshift", RightShift, "Same as a >> b."),
    binary!("and_", And, "Same as a & b."),
    binary!("xor", Xor, "Same as a ^ b."),
    binary!("or_", Or, "Same as a | b."),
    binary!("iadd", InplaceAdd, "Same as a += b."),
    binary!("isub", InplaceSubtract, "Same as a -= b."),
    binary!("imul", InplaceMultiply, "Same as a *= b."),
    binary!("imatmul", InplaceMatrixMultiply, "Same as a @= b."),
    binary!("ifloordiv", InplaceFloorDivide, "Same as a //= b."),
    binary!("itruediv", InplaceTrueDivide, "Same as a /= b."),
    binary!("imod", InplaceRemainder, "Same as a %= b."),
    binary!("ipow", InplacePower, "Same as a **= b."),
    binary!("ilshift", InplaceLeftShift, "Same as a <<= b."),
    binary!("irshift", InplaceRightShift, "Same as a >>= b."),
    binary!("iand", InplaceAnd, "Same as a &= b."),
    binary!("ixor", InplaceXor, "Same as a ^= b."),
    binary!("ior", InplaceOr, "Same as a |= b."),
    FnDef::def("concat", "a, b, /", |t, a| concatenate(t, BinaryOperator::Add, a)).doc("Same as a + b, for a and b sequences."),
    FnDef::def("iconcat", "a, b, /", |t, a| concatenate(t, BinaryOperator::InplaceAdd, a)).doc("Same as a += b, for a and b sequences."),
    FnDef::def("contains", "a, b, /", |t, a| sequence::contains(t, a[0], a[1]).map(Value::bool))
        .doc("Same as b in a (note reversed operands)."),
    FnDef::def("getitem", "a, b, /", |t, a| sequence::get_item(t, a[0], a[1])).doc("Same as a[b]."),
    FnDef::def("setitem", "a, b, c, /", |t, a| sequence::set_item(t, a[0], a[1], a[2]).map(|()| Value::NONE)).doc("Same as a[b] = c."),
    FnDef::def("delitem", "a, b, /", |t, a| sequence::del_item(t, a[0], a[1]).map(|()| Value::NONE)).doc("Same as del a[b]."),
    FnDef::def("countOf", "a, b, /", count_of).doc("Return the number of items in a which are, or which equal, b."),
    FnDef::def("indexOf", "a, b, /", index_of).doc("Return the first index of b in a."),
    FnDef::def("length_hint", "obj, default=0, /", length_hint).doc(
        "Return an estimate of the number of items in obj.\n\nThis is useful for presizing containers when building from an iterable.\n\nIf the \
         object supports len(), the result will be exact.\nOtherwise, it may over- or under-estimate by an arbitrary amount.\nThe result will be \
         an integer >= 0.",
    ),
    FnDef::raw("call", "obj, /, *args, **kwargs", call_object).doc("Same as obj(*args, **kwargs)."),
    FnDef::def("_compare_digest", "a, b, /", compare_digest).doc(
        "Return 'a == b'.\n\nThis function uses an approach designed to prevent\ntiming analysis, making it appropriate for cryptography.\n\na and \
         b must both be of the same type: either str (ASCII only),\nor any bytes-like object.\n\nNote: If a and b are of different lengths, or if \
         an error occurs,\na timing attack could theoretically reveal information about the\ntypes and lengths of a and b--but not their values.",
    ),
];

fn concatenate(t: &Thread, operator: BinaryOperator, a: &[Value]) -> R {
    let slots = a[0].class().slots();
    let joins = slots.concat.is_some() || iter::is_sequence(a[0]) && iter::is_sequence(a[1]);
    if !joins {
        raise!(t, TypeError, "'{}' object can't be concatenated", a[0].class().display_name())
    }
    number::binary(t, operator, a[0], a[1])
}

fn count_of(t: &Thread, a: &[Value]) -> R {
    let mut count = 0;
    iterate(t, a[0], |item| {
        count += compare::values_equal(t, item, a[1])? as usize;
        Ok(true)
    })?;
    Ok(int::from_usize(t, count))
}

fn index_of(t: &Thread, a: &[Value]) -> R {
    let mut index = 0;
    let found = !iterate(t, a[0], |item| {
        let other = !compare::values_equal(t, item, a[1])?;
        index += other as usize;
        Ok(other)
    })?;
    if !found {
        raise!(t, ValueError, "sequence.index(x): x not in sequence")
    }
    Ok(int::from_usize(t, index))
}

/// Calls `f` with each item for as long as it says true; whether it always did.
fn iterate(t: &Thread, v: Value, mut f: impl FnMut(Value) -> R<bool>) -> R<bool> {
    let iterator = match iter::get_iter(t, v) {
        Ok(iterator) => iterator,
        Err(raised) if !t.exception_is(limpid_vm::exc::TypeError) => return Err(raised),
        Err(_) => {
            t.take_exception();
            raise!(t, TypeError, "argument of type '{}' is not iterable", v.class().display_name())
        }
    };
    loop {
        let item = iter::next(t, iterator)?;
        if item.is_null() {
            return Ok(true);
        }
        if !f(item)? {
            return Ok(false);
        }
        t.poll()?;
    }
}

fn length_hint(t: &Thread, a: &[Value]) -> R {
    let default = if a[1].is_null() {
        0
    } else if int::is_int(a[1]) {
        int::to_isize(t, a[1])?
    } else {
        raise!(t, TypeError, "'{}' object cannot be interpreted as an integer", a[1].class().display_name())
    };
    if let Ok(default) = usize::try_from(default) {
        return Ok(int::from_usize(t, iter::length_hint(t, a[0], default)?));
    }
    // A negative default says that there is none.
    const NONE: usize = usize::MAX;
    Ok(match iter::length_hint(t, a[0], NONE)? {
        NONE => int::from_isize(t, default),
        n => int::from_usize(t, n),
    })
}

fn call_object(t: &Thread, args: Args<'_>) -> R {
    match args.pos().first() {
        Some(f) => call::call_args(t, *f, args.skip_first()),
        None => raise!(t, TypeError, "call expected at least 1 argument, got 0"),
    }
}

/// Are the bytes the same? How long it takes does not depend on where they differ.
fn equal_slowly(a: &[u8], b: &[u8]) -> bool {
    let difference = a.iter().zip(b).fold(0, |all, (x, y)| std::hint::black_box(all | (x ^ y)));
    a.len() == b.len() && difference == 0
}

fn compare_digest(t: &Thread, a: &[Value]) -> R {
    if let (Some(x), Some(y)) = (a[0].downcast::<Str>(), a[1].downcast::<Str>()) {
        return match (x.as_ascii(), y.as_ascii()) {
            (Some(x), Some(y)) => Ok(Value::bool(equal_slowly(x.as_bytes(), y.as_bytes()))),
            _ => raise!(t, TypeError, "comparing strings with non-ASCII characters is not supported"),
        };
    }
    if !memory::has_buffer(a[0]) && !memory::has_buffer(a[1]) {
        let [x, y] = [a[0], a[1]].map(|v| v.class().display_name());
        raise!(t, TypeError, "unsupported operand types(s) or combination of types: '{x}' and '{y}'")
    }
    let (x, y) = (memory::get_buffer(t, a[0])?, memory::get_buffer(t, a[1])?);
    Ok(Value::bool(equal_slowly(&x.to_contiguous(), &y.to_contiguous())))
}
