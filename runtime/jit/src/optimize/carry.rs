//! What a round stores in a slot of an object, and the next one loads from there, is handed on in a register.
//!
//! The object is the same in every round, and no other uop writes to the slot ([`super::peel`] tells on what that relies). From the second
//! round on, what was stored last is used instead of what would be loaded. If it is a number that the loop tests to be one, and what is
//! stored is one too, it is handed on unboxed. The stores stay, for whoever looks at the object after the loop was left.

use super::memory::is_load_from_object;
use super::peel::Peeling;
use super::{known_of_boxed, unboxes};
use crate::ir::{Id, Op, Ty, Uop};
use rustc_hash::{FxHashMap, FxHashSet};

/// The object and the offset.
pub(super) type Place = (Id, i64);

/// A slot that is handed on.
pub(super) struct Slot {
    /// The first load in a round, and the number that it is.
    first: Id,
    number: Option<Id>,
    /// What is stored last in a round, or the number that this is.
    last: Id,
    /// What a round starts with.
    carried: Id,
    /// What the slot has at this point of the round, as a Python value.
    current: Id,
}

impl Peeling<'_> {
    /// Slots that a round loads before it stores something there.
    pub fn carried_slots(&mut self) -> FxHashMap<Place, Slot> {
        let mut slots: FxHashMap<Place, Slot> = FxHashMap::default();
        let mut stored: FxHashSet<Place> = FxHashSet::default();
        let mut numbers: FxHashMap<Id, Id> = FxHashMap::default();
        for k in 0..self.trace.body.len() {
            let id = self.trace.body[k];
            let uop = self.trace.uop(id);
            match (place_of(uop), uop.op) {
                (Some(place), Op::StoreSlot) => {
                    stored.insert(place);
                    if let Some(slot) = slots.get_mut(&place) {
                        slot.last = uop.args[1];
                    }
                }
                (Some(place), Op::Load) if uop.ty == Ty::Value && !stored.contains(&place) && !slots.contains_key(&place) => {
                    let may_be = self.is_same(place.0) && !self.is_same(id) && is_load_from_object(self.trace, uop);
                    if may_be && self.is_written_by(id, |write| write.op == Op::StoreSlot) {
                        slots.insert(place, Slot { first: id, number: None, last: id, carried: id, current: id });
                    }
                }
                (_, op) if unboxes(op).is_some() => {
                    numbers.insert(uop.args[0], id);
                }
                _ => {}
            }
        }
        for slot in slots.values_mut() {
            let last = match self.trace.uop(slot.last) {
                Uop { op: Op::Box, args, .. } => Some(args[0]),
                _ => numbers.get(&slot.last).copied(),
            };
            if let (Some(first), Some(last)) = (numbers.get(&slot.first), last)
                && self.trace.uop(*first).ty == self.trace.uop(last).ty
            {
                (slot.number, slot.last) = (Some(*first), last);
            }
        }
        slots
    }

    /// Hands on what the first round leaves in the slots.
    pub fn hand_on_slots(&mut self, slots: &mut FxHashMap<Place, Slot>) {
        let mut places: Vec<Place> = slots.keys().copied().collect();
        places.sort_unstable();
        for place in places {
            let slot = slots.get_mut(&place).expect("a key");
            slot.carried = self.trace.add_carried(slot.last);
            self.trace.inputs.push(slot.carried);
            self.trace.next.get_or_insert_default().push(slot.last);
            slot.current = slot.carried;
            if let Some(number) = slot.number {
                self.replace(number, slot.carried);
                slot.current = self.trace.add(Uop { op: Op::Box, ty: Ty::Value, args: vec![slot.carried], imm: 0, exit: None });
            }
        }
    }

    /// Does a round but the first do without this uop (given with its operands there)? What it uses instead of the value, if there is one.
    pub fn known_value(&mut self, id: Id, uop: &Uop, slots: &mut FxHashMap<Place, Slot>) -> Option<Option<Id>> {
        if let Some(slot) = place_of(uop).and_then(|place| slots.get_mut(&place)) {
            if uop.op == Op::Load {
                if slot.first == id && slot.number.is_some() {
                    self.trace.body.push(slot.current);
                }
                return Some(Some(slot.current));
            }
            slot.current = uop.args[1];
            return None;
        }
        let is_there = |id: &Id| slots.values().any(|slot| slot.carried == *id);
        match uop.op {
            // What is stored is never NULL.
            Op::GuardIsNot if uop.imm == 0 && uop.args.first().is_some_and(is_there) => Some(None),
            _ => known_of_boxed(self.trace, uop),
        }
    }
}

/// Where a uop loads or stores a slot.
fn place_of(uop: &Uop) -> Option<Place> {
    matches!(uop.op, Op::Load | Op::StoreSlot).then(|| (uop.args[0], uop.imm))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, peel_only};
    use expect_test::expect;

    #[test]
    fn a_number_is_handed_on_unboxed() {
        check(
            peel_only,
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
                    guard_shape v0 #700 !0
                    v3: value = load v0 #16
                    guard_int v3 !1
                    v5: int = unbox_int v3
                    v6: int = const #1
                    v7: int = add_int v5 v6 !1
                    v8: value = box v7
                    store_slot v0 v8 #16
                    guard_breaker !2
                    v11: int = carried v7
                body:
                    v13: int = add_int v11 v6 !3
                    v14: value = box v13
                    store_slot v0 v14 #16
                    guard_breaker !4
                again [v0, v13]
                !0: at 10 []
                !1: at 20 [v3]
                !2: at 30 []
                !3: at 20 [v11]
                !4: at 30 []
            "#]],
        );
    }

    #[test]
    fn what_is_no_number_at_the_end_of_a_round_is_handed_on_as_a_value() {
        check(
            peel_only,
            "entry:
                v0: value = input #0
                v1: value = input #1
                guard_alone !0
            body:
                v3: value = load v0 #16
                guard_int v3 !1
                v5: int = unbox_int v3
                v6: bool = compare v5 v5 #1
                guard_true v6 !1
                store_slot v0 v1 #16
            again [v0, v3]
            !0: at 10 []
            !1: at 20 [v3]",
            expect![[r#"
                entry:
                    v0: value = input #0
                    v1: value = input #1
                    guard_alone !0
                    v3: value = load v0 #16
                    guard_int v3 !1
                    v5: int = unbox_int v3
                    v6: bool = compare v5 v5 #1
                    guard_true v6 !1
                    store_slot v0 v1 #16
                    v9: value = carried v3
                    v10: value = carried v1
                body:
                    guard_int v10 !2
                    v12: int = unbox_int v10
                    v13: bool = compare v12 v12 #1
                    guard_true v13 !2
                    store_slot v0 v9 #16
                again [v0, v10, v9]
                !0: at 10 []
                !1: at 20 [v3]
                !2: at 20 [v10]
            "#]],
        );
    }

    #[test]
    fn two_slots_change_places() {
        check(
            peel_only,
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
                    v12: float = carried v7
                    v14: float = carried v8
                body:
                    v15: value = box v14
                    v16: float = add_float v12 v14
                    v17: value = box v16
                    store_slot v0 v15 #16
                    store_slot v0 v17 #24
                again [v0, v14, v16]
                !0: at 10 []
                !1: at 20 []
            "#]],
        );
    }

    #[test]
    fn an_object_that_may_be_another_in_the_next_round_is_in_the_way() {
        check(
            peel_only,
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
            "#]],
        );
    }
}
