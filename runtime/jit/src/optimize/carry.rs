//! What a round stores in a slot of an object, and the next one loads from there, is handed on in a register.
//!
//! The object is the same in every round, and no other uop writes to the slot ([`super::hoist`] tells on what that relies). The slot is
//! loaded in front of the loop; from there on what was stored last is used instead. If it is a number that the loop tests to be one, and
//! what is stored is one too, it is handed on unboxed. The stores stay, for whoever looks at the object after the loop was left.

use super::hoist::Hoisting;
use crate::ir::{Id, Op, Ty, Uop};
use rustc_hash::{FxHashMap, FxHashSet};

/// A slot that is handed on.
struct Slot {
    /// The first load in a round.
    first: Id,
    /// What is stored last in a round.
    last: Id,
    /// As what it is handed on.
    ty: Ty,
    /// What was loaded in front of the loop.
    loaded: Id,
    /// What a round starts with, and that as a Python value.
    carried: Id,
    boxed: Id,
    /// What the slot has at this point of the round, as a Python value.
    current: Id,
    /// Was it tested not to be NULL?
    is_there: bool,
}

/// The object and the offset.
type Place = (Id, i64);

impl Hoisting<'_> {
    pub(super) fn carry(&mut self) {
        let mut slots = self.carried_slots();
        if slots.is_empty() {
            return;
        }
        self.relies = true;
        self.settle_types(&mut slots);
        let mut places: Vec<Place> = slots.keys().copied().collect();
        places.sort_unstable();
        for place in &places {
            self.load_early(slots.get_mut(place).expect("a key"));
        }
        for id in std::mem::take(&mut self.trace.body) {
            self.replace_operands(id);
            self.carry_through(id, &mut slots);
        }
        for place in &places {
            let slot = &slots[place];
            let last = self.replaced(slot.current);
            let last = if slot.ty == Ty::Value { last } else { self.trace.uop(last).args[0] };
            self.trace.next.get_or_insert_default().push(last);
        }
    }

    /// Slots that a round loads before it stores something there.
    fn carried_slots(&mut self) -> FxHashMap<Place, Slot> {
        let mut slots: FxHashMap<Place, Slot> = FxHashMap::default();
        let mut stored: FxHashSet<Place> = FxHashSet::default();
        self.untested.clear();
        for id in std::mem::take(&mut self.trace.body) {
            self.stays(id);
            let uop = self.trace.uop(id);
            match (place_of(uop), uop.op) {
                (Some(place), Op::StoreSlot) => {
                    stored.insert(place);
                    if let Some(slot) = slots.get_mut(&place) {
                        slot.last = uop.args[1];
                    }
                }
                (Some(place), Op::Load) if uop.ty == Ty::Value && !stored.contains(&place) && !slots.contains_key(&place) => {
                    let is_fixed = self.fixed.contains(&place.0) && self.may_be_loaded_early(id);
                    if is_fixed && self.is_written_by(id, |write| write.op == Op::StoreSlot) {
                        let is_there = false;
                        let slot = Slot { first: id, last: id, ty: Ty::Value, loaded: id, carried: id, boxed: id, current: id, is_there };
                        slots.insert(place, slot);
                    }
                }
                _ => {}
            }
        }
        slots
    }

    /// Which slots hold the same kind of number at both ends of each round.
    fn settle_types(&self, slots: &mut FxHashMap<Place, Slot>) {
        for id in &self.trace.body {
            let uop = self.trace.uop(*id);
            if let Some(ty) = unboxes(uop.op)
                && let Some(slot) = slots.values_mut().find(|slot| slot.first == uop.args[0])
            {
                slot.ty = ty;
            }
        }
        loop {
            let types: FxHashMap<Id, Ty> = slots.values().map(|slot| (slot.first, slot.ty)).collect();
            let last_type = |slot: &Slot| match self.trace.uop(slot.last) {
                Uop { op: Op::Box, args, .. } => self.trace.uop(args[0]).ty,
                _ => types.get(&slot.last).copied().unwrap_or(Ty::Value),
            };
            let Some(slot) = slots.values_mut().find(|slot| slot.ty != Ty::Value && last_type(slot) != slot.ty) else { return };
            slot.ty = Ty::Value;
        }
    }

    /// Loads a slot in front of the loop.
    fn load_early(&mut self, slot: &mut Slot) {
        let Uop { op, ty, args, imm, .. } = self.trace.uop(slot.first).clone();
        slot.loaded = self.add_to_entry(op, ty, args, imm, None);
        let number = match slot.ty {
            Ty::Int => Some((Op::GuardInt, Op::UnboxInt)),
            Ty::Float => Some((Op::GuardFloat, Op::UnboxFloat)),
            Ty::Bool => Some((Op::GuardBool, Op::UnboxBool)),
            _ => None,
        };
        let first = number.map_or(slot.loaded, |(guard, unbox)| {
            self.add_to_entry(guard, Ty::None, vec![slot.loaded], 0, Some(self.start));
            self.add_to_entry(unbox, slot.ty, vec![slot.loaded], 0, None)
        });
        slot.carried = self.add_to_entry(Op::Carried, slot.ty, vec![first], 0, None);
        self.trace.inputs.push(slot.carried);
        slot.boxed = match number {
            Some(_) => self.trace.add(Uop { op: Op::Box, ty: Ty::Value, args: vec![slot.carried], imm: 0, exit: None }),
            None => slot.carried,
        };
        slot.current = slot.boxed;
    }

    /// One uop of the body.
    fn carry_through(&mut self, id: Id, slots: &mut FxHashMap<Place, Slot>) {
        let uop = self.trace.uop(id);
        if let Some(slot) = place_of(uop).and_then(|place| slots.get_mut(&place)) {
            match uop.op {
                Op::StoreSlot => slot.current = uop.args[1],
                _ => {
                    if slot.first == id && slot.boxed != slot.carried {
                        self.trace.body.push(slot.boxed);
                    }
                    self.instead.insert(id, slot.current);
                    return;
                }
            }
        }
        if let Some(arg) = uop.args.first().copied() {
            let from = self.trace.uop(arg);
            let number = (from.op == Op::Box).then(|| from.args[0]);
            let ty = number.map(|number| self.trace.uop(number).ty);
            match (uop.op, ty) {
                (Op::GuardInt, Some(Ty::Int)) | (Op::GuardFloat, Some(Ty::Float)) | (Op::GuardBool, Some(Ty::Bool)) => return,
                (Op::GuardIsNot, Some(_)) if uop.imm == 0 => return,
                // What is stored is never NULL.
                (Op::GuardIsNot, None) if uop.imm == 0 => {
                    if let Some(slot) = slots.values_mut().find(|slot| slot.carried == arg) {
                        if !std::mem::replace(&mut slot.is_there, true) {
                            self.add_to_entry(Op::GuardIsNot, Ty::None, vec![slot.loaded], 0, Some(self.start));
                        }
                        return;
                    }
                }
                (op, Some(ty)) if unboxes(op) == Some(ty) => {
                    self.instead.extend(number.map(|number| (id, number)));
                    return;
                }
                _ => {}
            }
        }
        self.trace.body.push(id);
    }
}

