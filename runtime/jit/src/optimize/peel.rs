//! Loop peeling: the first round of a loop is another one than the rest, which is without what the first one has found out for all.
//!
//! That is what memory holds that no round changes, and guards that only test what is the same in every round. What memory holds stays as
//! it is while the thread is alone, but for what uops of the loop do: a loop that begins with [`GuardAlone`](Op::GuardAlone) says that its
//! uops tell all that they change, and that it may rely on this. Other threads are started by this one only; whatever is asked of it
//! meanwhile is seen to outside of the loop. Where two objects must not be the same one, this is tested at the end of the first round. What
//! a round stores where the next one loads it is handed on in registers ([`super::carry`]).
//!
//! A loop that is left in most of its rounds, and comes back from elsewhere, always is in the first one, and loses nothing.

use super::carry::{Place, Slot};
use super::memory::{Memory, Overlap, is_load_from_object};
use crate::executor::Entry;
use crate::ir::{Effect, Id, Op, Snapshot, Trace, Ty, Uop};
use rustc_hash::{FxHashMap, FxHashSet};

/// So many pairs of objects at most are tested not to be the same.
const MOST_PAIRS: usize = 8;
/// Rounds of more uops stay as they are: the code would be twice as long.
const LONGEST: usize = 300;
/// The rest is without one of so many uops at least, those not counted that only compute something.
const WORTHWHILE: usize = 4;

/// A loop whose first round is going to be another one.
pub(super) struct Peeling<'a> {
    pub trace: &'a mut Trace,
    memory: Memory,
    /// Values that are the same in every round.
    same: FxHashSet<Id>,
    pairs: FxHashSet<(Id, Id)>,
    /// What the rest has instead of the values of the first round.
    instead: FxHashMap<Id, Id>,
}

/// Peels a loop, given what its inputs are, if that is of use and it may be done.
pub fn peel(trace: &mut Trace, entry: &[Entry]) {
    let Some(alone) = trace.entry.iter().copied().find(|id| trace.uop(*id).op == Op::GuardAlone) else { return };
    let is_peeled = trace.body.len() <= LONGEST && Memory::of(trace, entry).is_some_and(|memory| Peeling::new(trace, memory).peel());
    if !is_peeled {
        trace.entry.retain(|id| *id != alone);
    }
}

