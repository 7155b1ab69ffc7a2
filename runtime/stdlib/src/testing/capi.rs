//! `_testcapi`: events fired by hand for an object that stands for code, native functions of all kinds of binding, and how the runtime was
//! built. There is no C API to be tested; these are what has another meaning, too.

use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, Binding, FnDef, Signature, receiver};
use limpid_vm::instrument::deliver;
use limpid_vm::instrument::events::{self, Event};
use limpid_vm::modules::{ModuleDef, import};
use limpid_vm::object::{R, Ref, ValueExt, header_of};
use limpid_vm::protocol::{attr, call, number, truth};
use limpid_vm::root::{Root, TypeCell};
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, Module, Str, Tuple, Type, TypeDef, int, type_};
use limpid_vm::{exc, layout, names, raise};
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

/// `_testcapi`
pub static MODULE: ModuleDef = ModuleDef {
    functions: &[
        FnDef::def("config_get", "name, /", config_get).doc("Get a runtime configuration option."),
        FnDef::def("call_in_temporary_c_thread", "callback, wait=True, /", call_in_temporary_thread)
            .doc("Calls something in a new thread; unless that is waited for, join_temporary_c_thread() waits for it."),
        FnDef::def("join_temporary_c_thread", "", |t, _| match TEMPORARY_THREAD.replace(Value::NULL).non_null() {
            Some(handle) => call::call_method(t, handle, names::join, &[]),
            None => raise!(t, RuntimeError, "no thread to join"),
        }),
        FnDef::def("monitoring_enter_scope", "code, event, other_event=None, /", enter_scope)
            .doc("Whoever wants the events listens to the code from now on."),
        FnDef::def("monitoring_exit_scope", "", |_, _| Ok(Value::NONE)),
        FnDef::def("fire_event_py_start", "code, offset, /", |t, a| fire(t, a, Event::PY_START, &[])),
        FnDef::def("fire_event_py_resume", "code, offset, /", |t, a| fire(t, a, Event::PY_RESUME, &[])),
        FnDef::def("fire_event_py_return", "code, offset, value, /", |t, a| fire(t, a, Event::PY_RETURN, &a[2..])),
        FnDef::def("fire_event_py_yield", "code, offset, value, /", |t, a| fire(t, a, Event::PY_YIELD, &a[2..])),
        FnDef::def("fire_event_call", "code, offset, callable, arg, /", |t, a| fire(t, a, Event::CALL, &a[2..])),
        FnDef::def("fire_event_jump", "code, offset, target, /", |t, a| fire(t, a, Event::JUMP, &a[2..])),
        FnDef::def("fire_event_branch_left", "code, offset, target, /", |t, a| fire(t, a, Event::BRANCH_LEFT, &a[2..])),
        FnDef::def("fire_event_branch_right", "code, offset, target, /", |t, a| fire(t, a, Event::BRANCH_RIGHT, &a[2..])),
        FnDef::def("fire_event_py_throw", "code, offset, exception, /", |t, a| fire_exception(t, a, Event::PY_THROW)),
        FnDef::def("fire_event_raise", "code, offset, exception, /", |t, a| fire_exception(t, a, Event::RAISE)),
        FnDef::def("fire_event_exception_handled", "code, offset, exception, /", |t, a| fire_exception(t, a, Event::EXCEPTION_HANDLED)),
        FnDef::def("fire_event_py_unwind", "code, offset, exception, /", |t, a| fire_exception(t, a, Event::PY_UNWIND)),
        FnDef::def("fire_event_stop_iteration", "code, offset, value, /", fire_stop_iteration),
        FnDef::raw("meth_varargs", "*args", |t, args| all(t, "meth_varargs", MODULE_OBJECT.get(), args)),
        FnDef::raw("meth_varargs_keywords", "*args, **kwargs", |t, args| all(t, "meth_varargs_keywords", MODULE_OBJECT.get(), args)),
        FnDef::raw("meth_fastcall", "*args", |t, args| all(t, "meth_fastcall", MODULE_OBJECT.get(), args)),
        FnDef::raw("meth_fastcall_keywords", "*args, **kwargs", |t, args| all(t, "meth_fastcall_keywords", MODULE_OBJECT.get(), args)),
        FnDef::def("meth_noargs", "", |_, _| Ok(MODULE_OBJECT.get())),
        FnDef::def("meth_o", "arg, /", |t, a| Ok(Tuple::from_slice(t, &[MODULE_OBJECT.get(), a[0]]).value())),
    ],
    init,
    ..ModuleDef::named("_testcapi")
};

