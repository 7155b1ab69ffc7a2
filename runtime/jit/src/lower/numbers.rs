//! Items of arrays of numbers.

use super::natives::is_int;
use super::{Abort, Lowering};
use crate::ir::{Op, Ty};
use limpid_bytecode::{BinaryOperator, Opcode};
use limpid_heap::ShapeRef;
use limpid_vm::tier2::recorder::{Instruction, Observed};
use limpid_vm::types::numbers::{Format, Numbers};

impl Lowering<'_> {
    /// A number is taken from where it is among others, or stored there. False: it is not that.
    pub(super) fn numbers(&mut self, step: &Instruction, form: Opcode) -> Result<bool, Abort> {
        let is_load = form == Opcode::BINARY_OP && step.oparg == BinaryOperator::Subscript as u32;
        let [index, Observed::Cell(shape), v, _] = step.operands else { return Ok(false) };
        if !is_int(index) || !is_load && form != Opcode::STORE_SUBSCR {
            return Ok(false);
        }
        let format = Numbers::format_of(step.subject);
        let ty = match format {
            Format::Other => return Ok(false),
            Format::F64 | Format::F32 => Ty::Float,
            _ => Ty::Int,
        };
        // Floats take ints too.
        if !(is_load || is_int(v) || ty == Ty::Float && v == Observed::Float) {
            return Ok(false);
        }
        let (object, index) = (self.peek(2)?, self.peek(1)?);
        let index = self.int(index)?;
        let object = self.guard_shape(object, ShapeRef(shape))?;
        let word = self.load_fixed(object, Numbers::FORMAT, Ty::Word);
        self.guard_is(word, format as u64);
        let index = self.index(step, index, |l| l.load(object, Numbers::COUNT, Ty::Word));
        let mut args = vec![object, index];
        if !is_load {
            let stored = self.peek(3)?;
            args.push(match (ty, v) {
                (Ty::Float, Observed::Float) => self.float(stored)?,
                (Ty::Float, _) => {
                    let i = self.int(stored)?;
                    self.emit(Op::IntToFloat, Ty::Float, &[i], 0)
                }
                _ => self.int(stored)?,
            });
        }
        let exit = self.exit();
        let (fp, sp) = self.registers();
        args.extend([fp, sp]);
        if is_load {
            let v = self.emit_with(Op::NumberItem, ty, &args, format as i64, Some(exit));
            self.replace(2, v);
        } else {
            self.emit_with(Op::StoreNumber, Ty::None, &args, format as i64, Some(exit));
            self.drop_n(3);
        }
        Ok(true)
    }
}
