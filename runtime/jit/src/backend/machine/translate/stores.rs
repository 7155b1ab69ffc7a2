//! Stores into objects, with what the collector and other threads need.

use super::{Function, GC_BYTE, flags};
use crate::helpers;
use crate::ir::{Id, Op, Ty};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I8, I32, I64};
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value};
use limpid_heap::Value as Python;
use limpid_vm::thread::Thread;
use limpid_vm::types::List;
use limpid_vm::types::list::Storage;
use std::mem::offset_of;

impl Function<'_, '_> {
    /// The collector's barrier after a store of `stored` into `owner`. What is no cell needs none.
    pub(super) fn barrier(&mut self, owner: Value, slot: impl FnOnce(&mut Self) -> Value, stored: Id) {
        if self.is_no_cell(stored) {
            return;
        }
        let unlogged = self.is_unlogged(owner);
        self.rarely(unlogged, |f| {
            let (thread, slot) = (f.thread(), slot(f));
            f.call(helpers::log_slot as *const () as usize, &[thread, owner, slot], false);
        });
    }

    /// Is an object old, and does the collector not know yet that it has changed?
    pub(super) fn is_unlogged(&mut self, object: Value) -> Value {
        let bits = self.b.ins().load(I8, flags(), object, GC_BYTE);
        let unlogged = self.b.ins().iconst(I8, limpid_heap::Header::OLD_UNLOGGED as i64);
        self.b.ins().band(bits, unlogged)
    }

    /// Is it known that a value is no cell: a number, a bool, or a constant like that?
    fn is_no_cell(&self, id: Id) -> bool {
        let u = self.t.trace.uop(id);
        match u.op {
            Op::Box => self.t.trace.uop(u.args[0]).ty != Ty::Value,
            Op::Const => u.ty != Ty::Value || !Python::from_bits(u.imm as u64).is_cell(),
            _ => false,
        }
    }

    /// Before a function is called that may collect garbage: tells where the interpreter's stack ends. The thread.
    pub(super) fn save_registers(&mut self, fp: Value, sp: Value) -> Value {
        let thread = self.thread();
        self.b.ins().store(flags(), fp, thread, offset_of!(Thread, fp) as i32);
        self.b.ins().store(flags(), sp, thread, offset_of!(Thread, sp) as i32);
        thread
    }

    /// Is there no other thread?
    pub(super) fn is_alone(&mut self) -> Value {
        let flag = self.constant(limpid_heap::lock::alone_flag() as i64);
        self.b.ins().load(I8, flags(), flag, 0)
    }

    /// What is done while the thread is alone, and what otherwise; the first may go to the block of the second as long as nothing was
    /// done.
    pub(super) fn while_alone(&mut self, alone: impl FnOnce(&mut Self, Block), otherwise: impl FnOnce(&mut Self)) {
        self.made_while_alone(
            |f, general| {
                alone(f, general);
                None
            },
            |f| {
                otherwise(f);
                None
            },
        );
    }

    /// As [`while_alone`](Function::while_alone); both make a value.
    pub(super) fn made_while_alone(
        &mut self,
        alone: impl FnOnce(&mut Self, Block) -> Option<Value>,
        otherwise: impl FnOnce(&mut Self) -> Option<Value>,
    ) -> Option<Value> {
        // Code that is made while there are other threads had better get to them quickly.
        let expects_to_be_alone = limpid_heap::is_alone();
        let is_certain = self.t.trace.is_peeled();
        self.made_first(
            |f, general| {
                if !is_certain {
                    let is_alone = f.is_alone();
                    f.go_on_if(is_alone, general);
                }
                alone(f, general)
            },
            |f| f.aside(expects_to_be_alone, otherwise),
        )
    }

    /// What is done if all goes well, and what hardly ever, if the first has gone to the block of the second; both make a value, or neither
    /// does.
    pub(super) fn made_quickly(
        &mut self,
        quickly: impl FnOnce(&mut Self, Block) -> Option<Value>,
        otherwise: impl FnOnce(&mut Self) -> Option<Value>,
    ) -> Option<Value> {
        self.made_first(quickly, |f| f.aside(true, otherwise))
    }

