//! Allocation sinking: an object that nothing outside of the trace gets to know is not made, but for exits, which make it of what it would
//! hold. One that something gets to know after all is made right before that, with all that it holds by then.
//!
//! One walk along the trace. What an object holds, and which of a trace's values stand for others, is known as of the uop that is looked
//! at; exits get to know it where they are first left through. Objects that do not exist are never held in a circle.

use super::known_of_boxed;
use crate::ir::{Id, Layout, MOST_OBJECTS, NOT_MADE, Object, Op, Snapshot, Trace, Ty, Uop};
use limpid_vm::types::Tuple;
use rustc_hash::FxHashMap;

/// Sinks allocations; see the [module](self).
pub fn sink(trace: &mut Trace) {
    if trace.body.iter().any(|id| is_allocation(trace.uop(*id))) {
        let body = std::mem::take(&mut trace.body);
        let (objects, names, exits) = (FxHashMap::default(), FxHashMap::default(), FxHashMap::default());
        let mut s = Sinking { trace, body: Vec::new(), objects, names, exits, left: Vec::new(), made: 0 };
        body.into_iter().for_each(|id| s.uop(id));
        s.close();
    }
}

fn is_allocation(u: &Uop) -> bool {
    match u.op {
        Op::NewInstance => u.imm != 0,
        Op::Make | Op::MakeUnless => true,
        _ => false,
    }
}

/// An object that does not exist.
#[derive(Clone)]
struct Virtual {
    /// See [`Layout`].
    header: u64,
    is_tuple: bool,
    /// It is this value, unless that is [`NOT_MADE`].
    unless: Option<Id>,
    /// What it holds, and where.
    parts: Vec<(u32, Id)>,
}

struct Sinking<'a> {
    trace: &'a mut Trace,
    body: Vec<Id>,
    objects: FxHashMap<Id, Virtual>,
    /// Values that stand for others.
    names: FxHashMap<Id, Id>,
    /// The exits that were left through, as they are left now, and how many objects were made until then.
    exits: FxHashMap<u32, (u32, usize)>,
    /// All of them.
    left: Vec<u32>,
    /// How many objects were made.
    made: usize,
}

