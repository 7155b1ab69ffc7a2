//! Strings, items of dicts, members of sets, `isinstance`: where no Python code has to run, functions find out.

use super::form::is_plain;
use super::{Abort, Lowering};
use crate::helpers;
use crate::ir::{Id, Op, Ty};
use limpid_bytecode::{ComparisonArg, Opcode};
use limpid_heap::ShapeRef;
use limpid_vm::object::{Ref, ValueExt};
use limpid_vm::protocol::isinstance::is_instance_by_class;
use limpid_vm::shape::Shape;
use limpid_vm::tier2::recorder::{Instruction, Observed};
use limpid_vm::types::builtin::{self, shapes};
use limpid_vm::types::{Function, Tuple};
use std::mem::offset_of;

impl Lowering<'_> {
    /// As [`straight`](Lowering::straight). What has left the trace before here, for it needed Python code, is not tried again.
    pub(super) fn lookups(&mut self, step: &Instruction, form: Opcode) -> Result<bool, Abort> {
        use Opcode::*;
        let o = step.oparg;
        if self.at_start && self.needs_python {
            return Ok(false);
        }
        match form {
            BINARY_OP_SUBSCR_STR_INT => {
                let (s, index) = (self.peek(2)?, self.peek(1)?);
                let index = self.int(index)?;
                let s = self.guard_shape(s, shapes::STR)?;
                let index = self.emit(Op::IntToWord, Ty::Word, &[index], 0);
                let c = self.emit(Op::StrItem, Ty::Value, &[s, index], 0);
                self.has_shape(c, shapes::STR);
                self.replace(2, c);
            }
            BINARY_OP_SUBSCR_DICT => {
                let (dict, key) = (self.peek(2)?, self.peek(1)?);
                let (dict, key) = (self.guard_shape(dict, shapes::DICT)?, self.value(key));
                let v = self.emit(Op::DictItem, Ty::Value, &[dict, key], 0);
                self.guarded_not_null(v);
                self.replace(2, v);
            }
            BINARY_OP_ADD_UNICODE => {
                let (a, b) = self.two_strs()?;
                let exit = self.exit();
                let (fp, sp) = self.registers();
                let v = self.emit_with(Op::ConcatStr, Ty::Value, &[a, b, fp, sp], 0, Some(exit));
                self.has_shape(v, shapes::STR);
                self.replace(2, v);
            }
            COMPARE_OP_STR => {
                let (a, b) = self.two_strs()?;
                let equal = self.emit(Op::EqualStr, Ty::Bool, &[a, b], 0);
                self.replace_truth(equal, o & ComparisonArg::EQUAL as u32 == 0);
            }
            CONTAINS_OP_DICT | CONTAINS_OP_SET | CONTAINS_OP_NATIVE => {
                let Observed::Cell(shape) = step.operands[0] else { return Ok(false) };
                let (key, container) = (self.peek(2)?, self.peek(1)?);
                if ShapeRef(shape) == shapes::STR {
                    let (key, container) = self.two_strs()?;
                    let found = self.call_native(helpers::contains, vec![container, key]);
                    let found = self.boolean(found)?;
                    self.replace_truth(found, o != 0);
                    return Ok(true);
                }
                let (container, key) = (self.guard_shape(container, ShapeRef(shape))?, self.value(key));
                let op = match form {
                    CONTAINS_OP_DICT => Op::InDict,
                    CONTAINS_OP_SET => Op::InSet,
                    _ => Op::InSequence,
                };
                let found = self.emit(op, Ty::Bool, &[container, key], 0);
                self.replace_truth(found, o != 0);
            }
            STORE_SUBSCR_DICT => {
                let (v, dict, key) = (self.peek(3)?, self.peek(2)?, self.peek(1)?);
                let dict = self.guard_shape(dict, shapes::DICT)?;
                let (key, v) = (self.value(key), self.value(v));
                let exit = self.exit();
                let (fp, sp) = self.registers();
                self.emit_with(Op::StoreDictItem, Ty::None, &[dict, key, v, fp, sp], 0, Some(exit));
                // It may be one that variables are in.
                self.forget_all();
                self.drop_n(3);
            }
            SET_ADD if is_plain(step.operands[0]) => {
                let (set, key) = (self.peek(o as usize + 1)?, self.peek(1)?);
                let (set, key) = (self.guard_shape(set, shapes::SET)?, self.value(key));
                self.call_native(helpers::add_to_set, vec![set, key]);
                self.drop_n(1);
            }
            MAP_ADD if is_plain(step.operands[1]) => {
                let (dict, key, v) = (self.peek(o as usize + 2)?, self.peek(2)?, self.peek(1)?);
                let (dict, key, v) = (self.guard_shape(dict, shapes::DICT)?, self.value(key), self.value(v));
                let exit = self.exit();
                let (fp, sp) = self.registers();
                // No variables are in it: the comprehension has made it.
                self.emit_with(Op::StoreDictItem, Ty::None, &[dict, key, v, fp, sp], 0, Some(exit));
                self.drop_n(2);
            }
            STORE_GLOBAL => {
                let Some(name) = step.code.map(|code| code.name_at(o as usize)) else { return Ok(false) };
                let v = self.peek(1)?;
                let function = self.function();
                let globals = self.load_fixed(function, offset_of!(Function, globals), Ty::Value);
                let (name, v) = (self.value_constant(name), self.value(v));
                let exit = self.exit();
                let (fp, sp) = self.registers();
                self.emit_with(Op::StoreDictItem, Ty::None, &[globals, name, v, fp, sp], 0, Some(exit));
                self.forget_loads();
                self.drop_n(1);
            }
            CALL_ISINSTANCE if o == 2 && step.operands[2] == Observed::Null => {
                let (callable, null, v, class) = (self.peek(4)?, self.peek(3)?, self.peek(2)?, self.peek(1)?);
                self.guard_is(callable, step.cache64(4));
                let null = self.value(null);
                self.guard_is(null, 0);
                let is_one = match self.is_known_instance(step, v, class)? {
                    Some(is_one) => self.constant(Ty::Bool, is_one as i64),
                    None => {
                        let (v, class) = (self.value(v), self.value(class));
                        let (fp, sp) = self.registers();
                        self.emit(Op::IsInstance, Ty::Bool, &[v, class, fp, sp], 0)
                    }
                };
                self.replace(4, is_one);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Is a value of the kind that was seen an instance of the class that was, or of one of the tuple of such? What has left the trace here
    /// because it was another one is not told apart again.
    fn is_known_instance(&mut self, step: &Instruction, v: Id, class: Id) -> Result<Option<bool>, Abort> {
        let own = match (self.ty(v), step.operands[1]) {
            (Ty::Int, _) | (Ty::Value, Observed::Int | Observed::Negative) => builtin::INT,
            (Ty::Float, _) | (Ty::Value, Observed::Float) => builtin::FLOAT,
            // SAFETY: the recording keeps the shapes of such instructions alive.
            (Ty::Value, Observed::Cell(shape)) => unsafe { Ref::<Shape>::from_shape_ref(ShapeRef(shape)) }.class(),
            _ => return Ok(None),
        };
        let single = [step.subject];
        let classes = step.subject.exact::<Tuple>();
        let classes = classes.as_ref().map_or(&single[..], |classes| classes.as_slice());
        let answer = if self.at_start { None } else { is_instance_by_class(self.thread, own, classes) };
        let Some(is_one) = answer else { return Ok(None) };
        match self.tuples.get(&class).cloned() {
            Some(items) => items.iter().zip(classes).for_each(|(item, class)| self.guard_is(*item, class.bits())),
            None => self.guard_is(class, step.subject.bits()),
        }
        if self.ty(v) == Ty::Value {
            self.guard_class(v, Some(step.operands[1]))?;
        }
        Ok(Some(is_one))
    }

    fn two_strs(&mut self) -> Result<(Id, Id), Abort> {
        let (a, b) = (self.peek(2)?, self.peek(1)?);
        Ok((self.guard_shape(a, shapes::STR)?, self.guard_shape(b, shapes::STR)?))
    }

    /// The length of a str as a word.
    pub(super) fn str_len(&mut self, s: Id) -> Id {
        self.emit_with(Op::StrLen, Ty::Word, &[s], 0, None)
    }

    /// Replaces two operands with a truth or the contrary.
    fn replace_truth(&mut self, truth: Id, negated: bool) {
        let truth = if negated { self.emit(Op::Not, Ty::Bool, &[truth], 0) } else { truth };
        self.replace(2, truth);
    }
}
