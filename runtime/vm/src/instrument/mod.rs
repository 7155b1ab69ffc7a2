//! Instrumentation: telling tools what a program does, by `sys.monitoring`, trace and profile functions, and the probe `line`.
//!
//! An instruction at which some tool wants an event has the byte [`INSTRUMENTED`](limpid_bytecode::INSTRUMENTED) in place of its opcode, in
//! every thread's copy of the code. What it was and who wants what is in a side table of the code object ([`locations`]). The handler of
//! that byte delivers the events ([`deliver`]) and then runs the instruction. So an instruction that nobody watches costs
//! nothing, be it that no tool is registered or that all callbacks for this place have returned `DISABLE`; the specializer leaves the byte
//! alone ([`Regs::set_specialized`](crate::interp::regs::Regs::set_specialized)) and notes
//! the specialized form of the instruction beside it, for each thread's copy.
//!
//! The interpreter's version in [`Instrumentation`] counts the changes of what tools want everywhere; each code object remembers the
//! version it was brought up to. A change stops the world, counts the version up and brings the code of all running frames up to date;
//! other code follows when it is entered. To that end threads use a dispatch table ([`dispatch::MONITORED`]) while some tool wants events
//! everywhere, or hears of disabled ones again, in which the instruction `RESUME` compares the versions. Code that is still instrumented
//! when all tools are gone finds out when it gets to such an instruction, and takes the marks away.
//!
//! Tools are numbers and sets of tools bit masks. Numbers 0 to 5 are those of `sys.monitoring`; `sys.setprofile` and `sys.settrace` are
//! two more ([`legacy`]), the probe `line` is the last. Tools that are not in `sys.monitoring` have functions in place of callbacks.

pub mod callbacks;
pub mod deliver;
pub mod events;
pub mod exceptions;
pub mod legacy;
pub mod locations;

use crate::interp::dispatch::{self, Table};
use crate::interp::frame::Frame;
use crate::object::{Ref, ValueExt};
use crate::root::{Held, Root};
use crate::thread::{Thread, request};
use crate::tier2;
use crate::types::{Code, builtin};
use events::{EVENT_COUNT, Event, EventSet};
use limpid_heap::{Tracer, Value};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering::*};

/// How many tools `sys.monitoring` has.
pub const MONITORING_TOOLS: usize = 6;
/// `sys.setprofile`.
pub const PROFILE: usize = 6;
/// `sys.settrace`.
pub const TRACE: usize = 7;
/// The probe `line`.
pub const PROBE: usize = 8;
/// How many tools there are.
pub const TOOLS: usize = 9;

/// A set of tools, a bit each.
pub type ToolSet = u16;

/// The objects `DISABLE` and `MISSING`.
static DISABLE: Root = Root::new();
static MISSING: Root = Root::new();

/// What tools want everywhere, and how often that has changed.
pub struct Instrumentation {
    /// Counts the changes. Code that was brought up to this version is up to date.
    version: AtomicU32,
    /// The version at which disabled events were switched on again the last time.
    restart: AtomicU32,
    /// What each tool wants everywhere.
    global: [AtomicU32; TOOLS],
    /// Who wants an event everywhere.
    by_event: [AtomicU16; EVENT_COUNT],
    /// The tools that have wanted events in single code objects, unless they were cleared since.
    local: AtomicU16,
    /// Which of them had when disabled events were switched on again: then any code may have to be brought up to date.
    restarted: AtomicU16,
    /// Counts for each tool how often it was cleared: local events from before do not count any more.
    generation: [AtomicU32; TOOLS],
    /// The callbacks of the tools in `sys.monitoring`, by tool and event.
    callbacks: [[Held; EVENT_COUNT]; MONITORING_TOOLS],
    /// Some frame wants its trace function to be told of every instruction, `f_trace_opcodes`.
    opcodes: AtomicBool,
}

impl Default for Instrumentation {
    fn default() -> Instrumentation {
        Instrumentation {
            version: AtomicU32::new(1),
            restart: AtomicU32::new(0),
            global: [const { AtomicU32::new(0) }; TOOLS],
            by_event: [const { AtomicU16::new(0) }; EVENT_COUNT],
            local: AtomicU16::new(0),
            restarted: AtomicU16::new(0),
            generation: [const { AtomicU32::new(0) }; TOOLS],
            callbacks: [const { [const { Held::new() }; EVENT_COUNT] }; MONITORING_TOOLS],
            opcodes: AtomicBool::new(false),
        }
    }
}

impl Instrumentation {
    /// The version code has to be at.
    #[inline(always)]
    pub fn version(&self) -> u32 {
        self.version.load(Acquire)
    }

    /// What a tool wants everywhere.
    pub fn global(&self, tool: usize) -> EventSet {
        self.global[tool].load(Acquire)
    }

    /// Who wants an event everywhere.
    #[inline]
    pub fn tools_for(&self, event: Event) -> ToolSet {
        self.by_event[event as usize].load(Relaxed)
    }

