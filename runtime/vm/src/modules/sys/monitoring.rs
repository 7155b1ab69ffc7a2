//! `sys.monitoring`: tools, their callbacks, and which events they want. What delivers the events is [`crate::instrument`].

use crate::args::FnDef;
use crate::instrument::events::{self, ALL, EVENT_COUNT, Event, EventSet};
use crate::instrument::{self, MONITORING_TOOLS as TOOLS, locations};
use crate::object::{R, Ref, ValueExt};
use crate::protocol::number;
use crate::root::InterpreterRoot;
use crate::thread::Thread;
use crate::types::str::intern;
use crate::types::{BuiltinFunction, Code, Dict, Module, builtin, int, simple_namespace};
use crate::value_list::ValueList;
use limpid_heap::Value;

/// The tools that have a name of their own.
const NAMED_TOOLS: [(&str, i64); 4] = [("DEBUGGER_ID", 0), ("COVERAGE_ID", 1), ("PROFILER_ID", 2), ("OPTIMIZER_ID", 5)];

/// The names of the tools, NULL for those that are free.
static REGISTRY: InterpreterRoot = InterpreterRoot::new();

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
        registry(t).set(t, tool, Value::NULL);
        Ok(Value::NONE)
    }),
    FnDef::def("get_tool", "tool_id, /", |t, a| {
        let tool = tool(t, a[0])?;
        Ok(registry(t).get(tool).non_null().unwrap_or(Value::NONE))
    }),
    FnDef::def("register_callback", "tool_id, event, func, /", register_callback),
    FnDef::def("get_events", "tool_id, /", |t, a| {
        let tool = tool(t, a[0])?;
        Ok(Value::int(t.interpreter().instrumentation.global(tool) as i64))
    }),
    FnDef::def("set_events", "tool_id, event_set, /", |t, a| {
        let tool = tool(t, a[0])?;
        let wanted = event_set(t, a[1], EVENT_COUNT as u32, "event set")?;
        require_used(t, tool)?;
        instrument::set_events(t, tool, wanted);
        Ok(Value::NONE)
    }),
    FnDef::def("get_local_events", "tool_id, code, /", |t, a| {
        let code = code(t, a[1])?;
        let tool = tool(t, a[0])?;
        Ok(Value::int(code.locations().map_or(0, |l| l.local(t, tool)) as i64))
    }),
    FnDef::def("set_local_events", "tool_id, code, event_set, /", |t, a| {
        let code = code(t, a[1])?;
        let tool = tool(t, a[0])?;
        let wanted = event_set(t, a[2], EVENT_COUNT as u32, "local event set")?;
        if wanted & !events::AT_INSTRUCTIONS & !C_EVENTS != 0 {
            raise!(t, ValueError, "invalid local event set 0x{wanted:x}")
        }
        require_used(t, tool)?;
        locations::set_local_events(t, code, tool, wanted)?;
        Ok(Value::NONE)
    }),
    FnDef::def("restart_events", "", |t, _| {
        instrument::restart(t);
        Ok(Value::NONE)
    }),
    FnDef::def("_all_events", "", |t, _| {
        let all = Dict::new(t);
        for event in ALL {
            let tools = t.interpreter().instrumentation.tools_for(event) & ((1 << TOOLS) - 1);
            if tools != 0 {
                all.set_text(t, event.name(), Value::int(tools as i64))?;
            }
        }
        Ok(all.value())
    }),
    FnDef::def("_set_all_events", "event_set, /", |t, a| {
        let wanted = event_set(t, a[0], EVENT_COUNT as u32, "event set")?;
        (0..TOOLS).for_each(|tool| instrument::set_events(t, tool, wanted));
        Ok(Value::NONE)
    }),
];