impl Sinking<'_> {
    fn name(&self, id: Id) -> Id {
        let mut id = id;
        while let Some(name) = self.names.get(&id) {
            id = *name;
        }
        id
    }

    /// The object that a value stands for, if that may be looked into.
    fn object(&self, id: Option<&Id>) -> Option<&Virtual> {
        self.objects.get(id?).filter(|o| o.unless.is_none())
    }

    fn uop(&mut self, id: Id) {
        let args: Vec<Id> = self.trace.uop(id).args.iter().map(|arg| self.name(*arg)).collect();
        self.trace.uops[id.0 as usize].args = args;
        if self.begin_object(id) || self.change_object(id) || self.look_into_object(id) || self.look_at_number(id) {
            return;
        }
        for i in 0..self.trace.uop(id).args.len() {
            let arg = self.make(self.trace.uop(id).args[i]);
            self.trace.uops[id.0 as usize].args[i] = arg;
        }
        if let Some(exit) = self.trace.uop(id).exit {
            self.trace.uops[id.0 as usize].exit = Some(self.leave(exit));
        }
        self.body.push(id);
    }

    // ---- objects ----

    fn begin_object(&mut self, id: Id) -> bool {
        let u = self.trace.uop(id);
        if !is_allocation(u) {
            return false;
        }
        let object = match u.op {
            Op::NewInstance => Virtual { header: u.imm as u64, is_tuple: false, unless: None, parts: Vec::new() },
            _ => {
                let layout = &self.trace.layouts[u.imm as usize];
                let (unless, parts) = match u.op {
                    Op::Make => (None, &u.args[..]),
                    _ => (Some(u.args[0]), &u.args[1..]),
                };
                let parts = layout.offsets.iter().copied().zip(parts.iter().copied()).collect();
                Virtual { header: layout.header, is_tuple: layout.is_tuple, unless, parts }
            }
        };
        self.objects.insert(id, object);
        true
    }

    /// A store into an object that does not exist.
    fn change_object(&mut self, id: Id) -> bool {
        let u = self.trace.uop(id).clone();
        let (offset, shape) = match u.op {
            Op::AddSlot => ((u.imm & 0xFFFF) as u32, Some((u.imm >> 16) as u32)),
            Op::StoreSlot => (u.imm as u32, None),
            _ => return false,
        };
        if self.object(u.args.first()).is_none() || self.holds(u.args[1], u.args[0]) {
            return false;
        }
        let object = self.objects.get_mut(&u.args[0]).expect("just seen");
        match object.parts.iter_mut().find(|part| part.0 == offset) {
            Some(part) => part.1 = u.args[1],
            None => object.parts.push((offset, u.args[1])),
        }
        if let Some(shape) = shape {
            object.header = object.header & !u64::from(u32::MAX) | u64::from(shape);
        }
        true
    }

    /// Is a value an object that does not exist, and the other one that too, or held by it?
    fn holds(&self, id: Id, other: Id) -> bool {
        let id = self.name(id);
        id == other || self.objects.get(&id).is_some_and(|o| o.parts.iter().any(|(_, part)| self.holds(*part, other)))
    }

    /// A load from an object that does not exist, or a guard of what is known of it.
    fn look_into_object(&mut self, id: Id) -> bool {
        let u = self.trace.uop(id).clone();
        let index = u.args.get(1).map(|index| self.trace.uop(*index)).filter(|index| index.op == Op::Const).map(|index| index.imm);
        let Some(object) = self.object(u.args.first()) else { return false };
        let offset = match u.op {
            Op::Load | Op::LoadFixed if object.is_tuple && u.imm as usize == Tuple::LEN => {
                let len = object.parts.len() as i64;
                self.trace.uops[id.0 as usize] = Uop { op: Op::Const, args: Vec::new(), imm: len, ..u };
                self.body.push(id);
                return true;
            }
            Op::Load | Op::LoadFixed => u.imm,
            Op::LoadItem => match index {
                Some(index) => u.imm + index * 8,
                None => return false,
            },
            Op::GuardShape => return object.header as u32 == u.imm as u32,
            // What it is compared with was there before.
            Op::GuardIsNot => return true,
            _ => return false,
        };
        let Some(part) = object.parts.iter().find(|part| i64::from(part.0) == offset).map(|part| self.name(part.1)) else { return false };
        let is_same = self.trace.uop(part).ty == u.ty;
        if is_same {
            self.names.insert(id, part);
        }
        is_same
    }

    /// What is asked of a number that was boxed here: it came from an object. Or of a length that is known by now.
    fn look_at_number(&mut self, id: Id) -> bool {
        let u = self.trace.uop(id);
        if u.op == Op::GuardBelow {
            let [a, b] = [u.args[0], u.args[1]].map(|arg| self.trace.uop(arg));
            return a.op == Op::Const && b.op == Op::Const && (a.imm as u64) < b.imm as u64;
        }
        let Some(known) = known_of_boxed(self.trace, u) else { return false };
        self.names.extend(known.map(|number| (id, number)));
        true
    }

    /// The object that a value stands for, if it does, made now; otherwise the value.
    fn make(&mut self, id: Id) -> Id {
        let id = self.name(id);
        let Some(object) = self.objects.remove(&id) else { return id };
        let mut args: Vec<Id> = object.unless.into_iter().collect();
        for (_, part) in &object.parts {
            args.push(self.make(*part));
        }
        let op = if object.unless.is_some() { Op::MakeUnless } else { Op::Make };
        let imm = self.trace.layout(object.layout()) as i64;
        let made = self.trace.add(Uop { op, ty: Ty::Value, args, imm, exit: None });
        self.body.push(made);
        self.names.insert(id, made);
        self.made += 1;
        made
    }

    // ---- exits ----

    /// An exit is left through: it is the first time, or nothing was made since then, or it is another one from now on.
    fn leave(&mut self, exit: u32) -> u32 {
        let number = match self.exits.get(&exit).copied() {
            Some((known, made)) if made == self.made => return known,
            Some((known, _)) => {
                let snapshot = self.left_again(self.trace.snapshots[known as usize].clone());
                self.trace.snapshots.push(snapshot);
                self.trace.snapshots.len() as u32 - 1
            }
            None => {
                let snapshot = std::mem::take(&mut self.trace.snapshots[exit as usize]);
                self.trace.snapshots[exit as usize] = self.first_left(snapshot);
                exit
            }
        };
        self.exits.insert(exit, (number, self.made));
        self.left.push(number);
        number
    }

    /// A snapshot with the objects that do not exist.
    fn first_left(&mut self, mut s: Snapshot) -> Snapshot {
        for f in &mut s.frames {
            for id in f.base.iter_mut().chain(&mut f.header) {
                *id = self.make(*id);
            }
            f.stores.iter_mut().for_each(|(_, id)| *id = self.name(*id));
        }
        let mut objects = Vec::new();
        for (_, id) in s.frames.iter().flat_map(|f| &f.stores) {
            self.add_object(*id, &mut objects);
        }
        if objects.len() > MOST_OBJECTS {
            for (_, id) in s.frames.iter_mut().flat_map(|f| &mut f.stores) {
                *id = self.make(*id);
            }
            objects.clear();
        }
        Snapshot { objects, ..s }
    }

    /// A snapshot of an instruction that has made some objects meanwhile. Those that do not exist yet hold what they held at its start.
    fn left_again(&self, mut s: Snapshot) -> Snapshot {
        s.objects.retain(|o| self.objects.contains_key(&o.id));
        s.values_mut().for_each(|id| *id = self.name(*id));
        s
    }

    /// Adds an object, if there is one, behind those that it holds.
    fn add_object(&mut self, id: Id, objects: &mut Vec<Object>) {
        let Some(object) = self.objects.get(&id).filter(|_| objects.iter().all(|o| o.id != id)) else { return };
        let (layout, unless) = (object.layout(), object.unless);
        let parts: Vec<Id> = object.parts.iter().map(|part| self.name(part.1)).collect();
        parts.iter().for_each(|part| self.add_object(*part, objects));
        objects.push(Object { id, layout: self.trace.layout(layout), unless, parts });
    }

    // ---- the jump back ----

    /// The end of the trace. An object that is handed to the next round, which does nothing but hand it on or leave with it, is handed on
    /// in parts; others are made.
    fn close(mut self) {
        let mut next: Vec<Id> = self.trace.next.iter().flatten().map(|id| self.name(*id)).collect();
        let mut carried = Vec::new();
        for k in 0..next.len() {
            if self.is_handed_on(k, &next) {
                carried.push((k, next[k]));
            }
        }
        for (k, id) in next.iter_mut().enumerate() {
            if carried.iter().all(|c| c.0 != k) {
                *id = self.make(*id);
            }
        }
        for (k, id) in carried {
            // Something else has held it, and was made.
            if self.name(id) == id {
                self.hand_on(k, &mut next);
            } else {
                next[k] = self.name(id);
            }
        }
        if let Some(known) = &mut self.trace.next {
            *known = next;
        }
        self.trace.body = self.body;
    }

    /// Is the object for an input not looked at before it is another one in the next round?
    fn is_handed_on(&self, k: usize, next: &[Id]) -> bool {
        let (input, id) = (self.trace.inputs[k], next[k]);
        let is_held = |o: &Virtual| o.parts.iter().any(|part| self.name(part.1) == input);
        let Some(object) = self.objects.get(&id).filter(|o| o.unless.is_none()) else { return false };
        self.trace.uop(input).ty == Ty::Value
            && next.iter().filter(|other| **other == id).count() == 1
            && !next.contains(&input)
            && !self.objects.values().any(is_held)
            && !object.parts.iter().any(|part| self.objects.contains_key(&self.name(part.1)))
            && !self.trace.entry.iter().chain(&self.body).any(|uop| self.trace.uop(*uop).args.contains(&input))
    }

    /// Hands the object for an input on in parts, which are no inputs.
    fn hand_on(&mut self, k: usize, next: &mut Vec<Id>) {
        let (input, object) = (self.trace.inputs[k], self.objects[&next[k]].clone());
        next[k] = self.trace.add(Uop { op: Op::Const, ty: Ty::Value, args: Vec::new(), imm: NOT_MADE as i64, exit: None });
        let mut parts = Vec::new();
        for (_, part) in &object.parts {
            let part = self.trace.unboxed(self.name(*part));
            let ty = self.trace.uop(part).ty;
            // What it is in the first round does not matter.
            let anything = self.trace.add(Uop { op: Op::Const, ty, args: Vec::new(), imm: 0, exit: None });
            let id = self.trace.add_carried(anything);
            self.trace.inputs.push(id);
            next.push(part);
            parts.push(id);
        }
        let layout = self.trace.layout(object.layout());
        for exit in self.left.iter().copied() {
            if self.trace.snapshot_ids(exit).any(|id| id == input) {
                let object = Object { id: input, layout, unless: Some(input), parts: parts.clone() };
                self.trace.snapshots[exit as usize].objects.insert(0, object);
            }
        }
    }
}

