//! Passes over a finished trace. What can be decided while a trace is built (constants, types, redundant guards and loads) is decided
//! there; here is what needs the whole.

mod carry;
mod hoist;
mod memory;
mod sink;

use crate::executor::Entry;
use crate::ir::{Effect, Id, Op, Trace, Uop};
use hoist::hoist;
use rustc_hash::{FxHashMap, FxHashSet};
use sink::sink;

/// Runs all passes, given what the inputs are.
pub fn optimize(trace: &mut Trace, entry: &[Entry]) {
    sink(trace);
    unbox_snapshots(trace);
    merge_guards(trace);
    hoist(trace, entry);
    drop_unused(trace);
}

/// Where a snapshot names a boxed number, has it name the number: it is boxed when the exit is taken.
pub fn unbox_snapshots(trace: &mut Trace) {
    let mut snapshots = std::mem::take(&mut trace.snapshots);
    for s in &mut snapshots {
        let stores = s.frames.iter_mut().flat_map(|f| &mut f.stores).map(|store| &mut store.1);
        for id in stores.chain(s.objects.iter_mut().flat_map(|o| &mut o.parts)) {
            if trace.uop(*id).op == Op::Box {
                *id = trace.uop(*id).args[0];
            }
        }
    }
    trace.snapshots = snapshots;
}

/// A value that is guarded not to be NULL, and later to be something that is not NULL, is guarded to be that at once.
pub fn merge_guards(trace: &mut Trace) {
    let mut open: FxHashMap<Id, Id> = FxHashMap::default();
    let mut merged = Vec::new();
    for id in &trace.body {
        let uop = trace.uop(*id);
        let Some(v) = uop.args.first() else { continue };
        match uop.op {
            Op::GuardIsNot if uop.imm == 0 => {
                open.insert(*v, *id);
            }
            // An object may get another shape there.
            Op::Body | Op::AddSlot => open.clear(),
            Op::GuardInt | Op::GuardFloat | Op::GuardBool | Op::GuardShape => merged.extend(open.remove(v).map(|first| (first, *id))),
            _ => {}
        }
    }
    for (first, second) in &merged {
        let exit = trace.uop(*first).exit;
        trace.uops[first.0 as usize] = Uop { exit, ..trace.uop(*second).clone() };
    }
    let gone: FxHashSet<Id> = merged.into_iter().map(|(_, second)| second).collect();
    trace.body.retain(|id| !gone.contains(id));
}

/// Drops uops that do nothing but make a value nobody uses.
pub fn drop_unused(trace: &mut Trace) {
    let mut used = vec![false; trace.uops.len()];
    let mut work: Vec<Id> = Vec::new();
    let mut exits = vec![false; trace.snapshots.len()];
    for id in trace.entry.iter().chain(&trace.body) {
        if matches!(trace.uop(*id).op.effect(), Effect::Guards | Effect::Writes) {
            work.push(*id);
        }
    }
    // What a loop hands on from round to round.
    work.extend(trace.next.iter().flatten());
    work.extend(&trace.inputs);
    while let Some(id) = work.pop() {
        if std::mem::replace(&mut used[id.0 as usize], true) {
            continue;
        }
        let uop = trace.uop(id);
        work.extend(&uop.args);
        if let Some(e) = uop.exit
            && !std::mem::replace(&mut exits[e as usize], true)
        {
            work.extend(trace.snapshot_ids(e));
        }
    }
    trace.entry.retain(|id| used[id.0 as usize]);
    trace.body.retain(|id| used[id.0 as usize]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    pub(super) fn check(pass: fn(&mut Trace), before: &str, after: Expect) {
        let mut trace = Trace::parse(before);
        pass(&mut trace);
        after.assert_eq(&trace.to_string());
    }

    #[test]
    fn two_guards_of_a_value_are_one() {
        check(
            merge_guards,
            "entry:
                v0: value = input #0
            body:
                v1: value = load v0 #16
                guard_is_not v1 !0
                v3: value = load v0 #24
                guard_is_not v3 !0
                guard_int v1 !1
                v6: int = unbox_int v1
            again [v0]
            !0: at 10 []
            !1: at 20 [v1]",
            expect![[r#"
                entry:
                    v0: value = input #0
                body:
                    v1: value = load v0 #16
                    guard_int v1 !0
                    v3: value = load v0 #24
                    guard_is_not v3 !0
                    v6: int = unbox_int v1
                again [v0]
                !0: at 10 []
                !1: at 20 [v1]
            "#]],
        );
    }

    #[test]
    fn a_tuple_that_is_only_taken_apart_is_not_made() {
        check(
            drop_unused,
            "entry:
                v0: value = input #0
                v1: word = input #1
            body:
                v2: value = build_tuple v0 v0 v1 v1 !0
                leave !1
            !0: at 10 [v0]
            !1: at 20 [v0]",
            expect![[r#"
                entry:
                    v0: value = input #0
                    v1: word = input #1
                body:
                    leave !1
                !0: at 10 [v0]
                !1: at 20 [v0]
            "#]],
        );
    }

    #[test]
    fn exits_box_what_they_need_themselves() {
        check(
            |t| {
                unbox_snapshots(t);
                drop_unused(t);
            },
            "entry:
                v0: int = input #0
            body:
                v1: value = box v0
                v2: int = add_int v0 v0 !0
                leave !1
            !0: at 1 [v1]
            !1: at 2 [v2]",
            expect![[r#"
                entry:
                    v0: int = input #0
                body:
                    v2: int = add_int v0 v0 !0
                    leave !1
                !0: at 1 [v0]
                !1: at 2 [v2]
            "#]],
        );
    }

    #[test]
    fn what_only_a_dropped_uop_uses_is_dropped() {
        check(
            drop_unused,
            "entry:
                v0: float = input #0
            body:
                v1: float = mul_float v0 v0
                v2: float = add_float v1 v0
                v3: value = box v2
                v4: float = sub_float v0 v1
            again [v4]",
            expect![[r#"
                entry:
                    v0: float = input #0
                body:
                    v1: float = mul_float v0 v0
                    v4: float = sub_float v0 v1
                again [v4]
            "#]],
        );
    }
}
