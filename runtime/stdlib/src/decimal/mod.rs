//! `_decimal`: decimal arithmetic after the General Decimal Arithmetic specification.
//!
//! Numbers and what is done with them in loops are native: [`number`], [`arith`] and [`text`] know of no Python objects. What is seldom
//! used, such as logarithms, is left to the Python form of the module ([`python`]), which has the same semantics.

mod arith;
mod context;
mod number;
mod object;
mod python;
mod signals;
mod text;

use context::Context;
use limpid_heap::Value;
use limpid_vm::args::{FnDef, receiver};
use limpid_vm::modules::{ModuleDef, import};
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{attr, call};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Module, Str, int, str, type_};
use number::{Kind, Number, Rounding};

/// The widest of the contexts that IEEE 754 describes.
const IEEE_MAX_BITS: i64 = 512;

/// `_decimal`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "C decimal arithmetic module",
    functions: &[
        FnDef::def("getcontext", "", |t, _| Ok(context::current(t)?.value())).doc("Get the current default context."),
        FnDef::def("setcontext", "context, /", |t, a| context::set_current(t, a[0]).map(|()| Value::NONE))
            .doc("Set a new default context."),
        FnDef::def("localcontext", "ctx=None, **kwargs", context::local)
            .doc("Return a context manager that will set the default context to a copy of ctx\non entry to the with-statement."),
        FnDef::def("IEEEContext", "bits, /", |t, a| context::ieee(t, a[0]))
            .doc("Return a context object initialized to the proper values for one of the\nIEEE interchange formats."),
    ],
    init,
    ..ModuleDef::named("_decimal")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let dict = m.dict();
    signals::create(t, m)?;
    signals::create_dicts(t)?;
    let decimal = type_::create_native(t, &object::DECIMAL_DEF, &object::DECIMAL)?.value();
    dict.set_text(t, "Decimal", decimal)?;
    dict.set_text(t, "Context", type_::create_native(t, &context::CONTEXT_DEF, &context::CONTEXT)?.value())?;
    type_::create_native(t, &context::CONTEXT_MANAGER_DEF, &context::CONTEXT_MANAGER)?;
    context::create(t);
    for (template, name) in context::TEMPLATES.iter().zip(["DefaultContext", "BasicContext", "ExtendedContext"]) {
        dict.set_text(t, name, template.get(t))?;
    }
    for (_, name) in Rounding::ALL {
        dict.set_text(t, name, str::intern(t, name))?;
    }
    for (name, n) in [
        ("MAX_PREC", number::MAX_PREC),
        ("MAX_EMAX", number::MAX_EMAX),
        ("MIN_EMIN", number::MIN_EMIN),
        ("MIN_ETINY", number::MIN_EMIN - (number::MAX_PREC - 1)),
        ("IEEE_CONTEXT_MAX_BITS", IEEE_MAX_BITS),
    ] {
        dict.set_text(t, name, int::from_i64(t, n))?;
    }
    dict.set_text(t, "HAVE_THREADS", Value::TRUE)?;
    dict.set_text(t, "HAVE_CONTEXTVAR", Value::TRUE)?;
    dict.set_text(t, "__version__", Str::new(t, "1.70").value())?;
    dict.set_text(t, "__libmpdec_version__", Str::new(t, "2.5.1").value())?;
    let numbers = import::import_text(t, "numbers")?;
    let number = attr::get_attr_text(t, numbers, "Number")?;
    call::call_method_text(t, number, "register", &[decimal])?;
    if object::DECIMAL_TUPLE.opt(t).is_none() {
        // A named tuple, as the Python form has it.
        let collections = import::import_text(t, "collections")?;
        let make = attr::get_attr_text(t, collections, "namedtuple")?;
        let fields = Str::new(t, "sign digits exponent").value();
        let class = call::call(t, make, &[Str::new(t, "DecimalTuple").value(), fields])?;
        attr::set_attr(t, class, limpid_vm::names::__module__, Str::new(t, "decimal").value())?;
        object::DECIMAL_TUPLE.set(t, class);
    }
    dict.set_text(t, "DecimalTuple", object::DECIMAL_TUPLE.get(t))
}

/// The methods that the Python form does: for a Decimal and, with one operand more, for a Context.
macro_rules! python_methods {
    ($($name:literal($($operand:literal $second:literal)?);)*) => {
        const IN_PYTHON: usize = [$($name),*].len();

        const DECIMAL_IN_PYTHON: [FnDef; IN_PYTHON] = [$(
            FnDef::def($name, concat!("self, /, ", $($operand, ", ",)? "context=None"), |t, a| {
                let (context, operands) = a.split_last().unwrap_or((&Value::NULL, &[]));
                by_python(t, $name, operands, context::given(t, *context)?)
            }),
        )*];

        const CONTEXT_IN_PYTHON: [FnDef; IN_PYTHON] = [$(
            FnDef::def($name, concat!("self, a, ", $($second, ", ",)? "/"), |t, a| by_python(t, $name, &a[1..], receiver::<Context>(a[0]))),
        )*];
    };
}

fn by_python(t: &Thread, name: &str, operands: &[Value], context: Ref<Context>) -> R {
    let mut decimals = [Value::NULL; 3];
    for (decimal, operand) in decimals.iter_mut().zip(operands) {
        *decimal = object::required_decimal(t, *operand)?;
    }
    python::operation(t, name, &decimals[..operands.len()], context)
}

