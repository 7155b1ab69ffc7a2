//! Adding uops: constants are folded, what was computed or loaded before is not computed or loaded again, and what a guard has found out
//! is remembered.

use super::{Abort, Lowering};
use crate::ir::{Effect, Id, Op, Trace, Ty, Uop};
use limpid_heap::{ShapeRef, Value};
use limpid_vm::object::ValueExt;
use limpid_vm::shape::Shape;
use limpid_vm::types::builtin::shapes;

/// What is known of a value.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Fact {
    /// The shape it was found to have.
    pub shape: Option<ShapeRef>,
    /// It had this shape already when the trace was entered.
    pub from_entry: bool,
    /// How many safepoints there were before that was found out.
    pub tested: u32,
    /// The int or float in it.
    pub unboxed: Option<Id>,
}

/// Do all objects of this shape keep their layout for ever?
pub(super) fn is_stable(shape: ShapeRef) -> bool {
    [
        shapes::LIST,
        shapes::TUPLE,
        shapes::RANGE,
        shapes::STR,
        shapes::DICT,
        shapes::FUNCTION,
        shapes::METHOD,
        shapes::CELL,
        shapes::GENERATOR,
        shapes::COROUTINE,
        shapes::SET,
        shapes::FROZENSET,
    ]
    .contains(&shape)
}

/// Are two values certainly not the same object? An instance that the trace has made is none that there was at its start, and none of
/// those that it has made besides.
fn are_distinct(trace: &Trace, a: Id, b: Id) -> bool {
    let is_made = |id| matches!(trace.uop(id).op, Op::NewInstance | Op::Make);
    let was_there = |id| matches!(trace.uop(id).op, Op::Input | Op::Const);
    a != b && (is_made(a) && (is_made(b) || was_there(b)) || was_there(a) && is_made(b))
}

