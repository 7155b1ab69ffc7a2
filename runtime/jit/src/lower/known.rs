//! Which native functions and methods run no Python code, given which arguments.

use super::natives::is_simple;
use crate::helpers::{self, NativeFunction};
use crate::ir::Op;
use limpid_heap::ShapeRef;
use limpid_vm::args::{FnDef, NativeBody};
use limpid_vm::modules::thread;
use limpid_vm::object::{Ref, ValueExt};
use limpid_vm::tier2::recorder::Observed;
use limpid_vm::types::builtin::{self, shapes};
use limpid_vm::types::{BuiltinFunction, Module, Type, flag};

/// Functions that run no Python code if their arguments are numbers or strings, by module.
const FUNCTIONS: [(&str, &[&str]); 3] = [
    (
        "builtins",
        &["abs", "ascii", "bin", "callable", "chr", "divmod", "format", "hash", "hex", "id", "oct", "ord", "pow", "repr", "round"],
    ),
    (
        "math",
        &[
            "acos",
            "acosh",
            "asin",
            "asinh",
            "atan",
            "atan2",
            "atanh",
            "cbrt",
            "ceil",
            "copysign",
            "cos",
            "cosh",
            "degrees",
            "erf",
            "exp",
            "exp2",
            "expm1",
            "fabs",
            "floor",
            "fma",
            "fmod",
            "frexp",
            "gcd",
            "hypot",
            "isclose",
            "isfinite",
            "isinf",
            "isnan",
            "isqrt",
            "lcm",
            "ldexp",
            "log",
            "log10",
            "log1p",
            "log2",
            "modf",
            "pow",
            "radians",
            "remainder",
            "sin",
            "sinh",
            "sqrt",
            "tan",
            "tanh",
            "trunc",
        ],
    ),
    ("time", &["monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "time", "time_ns"]),
];
/// Likewise methods of strings.
const OF_STRINGS: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "endswith",
    "expandtabs",
    "find",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "upper",
    "zfill",
];
/// Methods of bytes, if their arguments are bytes as well or numbers.
const OF_BYTES: &[&str] = &[
    "count",
    "endswith",
    "find",
    "hex",
    "index",
    "isalnum",
    "isalpha",
    "isdigit",
    "isspace",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rpartition",
    "rstrip",
    "split",
    "startswith",
    "strip",
    "upper",
];
/// Methods of lists that run none whatever their items are.
const OF_LISTS: &[&str] = &["append", "clear", "copy", "extend", "insert", "pop", "reverse"];
/// Likewise methods of deques.
const OF_DEQUES: &[&str] = &["append", "appendleft", "clear", "pop", "popleft", "reverse", "rotate"];
/// Likewise methods of dicts.
const OF_DICTS: &[&str] = &["items", "keys", "values"];
/// Likewise methods of ints.
const OF_INTS: &[&str] = &["bit_count", "bit_length", "conjugate"];
/// Likewise methods of the class `Random` that is not written in Python.
const OF_RANDOM: &[&str] = &["getrandbits", "random"];
/// Methods of both kinds of locks that do not wait.
const OF_LOCKS: &[&str] = &["__exit__", "locked", "release"];

/// Is it a function that is known by its module and name?
pub(super) fn is_known(f: &BuiltinFunction) -> bool {
    FUNCTIONS.iter().any(|(module, functions)| is_of_module(f, module, functions))
}

/// Does it collect garbage whenever it is called? Machine code that called it might keep something alive that it does not use any more:
/// the collector takes all that it finds on the native stack for referred to, and who collects expects to hear of what is gone.
pub(super) fn collects(f: &BuiltinFunction) -> bool {
    is_of_module(f, "gc", &["collect"])
}

/// Is it one of these functions of a module?
pub(super) fn is_of_module(f: &BuiltinFunction, name: &str, functions: &[&str]) -> bool {
    let module =
        f.receiver.opt().filter(|_| !f.passes_receiver()).and_then(|receiver| receiver.exact::<Module>()).and_then(|module| module.name());
    functions.contains(&f.def().name) && module.is_some_and(|module| module.eq_str(name))
}

/// Is it such a method with its receiver?
pub(super) fn is_bound(f: &BuiltinFunction) -> bool {
    let receiver = f.receiver.opt().filter(|receiver| f.passes_receiver() && receiver.is_cell());
    receiver.is_some_and(|receiver| methods_of(receiver.class()).contains(&f.def().name))
}

/// The uop for a method of `lock` that does not wait, given that many arguments besides the receiver.
pub(super) fn lock_uop(class: Ref<Type>, def: &FnDef, n: usize) -> Option<Op> {
    match def.name {
        _ if thread::LOCK.opt() != Some(class) => None,
        "__enter__" | "acquire" if n == 0 => Some(Op::TakeLock),
        "__exit__" | "release" => Some(Op::GiveLock),
        _ => None,
    }
}

/// What runs instead of a method of a class, given that many arguments besides the receiver.
pub(super) fn method_body(class: Ref<Type>, def: &FnDef, n: usize) -> Option<NativeFunction> {
    if is_lock(class) && n == 0 && matches!(def.name, "__enter__" | "acquire") {
        return Some(thread::acquire_now);
    }
    if !methods_of(class).contains(&def.name) {
        return None;
    }
    native_body(def)
}

/// The body, if it receives values as they are on the stack.
pub(super) fn native_body(def: &FnDef) -> Option<NativeFunction> {
    match def.body {
        NativeBody::Bound(body) | NativeBody::Positional(body) => Some(body),
        NativeBody::Raw(_) => None,
    }
}

/// Functions of one list or tuple that run no Python code if it holds numbers only.
pub(super) fn of_numbers(f: &BuiltinFunction) -> Option<NativeFunction> {
    if !is_of_module(f, "builtins", &["max", "min", "sum"]) {
        return None;
    }
    Some(match f.def().name {
        "max" => helpers::greatest_in,
        "min" => helpers::least_in,
        _ => helpers::sum_of,
    })
}

/// How many of the last arguments may be anything: what is put into a container, and what is not looked into.
pub(super) fn free_arguments(def: &FnDef) -> usize {
    matches!(def.name, "append" | "appendleft" | "insert" | "id" | "callable") as usize
}

/// May an argument be such a value? Methods that take sequences only look at them.
pub(super) fn is_harmless(def: &FnDef, observed: Observed) -> bool {
    let is = |shapes: &[ShapeRef]| shapes.iter().any(|shape| observed == Observed::Cell(shape.0));
    match def.name {
        "extend" | "join" => is(&[shapes::LIST, shapes::TUPLE]),
        "startswith" | "endswith" => is_simple(observed) || is(&[shapes::TUPLE, shapes::BYTES]),
        _ => is_simple(observed) || is(&[shapes::BYTES]),
    }
}

fn methods_of(class: Ref<Type>) -> &'static [&'static str] {
    let of_builtins = [
        (builtin::INT, OF_INTS),
        (builtin::STR, OF_STRINGS),
        (builtin::LIST, OF_LISTS),
        (builtin::DICT, OF_DICTS),
        (builtin::BYTES, OF_BYTES),
    ];
    match of_builtins.iter().find(|(builtin, _)| *builtin == class) {
        Some((_, methods)) => methods,
        None if is_lock(class) => OF_LOCKS,
        None if class.has(flag::HEAP_TYPE) => &[],
        None if class.display_name() == "Random" => OF_RANDOM,
        None if class.display_name() == "collections.deque" => OF_DEQUES,
        None => &[],
    }
}

fn is_lock(class: Ref<Type>) -> bool {
    [&thread::LOCK, &thread::RLOCK].iter().any(|lock| lock.opt() == Some(class))
}