impl Peeling<'_> {
    fn new(trace: &mut Trace, memory: Memory) -> Peeling<'_> {
        let inputs = trace.inputs.iter().zip(trace.next.iter().flatten());
        let mut same: FxHashSet<Id> = inputs.filter(|(input, next)| input == next).map(|(input, _)| *input).collect();
        same.extend(trace.entry.iter().filter(|id| !matches!(trace.uop(**id).op, Op::Input | Op::Carried)));
        Peeling { trace, memory, same, pairs: FxHashSet::default(), instead: FxHashMap::default() }
    }

    fn peel(mut self) -> bool {
        while self.find_what_is_the_same() {}
        let mut slots = self.carried_slots();
        let counts = |id: &&Id| self.trace.uop(**id).op.effect() != Effect::Pure;
        let (all, same) =
            (self.trace.body.iter().filter(counts), self.trace.body.iter().filter(counts).filter(|id| self.same.contains(id)));
        if (same.count() + slots.len()) * WORTHWHILE < all.count() {
            return false;
        }
        let round = std::mem::take(&mut self.trace.body);
        self.first_round(&round);
        self.hand_on_inputs();
        self.hand_on_slots(&mut slots);
        self.other_rounds(round, &mut slots);
        true
    }

    // ---- what is the same in every round ----

    fn find_what_is_the_same(&mut self) -> bool {
        let mut has_found = false;
        for k in 0..self.trace.body.len() {
            let id = self.trace.body[k];
            if !self.same.contains(&id) && self.is_same_in_each_round(id) {
                self.same.insert(id);
                has_found = true;
            }
        }
        has_found
    }

    fn is_same_in_each_round(&mut self, id: Id) -> bool {
        let uop = self.trace.uop(id);
        let has_same_operands = uop.args.iter().all(|arg| self.same.contains(arg));
        has_same_operands
            && match uop.op.effect() {
                Effect::Pure => true,
                Effect::Reads => is_load_from_object(self.trace, uop) && self.is_written_by(id, |_| false),
                Effect::Guards => uop.op.only_tests(),
                Effect::Writes => false,
            }
    }

    pub fn is_same(&self, id: Id) -> bool {
        self.same.contains(&id)
    }

    /// Do only such uops write where a load reads that always do?
    pub fn is_written_by(&mut self, load: Id, expected: impl Fn(&Uop) -> bool) -> bool {
        let load = self.trace.uop(load);
        let base = load.args[0];
        let mut others = Vec::new();
        for write in &self.memory.writes {
            let write = self.trace.uop(*write);
            match self.memory.overlap(self.trace, write, load) {
                Overlap::Never => {}
                Overlap::Always if expected(write) => {}
                Overlap::IfSame(object) if self.same.contains(&object) => others.push((base.min(object), base.max(object))),
                _ => return false,
            }
        }
        let new: FxHashSet<(Id, Id)> = others.into_iter().filter(|pair| !self.pairs.contains(pair)).collect();
        let fits = self.pairs.len() + new.len() <= MOST_PAIRS;
        if fits {
            self.pairs.extend(new);
        }
        fits
    }

    // ---- rounds ----

    /// The round as it is, and at its end the test that objects are different ones.
    fn first_round(&mut self, round: &[Id]) {
        let end = round.iter().rposition(|id| self.trace.uop(*id).op == Op::GuardBreaker).unwrap_or(round.len());
        self.trace.entry.extend(&round[..end]);
        let mut pairs: Vec<(Id, Id)> = self.pairs.iter().copied().collect();
        pairs.sort_unstable();
        let exit = round.get(end).and_then(|id| self.trace.uop(*id).exit);
        let exit = exit.filter(|_| !pairs.is_empty()).map(|exit| self.copy_of_exit(exit));
        for (a, b) in pairs {
            let id = self.trace.add(Uop { op: Op::GuardDistinct, ty: Ty::None, args: vec![a, b], imm: 0, exit });
            self.trace.entry.push(id);
        }
        self.trace.entry.extend(&round[end..]);
    }

    fn copy_of_exit(&mut self, exit: u32) -> u32 {
        let snapshot = self.trace.snapshots[exit as usize].clone();
        self.trace.snapshots.push(snapshot);
        self.trace.snapshots.len() as u32 - 1
    }

    fn hand_on_inputs(&mut self) {
        let next = self.trace.next.clone().unwrap_or_default();
        for (k, next) in next.into_iter().enumerate() {
            let input = self.trace.inputs[k];
            if input != next {
                let carried = self.trace.add_carried(next);
                self.instead.insert(input, carried);
                self.trace.inputs[k] = carried;
            }
        }
    }

    fn other_rounds(&mut self, round: Vec<Id>, slots: &mut FxHashMap<Place, Slot>) {
        let mut exits: FxHashMap<u32, u32> = FxHashMap::default();
        for id in round {
            if self.same.contains(&id) {
                continue;
            }
            let mut uop = self.trace.uop(id).clone();
            uop.args.iter_mut().for_each(|arg| *arg = self.replaced(*arg));
            if let Some(value) = self.known_value(id, &uop, slots) {
                self.instead.extend(value.map(|value| (id, value)));
                continue;
            }
            if let Some(exit) = uop.exit {
                uop.exit = Some(match exits.get(&exit) {
                    Some(copy) => *copy,
                    None => self.copy_of_exit(exit),
                });
                exits.extend(uop.exit.map(|copy| (exit, copy)));
            }
            let copy = self.trace.add(uop);
            self.trace.body.push(copy);
            self.instead.insert(id, copy);
        }
        for copy in exits.into_values() {
            let snapshot = std::mem::take(&mut self.trace.snapshots[copy as usize]);
            self.trace.snapshots[copy as usize] = self.replaced_in_snapshot(snapshot);
        }
        let next = self.trace.next.take().unwrap_or_default();
        self.trace.next = Some(next.into_iter().map(|id| self.replaced(id)).collect());
        super::unbox_snapshots(self.trace);
    }

    pub fn replaced(&self, id: Id) -> Id {
        self.instead.get(&id).copied().unwrap_or(id)
    }

    pub fn replace(&mut self, id: Id, with: Id) {
        self.instead.insert(id, with);
    }

    fn replaced_in_snapshot(&self, mut snapshot: Snapshot) -> Snapshot {
        snapshot.values_mut().for_each(|id| *id = self.replaced(*id));
        for f in &mut snapshot.frames {
            f.base.iter_mut().chain(&mut f.header).for_each(|id| *id = self.replaced(*id));
        }
        for o in &mut snapshot.objects {
            o.unless.iter_mut().chain([&mut o.id]).for_each(|id| *id = self.replaced(*id));
        }
        snapshot
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, peel_only};
    use expect_test::expect;

    #[test]
    fn what_memory_holds_is_loaded_in_the_first_round() {
        check(
            peel_only,
            "entry:
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
            !2: at 30 [v8]",
            expect![[r#"
                entry:
                    v0: value = input #0
                    v1: int = input #1
                    guard_alone !0
                    v3: word = load32 v0 #20
                    guard_is v3 #7 !1
                    v5: value = load v0 #16
                    guard_int v5 !1
                    v7: int = unbox_int v5
                    v8: int = add_int v1 v7 !1
                    guard_breaker !2
                    v10: int = carried v8
                body:
                    v11: int = add_int v10 v7 !3
                    guard_breaker !4
                again [v0, v11]
                !0: at 10 [v1]
                !1: at 20 [v1, v5]
                !2: at 30 [v8]
                !3: at 20 [v10, v5]
                !4: at 30 [v11]
            "#]],
        );
    }

    #[test]
    fn a_slot_that_is_written_through_another_name_is_loaded_once_if_the_objects_differ() {
        check(
            peel_only,
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
                guard_breaker !1
            again [v0, v1, v9]
            !0: at 10 []
            !1: at 20 [v9]",
            expect![[r#"
                entry:
                    v0: value = input #0
                    v1: value = input #1
                    v2: value = input #2
                    guard_alone !0
                    guard_shape v0 #700 !0
                    guard_shape v1 #700 !0
                    v6: value = load v0 #16
                    store_slot v1 v6 #16
                    store_slot v2 v6 #24
                    v9: value = load v0 #24
                    v10: value = load v0 #32
                    guard_int v9 !0
                    guard_int v10 !0
                    guard_distinct v0 v1 !2
                    guard_breaker !1
                    v15: value = carried v9
                body:
                    store_slot v1 v6 #16
                    store_slot v15 v6 #24
                    v18: value = load v0 #24
                    guard_int v18 !3
                    guard_breaker !4
                again [v0, v1, v18]
                !0: at 10 []
                !1: at 20 [v9]
                !2: at 20 [v9]
                !3: at 10 []
                !4: at 20 [v18]
            "#]],
        );
    }

    #[test]
    fn a_loop_in_which_an_object_gets_another_shape_stays_as_it_is() {
        check(
            peel_only,
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

    #[test]
    fn what_generators_keep_is_loaded_in_each_round() {
        check(
            peel_only,
            "entry:
                v0: value = input #0
                v1: value = input #1
                guard_alone !0
            body:
                guard_shape v0 #700 !0
                v4: word = load v1 #16
                guard_is v4 #5 !0
                v6: value = load v0 #16
                suspend v1 v0 v0 v0
            again [v0, v1]
            !0: at 10 []",
            expect![[r#"
                entry:
                    v0: value = input #0
                    v1: value = input #1
                    guard_alone !0
                    guard_shape v0 #700 !0
                    v4: word = load v1 #16
                    guard_is v4 #5 !0
                    suspend v1 v0 v0 v0
                body:
                    v8: word = load v1 #16
                    guard_is v8 #5 !1
                    suspend v1 v0 v0 v0
                again [v0, v1]
                !0: at 10 []
                !1: at 10 []
            "#]],
        );
    }
}