    fn made_first(
        &mut self,
        quickly: impl FnOnce(&mut Self, Block) -> Option<Value>,
        otherwise: impl FnOnce(&mut Self) -> Option<Value>,
    ) -> Option<Value> {
        let (general, on) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(general);
        let v = quickly(self, general);
        let result = v.map(|v| {
            let ty = self.b.func.dfg.value_type(v);
            self.b.append_block_param(on, ty)
        });
        self.b.ins().jump(on, v.map(BlockArg::from).as_slice());
        self.b.switch_to_block(general);
        let v = otherwise(self);
        self.b.ins().jump(on, v.map(BlockArg::from).as_slice());
        self.b.switch_to_block(on);
        result
    }

    /// While the thread is alone and the object is new, no function is called. An old one's shape may be new, so the collector has to know,
    /// whatever the value is. The value is there before the shape that says so.
    pub(super) fn add_slot(&mut self, args: &[Value], shape_and_offset: i64, exit: u32) {
        let (object, v, name) = (args[0], args[1], args[2]);
        self.while_alone(
            |f, general| {
                let unlogged = f.is_unlogged(object);
                f.go_on_unless(unlogged, general);
                f.add_slot_now(args, shape_and_offset);
            },
            |f| {
                let thread = f.save_registers(args[3], args[4]);
                let done = f.call(helpers::set_attribute as *const () as usize, &[thread, object, name, v], true).expect("it has a result");
                f.guard(done, exit);
            },
        );
    }

    /// As [`add_slot`](Function::add_slot), to an object that is this thread's own and new.
    pub(super) fn add_slot_now(&mut self, args: &[Value], shape_and_offset: i64) {
        let (object, v) = (args[0], args[1]);
        self.b.ins().store(flags(), v, object, (shape_and_offset & 0xFFFF) as i32);
        let shape = self.b.ins().iconst(I32, shape_and_offset >> 16);
        self.b.ins().store(flags(), shape, object, 0);
    }

    /// While the thread is alone the list is not locked; otherwise a function does it.
    pub(super) fn store_item(&mut self, args: &[Value], stored: Id, exit: u32) {
        let (list, index, v) = (args[0], args[1], args[2]);
        self.while_alone(
            |f, _| {
                let len = f.b.ins().load(I64, flags(), list, List::LEN as i32);
                let below = f.b.ins().icmp(IntCC::UnsignedLessThan, index, len);
                f.guard(below, exit);
                let storage = f.b.ins().load(I64, flags(), list, List::STORAGE as i32);
                let offset = f.shift_left(index, 3);
                let place = f.b.ins().iadd(storage, offset);
                let place = f.add_constant(place, Storage::ITEMS as i64);
                f.b.ins().store(flags(), v, place, 0);
                f.barrier(storage, |_| place, stored);
            },
            |f| {
                let thread = f.save_registers(args[3], args[4]);
                let done = f.call(helpers::store_item as *const () as usize, &[thread, list, index, v], true).expect("it has a result");
                f.guard(done, exit);
            },
        );
    }

    /// While the thread is alone and the storage has room, no function is called.
    pub(super) fn append(&mut self, args: &[Value], stored: Id, exit: u32) {
        let (list, v) = (args[0], args[1]);
        self.while_alone(
            |f, general| {
                let storage = f.b.ins().load(I64, flags(), list, List::STORAGE as i32);
                f.go_on_if(storage, general);
                let len = f.b.ins().load(I64, flags(), list, List::LEN as i32);
                let capacity = f.b.ins().load(I64, flags(), storage, Storage::CAPACITY as i32);
                let fits = f.b.ins().icmp(IntCC::UnsignedLessThan, len, capacity);
                f.go_on_if(fits, general);
                let offset = f.shift_left(len, 3);
                let place = f.b.ins().iadd(storage, offset);
                let place = f.add_constant(place, Storage::ITEMS as i64);
                f.b.ins().store(flags(), v, place, 0);
                f.barrier(storage, |_| place, stored);
                let longer = f.add_constant(len, 1);
                f.b.ins().store(flags(), longer, list, List::LEN as i32);
            },
            |f| {
                let thread = f.save_registers(args[2], args[3]);
                let done = f.call(helpers::append as *const () as usize, &[thread, list, v], true).expect("it has a result");
                f.guard(done, exit);
            },
        );
    }
}
