//! `gc`: the collector as programs see it.
//!
//! There are two generations where CPython has three: 0 is the young one, 1 and 2 are everything else. The finalizers that a collection
//! finds work for run after it. `gc.callbacks` are called around the collections that a program asks for; of the others they are told
//! afterwards, at a place where Python code may run. Nothing is uncollectable: `gc.garbage` has what `DEBUG_SAVEALL` saves.

mod objects;

use limpid_heap::{CollectionReport, Generation, Request, Value};
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{call, number};
use limpid_vm::root::InterpreterRoot;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, List, Module, Str, Tuple, int};
use limpid_vm::{collecting, error_report, finalization, raise, runtime};
use std::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};

/// `gc`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "This module provides access to the garbage collector for reference cycles.\n\nenable() -- Enable automatic garbage \
          collection.\ndisable() -- Disable automatic garbage collection.\nisenabled() -- Returns true if automatic collection is \
          enabled.\ncollect() -- Do a full collection right now.\nget_count() -- Return the current collection counts.\nget_stats() -- Return list of \
          dictionaries containing per-generation stats.\nset_debug() -- Set debugging flags.\nget_debug() -- Get debugging flags.\nset_threshold() -- \
          Set the collection thresholds.\nget_threshold() -- Return the current collection thresholds.\nget_objects() -- Return a list of all objects \
          tracked by the collector.\nis_tracked() -- Returns true if a given object is tracked.\nis_finalized() -- Returns true if a given object has \
          been already finalized.\nget_referrers() -- Return the list of objects that refer to an object.\nget_referents() -- Return the list of \
          objects that an object refers to.\nfreeze() -- Freeze all tracked objects and ignore them for future collections.\nunfreeze() -- Unfreeze \
          all objects in the permanent generation.\nget_freeze_count() -- Return the number of objects in the permanent generation.\n",
    functions: FUNCTIONS,
    init,
    ..ModuleDef::named("gc")
};

/// A static, for [`collect_for_caller`] knows them by their addresses, of which a constant may have several.
static FUNCTIONS: &[FnDef] = &[
    FnDef::def("enable", "", |t, _| {
        collecting::set_enabled(t, true);
        Ok(Value::NONE)
    })
    .doc("Enable automatic garbage collection."),
    FnDef::def("disable", "", |t, _| {
        collecting::set_enabled(t, false);
        Ok(Value::NONE)
    })
    .doc("Disable automatic garbage collection."),
    FnDef::def("isenabled", "", |t, _| Ok(Value::bool(t.interpreter().collecting.is_enabled()))).doc("Returns true if automatic garbage collection is enabled."),
    FnDef::def("collect", "generation=2", collect).doc(
        "Run the garbage collector.\n\nWith no arguments, run a full collection.  The optional argument\nmay be an integer specifying which \
         generation to collect.  A ValueError\nis raised if the generation number is invalid.\n\nThe number of unreachable objects is returned.",
    ),
    FnDef::def("set_debug", "flags, /", |t, a| {
        DEBUG.set(t, Value::int(number::index_i32(t, a[0])?.into()));
        Ok(Value::NONE)
    })
    .doc("Set the garbage collection debugging flags.\n\n  flags\n    An integer that can have the following bits turned on:\n      DEBUG_STATS - Print statistics during collection.\n      DEBUG_COLLECTABLE - Print collectable objects found.\n      DEBUG_UNCOLLECTABLE - Print unreachable but uncollectable objects\n        found.\n      DEBUG_SAVEALL - Save objects to gc.garbage rather than freeing them.\n      DEBUG_LEAK - Debug leaking programs (everything but STATS).\n\nDebugging information is written to sys.stderr."),
    FnDef::def("get_debug", "", |t, _| Ok(Value::int(debug_flags(t)))).doc("Get the garbage collection debugging flags."),
    FnDef::def("get_count", "", |t, _| Ok(numbers(t, collecting::counts(t)))).doc("Return a three-tuple of the current collection counts."),
    FnDef::def("get_threshold", "", |t, _| Ok(numbers(t, t.interpreter().collecting.thresholds()))).doc("Return the current collection thresholds."),
    FnDef::def("set_threshold", "threshold0, threshold1=<unrepresentable>, threshold2=<unrepresentable>, /", set_threshold)
        .doc("set_threshold(threshold0[, threshold1[, threshold2]])\nSet the collection thresholds (the collection frequency).\n\nSetting 'threshold0' to zero disables collection."),
    FnDef::def("get_stats", "", stats).doc("Return a list of dictionaries containing per-generation statistics."),
    FnDef::def("get_objects", "generation=None", objects::get_objects).doc(
        "Return a list of objects tracked by the collector (excluding the list returned).\n\n  generation\n    Generation to extract the objects \
         from.\n\nIf generation is not None, return only the objects tracked by the collector\nthat are in that generation.",
    ),
    FnDef::def("get_referrers", "*objs", objects::get_referrers).doc("Return the list of objects that directly refer to any of 'objs'."),
    FnDef::def("get_referents", "*objs", objects::get_referents).doc("Return the list of objects that are directly referred to by 'objs'."),
    FnDef::def("is_tracked", "obj, /", |_, a| Ok(Value::bool(objects::is_tracked(a[0])))).doc(
        "Returns true if the object is tracked by the garbage collector.\n\nSimple atomic objects will return false.",
    ),
    FnDef::def("is_finalized", "obj, /", |_, a| Ok(Value::bool(limpid_heap::is_finalized(a[0]))))
        .doc("Returns true if the object has been already finalized by the GC."),
    FnDef::def("freeze", "", |t, _| {
        collecting::freeze(t);
        Ok(Value::NONE)
    })
    .doc("Freeze all current tracked objects and ignore them for future collections.\n\nThis can be used before a POSIX fork() call to make the gc copy-on-write friendly.\nNote: collection before a POSIX fork() call may free pages for future allocation\nwhich can cause copy-on-write."),
    FnDef::def("unfreeze", "", |t, _| {
        collecting::unfreeze(t);
        Ok(Value::NONE)
    })
    .doc("Unfreeze all objects in the permanent generation.\n\nPut all objects in the permanent generation back into oldest generation."),
    FnDef::def("get_freeze_count", "", |t, _| Ok(int::from_usize(t, frozen_objects(t))))
        .doc("Return the number of objects in the permanent generation."),
];

