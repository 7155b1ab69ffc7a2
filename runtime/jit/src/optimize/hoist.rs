//! What is the same in every round of a loop is done once, in front of it.
//!
//! Pure uops whose operands are the same in every round always are. What memory holds is so while the thread is alone, for then only uops
//! of the loop can change it: a loop that begins with [`GuardAlone`](Op::GuardAlone) says that its uops tell all that they change, and
//! that it may rely on this. Other threads are started by this one only; whatever is asked of it meanwhile is seen to outside. So in such a
//! loop those loads are moved too whose memory no uop writes to, and guards that only test what was moved. Where two objects must not be
//! the same one for that, this is tested in front of the loop. What a round stores in the same place is dealt with in [`super::carry`].
//!
//! Invariants
//! - A load stays behind the guards that test what it is loaded from: it is not moved past one that is not.
//! - Guards in front of the loop leave at its header, with the state that it was entered with.

use super::memory::{Memory, Overlap, add_tested, is_load_from_object};
use crate::executor::Entry;
use crate::ir::{Effect, Id, Op, Trace, Ty, Uop};
use rustc_hash::{FxHashMap, FxHashSet};

/// So many pairs of objects at most are tested not to be the same.
const MOST_PAIRS: usize = 8;

type Key = (Op, Ty, Vec<Id>, i64);

/// A loop from which things are taken out.
pub(super) struct Hoisting<'a> {
    pub trace: &'a mut Trace,
    /// What is known of its memory, if it may be relied on.
    pub memory: Option<Memory>,
    /// Values that are the same in every round, and there before the loop.
    pub fixed: FxHashSet<Id>,
    /// Values that guards of the loop have yet to test.
    pub untested: FxHashSet<Id>,
    /// Values that others are used instead of.
    pub instead: FxHashMap<Id, Id>,
    /// Where guards in front of the loop leave to, and where those of what it relies on do.
    pub start: u32,
    miss: u32,
    /// Has something been moved that is right only while the thread is alone?
    pub relies: bool,
    moved: FxHashMap<Key, Id>,
    pairs: FxHashSet<(Id, Id)>,
}

/// Moves what is the same in every round in front of the loop, given what its inputs are.
pub fn hoist(trace: &mut Trace, entry: &[Entry]) {
    let Some(next) = &trace.next else { return };
    let mut fixed: FxHashSet<Id> = trace.inputs.iter().zip(next).filter(|(input, next)| input == next).map(|(input, _)| *input).collect();
    // Inputs are the parameters of the loop; what else is in the entry does not change.
    fixed.extend(trace.entry.iter().filter(|id| !matches!(trace.uop(**id).op, Op::Input | Op::Carried)));
    let alone = trace.entry.iter().copied().find(|id| trace.uop(*id).op == Op::GuardAlone);
    let miss = alone.and_then(|id| trace.uop(id).exit);
    let memory = miss.and_then(|_| Memory::of(trace, entry));
    let mut h = Hoisting {
        memory,
        fixed,
        untested: FxHashSet::default(),
        instead: FxHashMap::default(),
        start: trace.snapshots.len() as u32,
        miss: miss.unwrap_or(0),
        relies: false,
        moved: FxHashMap::default(),
        pairs: FxHashSet::default(),
        trace,
    };
    if h.memory.is_none() {
        h.walk();
    } else {
        h.trace.snapshots.push(h.trace.snapshots[h.miss as usize].clone());
        while h.walk() {}
        h.carry();
        h.replace_in_exits();
    }
    if !h.relies {
        h.trace.entry.retain(|id| Some(*id) != alone);
    }
}