python_methods! {
    "exp"();
    "ln"();
    "log10"();
    "logb"();
    "logical_invert"();
    "next_minus"();
    "next_plus"();
    "sqrt"();
    "number_class"();
    "is_normal"();
    "is_subnormal"();
    "compare"("other" "b");
    "compare_signal"("other" "b");
    "compare_total"("other" "b");
    "compare_total_mag"("other" "b");
    "logical_and"("other" "b");
    "logical_or"("other" "b");
    "logical_xor"("other" "b");
    "max"("other" "b");
    "max_mag"("other" "b");
    "min"("other" "b");
    "min_mag"("other" "b");
    "next_toward"("other" "b");
    "remainder_near"("other" "b");
    "rotate"("other" "b");
    "same_quantum"("other" "b");
    "scaleb"("other" "b");
    "shift"("other" "b");
}

/// The argument of what is for Decimals only.
fn require_decimal(t: &Thread, v: Value) -> R {
    if v.is_instance(object::DECIMAL.get()) {
        return Ok(v);
    }
    limpid_vm::raise!(t, TypeError, "argument must be a Decimal")
}

/// A context's method for an operation on one number.
macro_rules! context_unary {
    ($name:literal, $f:expr) => {
        FnDef::def($name, "self, a, /", |t, a| object::apply1(t, receiver::<Context>(a[0]), a[1], $f))
    };
}

/// A context's method for an operation on two numbers.
macro_rules! context_binary {
    ($name:literal, $f:expr) => {
        FnDef::def($name, "self, a, b, /", |t, a| object::apply2(t, receiver::<Context>(a[0]), a[1], a[2], $f))
    };
}

/// A context's method that asks something of a number.
macro_rules! context_question {
    ($name:literal, $f:expr) => {
        FnDef::def($name, "self, a, /", |t, a| object::is(t, a[1], $f))
    };
}

const CONTEXT_OPERATIONS: [FnDef; 35] = [
    context_unary!("abs", arith::absolute),
    context_unary!("minus", arith::minus),
    context_unary!("plus", arith::plus),
    context_unary!("normalize", arith::normalize),
    context_unary!("to_integral", object::to_integral_value),
    context_unary!("to_integral_value", object::to_integral_value),
    context_unary!("to_integral_exact", object::to_integral_exact),
    context_binary!("add", arith::add),
    context_binary!("subtract", arith::subtract),
    context_binary!("multiply", arith::multiply),
    context_binary!("divide", arith::divide),
    context_binary!("divide_int", arith::divide_to_integer),
    context_binary!("remainder", arith::remainder),
    context_binary!("quantize", arith::quantize),
    FnDef::def("is_canonical", "self, a, /", |t, a| require_decimal(t, a[1]).map(|_| Value::TRUE)),
    context_question!("is_finite", Number::is_finite),
    context_question!("is_infinite", Number::is_infinite),
    context_question!("is_nan", Number::is_nan),
    context_question!("is_qnan", |n| n.kind == Kind::Quiet),
    context_question!("is_snan", |n| n.kind == Kind::Signalling),
    context_question!("is_signed", |n| n.negative),
    context_question!("is_zero", Number::is_zero),
    FnDef::def("divmod", "self, a, b, /", |t, a| {
        let (x, y) = (object::required(t, a[1])?, object::required(t, a[2])?);
        object::divide_with_remainder(t, receiver(a[0]), &x, &y)
    }),
    FnDef::def("power", "self, /, a, b, modulo=None", |t, a| object::power(t, receiver(a[0]), a[1], a[2], a[3])),
    FnDef::def("fma", "self, a, b, c, /", |t, a| object::fused_multiply_add(t, receiver(a[0]), a[1], a[2], a[3])),
    FnDef::def("copy_abs", "self, a, /", |t, a| object::with_sign(t, a[1], |_| false)),
    FnDef::def("copy_negate", "self, a, /", |t, a| object::with_sign(t, a[1], |n| !n.negative)),
    FnDef::def("copy_sign", "self, a, b, /", |t, a| {
        let negative = object::required(t, a[2])?.negative;
        object::with_sign(t, a[1], |_| negative)
    }),
    FnDef::def("copy_decimal", "self, a, /", |t, a| object::required_decimal(t, a[1])),
    FnDef::def("canonical", "self, a, /", |t, a| require_decimal(t, a[1])),
    context_unary!("_apply", |n, c, flags| n.clone().finish(c, flags)),
    FnDef::def("create_decimal", "self, num='0', /", |t, a| {
        let zero = || str::intern(t, "0");
        object::create(t, receiver(a[0]), if a[1].is_null() { zero() } else { a[1] })
    }),
    FnDef::def("create_decimal_from_float", "self, f, /", |t, a| object::create_from_float(t, receiver(a[0]), a[1])),
    FnDef::def("to_sci_string", "self, a, /", |t, a| object::text_in(t, receiver(a[0]), a[1], false)),
    FnDef::def("to_eng_string", "self, a, /", |t, a| object::text_in(t, receiver(a[0]), a[1], true)),
];

/// Two lists of methods in one.
const fn joined<const A: usize, const B: usize, const N: usize>(a: [FnDef; A], b: [FnDef; B]) -> [FnDef; N] {
    assert!(A + B == N);
    let mut all = [a[0]; N];
    let mut i = 0;
    while i < N {
        all[i] = if i < A { a[i] } else { b[i - A] };
        i += 1;
    }
    all
}

static DECIMAL_METHODS: [FnDef; IN_PYTHON + object::METHODS.len()] = joined(DECIMAL_IN_PYTHON, object::METHODS);
static CONTEXT_METHODS: [FnDef; IN_PYTHON + CONTEXT_OPERATIONS.len() + context::METHODS.len()] = {
    let operations: [FnDef; IN_PYTHON + CONTEXT_OPERATIONS.len()] = joined(CONTEXT_IN_PYTHON, CONTEXT_OPERATIONS);
    joined(operations, context::METHODS)
};
