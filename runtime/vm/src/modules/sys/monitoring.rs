//! `sys.monitoring`: the registry of tools and their callbacks.
//!
//! Tools can be registered and name the callbacks they want; the interpreter does not deliver events yet, so switching some on is an error
//! that says so instead of silence.

use crate::args::FnDef;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{call, number};
use crate::root::Root;
use crate::thread::Thread;
use crate::types::str::intern;
use crate::types::{BuiltinFunction, Dict, Module, builtin, int, simple_namespace};
use crate::value_list::ValueList;
use limpid_heap::Value;

/// The events in the order of their bits.
const EVENTS: [&str; 19] = [
    "PY_START",
    "PY_RESUME",
    "PY_RETURN",
    "PY_YIELD",
    "CALL",
    "LINE",
    "INSTRUCTION",
    "JUMP",
    "BRANCH_LEFT",
    "BRANCH_RIGHT",
    "STOP_ITERATION",
    "RAISE",
    "EXCEPTION_HANDLED",
    "PY_UNWIND",
    "PY_THROW",
    "RERAISE",
    "C_RETURN",
    "C_RAISE",
    "BRANCH",
];

/// Tools with these numbers may register; two more are the interpreter's own.
const TOOLS: i32 = 6;

/// The tools that have a name of their own.
const NAMED_TOOLS: [(&str, i64); 4] = [("DEBUGGER_ID", 0), ("COVERAGE_ID", 1), ("PROFILER_ID", 2), ("OPTIMIZER_ID", 5)];

/// The names of the tools, NULL for those that are free, then each tool's callbacks by event.
static REGISTRY: Root = Root::new();

/// Guards the taking of tool numbers.
static LOCK: parking_lot::Mutex<()> = parking_lot::Mutex::new(());

static FUNCTIONS: [FnDef; 12] = [
    FnDef::def("use_tool_id", "tool_id, name, /", use_tool_id),
    FnDef::def("clear_tool_id", "tool_id, /", |t, a| {
        let tool = tool(t, a[0])?;
        clear(t, tool);
        Ok(Value::NONE)
    }),
    FnDef::def("free_tool_id", "tool_id, /", |t, a| {
        let tool = tool(t, a[0])?;
        clear(t, tool);
        registry().set(t, tool, Value::NULL);
        Ok(Value::NONE)
    }),
    FnDef::def("get_tool", "tool_id, /", |t, a| {
        let tool = tool(t, a[0])?;
        Ok(registry().get(tool).non_null().unwrap_or(Value::NONE))
    }),
    FnDef::def("register_callback", "tool_id, event, func, /", register_callback),
    FnDef::def("get_events", "tool_id, /", |t, a| used_tool(t, a[0]).map(|_| Value::int(0))),
    FnDef::def("set_events", "tool_id, event_set, /", |t, a| {
        used_tool(t, a[0])?;
        set_events(t, a[1])
    }),
    FnDef::def("get_local_events", "tool_id, code, /", |t, a| {
        used_tool(t, a[0])?;
        require_code(t, a[1])?;
        Ok(Value::int(0))
    }),
    FnDef::def("set_local_events", "tool_id, code, event_set, /", |t, a| {
        used_tool(t, a[0])?;
        require_code(t, a[1])?;
        set_events(t, a[2])
    }),
    FnDef::def("restart_events", "", |_, _| Ok(Value::NONE)),
    FnDef::def("_all_events", "", |t, _| Ok(Dict::new(t).value())),
    FnDef::def("_set_all_events", "event_set, /", |t, a| set_events(t, a[0])),
];

