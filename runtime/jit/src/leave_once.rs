//! `-X jit-leave`: every exit of machine code is taken once, for testing what becomes of the state there.
//!
//! A guard leaves before its instruction has done anything, so whatever is tested, leaving is right. In front of the first guard of each
//! exit comes a uop that leaves until [`Exit::is_forced`](crate::executor::Exit::is_forced) is cleared, which is done when the exit was taken.

use crate::ir::{Effect, Op, Trace, Ty, Uop};
use limpid_vm::runtime::Options;
use rustc_hash::FxHashSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static WANTED: AtomicBool = AtomicBool::new(false);

/// Looks whether that was asked for. Once in a process, before anything is compiled.
pub fn look_for_option(options: &Options) {
    WANTED.store(options.x_options.iter().any(|(name, _)| name == "jit-leave"), Relaxed);
}

/// Was that asked for?
pub fn is_wanted() -> bool {
    WANTED.load(Relaxed)
}

/// Adds the uops that leave.
pub fn add_uops(trace: &mut Trace) {
    let mut seen = FxHashSet::default();
    let mut with_uops = |part: Vec<crate::ir::Id>, trace: &mut Trace| {
        let mut result = Vec::with_capacity(part.len() * 2);
        for id in part {
            let uop = trace.uop(id);
            if let Some(exit) = uop.exit.filter(|exit| uop.op.effect() == Effect::Guards && seen.insert(*exit)) {
                result.push(trace.add(Uop { op: Op::LeaveOnce, ty: Ty::None, args: Vec::new(), imm: 0, exit: Some(exit) }));
            }
            result.push(id);
        }
        result
    };
    let (entry, body) = (std::mem::take(&mut trace.entry), std::mem::take(&mut trace.body));
    trace.entry = with_uops(entry, trace);
    trace.body = with_uops(body, trace);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_guard_of_each_exit_is_preceded() {
        let mut trace = Trace::parse(
            "entry:
                v0: value = input #0
                guard_int v0 !0
            body:
                guard_is_not v0 !0
                v3: value = build_tuple v0 !1
                guard_int v0 !1
                leave !2
            !0: at 10 [v0]
            !1: at 20 [v0]
            !2: at 30 [v0]",
        );
        add_uops(&mut trace);
        expect_test::expect![[r#"
            entry:
                v0: value = input #0
                leave_once !0
                guard_int v0 !0
            body:
                guard_is_not v0 !0
                v3: value = build_tuple v0 !1
                leave_once !1
                guard_int v0 !1
                leave_once !2
                leave !2
            !0: at 10 [v0]
            !1: at 20 [v0]
            !2: at 30 [v0]
        "#]]
        .assert_eq(&trace.to_string());
    }
}