/// How many objects this interpreter has frozen.
fn frozen_objects(t: &Thread) -> usize {
    if t.interpreter().collecting.has_frozen() { limpid_heap::frozen_objects() } else { 0 }
}

/// The flags of `gc.set_debug`. Only [`DEBUG_STATS`] and [`DEBUG_SAVEALL`] have an effect.
static DEBUG: InterpreterRoot = InterpreterRoot::new();
const DEBUG_STATS: i64 = 1;
const DEBUG_SAVEALL: i64 = 32;

fn debug_flags(t: &Thread) -> i64 {
    DEBUG.opt(t).map_or(0, Value::as_int)
}

/// `gc.callbacks`, a list.
static CALLBACKS: InterpreterRoot = InterpreterRoot::new();
/// `gc.garbage`, a list.
static GARBAGE: InterpreterRoot = InterpreterRoot::new();

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let dict = m.dict();
    for (name, flags) in [
        ("DEBUG_STATS", DEBUG_STATS),
        ("DEBUG_COLLECTABLE", 2),
        ("DEBUG_UNCOLLECTABLE", 4),
        ("DEBUG_SAVEALL", DEBUG_SAVEALL),
        ("DEBUG_LEAK", 38),
    ] {
        dict.set_text(t, name, Value::int(flags))?;
    }
    if CALLBACKS.get(t).is_null() {
        CALLBACKS.set(t, List::new(t).value());
        GARBAGE.set(t, List::new(t).value());
    }
    dict.set_text(t, "callbacks", CALLBACKS.get(t))?;
    dict.set_text(t, "garbage", GARBAGE.get(t))?;
    runtime::listen_to_collections(t, |t, report| {
        let generation = i64::from(runtime::generation_number(report.generation));
        tell(t, "start", generation, 0);
        tell(t, "stop", generation, report.collected);
        print_statistics(t, generation, report);
    });
    Ok(())
}

fn numbers(t: &Thread, n: [usize; 3]) -> Value {
    Tuple::from_slice(t, &n.map(|n| int::from_usize(t, n))).value()
}

/// Is somebody in [`collect`]? Callbacks, finalizers and other threads that call it meanwhile get nothing.
static COLLECTING: AtomicBool = AtomicBool::new(false);

/// Collects from a function of this module that keeps no values itself. What is dead is found to be: programs and tests look at what a
/// collection that they ask for has done, and what was left behind on the native stack must not look like references.
fn collect_for_caller(t: &Thread, generation: Generation, number: i32) -> CollectionReport {
    let save = debug_flags(t) & DEBUG_SAVEALL != 0;
    let request = Request { generation, census: true, save, stack_from: t.stack_of_callers(FUNCTIONS) };
    // SAFETY: the functions of this module that come here have no values in local variables; `loop_stack` tells of whatever else there is.
    unsafe { runtime::collect_as(t, number, request) }
}