/// The ranges of C's types.
const LIMITS: &[(&str, i64)] = &[
    ("CHAR_MAX", i8::MAX as i64),
    ("CHAR_MIN", i8::MIN as i64),
    ("UCHAR_MAX", u8::MAX as i64),
    ("SHRT_MAX", i16::MAX as i64),
    ("SHRT_MIN", i16::MIN as i64),
    ("USHRT_MAX", u16::MAX as i64),
    ("INT_MAX", i32::MAX as i64),
    ("INT_MIN", i32::MIN as i64),
    ("UINT_MAX", u32::MAX as i64),
    ("LONG_MAX", i64::MAX),
    ("LONG_MIN", i64::MIN),
    ("LLONG_MAX", i64::MAX),
    ("LLONG_MIN", i64::MIN),
    ("PY_SSIZE_T_MAX", isize::MAX as i64),
    ("PY_SSIZE_T_MIN", isize::MIN as i64),
];

static MODULE_OBJECT: Root = Root::new();

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    MODULE_OBJECT.set(m.value());
    for (cell, def, name) in [
        (&CODE_LIKE, &CODE_LIKE_DEF, "CodeLike"),
        (&METH_INSTANCE, &METH_INSTANCE_DEF, "MethInstance"),
        (&METH_CLASS, &METH_CLASS_DEF, "MethClass"),
        (&METH_STATIC, &METH_STATIC_DEF, "MethStatic"),
    ] {
        m.dict().set_text(t, name, type_::create_native(t, def, cell)?.value())?;
    }
    crate::constants::add(t, m, LIMITS)?;
    for (name, value) in [("UINT64_MAX", u64::MAX), ("ULONG_MAX", u64::MAX), ("ULLONG_MAX", u64::MAX), ("SIZE_MAX", u64::MAX)] {
        m.dict().set_text(t, name, int::from_u64(t, value))?;
    }
    // Which allocators CPython was built with.
    m.dict().set_text(t, "WITH_PYMALLOC", Value::FALSE)?;
    m.dict().set_text(t, "WITH_MIMALLOC", Value::FALSE)
}

/// The handle of the thread of `call_in_temporary_c_thread` that was not waited for.
static TEMPORARY_THREAD: Root = Root::new();

fn call_in_temporary_thread(t: &Thread, a: &[Value]) -> R {
    if TEMPORARY_THREAD.opt().is_some() {
        raise!(t, RuntimeError, "another thread is running");
    }
    let threads = import::import_text(t, "_thread")?;
    let start = attr::get_attr_text(t, threads, "start_joinable_thread")?;
    let handle = call::call(t, start, &[a[0]])?;
    if a[1].is_null() || truth::truth(t, a[1])? {
        return call::call_method(t, handle, names::join, &[]);
    }
    TEMPORARY_THREAD.set(handle);
    Ok(Value::NONE)
}

fn config_get(t: &Thread, a: &[Value]) -> R {
    match a[0].downcast::<Str>().map(|name| name.to_string_lossy().into_owned()).as_deref() {
        // Code always knows the columns of its instructions.
        Some("code_debug_ranges") => Ok(Value::TRUE),
        Some(name) => raise!(t, ValueError, "unknown config option name: {name}"),
        None => raise!(t, TypeError, "config_get() argument must be str, not {}", a[0].class().display_name()),
    }
}

// ---- events ----

/// How many places a [`CodeLike`] may have.
const PLACES: usize = 8;

