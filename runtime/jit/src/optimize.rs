//! Passes over a finished trace. What can be decided while a trace is built (constants, types, redundant guards and loads) is decided
//! there; here is what needs the whole.

mod carry;
mod memory;
mod peel;
mod sink;

use crate::executor::Entry;
use crate::ir::{Effect, Id, Op, Snapshot, Trace, Ty, Uop};
use peel::peel;
use rustc_hash::{FxHashMap, FxHashSet};
use sink::sink;

/// Runs all passes, given what the inputs are.
pub fn optimize(trace: &mut Trace, entry: &[Entry]) {
    sink(trace);
    unbox_snapshots(trace);
    merge_guards(trace);
    peel(trace, entry);
    hoist(trace);
    drop_unused(trace);
}

/// Where a snapshot names a boxed number, has it name the number: it is boxed when the exit is taken.
pub fn unbox_snapshots(trace: &mut Trace) {
    let mut snapshots = std::mem::take(&mut trace.snapshots);
    for id in snapshots.iter_mut().flat_map(Snapshot::values_mut) {
        *id = trace.unboxed(*id);
    }
    trace.snapshots = snapshots;
}

/// What a uop comes to that only tests or converts a number that was boxed in the trace, if it does: to nothing, or to the number.
fn known_of_boxed(trace: &Trace, uop: &Uop) -> Option<Option<Id>> {
    let boxed = uop.args.first().map(|arg| trace.uop(*arg)).filter(|arg| arg.op == Op::Box)?;
    let number = boxed.args[0];
    match (uop.op, trace.uop(number).ty) {
        (Op::GuardInt, Ty::Int) | (Op::GuardFloat, Ty::Float) | (Op::GuardBool, Ty::Bool) => Some(None),
        (Op::GuardIsNot, _) if uop.imm == 0 => Some(None),
        (op, ty) if unboxes(op) == Some(ty) => Some(Some(number)),
        _ => None,
    }
}

/// As what a uop takes a number out of a value.
fn unboxes(op: Op) -> Option<Ty> {
    match op {
        Op::UnboxInt => Some(Ty::Int),
        Op::UnboxFloat => Some(Ty::Float),
        Op::UnboxBool => Some(Ty::Bool),
        _ => None,
    }
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

/// Moves what is the same in every round in front of the loop: pure uops whose operands are constants, inputs that no round changes, or
/// such uops themselves.
pub fn hoist(trace: &mut Trace) {
    let Some(next) = &trace.next else { return };
    let mut fixed = vec![false; trace.uops.len()];
    for (input, next) in trace.inputs.iter().zip(next) {
        fixed[input.0 as usize] = input == next;
    }
    for id in &trace.entry {
        // Inputs are the parameters of the loop; what else is in the entry does not change.
        fixed[id.0 as usize] |= !matches!(trace.uop(*id).op, Op::Input | Op::Carried);
    }
    let body = std::mem::take(&mut trace.body);
    for id in body {
        let uop = trace.uop(id);
        if uop.op.effect() == Effect::Pure && uop.args.iter().all(|a| fixed[a.0 as usize]) {
            fixed[id.0 as usize] = true;
            trace.entry.push(id);
        } else {
            trace.body.push(id);
        }
    }
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

    /// Peels a loop whose inputs are of no known shape, and tidies up.
    pub(super) fn peel_only(trace: &mut Trace) {
        unbox_snapshots(trace);
        peel(trace, &[]);
        drop_unused(trace);
    }

    pub(super) fn check(pass: fn(&mut Trace), before: &str, after: Expect) {
        let mut trace = Trace::parse(before);
        pass(&mut trace);
        after.assert_eq(&trace.to_string());
    }

    #[test]
    fn what_no_round_changes_is_hoisted() {
        check(
            hoist,
            "entry:
                v0: value = input #0
                v1: int = input #1
            body:
                v2: value = load_fixed v0 #40
                v3: int = unbox_int v2
                v4: bool = compare v1 v3 #1
                guard_true v4 !0
                v6: int = const #1
                v7: int = add_fits v1 v6
            again [v0, v7]
            !0: at 10 [v1]",
            expect![[r#"
                entry:
                    v0: value = input #0
                    v1: int = input #1
                    v2: value = load_fixed v0 #40
                    v3: int = unbox_int v2
                    v6: int = const #1
                body:
                    v4: bool = compare v1 v3 #1
                    guard_true v4 !0
                    v7: int = add_fits v1 v6
                again [v0, v7]
                !0: at 10 [v1]
            "#]],
        );
    }

    #[test]
    fn loads_of_what_may_change_stay() {
        check(
            hoist,
            "entry:
                v0: value = input #0
            body:
                v1: word = load v0 #16
                guard_is v1 #7 !0
            again [v0]
            !0: at 10 []",
            expect![[r#"
                entry:
                    v0: value = input #0
                body:
                    v1: word = load v0 #16
                    guard_is v1 #7 !0
                again [v0]
                !0: at 10 []
            "#]],
        );
    }

    #[test]
    fn a_trace_without_a_loop_is_not_hoisted() {
        check(
            hoist,
            "entry:
                v0: int = input #0
            body:
                v1: value = box v0
                store_frame v1 #8
                leave !0
            !0: at 3 []",
            expect![[r#"
                entry:
                    v0: int = input #0
                body:
                    v1: value = box v0
                    store_frame v1 #8
                    leave !0
                !0: at 3 []
            "#]],
        );
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