impl Hoisting<'_> {
    /// Goes through the body once. Was something moved?
    fn walk(&mut self) -> bool {
        let count = self.trace.body.len();
        self.untested.clear();
        for id in std::mem::take(&mut self.trace.body) {
            self.replace_operands(id);
            if self.is_same_in_each_round(id) {
                self.move_out(id);
            } else {
                self.stays(id);
            }
        }
        self.trace.body.len() < count
    }

    /// A uop stays in the body.
    pub fn stays(&mut self, id: Id) {
        self.trace.body.push(id);
        let uop = self.trace.uop(id);
        if self.memory.is_some() && uop.op.effect() == Effect::Guards {
            add_tested(self.trace, uop, &mut self.untested);
        }
    }

    fn is_same_in_each_round(&mut self, id: Id) -> bool {
        let uop = self.trace.uop(id);
        if !uop.args.iter().all(|a| self.fixed.contains(a)) {
            return false;
        }
        match uop.op.effect() {
            Effect::Pure => uop.op != Op::LoadFixed || !self.untested.contains(&uop.args[0]),
            Effect::Reads => self.may_be_loaded_early(id) && self.is_never_written(id),
            Effect::Guards => self.memory.is_some() && uop.op.only_tests(),
            Effect::Writes => false,
        }
    }

    /// Is it a load from an object that was tested?
    pub fn may_be_loaded_early(&self, id: Id) -> bool {
        let uop = self.trace.uop(id);
        let is_tested = || !uop.args.iter().any(|a| self.untested.contains(a));
        self.memory.is_some() && is_load_from_object(self.trace, uop) && is_tested()
    }

    fn is_never_written(&mut self, id: Id) -> bool {
        self.is_written_by(id, |_| false)
    }

    /// Do only such uops write where a load reads that always do?
    pub fn is_written_by(&mut self, load: Id, expected: impl Fn(&Uop) -> bool) -> bool {
        let Some(memory) = &self.memory else { return false };
        let load = self.trace.uop(load);
        let base = load.args[0];
        let mut others = Vec::new();
        for write in &memory.writes {
            let write = self.trace.uop(*write);
            match memory.overlap(self.trace, write, load) {
                Overlap::Never => {}
                Overlap::Always if expected(write) => {}
                Overlap::IfSame(object) if self.fixed.contains(&object) => others.push(object),
                _ => return false,
            }
        }
        self.are_others(base, &others)
    }

    /// Has the entry test that an object is none of these, if it does not yet. False: that is too much.
    fn are_others(&mut self, object: Id, others: &[Id]) -> bool {
        let pairs = others.iter().map(|other| (object.min(*other), object.max(*other)));
        let new: FxHashSet<(Id, Id)> = pairs.filter(|pair| !self.pairs.contains(pair)).collect();
        if self.pairs.len() + new.len() > MOST_PAIRS {
            return false;
        }
        for (a, b) in new {
            self.pairs.insert((a, b));
            let same = self.add_to_entry(Op::Compare, Ty::Bool, vec![a, b], 4, None);
            self.add_to_entry(Op::GuardFalse, Ty::None, vec![same], 0, Some(self.miss));
        }
        true
    }

    pub fn add_to_entry(&mut self, op: Op, ty: Ty, args: Vec<Id>, imm: i64, exit: Option<u32>) -> Id {
        let id = self.trace.add(Uop { op, ty, args, imm, exit });
        self.trace.entry.push(id);
        id
    }

    fn move_out(&mut self, id: Id) {
        let uop = &mut self.trace.uops[id.0 as usize];
        let key = (uop.op, uop.ty, uop.args.clone(), uop.imm);
        if let Some(known) = self.moved.get(&key) {
            self.instead.insert(id, *known);
            return;
        }
        if uop.exit.is_some() {
            uop.exit = Some(self.start);
        }
        self.relies |= uop.op.effect() == Effect::Reads || uop.op == Op::GuardShape;
        self.moved.insert(key, id);
        self.fixed.insert(id);
        self.trace.entry.push(id);
    }

    // ---- values that others are used instead of ----

    pub fn replaced(&self, mut id: Id) -> Id {
        while let Some(other) = self.instead.get(&id) {
            id = *other;
        }
        id
    }

    pub fn replace_operands(&mut self, id: Id) {
        if self.instead.is_empty() {
            return;
        }
        for k in 0..self.trace.uop(id).args.len() {
            let arg = self.replaced(self.trace.uop(id).args[k]);
            self.trace.uops[id.0 as usize].args[k] = arg;
        }
    }

    fn replace_in_exits(&mut self) {
        let mut snapshots = std::mem::take(&mut self.trace.snapshots);
        for s in &mut snapshots {
            for f in &mut s.frames {
                let stores = f.stores.iter_mut().map(|s| &mut s.1);
                for id in f.base.iter_mut().chain(&mut f.header).chain(stores) {
                    *id = self.replaced(*id);
                }
            }
            for id in s.objects.iter_mut().flat_map(|o| o.unless.iter_mut().chain(&mut o.parts)) {
                *id = self.replaced(*id);
            }
        }
        self.trace.snapshots = snapshots;
        let next = self.trace.next.take().unwrap_or_default();
        self.trace.next = Some(next.into_iter().map(|id| self.replaced(id)).collect());
        super::unbox_snapshots(self.trace);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::hoist;
    use expect_test::expect;

    #[test]
    fn what_no_round_changes_is_hoisted() {
        check(
            |t| hoist(t, &[]),
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
            |t| hoist(t, &[]),
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
            |t| hoist(t, &[]),
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

    const GLOBAL: &str = "entry:
            v0: value = input #0
            v1: int = input #1
            guard_alone !0
        body:
            v3: word = load32 v0 #20
            guard_is v3 #7 !1
            v5: value = load v0 #16
            guard_int v5 !1
            v7: int = unbox_int v5
            v8: int = add_int v1 v7 !1
            guard_breaker !2
        again [v0, v8]
        !0: at 10 [v1]
        !1: at 20 [v1, v5]
        !2: at 30 [v8]";

    #[test]
    fn loads_are_moved_while_the_thread_is_alone() {
        check(
            |t| hoist(t, &[]),
            GLOBAL,
            expect![[r#"
            entry:
                v0: value = input #0
                v1: int = input #1
                guard_alone !0
                v3: word = load32 v0 #20
                guard_is v3 #7 !3
                v5: value = load v0 #16
                guard_int v5 !3
                v7: int = unbox_int v5
            body:
                v8: int = add_int v1 v7 !1
                guard_breaker !2
            again [v0, v8]
            !0: at 10 [v1]
            !1: at 20 [v1, v5]
            !2: at 30 [v8]
            !3: at 10 [v1]
        "#]],
        );
    }

    #[test]
    fn a_slot_that_is_written_through_another_name_is_loaded_if_the_objects_differ() {
        check(
            |t| hoist(t, &[]),
            "entry:
                v0: value = input #0
                v1: value = input #1
                v2: value = input #2
                guard_alone !0
            body:
                guard_shape v0 #700 !0
                guard_shape v1 #700 !0
                v6: value = load v0 #16
                store_slot v1 v6 #16
                store_slot v2 v6 #24
                v9: value = load v0 #24
                v10: value = load v0 #32
                guard_int v9 !0
                guard_int v10 !0
            again [v0, v1, v9]
            !0: at 10 []",
            expect![[r#"
                entry:
                    v0: value = input #0
                    v1: value = input #1
                    v2: value = input #2
                    guard_alone !0
                    guard_shape v0 #700 !1
                    guard_shape v1 #700 !1
                    v13: bool = compare v0 v1 #4
                    guard_false v13 !0
                    v6: value = load v0 #16
                    v10: value = load v0 #32
                    guard_int v10 !1
                body:
                    store_slot v1 v6 #16
                    store_slot v2 v6 #24
                    v9: value = load v0 #24
                    guard_int v9 !0
                again [v0, v1, v9]
                !0: at 10 []
                !1: at 10 []
            "#]],
        );
    }

    #[test]
    fn what_is_loaded_stays_behind_its_guard() {
        check(
            |t| hoist(t, &[]),
            "entry:
                v0: value = input #0
                v1: value = input #1
                guard_alone !0
            body:
                v3: word = load v0 #8
                guard_is v3 #2 !0
                v5: value = load v0 #24
                guard_int v5 !0
                store_slot v1 v5 #8
            again [v0, v5]
            !0: at 10 []",
            expect![[r#"
                entry:
                    v0: value = input #0
                    v1: value = input #1
                body:
                    v3: word = load v0 #8
                    guard_is v3 #2 !0
                    v5: value = load v0 #24
                    guard_int v5 !0
                    store_slot v1 v5 #8
                again [v0, v5]
                !0: at 10 []
                !1: at 10 []
            "#]],
        );
    }

    #[test]
    fn an_object_that_gets_another_shape_is_looked_at_in_each_round() {
        check(
            |t| hoist(t, &[]),
            "entry:
                v0: value = input #0
                v1: value = input #1
                guard_alone !0
            body:
                guard_shape v0 #700 !0
                v4: value = load v0 #16
                add_slot v1 v4 v4 v4 v4 #45875216 !0
            again [v0, v4]
            !0: at 10 []",
            expect![[r#"
                entry:
                    v0: value = input #0
                    v1: value = input #1
                body:
                    guard_shape v0 #700 !0
                    v4: value = load v0 #16
                    add_slot v1 v4 v4 v4 v4 #45875216 !0
                again [v0, v4]
                !0: at 10 []
            "#]],
        );
    }
}