    /// Hands the callbacks to the collector.
    pub(crate) fn trace(&self, tracer: &mut Tracer) {
        self.callbacks.iter().flatten().for_each(|f| tracer.value(f.get()));
    }

    /// May code that is entered have to be brought up to date, as some tool wants an event everywhere that is delivered at instructions, or
    /// hears again of what it has disabled?
    fn watches_instructions(&self) -> bool {
        self.global.iter().any(|set| set.load(Relaxed) & events::AT_INSTRUCTIONS != 0)
            || self.local.load(Relaxed) & self.restarted.load(Relaxed) != 0
    }

    /// A tool wants events in a single code object.
    fn note_local(&self, tool: usize) {
        self.local.fetch_or(1 << tool, Relaxed);
    }
}

/// Prepares the registry. Part of the set-up of `sys`.
pub fn init(t: &Thread) -> crate::object::R<(Value, Value)> {
    for sentinel in [&DISABLE, &MISSING] {
        if sentinel.opt().is_none() {
            sentinel.set(crate::protocol::call::call(t, builtin::OBJECT.value(), &[])?);
        }
    }
    Ok((DISABLE.get(), MISSING.get()))
}

/// A tool's callback for an event.
#[inline]
pub fn callback(t: &Thread, tool: usize, event: Event) -> Option<Value> {
    t.interpreter().instrumentation.callbacks[tool][event as usize].opt()
}

/// Replaces a tool's callback for an event, NULL takes it away; the one before.
pub fn set_callback(t: &Thread, tool: usize, event: Event, f: Value) -> Option<Value> {
    t.interpreter().instrumentation.callbacks[tool][event as usize].replace(f).non_null()
}

/// Changes what a tool wants everywhere.
pub fn set_events(t: &Thread, tool: usize, wanted: EventSet) {
    let i = &t.interpreter().instrumentation;
    if i.global(tool) != wanted {
        change(t, || i.global[tool].store(wanted, Release));
    }
}

/// Delivers again what callbacks have disabled.
pub fn restart(t: &Thread) {
    let i = &t.interpreter().instrumentation;
    change(t, || {
        i.restart.store(i.version() + 1, Release);
        i.restarted.store(i.local.load(Relaxed), Relaxed);
    });
}

/// Forgets all that a tool wants, in single code objects too.
pub fn clear_tool(t: &Thread, tool: usize) {
    let i = &t.interpreter().instrumentation;
    change(t, || {
        i.global[tool].store(0, Release);
        i.generation[tool].fetch_add(1, AcqRel);
        i.local.fetch_and(!(1 << tool), Relaxed);
    });
}

/// Makes a change while all threads stand still, and brings running code up to date.
fn change(t: &Thread, f: impl FnOnce()) {
    let interpreter = t.interpreter();
    let i = &interpreter.instrumentation;
    t.mutator.stop_world(c"instrumentation", |_| {
        f();
        i.version.fetch_add(1, AcqRel);
        for event in 0..EVENT_COUNT {
            let tools = (0..TOOLS).filter(|&tool| i.global(tool) & 1 << event != 0).fold(0, |set, tool| set | 1 << tool);
            i.by_event[event].store(tools, Relaxed);
        }
        interpreter.table.store(running_table(i).cast_mut(), Release);
        // The list of threads is locked while it is walked, and the collector needs it: nothing is allocated meanwhile.
        let mut running = Vec::new();
        interpreter.each_thread(t, |other| {
            let mut f = Frame(other.fp.get());
            while !f.is_none() {
                if !f.is_shim() && !running.contains(&f.code()) {
                    running.push(f.code());
                }
                f = f.previous();
            }
        });
        // The frames keep these code objects alive.
        running.into_iter().for_each(|code| locations::update(t, code));
        tier2::retire_all(t.runtime());
    });
    t.runtime().request_all(request::TABLE);
}

/// The table that threads use for plain running: one that watches where frames start while tools want events everywhere.
fn running_table(i: &Instrumentation) -> *const Table {
    if i.watches_instructions() { &raw const dispatch::MONITORED } else { &raw const dispatch::PLAIN }
}

/// Is code up to date?
#[inline(always)]
pub fn is_current(t: &Thread, code: Ref<Code>) -> bool {
    code.instrumented_at.load(Acquire) == t.interpreter().instrumentation.version()
}

/// Brings code up to date. True: something may have changed.
#[inline]
pub fn refresh(t: &Thread, code: Ref<Code>) -> bool {
    if is_current(t, code) {
        return false;
    }
    locations::update(t, code);
    true
}

/// Who hears of an event that concerns no single instruction.
#[inline]
pub fn everywhere(t: &Thread, event: Event) -> ToolSet {
    if t.tracing.get() == 0 { t.interpreter().instrumentation.tools_for(event) } else { 0 }
}