/// Adds the module to `sys`.
pub(super) fn add(t: &Thread, sys: Ref<Dict>) -> R<()> {
    let mut list = ValueList::with_capacity(t, TOOLS);
    for _ in 0..TOOLS {
        list.push(t, Value::NULL);
    }
    REGISTRY.set(t, list.cell());
    let name = intern(t, "sys.monitoring");
    let module = Module::new(t, name)?;
    let dict = module.dict();
    for f in &FUNCTIONS {
        dict.set_text(t, f.name, BuiltinFunction::new(t, f, module.value(), name).value())?;
    }
    let events = Dict::new(t);
    events.set_text(t, "NO_EVENTS", Value::int(0))?;
    for event in ALL {
        events.set_text(t, event.name(), Value::int(event.bit() as i64))?;
    }
    dict.set_text(t, "events", simple_namespace::from_dict(t, events))?;
    for (tool, id) in NAMED_TOOLS {
        dict.set_text(t, tool, Value::int(id))?;
    }
    let (disable, missing) = instrument::init(t)?;
    dict.set_text(t, "DISABLE", disable)?;
    dict.set_text(t, "MISSING", missing)?;
    sys.set_text(t, "monitoring", module.value())?;
    Ok(())
}

fn registry(t: &Thread) -> ValueList {
    ValueList::from_cell(REGISTRY.get(t))
}

fn clear(t: &Thread, tool: usize) {
    for event in ALL {
        instrument::set_callback(t, tool, event, Value::NULL);
    }
    instrument::clear_tool(t, tool);
}

fn tool(t: &Thread, v: Value) -> R<usize> {
    let id = number::index_i32(t, v)?;
    if !(0..TOOLS as i32).contains(&id) {
        raise!(t, ValueError, "invalid tool {id} (must be between 0 and {})", TOOLS - 1)
    }
    Ok(id as usize)
}

fn require_used(t: &Thread, tool: usize) -> R<()> {
    if registry(t).get(tool).is_null() {
        raise!(t, ValueError, "tool {tool} is not in use")
    }
    Ok(())
}

fn code(t: &Thread, v: Value) -> R<Ref<Code>> {
    match v.exact::<Code>() {
        Some(code) => Ok(code),
        None => raise!(t, TypeError, "code must be a code object"),
    }
}

fn use_tool_id(t: &Thread, a: &[Value]) -> R {
    let tool = tool(t, a[0])?;
    if !a[1].is_instance(builtin::STR) {
        raise!(t, ValueError, "tool name must be a str")
    }
    // The module's lock makes the question and the answer one.
    let guard = LOCK.lock();
    let taken = !registry(t).get(tool).is_null();
    if !taken {
        registry(t).set(t, tool, a[1]);
    }
    drop(guard);
    if taken {
        raise!(t, ValueError, "tool {tool} is already in use")
    }
    Ok(Value::NONE)
}

fn register_callback(t: &Thread, a: &[Value]) -> R {
    let tool = tool(t, a[0])?;
    let event = number::index_i32(t, a[1])?;
    if event <= 0 || !(event as u32).is_power_of_two() {
        raise!(t, ValueError, "The callback can only be set for one event at a time")
    }
    let Some(&event) = ALL.get(event.trailing_zeros() as usize) else { raise!(t, ValueError, "invalid event {event}") };
    super::audit(t, "sys.monitoring.register_callback", &[a[2]])?;
    let callback = if a[2].is_none() { Value::NULL } else { a[2] };
    if event == Event::BRANCH {
        // The old event stands for both ways of a branch.
        instrument::set_callback(t, tool, Event::BRANCH_LEFT, Value::NULL);
        instrument::set_callback(t, tool, Event::BRANCH_RIGHT, Value::NULL);
    }
    Ok(instrument::set_callback(t, tool, event, callback).unwrap_or(Value::NONE))
}

/// The events of native calls, which come with CALL.
const C_EVENTS: EventSet = Event::C_RETURN.bit() | Event::C_RAISE.bit();

/// The events in a set, without those that come with others.
fn event_set(t: &Thread, v: Value, count: u32, what: &str) -> R<EventSet> {
    let set = int::to_i64(t, number::index(t, v)?)?;
    if !(0..1 << count).contains(&set) {
        raise!(t, ValueError, "invalid {what} 0x{set:x}")
    }
    let mut set = set as EventSet;
    let calls = C_EVENTS | Event::CALL.bit();
    if set & C_EVENTS != 0 && set & calls != calls {
        raise!(t, ValueError, "cannot set C_RETURN or C_RAISE events independently")
    }
    set &= !C_EVENTS;
    if set & Event::BRANCH.bit() != 0 {
        set = set & !Event::BRANCH.bit() | Event::BRANCH_LEFT.bit() | Event::BRANCH_RIGHT.bit();
    }
    Ok(set)
}
