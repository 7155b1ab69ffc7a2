//! Objects and builtin types, threads, the interpreter with its specializer, instrumentation, import.
//!
//! Bird's-eye view, from the bottom up:
//! * [`object`]: typed references and slots; [`shape`]: what an object is; [`slots`]: a type's native functions; [`args`]: how native
//!   code takes arguments; [`thread`]: what every native function gets.
//! * [`types`]: the builtin types, a file each. [`exc`]: the exception classes. [`names`]: interned strings known at compile time.
//! * [`stack_dump`]: Python stacks for whoever looks into a process that crashes or hangs; `stack_offsets`: for whoever looks from outside.
//! * [`protocol`]: operations on any object (`call`, `get_attr`, `add`, `iterate`, ...).
//! * [`runtime`]: what all threads share; [`interpreter`]: what each of the process's interpreters has for itself.
//! * [`interp`]: frames, handlers, dispatch tables, specializer, unwinding.
//! * [`instrument`]: events for tools.
//! * [`tier2`]: recording of traces, and the entry points of the just-in-time compiler.
//! * [`modules`]: the native modules that the interpreter itself needs (builtins, sys, _thread, _imp); all others live in the crate
//!   `limpid-stdlib`.
//!
//! Invariants: no global lock anywhere. No `Value` in malloc memory unless it is traced as a root ([`root`]). An operation on an object
//! goes through its type's slots, never through a match on its type, except on fast paths that a guard precedes.

#[macro_use]
pub mod object;
#[macro_use]
pub mod thread;
pub mod args;
pub mod breaker;
pub mod collecting;
pub mod embedded;
pub mod error_report;
pub mod exc;
pub mod finalization;
pub mod instrument;
pub mod interp;
pub mod interpreter;
pub mod interpreter_stack;
pub mod modules;
pub mod names;
pub mod protocol;
mod raw_lock;
pub mod root;
pub mod runtime;
pub mod shape;
pub mod slots;
pub mod stack_dump;
mod stack_offsets;
pub mod stats;
pub mod sync;
pub mod tier2;
pub mod types;
pub mod value_list;

pub use limpid_heap::Value;
pub use modules::warnings;