/// Stands for the code of another language: so many places, and which tools listen at each.
#[repr(C)]
struct CodeLike {
    header: Header,
    len: usize,
    tools: [AtomicU16; PLACES],
}

static CODE_LIKE: TypeCell = TypeCell::new();
layout!(CodeLike, CODE_LIKE.get(), Leaf);

static CODE_LIKE_DEF: TypeDef = TypeDef {
    slots: SlotTable { new: Some(code_like_new), repr: Some(code_like_repr), ..SlotTable::EMPTY },
    ..TypeDef::of::<CodeLike>("_testcapi.CodeLike")
};

fn code_like_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("places, /");
    args.bind(t, "CodeLike", &SIGNATURE, |a| {
        let len = match usize::try_from(number::index_isize(t, a[0])?) {
            Ok(n) if n <= PLACES => n,
            _ => raise!(t, ValueError, "CodeLike has 0 to {PLACES} places"),
        };
        let fields = CodeLike { header: header_of::<CodeLike>(), len, tools: [const { AtomicU16::new(0) }; PLACES] };
        // SAFETY: the receiver of `__new__` is a class.
        Ok(t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, fields).value())
    })
}

fn code_like_repr(t: &Thread, v: Value) -> R {
    let this = receiver::<CodeLike>(v);
    let tools: Vec<String> = this.tools[..this.len].iter().map(|set| format!(" {}", set.load(Relaxed))).collect();
    Ok(Str::new(t, &format!("<CodeLike:{}>", tools.concat())).value())
}

fn code_like(t: &Thread, v: Value) -> R<Ref<CodeLike>> {
    match v.exact::<CodeLike>() {
        Some(code) => Ok(code),
        None => raise!(t, TypeError, "expected a code-like, got {}", v.class().display_name()),
    }
}

fn enter_scope(t: &Thread, a: &[Value]) -> R {
    let code = code_like(t, a[0])?;
    for (tools, number) in code.tools[..code.len].iter().zip(a[1..].iter().filter(|v| !v.is_null())) {
        let event = usize::try_from(number::index_isize(t, *number)?).ok().and_then(|i| events::ALL.get(i));
        let Some(event) = event else { raise!(t, ValueError, "no such event") };
        tools.store(t.interpreter().instrumentation.tools_for(*event), Relaxed);
    }
    Ok(Value::NONE)
}

/// Fires an event at a place of a code-like; the callback gets `rest` behind these two. Which tools listen afterwards.
fn fire(t: &Thread, a: &[Value], event: Event, rest: &[Value]) -> R {
    let code = code_like(t, a[0])?;
    let place = usize::try_from(number::index_isize(t, a[1])?).ok().and_then(|i| code.tools[..code.len].get(i));
    let Some(tools) = place else { raise!(t, ValueError, "invalid offset") };
    let mut args = [Value::NULL; 4];
    args[..2].copy_from_slice(&a[..2]);
    args[2..][..rest.len()].copy_from_slice(rest);
    deliver::fire_elsewhere(t, event, tools, &args[..2 + rest.len()])?;
    Ok(Value::int(tools.load(Relaxed) as i64))
}

fn fire_exception(t: &Thread, a: &[Value], event: Event) -> R {
    if !a[2].is_instance(exc::BaseException) {
        raise!(t, ValueError, "Firing event {} with no exception set", event as u8);
    }
    fire(t, a, event, &a[2..])
}

fn fire_stop_iteration(t: &Thread, a: &[Value]) -> R {
    let stop = if a[2].is_instance(exc::StopIteration) { a[2] } else { exc::new_stop_iteration(t, a[2])? };
    fire(t, a, Event::STOP_ITERATION, &[stop])
}

// ---- what native functions are called with ----