fn collect(t: &Thread, a: &[Value]) -> R {
    let number = if a[0].is_null() { 2 } else { number::index_i32(t, a[0])? };
    let generation = match number {
        0 | 1 => Generation::Young,
        2 => Generation::Full,
        _ => raise!(t, ValueError, "invalid generation"),
    };
    if COLLECTING.swap(true, Acquire) {
        return Ok(Value::int(0));
    }
    let found = collect_and_tell(t, generation, i64::from(number));
    COLLECTING.store(false, Release);
    Ok(int::from_usize(t, found?))
}

/// How many objects were unreachable.
fn collect_and_tell(t: &Thread, generation: Generation, number: i64) -> R<usize> {
    tell(t, "start", number, 0);
    let mut report = collect_for_caller(t, generation, number as i32);
    finalization::run(t);
    if report.finalized > 0 && generation == Generation::Full {
        // What the finalizers have let go of.
        let second = collect_for_caller(t, generation, number as i32);
        report.objects += second.objects;
        report.ns += second.ns;
        finalization::run(t);
    }
    if number == 1 {
        collecting::count_middle(t);
    }
    keep_saved(t)?;
    tell(t, "stop", number, report.objects);
    print_statistics(t, number, &report);
    Ok(report.objects)
}

/// Puts what was saved for the program into `gc.garbage`.
fn keep_saved(t: &Thread) -> R<()> {
    while let (Some(garbage), Some(object)) = (GARBAGE.get(t).downcast::<List>(), runtime::next_saved_garbage(t)) {
        garbage.append(t, object)?;
    }
    Ok(())
}

/// Calls the callbacks. What they raise is told of and does not matter otherwise.
fn tell(t: &Thread, phase: &str, generation: i64, collected: usize) {
    let Some(callbacks) = CALLBACKS.get(t).downcast::<List>().filter(|list| !list.is_empty()) else { return };
    // There are values in local variables here, and a callback may be `gc.collect`.
    let stack = t.loop_stack.replace(0);
    let info = match info(t, generation, collected) {
        Ok(info) => info,
        Err(_) => {
            t.loop_stack.set(stack);
            return error_report::unraisable_without_object(t, "Exception ignored on building invoke gc callbacks");
        }
    };
    let phase = Str::new(t, phase).value();
    for callback in callbacks.snapshot(t).iter() {
        if call::call(t, callback, &[phase, info]).is_err() {
            error_report::unraisable_with_message(t, "Exception ignored while calling GC callback", callback);
        }
    }
    t.loop_stack.set(stack);
}

fn info(t: &Thread, generation: i64, collected: usize) -> R {
    let info = Dict::new(t);
    info.set_text(t, "generation", Value::int(generation))?;
    info.set_text(t, "collected", int::from_usize(t, collected))?;
    info.set_text(t, "uncollectable", Value::int(0))?;
    Ok(info.value())
}

/// For `DEBUG_STATS`.
fn print_statistics(t: &Thread, generation: i64, report: &CollectionReport) {
    if debug_flags(t) & DEBUG_STATS == 0 {
        return;
    }
    let [young, old] = objects::count(t);
    let permanent = frozen_objects(t);
    let text = format!(
        "gc: collecting generation {generation}...\n\
         gc: objects in each generation: {young} 0 {old}\n\
         gc: objects in permanent generation: {permanent}\n\
         gc: done, {} unreachable, {} uncollectable, {:.4}s elapsed\n",
        report.objects.max(report.collected),
        report.uncollectable,
        report.ns as f64 / 1e9
    );
    let outcome = limpid_vm::modules::sys_attribute(t, "stderr").and_then(|stderr| match stderr.filter(|s| !s.is_none()) {
        Some(stderr) => call::call_method_text(t, stderr, "write", &[Str::new(t, &text).value()]).map(drop),
        None => Ok(()),
    });
    if outcome.is_err() {
        t.take_exception();
    }
}

fn set_threshold(t: &Thread, a: &[Value]) -> R {
    let mut thresholds = t.interpreter().collecting.thresholds();
    for (threshold, v) in thresholds.iter_mut().zip(a) {
        if !v.is_null() {
            *threshold = number::index_i32(t, *v)?.max(0) as usize;
        }
    }
    collecting::set_thresholds(t, thresholds);
    Ok(Value::NONE)
}

fn stats(t: &Thread, _: &[Value]) -> R {
    let [young, full] = t.interpreter().collecting.stats();
    let list = List::new(t);
    for generation in [young, Default::default(), full] {
        let dict = Dict::new(t);
        dict.set_text(t, "collections", int::from_u64(t, generation.collections))?;
        dict.set_text(t, "collected", int::from_u64(t, generation.objects))?;
        dict.set_text(t, "uncollectable", int::from_u64(t, generation.uncollectable))?;
        list.append(t, dict.value())?;
    }
    Ok(list.value())
}
