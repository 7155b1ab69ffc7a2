//! The USDT probes of Limpid: one list of their names and argument types, and what is derived from it.
//!
//! A tracer (bpftrace, perf, SystemTap) finds a probe by a note in the ELF file, `python:function__entry` for instance, puts
//! a breakpoint on the address the note names, and reads the arguments from the registers the note names. It also
//! increments the probe's semaphore, so that the program knows that somebody listens:
//!
//! ```
//! use limpid_probes as probes;
//! # let (file, func, line) = (c"a.py".as_ptr(), c"f".as_ptr(), 1);
//! if probes::function__entry::enabled() {
//!     probes::function__entry::fire(file, func, line);
//! }
//! ```
//!
//! Each probe is a module of its own, named exactly as tracers name it, with
//!
//! - `enabled()`: does anybody trace this probe? One load and compare, meant to be inlined;
//! - `fire(...)`: the probe. An out-of-line C function that holds the only site, so that interpreter and jitted code call
//!   the same one, and a tracer sets one breakpoint;
//! - `semaphore()`: the address of the counter behind `enabled()`, for code that is generated at run time.
//!
//! Invariants
//! - Every probe has exactly one site in a program, whoever calls it and however the program was optimised.
//! - Without the feature `dtrace`, or on a system without such notes, `enabled()` is `false` at compile time and `fire` does
//!   nothing: the compiler removes the probe with the code that prepares its arguments.
//! - Strings are NUL-terminated and resident ([`Text`]): a tracer may not fault a page in, and would read one that was
//!   never touched as an empty string.
//! - This crate knows nothing of the runtime: when a probe fires is the interpreter's business, what it says is told here.

use std::ffi::{c_char, c_void};
use std::ptr::NonNull;

/// A NUL-terminated string argument. It must lie in memory that has been touched (interned strings have).
pub type Text = *const c_char;

/// An address that means something to the tracer only as a number.
pub type Address = *const c_void;

/// The provider of every probe here.
pub const PROVIDER: &str = "python";

#[cfg_attr(all(feature = "dtrace", target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")), path = "stapsdt.rs")]
#[cfg_attr(not(all(feature = "dtrace", target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))), path = "absent.rs")]
#[macro_use]
mod site;

/// What [`PROBES`] tells of a probe.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// The name as tracers spell it.
    pub name: &'static str,
    /// Names and types of the arguments, in order.
    pub arguments: &'static [(&'static str, &'static str)],
    /// The probe's `semaphore` function.
    pub semaphore: fn() -> Option<NonNull<u16>>,
}