/// The arguments of a call as the functions `meth_...` return them: the receiver, the positional ones, the keywords.
fn all(t: &Thread, name: &str, receiver: Value, args: Args<'_>) -> R {
    let positional = Tuple::from_slice(t, args.pos()).value();
    if !name.ends_with("_keywords") {
        args.no_keywords(t, name)?;
        return Ok(Tuple::from_slice(t, &[receiver, positional]).value());
    }
    let keywords = Dict::new(t);
    for (name, value) in args.keywords() {
        keywords.set_item(t, name, value)?;
    }
    Ok(Tuple::from_slice(t, &[receiver, positional, keywords.value()]).value())
}

fn all_with_receiver(t: &Thread, name: &str, args: Args<'_>) -> R {
    all(t, name, args.pos()[0], args.skip_first())
}

/// The functions `meth_...` as methods of a class, whose first argument is what they are bound to.
const fn methods(binding: Binding) -> [FnDef; 6] {
    [
        FnDef { binding, ..FnDef::raw("meth_varargs", "self, *args", |t, args| all_with_receiver(t, "meth_varargs", args)) },
        FnDef {
            binding,
            ..FnDef::raw("meth_varargs_keywords", "self, *args, **kwargs", |t, args| all_with_receiver(t, "meth_varargs_keywords", args))
        },
        FnDef { binding, ..FnDef::raw("meth_fastcall", "self, *args", |t, args| all_with_receiver(t, "meth_fastcall", args)) },
        FnDef {
            binding,
            ..FnDef::raw("meth_fastcall_keywords", "self, *args, **kwargs", |t, args| all_with_receiver(t, "meth_fastcall_keywords", args))
        },
        FnDef { binding, ..FnDef::def("meth_noargs", "self, /", |_, a| Ok(a[0])) },
        FnDef { binding, ..FnDef::def("meth_o", "self, arg, /", |t, a| Ok(Tuple::from_slice(t, a).value())) },
    ]
}

macro_rules! meth_type {
    ($layout:ident, $cell:ident, $def:ident, $methods:expr) => {
        #[repr(C)]
        struct $layout {
            header: Header,
        }

        static $cell: TypeCell = TypeCell::new();
        layout!($layout, $cell.get(), Leaf);

        static $def: TypeDef = TypeDef {
            slots: SlotTable {
                new: Some(|t, class, _| {
                    // SAFETY: the receiver of `__new__` is a class.
                    let class = unsafe { Ref::<Type>::from_value(class) };
                    Ok(t.alloc_instance(class, $layout { header: header_of::<$layout>() }).value())
                }),
                ..SlotTable::EMPTY
            },
            methods: {
                const METHODS: &[FnDef] = &$methods;
                METHODS
            },
            ..TypeDef::of::<$layout>(concat!("_testcapi.", stringify!($layout)))
        };
    };
}

meth_type!(MethInstance, METH_INSTANCE, METH_INSTANCE_DEF, methods(Binding::Plain));
meth_type!(MethClass, METH_CLASS, METH_CLASS_DEF, methods(Binding::Class));
meth_type!(
    MethStatic,
    METH_STATIC,
    METH_STATIC_DEF,
    [
        FnDef { binding: Binding::Static, ..FnDef::raw("meth_varargs", "*args", |t, args| all(t, "meth_varargs", Value::NONE, args)) },
        FnDef {
            binding: Binding::Static,
            ..FnDef::raw("meth_varargs_keywords", "*args, **kwargs", |t, args| all(t, "meth_varargs_keywords", Value::NONE, args))
        },
        FnDef { binding: Binding::Static, ..FnDef::raw("meth_fastcall", "*args", |t, args| all(t, "meth_fastcall", Value::NONE, args)) },
        FnDef {
            binding: Binding::Static,
            ..FnDef::raw("meth_fastcall_keywords", "*args, **kwargs", |t, args| all(t, "meth_fastcall_keywords", Value::NONE, args))
        },
        FnDef::static_def("meth_noargs", "", |_, _| Ok(Value::NONE)),
        FnDef::static_def("meth_o", "arg, /", |t, a| Ok(Tuple::from_slice(t, &[Value::NONE, a[0]]).value())),
    ]
);