impl Lowering<'_> {
    /// Adds a uop, or finds the one that has computed the same.
    pub(super) fn emit(&mut self, op: Op, ty: Ty, args: &[Id], imm: i64) -> Id {
        if op == Op::IntToWord
            && let Some((_, bits)) = self.constant_of(args[0])
        {
            return self.word_constant((bits >> 15) as u64);
        }
        if op.effect() == Effect::Pure {
            let key = (op, ty, args.to_vec(), imm);
            if let Some(id) = self.computed.get(&key) {
                return *id;
            }
            let id = self.trace.add(Uop { op, ty, args: args.to_vec(), imm, exit: None });
            self.trace.body.push(id);
            self.computed.insert(key, id);
            return id;
        }
        let exit = (op.effect() == Effect::Guards).then(|| self.exit());
        self.emit_with(op, ty, args, imm, exit)
    }

    pub(super) fn emit_with(&mut self, op: Op, ty: Ty, args: &[Id], imm: i64, exit: Option<u32>) -> Id {
        let id = self.trace.add(Uop { op, ty, args: args.to_vec(), imm, exit });
        self.trace.body.push(id);
        self.safepoints += op.is_safepoint() as u32;
        id
    }

    pub(super) fn guard(&mut self, op: Op, args: &[Id], imm: i64) {
        self.emit(op, Ty::None, args, imm);
    }

    // ---- constants ----

    pub(super) fn constant(&mut self, ty: Ty, bits: i64) -> Id {
        self.emit(Op::Const, ty, &[], bits)
    }

    pub(super) fn int_constant(&mut self, i: i64) -> Id {
        self.constant(Ty::Int, i << 15)
    }

    pub(super) fn word_constant(&mut self, w: u64) -> Id {
        self.constant(Ty::Word, w as i64)
    }

    /// A Python value as a constant.
    pub(super) fn value_constant(&mut self, v: Value) -> Id {
        if v.is_int() {
            return self.constant(Ty::Int, v.shifted());
        }
        if v.is_float() {
            return self.constant(Ty::Float, v.as_float().to_bits() as i64);
        }
        if v.is_bool() {
            return self.constant(Ty::Bool, (v == Value::TRUE) as i64);
        }
        self.constant(Ty::Value, v.bits() as i64)
    }

    /// The bits of a constant.
    pub(super) fn constant_of(&self, id: Id) -> Option<(Ty, i64)> {
        let u = self.trace.uop(id);
        (u.op == Op::Const).then_some((u.ty, u.imm))
    }

    pub(super) fn ty(&self, id: Id) -> Ty {
        self.trace.uop(id).ty
    }

    // ---- representations ----

    /// The value as the interpreter has it.
    pub(super) fn value(&mut self, id: Id) -> Id {
        match (self.ty(id), self.constant_of(id)) {
            (Ty::Value, _) => id,
            (Ty::Bool, Some((_, b))) => self.constant(Ty::Value, Value::bool(b != 0).bits() as i64),
            (Ty::Int, Some((_, i))) => self.constant(Ty::Value, Value::from_shifted(i).bits() as i64),
            (Ty::Float, Some((_, f))) => self.constant(Ty::Value, Value::float(f64::from_bits(f as u64)).bits() as i64),
            _ => {
                let boxed = self.emit(Op::Box, Ty::Value, &[id], 0);
                self.facts.entry(boxed).or_default().unboxed = Some(id);
                boxed
            }
        }
    }

    /// The int in a value; leaves the trace if it is none.
    pub(super) fn int(&mut self, id: Id) -> Result<Id, Abort> {
        self.unbox(id, Ty::Int, Op::GuardInt, Op::UnboxInt)
    }

    /// The float in a value; leaves the trace if it is none.
    pub(super) fn float(&mut self, id: Id) -> Result<Id, Abort> {
        self.unbox(id, Ty::Float, Op::GuardFloat, Op::UnboxFloat)
    }

    /// The bool in a value; leaves the trace if it is none.
    pub(super) fn boolean(&mut self, id: Id) -> Result<Id, Abort> {
        self.unbox(id, Ty::Bool, Op::GuardBool, Op::UnboxBool)
    }

    fn unbox(&mut self, id: Id, wanted: Ty, guard: Op, unbox: Op) -> Result<Id, Abort> {
        match self.ty(id) {
            ty if ty == wanted => return Ok(id),
            Ty::Value => {}
            _ => return Err(Abort::Contradiction),
        }
        if let Some(known) = self.facts.get(&id).and_then(|f| f.unboxed) {
            return if self.ty(known) == wanted { Ok(known) } else { Err(Abort::Contradiction) };
        }
        if self.constant_of(id).is_some() || self.facts.get(&id).is_some_and(|f| f.shape.is_some()) {
            return Err(Abort::Contradiction);
        }
        self.guard(guard, &[id], 0);
        let number = self.emit(unbox, wanted, &[id], 0);
        self.facts.entry(id).or_default().unboxed = Some(number);
        Ok(number)
    }

    /// A number that was converted is known already, or is converted now, without a guard.
    pub(super) fn known_int(&mut self, id: Id) -> Id {
        match self.ty(id) {
            Ty::Int => id,
            _ => self.emit(Op::UnboxInt, Ty::Int, &[id], 0),
        }
    }

    // ---- guards ----

    /// The value is a cell of this shape; gives it boxed.
    pub(super) fn guard_shape(&mut self, id: Id, shape: ShapeRef) -> Result<Id, Abort> {
        if self.ty(id) != Ty::Value {
            return Err(Abort::Contradiction);
        }
        let fact = self.facts.entry(id).or_default();
        match fact.shape {
            Some(known) if known == shape => return Ok(id),
            Some(known) if is_stable(known) => return Err(Abort::Contradiction),
            _ if fact.unboxed.is_some() => return Err(Abort::Contradiction),
            _ => {}
        }
        if let Some((_, bits)) = self.constant_of(id) {
            let v = Value::from_bits(bits as u64);
            if !v.is_cell() {
                return Err(Abort::Contradiction);
            }
            if is_stable(shape) && v.shape() == shape {
                // For good.
                self.has_shape(id, shape);
                return Ok(id);
            }
        }
        self.guard(Op::GuardShape, &[id], shape.0 as i64);
        self.has_shape(id, shape);
        Ok(id)
    }

    /// A value is known to be a cell of a shape.
    pub(super) fn has_shape(&mut self, id: Id, shape: ShapeRef) {
        let fact = self.facts.entry(id).or_default();
        (fact.shape, fact.tested) = (Some(shape), self.safepoints);
    }

    /// Something is going to be stored in a slot of an object. At any safepoint since its shape was tested another thread may have moved its
    /// attributes elsewhere, so it is tested again.
    pub(super) fn test_again(&mut self, object: Id) {
        if let Some(fact) = self.facts.get_mut(&object).filter(|fact| fact.tested != self.safepoints) {
            fact.shape = fact.shape.filter(|shape| is_stable(*shape));
        }
    }

    /// A value is known not to be NULL.
    pub(super) fn guarded_not_null(&mut self, id: Id) {
        self.settled.insert((id, 0, false));
    }

    /// The value has this shape, and the shape's version is what a cache relies on.
    pub(super) fn guard_shape_version(&mut self, id: Id, shape: ShapeRef, version: u32) -> Result<Id, Abort> {
        if version == 0 {
            return Err(Abort::Stale);
        }
        let id = self.guard_shape(id, shape)?;
        let cell = self.word_constant(shape.ptr::<u8>() as u64);
        self.guard_version(cell, Shape::VERSION, version);
        Ok(id)
    }

    /// The 32 bits at an offset are this version.
    pub(super) fn guard_version(&mut self, cell: Id, offset: usize, version: u32) {
        let word = self.load32(cell, offset);
        self.guard_is(word, version as u64);
    }

    /// The word or value is this one.
    pub(super) fn guard_is(&mut self, id: Id, bits: u64) {
        let is_known = self.constant_of(id).is_some_and(|(_, known)| known as u64 == bits);
        if !is_known && self.settled.insert((id, bits, true)) {
            self.guard(Op::GuardIs, &[id], bits as i64);
        }
    }

    /// The word or value is not this one.
    pub(super) fn guard_is_not(&mut self, id: Id, bits: u64) {
        let shape_known = bits == 0 && self.facts.get(&id).is_some_and(|f| f.shape.is_some());
        if !shape_known && self.settled.insert((id, bits, false)) {
            self.guard(Op::GuardIsNot, &[id], bits as i64);
        }
    }

    /// The index is below the bound; of constant ones, which are not negative, the highest is tested only.
    pub(super) fn guard_below(&mut self, index: Id, bound: Id) {
        let highest = self.below.entry(bound).or_insert(-1);
        match self.trace.uop(index) {
            Uop { op: Op::Const, imm, .. } if (0..=*highest).contains(imm) => return,
            Uop { op: Op::Const, imm, .. } => *highest = *imm,
            _ => {}
        }
        self.guard(Op::GuardBelow, &[index, bound], 0);
    }

    // ---- memory ----

    /// 64 bits that never change.
    pub(super) fn load_fixed(&mut self, base: Id, offset: usize, ty: Ty) -> Id {
        if self.is_certain(base) { self.emit(Op::LoadFixed, ty, &[base], offset as i64) } else { self.load(base, offset, ty) }
    }

    /// Is a value right for loading from it wherever it is known, in front of the loop too? There an input has the type that the entry has
    /// tested, and no other; and what was loaded is what guards of the loop have yet to test, but for the function of the first frame.
    fn is_certain(&self, base: Id) -> bool {
        let uop = self.trace.uop(base);
        match uop.op {
            Op::Input => self.facts.get(&base).is_some_and(|f| f.from_entry),
            Op::LoadFixed => self.trace.uop(uop.args[0]).op == Op::Frame,
            _ => true,
        }
    }

    /// 64 bits at an offset in a cell.
    pub(super) fn load(&mut self, base: Id, offset: usize, ty: Ty) -> Id {
        self.load_by(Op::Load, ty, &[base], offset as i64)
    }

    pub(super) fn load32(&mut self, base: Id, offset: usize) -> Id {
        self.load_by(Op::Load32, Ty::Word, &[base], offset as i64)
    }

    pub(super) fn load_by(&mut self, op: Op, ty: Ty, args: &[Id], offset: i64) -> Id {
        let key = (op, args.to_vec(), offset);
        if let Some(id) = self.loaded.get(&key) {
            return *id;
        }
        let id = self.emit_with(op, ty, args, offset, None);
        self.loaded.insert(key, id);
        id
    }

    /// Stores into a slot of an object that is known to be a cell.
    pub(super) fn store_slot(&mut self, object: Id, offset: usize, v: Id) {
        let boxed = self.value(v);
        self.emit_with(Op::StoreSlot, Ty::None, &[object, boxed], offset as i64, None);
        self.stored_slot(object, offset, v);
    }

    /// A slot of an object has a new value, and so may have that slot of others, which this object may be.
    pub(super) fn stored_slot(&mut self, object: Id, offset: usize, v: Id) {
        let trace = &self.trace;
        self.loaded
            .retain(|(op, args, o), _| *op != Op::Load || *o != offset as i64 || args[0] == object || are_distinct(trace, args[0], object));
        self.loaded.insert((Op::Load, vec![object], offset as i64), v);
    }

    /// An object has got another shape; objects under other names may be the same one.
    pub(super) fn now_has_shape(&mut self, object: Id, shape: ShapeRef) {
        for (id, fact) in &mut self.facts {
            if fact.shape.is_some_and(|s| !is_stable(s)) && !are_distinct(&self.trace, *id, object) {
                fact.shape = None;
            }
        }
        self.has_shape(object, shape);
    }

    /// Items of lists have changed.
    pub(super) fn forget_items(&mut self) {
        self.loaded.retain(|(op, _, _), _| *op != Op::LoadItem);
    }

    /// Whatever was loaded may have changed, and no uop tells what.
    pub(super) fn forget_loads(&mut self) {
        self.loaded.clear();
        self.forgets = true;
    }

    /// Anything may have changed, apart from what never does.
    pub(super) fn forget_all(&mut self) {
        self.forget_loads();
        for fact in self.facts.values_mut() {
            if fact.shape.is_some_and(|s| !is_stable(s)) {
                fact.shape = None;
            }
        }
    }
}
