//! Numbers in memory: while the thread is alone they are read and written as they lie there, otherwise by a function that takes the lock.

use super::{Function, flags};
use crate::helpers;
use crate::ir::{Ty, Uop};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{F32, F64, I8, I16, I32, I64};
use cranelift_codegen::ir::{InstBuilder, Type, Value};
use limpid_vm::types::numbers::{Format, Numbers};

/// How a number is in memory, and whether it is signed.
fn memory_type(format: Format) -> (Type, bool) {
    match format {
        Format::F64 | Format::Other => (F64, true),
        Format::F32 => (F32, true),
        Format::I8 => (I8, true),
        Format::U8 => (I8, false),
        Format::I16 => (I16, true),
        Format::U16 => (I16, false),
        Format::I32 => (I32, true),
        Format::U32 => (I32, false),
    }
}

impl Function<'_, '_> {
    /// The number at an index, unboxed.
    pub(super) fn number_item(&mut self, args: &[Value], format: i64, exit: u32) -> Value {
        let (ty, is_signed) = memory_type(Format::from_word(format));
        let (object, index) = (args[0], args[1]);
        let v = self.made_while_alone(
            |f, _| {
                let place = f.place_of_number(object, index, ty, exit);
                let v = f.b.ins().load(ty, flags(), place, 0);
                Some(if ty == F64 {
                    v
                } else if ty == F32 {
                    f.b.ins().fpromote(F64, v)
                } else {
                    let v = f.extend(v, is_signed);
                    f.shift_left(v, 15)
                })
            },
            |f| {
                let thread = f.save_registers(args[2], args[3]);
                let v = f.call(helpers::number_item as *const () as usize, &[thread, object, index], true).expect("it has a result");
                let is_there = f.compare_constant(IntCC::NotEqual, v, 0);
                f.guard(is_there, exit);
                Some(if ty.is_float() { f.unbox_float(v) } else { f.shift_left(v, 15) })
            },
        );
        v.expect("both ways make one")
    }

    /// Stores an unboxed number.
    pub(super) fn store_number(&mut self, args: &[Value], u: &Uop, exit: u32) {
        let (ty, is_signed) = memory_type(Format::from_word(u.imm));
        let (object, index, v) = (args[0], args[1], args[2]);
        self.while_alone(
            |f, _| {
                let place = f.place_of_number(object, index, ty, exit);
                let v = if ty == F64 {
                    f.float_bits(v)
                } else if ty == F32 {
                    f.b.ins().fdemote(F32, v)
                } else {
                    let word = f.shift_right(v, 15);
                    let narrow = f.b.ins().ireduce(ty, word);
                    let back = f.extend(narrow, is_signed);
                    let fits = f.b.ins().icmp(IntCC::Equal, back, word);
                    f.guard(fits, exit);
                    narrow
                };
                f.b.ins().store(flags(), v, place, 0);
            },
            |f| {
                let boxed = f.box_value(v, if ty.is_float() { Ty::Float } else { Ty::Int });
                let thread = f.save_registers(args[3], args[4]);
                let done =
                    f.call(helpers::store_number as *const () as usize, &[thread, object, index, boxed], true).expect("it has a result");
                f.guard(done, exit);
            },
        );
    }

    /// The address of a number; leaves if there is none.
    fn place_of_number(&mut self, object: Value, index: Value, ty: Type, exit: u32) -> Value {
        let count = self.b.ins().load(I64, flags(), object, Numbers::COUNT as i32);
        let below = self.b.ins().icmp(IntCC::UnsignedLessThan, index, count);
        self.guard(below, exit);
        let start = self.b.ins().load(I64, flags(), object, Numbers::START as i32);
        let offset = self.shift_left(index, i64::from(ty.bytes().trailing_zeros()));
        self.b.ins().iadd(start, offset)
    }

    fn extend(&mut self, v: Value, is_signed: bool) -> Value {
        if is_signed { self.b.ins().sextend(I64, v) } else { self.b.ins().uextend(I64, v) }
    }
}