macro_rules! probes {
    ($( $(#[$doc:meta])* $name:ident($($argument:ident: $kind:ident),*); )*) => {
        /// The number of each probe in the list.
        #[allow(non_camel_case_types, reason = "the names are the ones tracers use")]
        #[allow(dead_code, reason = "not needed where probes are not compiled in")]
        enum Number { $($name,)* Count }

        $(
            $(#[$doc])*
            #[allow(non_snake_case, reason = "the name is the one tracers use")]
            pub mod $name {
                #[allow(unused_imports, reason = "not every probe has arguments of every type")]
                use crate::{Address, Text};
                site!($name($($argument: $kind),*));
            }
        )*

        /// To be called in a child after a fork, before any probe fires: a tracer of the parent must do it no harm.
        pub fn after_fork_child() {
            $( $name::after_fork_child(); )*
        }

        /// All probes, in the order of the list.
        pub static PROBES: &[Probe] = &[
            $( Probe {
                name: stringify!($name),
                arguments: &[$((stringify!($argument), stringify!($kind))),*],
                semaphore: $name::semaphore,
            }, )*
        ];
    };
}

// The list. The first group has CPython's names and argument types (and `int` is 32 bits, `long` 64), so that what was
// written for CPython works here; the second group is Limpid's own. The first four are what `frame_tracers` asks
// about, and the two for native functions start at an even number for `cfunction_tracers`.
probes! {
    /// A Python frame starts, or a generator or coroutine goes on. Each entry has exactly one `function__return`.
    function__entry(file: Text, func: Text, line: i32);
    /// A Python frame is left: it returned, yielded, or an exception unwound it.
    function__return(file: Text, func: Text, line: i32);
    /// The interpreter reached a new source line.
    line(file: Text, func: Text, line: i32);
    /// A generator or coroutine goes on after a yield; its `function__entry` follows. Not CPython's.
    function__resume(file: Text, func: Text, line: i32);
    /// A garbage collection of this generation starts.
    gc__start(generation: i32);
    /// The garbage collection ended, having freed so many objects.
    gc__done(collected: i64);
    /// A module is about to be found and loaded (not: taken from `sys.modules`).
    import__find__load__start(module: Text);
    /// Finding and loading the module ended; `found` is 0 if it failed.
    import__find__load__done(module: Text, found: i32);
    /// An audit event; `args` is the address of the tuple of its arguments.
    audit(event: Text, args: Address);

    /// An exception is raised at this place (not: goes on through another frame).
    exception__raise(kind: Text, file: Text, line: i32);
    /// A function that is not written in Python is called.
    cfunction__entry(module: Text, func: Text);
    /// A function that is not written in Python returned or raised.
    cfunction__return(module: Text, func: Text);
    /// A generator or coroutine yields; its `function__return` follows.
    function__yield(file: Text, func: Text, line: i32);
    /// An exception leaves the frame; its `function__return` follows.
    function__unwind(file: Text, func: Text, line: i32);
    /// A thread starts to run Python code, told in this thread; `tid` is its `threading.get_native_id()`.
    thread__start(tid: u64);
    /// The thread will run no more Python code, told in this thread.
    thread__exit(tid: u64);
    /// A thread asks all others to stop, for this reason.
    stop__world__start(reason: Text);
    /// The others may go on; the world stood still for so many nanoseconds, told by the same thread.
    stop__world__done(ns: u64);
    /// The thread had to wait so many nanoseconds for a lock of the program, told when the wait is over.
    lock__wait__done(ns: u64);
    /// An object of this type and size in bytes was allocated. In a program that runs already, each thread begins to tell of objects of
    /// a size when the stretch of memory that it takes them from is used up.
    object__alloc(kind: Text, size: u64);
    /// What the thread runs from this place on is recorded, to be compiled.
    jit__trace__start(file: Text, func: Text, line: i32);
    /// What was recorded is not compiled, for this reason.
    jit__trace__abort(reason: Text);
    /// A trace of so many micro-operations became so many bytes of machine code in so many nanoseconds; 0 bytes: it did not.
    jit__compile__done(uops: i64, bytes: i64, ns: u64);
    /// Compiled code was left for the interpreter, which goes on at this place; `reason` is the micro-operation that has failed.
    jit__exit(reason: Text, file: Text, line: i32);
    /// So many traces of a thread are not run any more.
    jit__invalidate(traces: i64);
}

/// Not 0 if anybody traces frames: `function__entry`, `function__return`, `line` or `function__resume`. One load, for the start and the
/// end of every frame.
#[inline(always)]
pub fn frame_tracers() -> u64 {
    site::tracers_of_first_four()
}

/// Not 0 if anybody traces native calls: `cfunction__entry` or `cfunction__return`. One load.
#[inline(always)]
pub fn cfunction_tracers() -> u32 {
    const {
        assert!(
            Number::cfunction__entry as usize + 1 == Number::cfunction__return as usize
                && (Number::cfunction__entry as usize).is_multiple_of(2)
        )
    };
    site::tracers_of_two::<{ Number::cfunction__entry as usize }>()
}

/// The address of the word that [`frame_tracers`] looks at, for code that is generated at run time.
pub fn frame_semaphores() -> Option<NonNull<u64>> {
    function__entry::semaphore().map(NonNull::cast)
}

/// The address of the word that [`cfunction_tracers`] looks at, likewise.
pub fn cfunction_semaphores() -> Option<NonNull<u32>> {
    cfunction__entry::semaphore().map(NonNull::cast)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for (index, probe) in PROBES.iter().enumerate() {
            assert!(!PROBES[..index].iter().any(|other| other.name == probe.name), "{} twice", probe.name);
        }
    }

    /// CPython's part of the list, as its DTrace definition declares it.
    #[test]
    fn cpython_arguments() {
        let kinds = |name| {
            let probe = PROBES.iter().find(|probe| probe.name == name).expect(name);
            probe.arguments.iter().map(|(_, kind)| *kind).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(kinds("function__entry"), "Text Text i32");
        assert_eq!(kinds("function__return"), "Text Text i32");
        assert_eq!(kinds("line"), "Text Text i32");
        assert_eq!(kinds("gc__start"), "i32");
        assert_eq!(kinds("gc__done"), "i64");
        assert_eq!(kinds("import__find__load__start"), "Text");
        assert_eq!(kinds("import__find__load__done"), "Text i32");
        assert_eq!(kinds("audit"), "Text Address");
    }

    #[test]
    fn nobody_listens() {
        assert!(!function__entry::enabled());
        function__entry::fire(c"a.py".as_ptr(), c"f".as_ptr(), 1);
        for probe in PROBES {
            assert_eq!((probe.semaphore)().is_some(), cfg!(feature = "dtrace"), "{}", probe.name);
        }
    }

    #[cfg(feature = "dtrace")]
    #[test]
    fn the_semaphore_enables_one_probe() {
        let semaphore = stop__world__done::semaphore().expect("sites are compiled in");
        // SAFETY: the address of a static that the tests of this program share; nobody else writes this one.
        unsafe { semaphore.write_volatile(1) };
        assert!(stop__world__done::enabled());
        assert!(!stop__world__start::enabled());
        // SAFETY: as above.
        unsafe { semaphore.write_volatile(0) };
        assert!(!stop__world__done::enabled());
    }
}
