//! What builtin types and functions are asked that run no Python code: lengths, truths, the least and the greatest, slices by constants.

use super::known::{is_of_module, of_numbers};
use super::natives::is_int;
use super::{Abort, Lowering};
use crate::helpers::{self, NativeFunction};
use crate::ir::{Id, Ty};
use limpid_bytecode::{BinaryOperator, Opcode};
use limpid_heap::{ShapeRef, Value};
use limpid_vm::object::ValueExt;
use limpid_vm::tier2::recorder::{Instruction, Observed, WATCHED};
use limpid_vm::types::builtin::shapes;
use limpid_vm::types::{BuiltinFunction, Slice};

/// Types whose length and truth are found out by functions.
const SIZED: [ShapeRef; 6] = [shapes::SET, shapes::FROZENSET, shapes::DICT, shapes::TUPLE, shapes::BYTES, shapes::BYTEARRAY];

impl Lowering<'_> {
    /// As [`straight`](Lowering::straight). What has left the trace before here is not tried again.
    pub(super) fn builtins(&mut self, step: &Instruction, form: Opcode) -> Result<bool, Abort> {
        let [a, b, c, _] = step.operands;
        if self.at_start && self.needs_python {
            return Ok(false);
        }
        match form {
            Opcode::CALL_LEN if step.oparg == 1 && b == Observed::Null => {
                let Some(shape) = sized(a) else { return Ok(false) };
                let (callable, v) = (self.peek(3)?, self.peek(1)?);
                self.guard_is(callable, step.cache64(4));
                let v = self.guard_shape(v, shape)?;
                let len = self.call_native(helpers::len, vec![v]);
                self.replace(3, len);
            }
            Opcode::TO_BOOL => {
                let Some(shape) = sized(a) else { return Ok(false) };
                let v = self.peek(1)?;
                let v = self.guard_shape(v, shape)?;
                let truth = self.call_native(helpers::truth, vec![v]);
                let truth = self.boolean(truth)?;
                self.replace(1, truth);
            }
            Opcode::CALL_NON_PY_GENERAL | Opcode::CALL_BUILTIN_FAST => return self.extremum(step),
            Opcode::BINARY_OP if step.oparg == BinaryOperator::Subscript as u32 => {
                let Some(sequence) = [shapes::LIST, shapes::TUPLE, shapes::STR].into_iter().find(|of| b == Observed::Cell(of.0)) else {
                    return Ok(false);
                };
                let Some([start, stop]) = self.constant_slice()? else { return Ok(false) };
                let v = self.peek(2)?;
                let v = self.guard_shape(v, sequence)?;
                let v = self.call_native(helpers::get_slice, vec![v, start, stop]);
                self.has_shape(v, sequence);
                self.replace(2, v);
            }
            Opcode::STORE_SUBSCR => {
                let list = Observed::Cell(shapes::LIST.0);
                if b != list || c != list {
                    return Ok(false);
                }
                let Some([start, stop]) = self.constant_slice()? else { return Ok(false) };
                let (v, list) = (self.peek(3)?, self.peek(2)?);
                let (v, list) = (self.guard_shape(v, shapes::LIST)?, self.guard_shape(list, shapes::LIST)?);
                self.call_native(helpers::set_slice, vec![v, list, start, stop]);
                self.forget_loads();
                self.drop_n(3);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Start and stop of the slice on top, if that is a constant without a step, and both are inline ints or None.
    fn constant_slice(&mut self) -> Result<Option<[Id; 2]>, Abort> {
        let key = self.peek(1)?;
        let Some((Ty::Value, bits)) = self.constant_of(key) else { return Ok(None) };
        // Constants of the trace are alive.
        let Some(slice) = Value::from_bits(bits as u64).exact::<Slice>() else { return Ok(None) };
        let bounds = [slice.start.get(), slice.stop.get()];
        if !slice.step.get().is_none() || !bounds.iter().all(|bound| bound.is_int() || bound.is_none()) {
            return Ok(None);
        }
        Ok(Some(bounds.map(|bound| self.constant(Ty::Value, bound.bits() as i64))))
    }

    /// `max`, `min` and `sum` of a list or tuple of numbers.
    fn fold(&mut self, step: &Instruction, function: NativeFunction) -> Result<bool, Abort> {
        let [sequence, null, ..] = step.operands;
        let Some(shape) = [shapes::LIST, shapes::TUPLE].into_iter().find(|of| sequence == Observed::Cell(of.0)) else { return Ok(false) };
        if null != Observed::Null {
            return Ok(false);
        }
        let (callable, v) = (self.peek(3)?, self.peek(1)?);
        self.guard_is(callable, step.subject.bits());
        let v = self.guard_shape(v, shape)?;
        let v = self.call_native(function, vec![v]);
        self.replace(3, v);
        Ok(true)
    }

    /// `min` and `max` of inline ints or of floats.
    fn extremum(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let n = step.oparg as usize;
        if let (1, Some(fold)) = (n, step.subject.exact::<BuiltinFunction>().and_then(|f| of_numbers(&f))) {
            return self.fold(step, fold);
        }
        let Some(function) = step.subject.exact::<BuiltinFunction>().filter(|f| is_of_module(f, "builtins", &["max", "min"])) else {
            return Ok(false);
        };
        if !(2..WATCHED).contains(&n) || step.operands[n] != Observed::Null {
            return Ok(false);
        }
        let args = &step.operands[..n];
        let are_ints = args.iter().all(|arg| is_int(*arg));
        if !are_ints && args.iter().any(|arg| *arg != Observed::Float) {
            return Ok(false);
        }
        let helper: NativeFunction = if function.def().name == "max" { helpers::greatest } else { helpers::least };
        let v = self.call_with_simple(step, step.subject.bits(), helper)?;
        let v = if are_ints { self.int(v)? } else { self.float(v)? };
        self.replace(n + 2, v);
        Ok(true)
    }
}

fn sized(observed: Observed) -> Option<ShapeRef> {
    SIZED.into_iter().find(|shape| observed == Observed::Cell(shape.0))
}