/// Adds the module to `sys`.
pub(super) fn add(t: &Thread, sys: Ref<Dict>) -> R<()> {
    let mut list = ValueList::with_capacity(t, TOOLS as usize * (1 + EVENTS.len()));
    for _ in 0..TOOLS as usize * (1 + EVENTS.len()) {
        list.push(t, Value::NULL);
    }
    REGISTRY.set(list.cell());
    let name = intern(t, "sys.monitoring");
    let module = Module::new(t, name)?;
    let dict = module.dict();
    for f in &FUNCTIONS {
        dict.set_text(t, f.name, BuiltinFunction::new(t, f, module.value(), name).value())?;
    }
    let events = Dict::new(t);
    events.set_text(t, "NO_EVENTS", Value::int(0))?;
    for (bit, event) in EVENTS.iter().enumerate() {
        events.set_text(t, event, Value::int(1 << bit))?;
    }
    dict.set_text(t, "events", simple_namespace::from_dict(t, events))?;
    for (tool, id) in NAMED_TOOLS {
        dict.set_text(t, tool, Value::int(id))?;
    }
    for sentinel in ["DISABLE", "MISSING"] {
        dict.set_text(t, sentinel, call::call(t, builtin::OBJECT.value(), &[])?)?;
    }
    sys.set_text(t, "monitoring", module.value())?;
    Ok(())
}

fn registry() -> ValueList {
    ValueList::from_cell(REGISTRY.get())
}

/// Where a tool's callback for an event is.
fn place(tool: usize, event: usize) -> usize {
    TOOLS as usize + tool * EVENTS.len() + event
}

fn clear(t: &Thread, tool: usize) {
    (0..EVENTS.len()).for_each(|event| registry().set(t, place(tool, event), Value::NULL));
}

fn tool(t: &Thread, v: Value) -> R<usize> {
    let id = number::index_i32(t, v)?;
    if !(0..TOOLS).contains(&id) {
        raise!(t, ValueError, "invalid tool {id} (must be between 0 and {})", TOOLS - 1)
    }
    Ok(id as usize)
}

fn used_tool(t: &Thread, v: Value) -> R<usize> {
    let tool = tool(t, v)?;
    if registry().get(tool).is_null() {
        raise!(t, ValueError, "tool {tool} is not in use")
    }
    Ok(tool)
}

fn require_code(t: &Thread, v: Value) -> R<()> {
    if v.is_instance(builtin::CODE) {
        return Ok(());
    }
    raise!(t, TypeError, "code must be a code object")
}

fn use_tool_id(t: &Thread, a: &[Value]) -> R {
    let tool = tool(t, a[0])?;
    if !a[1].is_instance(builtin::STR) {
        raise!(t, ValueError, "tool name must be a str")
    }
    // The module's lock makes the question and the answer one.
    let _guard = LOCK.lock();
    if !registry().get(tool).is_null() {
        raise!(t, ValueError, "tool {tool} is already in use")
    }
    registry().set(t, tool, a[1]);
    Ok(Value::NONE)
}

fn register_callback(t: &Thread, a: &[Value]) -> R {
    let tool = tool(t, a[0])?;
    let event = number::index_i32(t, a[1])?;
    if event <= 0 || !(event as u32).is_power_of_two() {
        raise!(t, ValueError, "The callback can only be set for one event at a time")
    }
    let event = event.trailing_zeros() as usize;
    if event >= EVENTS.len() {
        raise!(t, ValueError, "invalid event {}", 1u64 << event)
    }
    let callback = if a[2].is_none() { Value::NULL } else { a[2] };
    let (list, place) = (registry(), place(tool, event));
    let old = list.get(place);
    list.set(t, place, callback);
    Ok(old.non_null().unwrap_or(Value::NONE))
}

fn set_events(t: &Thread, v: Value) -> R {
    let events = int::to_i64(t, number::index(t, v)?)?;
    if !(0..1 << EVENTS.len()).contains(&events) {
        raise!(t, ValueError, "invalid event set 0x{events:x}")
    }
    if events != 0 {
        raise!(t, RuntimeError, "this version of limpid delivers no monitoring events; trace with the USDT probes instead")
    }
    Ok(Value::NONE)
}