impl Virtual {
    /// What it looks like when it is made.
    fn layout(&self) -> Layout {
        Layout { header: self.header, is_tuple: self.is_tuple, offsets: self.parts.iter().map(|part| part.0).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;
    use expect_test::expect;

    /// Sinks in a trace whose layout 0 is that of pairs.
    fn sink_pairs(trace: &mut Trace) {
        trace.layout(Layout { header: 9, is_tuple: true, offsets: vec![16, 24] });
        sink(trace);
    }

    #[test]
    fn what_only_exits_know_is_made_by_them() {
        check(
            sink,
            "entry:
                v0: value = input #0
                v1: float = input #1
            body:
                v2: value = new_instance v0 v0 v0 #4294967298
                v3: value = box v1
                add_slot v2 v3 v0 v0 v0 #196624 !0
                guard_shape v2 #3 !1
                guard_is_not v2 #7 !1
                v7: value = load v2 #16
                guard_float v7 !1
                v9: float = unbox_float v7
                v10: float = add_float v9 v9
                v11: value = box v10
                store_slot v2 v11 #16
                guard_breaker !2
                leave !3
            !0: at 10 [v2]
            !1: at 20 [v2, v0]
            !2: at 30 [v2]
            !3: at 40 [v10]",
            expect![[r#"
                entry:
                    v0: value = input #0
                    v1: float = input #1
                body:
                    v3: value = box v1
                    v10: float = add_float v1 v1
                    v11: value = box v10
                    guard_breaker !2
                    leave !3
                !0: at 10 [v2]
                !1: at 20 [v2, v0]
                !2: at 30 [v11] v2 = make #0 [v11]
                !3: at 40 [v10]
            "#]],
        );
    }

    #[test]
    fn what_something_gets_to_know_is_made_before_with_what_it_holds() {
        check(
            sink_pairs,
            "entry:
                v0: value = input #0
            body:
                v1: value = new_instance v0 v0 v0 #4294967298
                v2: value = make v1 v0
                guard_breaker !1
                v4: value = load_item v2 v0
                append v0 v2 v0 v0 !2
                guard_breaker !3
                leave !3
            !0: at 10 [v1]
            !1: at 20 [v2]
            !2: at 30 [v2, v1]
            !3: at 40 [v2, v1]",
            expect![[r#"
                entry:
                    v0: value = input #0
                body:
                    guard_breaker !1
                    v8: value = make #1
                    v9: value = make v8 v0
                    v4: value = load_item v9 v0
                    append v0 v9 v0 v0 !2
                    guard_breaker !3
                    leave !3
                !0: at 10 [v1]
                !1: at 20 [v0] v1 = make #1 [] v2 = make #0 [v1, v0]
                !2: at 30 [v9, v8]
                !3: at 40 [v9, v8]
            "#]],
        );
    }

    #[test]
    fn a_tuple_that_does_not_exist_has_a_length_and_items() {
        check(
            sink_pairs,
            "entry:
                v0: value = input #0
            body:
                v1: word = const #1
                v2: value = make v0 v0
                v3: word = load_fixed v2 #8
                guard_below v1 v3 !1
                v5: value = load_item v2 v1 #16
                guard_int v5 !2
                leave !2
            !0: at 10 [v0]
            !1: at 20 [v2]
            !2: at 20 [v5]",
            expect![[r#"
                entry:
                    v0: value = input #0
                body:
                    v1: word = const #1
                    v3: word = const #2
                    guard_int v0 !2
                    leave !2
                !0: at 10 [v0]
                !1: at 20 [v2]
                !2: at 20 [v0]
            "#]],
        );
    }

    #[test]
    fn what_the_next_round_does_not_look_at_is_handed_on_in_parts() {
        check(
            sink,
            "entry:
                v0: value = input #0
                v1: value = input #1
                v2: float = input #2
            body:
                guard_breaker !0
                v4: value = new_instance v0 v0 v0 #4294967298
                v5: value = box v2
                add_slot v4 v5 v0 v0 v0 #196624 !1
                guard_breaker !2
            again [v0, v4, v2]
            !0: at 10 [v1]
            !1: at 20 [v1, v4]
            !2: at 30 [v4]",
            expect![[r#"
                entry:
                    v0: value = input #0
                    v1: value = input #1
                    v2: float = input #2
                    v10: float = carried v9
                body:
                    guard_breaker !0
                    v5: value = box v2
                    guard_breaker !2
                again [v0, v8, v2, v2]
                !0: at 10 [v10, v1] v1 = make #0 [v10] unless v1
                !1: at 20 [v1, v4]
                !2: at 30 [v5] v4 = make #0 [v5]
            "#]],
        );
    }

    #[test]
    fn what_the_next_round_looks_at_is_made() {
        check(
            sink,
            "entry:
                v0: value = input #0
                v1: value = input #1
            body:
                v2: value = load v1 #16
                v3: value = new_instance v0 v0 v0 #4294967298
                add_slot v3 v2 v0 v0 v0 #196624 !0
                guard_breaker !1
            again [v0, v3]
            !0: at 10 [v1]
            !1: at 20 [v3]",
            expect![[r#"
                entry:
                    v0: value = input #0
                    v1: value = input #1
                body:
                    v2: value = load v1 #16
                    guard_breaker !1
                    v6: value = make v2
                again [v0, v6]
                !0: at 10 [v1]
                !1: at 20 [v2] v3 = make #0 [v2]
            "#]],
        );
    }

    #[test]
    fn what_holds_itself_is_made() {
        check(
            sink,
            "entry:
                v0: value = input #0
            body:
                v1: value = new_instance v0 v0 v0 #4294967298
                v2: value = new_instance v0 v0 v0 #4294967298
                add_slot v1 v2 v0 v0 v0 #196624 !0
                add_slot v2 v1 v0 v0 v0 #196624 !1
                leave !2
            !0: at 10 [v1, v2]
            !1: at 20 [v1, v2]
            !2: at 30 [v1, v2]",
            expect![[r#"
                entry:
                    v0: value = input #0
                body:
                    v6: value = make
                    v7: value = make v6 #1
                    add_slot v6 v7 v0 v0 v0 #196624 !1
                    leave !2
                !0: at 10 [v1, v2]
                !1: at 20 [v7, v6]
                !2: at 30 [v7, v6]
            "#]],
        );
    }

    #[test]
    fn an_exit_that_is_left_again_after_something_was_made_is_another_one() {
        check(
            sink,
            "entry:
                v0: value = input #0
            body:
                v1: value = new_instance v0 v0 v0 #4294967298
                guard_breaker !0
                v3: bool = is_instance v1 v0 v0 v0 !0
                guard_true v3 !0
                leave !1
            !0: at 10 [v1]
            !1: at 20 [v1]",
            expect![[r#"
                entry:
                    v0: value = input #0
                body:
                    guard_breaker !0
                    v6: value = make
                    v3: bool = is_instance v6 v0 v0 v0 !2
                    guard_true v3 !2
                    leave !1
                !0: at 10 [] v1 = make #0 []
                !1: at 20 [v6]
                !2: at 10 [v6]
            "#]],
        );
    }

    #[test]
    fn what_may_have_been_made_elsewhere_is_not_looked_into() {
        let mut trace = Trace::parse(
            "entry:
                v0: value = input #0
                v1: value = input #1
            body:
                v2: value = make_unless v0 v1 #0
                guard_breaker !0
                v4: value = load v2 #16
                leave !1
            !0: at 10 [v2]
            !1: at 20 [v2, v4]",
        );
        trace.layout(Layout { header: 3, is_tuple: false, offsets: vec![16] });
        sink(&mut trace);
        expect![[r#"
            entry:
                v0: value = input #0
                v1: value = input #1
            body:
                guard_breaker !0
                v6: value = make_unless v0 v1
                v4: value = load v6 #16
                leave !1
            !0: at 10 [v1, v0] v2 = make #0 [v1] unless v0
            !1: at 20 [v6, v4]
        "#]]
        .assert_eq(&trace.to_string());
    }
}