/// Where a uop loads or stores a slot.
fn place_of(uop: &Uop) -> Option<Place> {
    matches!(uop.op, Op::Load | Op::StoreSlot).then(|| (uop.args[0], uop.imm))
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

#[cfg(test)]
mod tests {
    use super::super::hoist::hoist;
    use super::super::tests::check;
    use super::super::{drop_unused, unbox_snapshots};
    use crate::ir::Trace;
    use expect_test::expect;

    fn carry(trace: &mut Trace) {
        unbox_snapshots(trace);
        hoist(trace, &[]);
        drop_unused(trace);
    }

    #[test]
    fn a_number_is_handed_on_unboxed() {
        check(
            carry,
            "entry:
                v0: value = input #0
                guard_alone !0
            body:
                guard_shape v0 #700 !0
                v3: value = load v0 #16
                guard_int v3 !1
                v5: int = unbox_int v3
                v6: int = const #1
                v7: int = add_int v5 v6 !1
                v8: value = box v7
                store_slot v0 v8 #16
                guard_breaker !2
            again [v0]
            !0: at 10 []
            !1: at 20 [v3]
            !2: at 30 []",
            expect![[r#"
                entry:
                    v0: value = input #0
                    guard_alone !0
                    guard_shape v0 #700 !3
                    v6: int = const #1
                    v11: value = load v0 #16
                    guard_int v11 !3
                    v13: int = unbox_int v11
                    v14: int = carried v13
                body:
                    v7: int = add_int v14 v6 !1
                    v8: value = box v7
                    store_slot v0 v8 #16
                    guard_breaker !2
                again [v0, v7]
                !0: at 10 []
                !1: at 20 [v14]
                !2: at 30 []
                !3: at 10 []
            "#]],
        );
    }

    #[test]
    fn what_is_no_number_at_the_end_of_a_round_is_handed_on_as_a_value() {
        check(
            carry,
            "entry:
                v0: value = input #0
                v1: value = input #1
                guard_alone !0
            body:
                v3: value = load v0 #16
                guard_is_not v3 !1
                guard_int v3 !1
                v6: int = unbox_int v3
                v7: bool = compare v6 v6 #1
                guard_true v7 !1
                store_slot v0 v1 #16
            again [v0, v3]
            !0: at 10 []
            !1: at 20 [v3]",
            expect![[r#"
                entry:
                    v0: value = input #0
                    v1: value = input #1
                    guard_alone !0
                    v10: value = load v0 #16
                    v11: value = carried v10
                    guard_is_not v10 !2
                body:
                    guard_int v11 !1
                    v6: int = unbox_int v11
                    v7: bool = compare v6 v6 #1
                    guard_true v7 !1
                    store_slot v0 v1 #16
                again [v0, v11, v1]
                !0: at 10 []
                !1: at 20 [v11]
                !2: at 10 []
            "#]],
        );
    }

    #[test]
    fn two_slots_change_places() {
        check(
            carry,
            "entry:
                v0: value = input #0
                guard_alone !0
            body:
                v2: value = load v0 #16
                guard_float v2 !1
                v4: float = unbox_float v2
                v5: value = load v0 #24
                guard_float v5 !1
                v7: float = unbox_float v5
                v8: float = add_float v4 v7
                v9: value = box v8
                store_slot v0 v5 #16
                store_slot v0 v9 #24
            again [v0]
            !0: at 10 []
            !1: at 20 []",
            expect![[r#"
                entry:
                    v0: value = input #0
                    guard_alone !0
                    v12: value = load v0 #16
                    guard_float v12 !2
                    v14: float = unbox_float v12
                    v15: float = carried v14
                    v17: value = load v0 #24
                    guard_float v17 !2
                    v19: float = unbox_float v17
                    v20: float = carried v19
                body:
                    v21: value = box v20
                    v8: float = add_float v15 v20
                    v9: value = box v8
                    store_slot v0 v21 #16
                    store_slot v0 v9 #24
                again [v0, v20, v8]
                !0: at 10 []
                !1: at 20 []
                !2: at 10 []
            "#]],
        );
    }

    #[test]
    fn an_object_that_may_be_another_in_the_next_round_is_in_the_way() {
        check(
            carry,
            "entry:
                v0: value = input #0
                v1: value = input #1
                guard_alone !0
            body:
                v3: value = load v0 #16
                guard_int v3 !1
                store_slot v0 v1 #16
                store_slot v1 v3 #16
            again [v0, v3]
            !0: at 10 []
            !1: at 20 [v3]",
            expect![[r#"
                entry:
                    v0: value = input #0
                    v1: value = input #1
                body:
                    v3: value = load v0 #16
                    guard_int v3 !1
                    store_slot v0 v1 #16
                    store_slot v1 v3 #16
                again [v0, v3]
                !0: at 10 []
                !1: at 20 [v3]
                !2: at 10 []
            "#]],
        );
    }
}
