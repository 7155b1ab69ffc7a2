//! Stores into objects, with what the collector and other threads need.

use super::{Function, GC_BYTE, flags};
use crate::helpers;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I8, I32, I64};
use cranelift_codegen::ir::{InstBuilder, Value};
use limpid_vm::thread::Thread;
use limpid_vm::types::List;
use limpid_vm::types::list::Storage;
use std::mem::offset_of;

impl Function<'_, '_> {
    /// The collector's barrier after a store into `owner`.
    pub(super) fn barrier(&mut self, owner: Value, slot: Value) {
        let bits = self.b.ins().load(I8, flags(), owner, GC_BYTE);
        let unlogged = self.b.ins().iconst(I8, limpid_heap::Header::OLD_UNLOGGED as i64);
        let unlogged = self.b.ins().band(bits, unlogged);
        self.rarely(unlogged, |f| {
            let thread = f.thread();
            f.call(helpers::log_slot as *const () as usize, &[thread, owner, slot], false);
        });
    }

    /// Before a function is called that may collect garbage: tells where the interpreter's stack ends. The thread.
    pub(super) fn save_registers(&mut self, fp: Value, sp: Value) -> Value {
        let thread = self.thread();
        self.b.ins().store(flags(), fp, thread, offset_of!(Thread, fp) as i32);
        self.b.ins().store(flags(), sp, thread, offset_of!(Thread, sp) as i32);
        thread
    }

    /// While the thread is alone and the object is new, no function is called. The value is there before the shape that says so.
    pub(super) fn add_slot(&mut self, args: &[Value], shape_and_offset: i64, exit: u32) {
        let (object, v, name) = (args[0], args[1], args[2]);
        let flag = self.constant(limpid_heap::lock::alone_flag() as i64);
        let alone = self.b.ins().load(I8, flags(), flag, 0);
        let (young, quick) = (self.b.create_block(), self.b.create_block());
        let (general, on) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(general);
        self.b.ins().brif(alone, young, &[], general, &[]);
        self.b.switch_to_block(young);
        let bits = self.b.ins().load(I8, flags(), object, GC_BYTE);
        let unlogged = self.b.ins().iconst(I8, limpid_heap::Header::OLD_UNLOGGED as i64);
        let unlogged = self.b.ins().band(bits, unlogged);
        self.b.ins().brif(unlogged, general, &[], quick, &[]);
        self.b.switch_to_block(quick);
        self.b.ins().store(flags(), v, object, (shape_and_offset & 0xFFFF) as i32);
        let shape = self.b.ins().iconst(I32, shape_and_offset >> 16);
        self.b.ins().store(flags(), shape, object, 0);
        self.b.ins().jump(on, &[]);
        self.b.switch_to_block(general);
        let thread = self.save_registers(args[3], args[4]);
        let done = self.call(helpers::set_attribute as *const () as usize, &[thread, object, name, v], true).expect("it has a result");
        self.guard(done, exit);
        self.b.ins().jump(on, &[]);
        self.b.switch_to_block(on);
    }

    /// While the thread is alone the list is not locked; otherwise a function does it.
    pub(super) fn store_item(&mut self, args: &[Value], exit: u32) {
        let (list, index, v) = (args[0], args[1], args[2]);
        let flag = self.constant(limpid_heap::lock::alone_flag() as i64);
        let alone = self.b.ins().load(I8, flags(), flag, 0);
        let (quick, shared, on) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(shared);
        self.b.ins().brif(alone, quick, &[], shared, &[]);
        self.b.switch_to_block(quick);
        let len = self.b.ins().load(I64, flags(), list, List::LEN as i32);
        let below = self.b.ins().icmp(IntCC::UnsignedLessThan, index, len);
        self.guard(below, exit);
        let storage = self.b.ins().load(I64, flags(), list, List::STORAGE as i32);
        let offset = self.shift_left(index, 3);
        let place = self.b.ins().iadd(storage, offset);
        let place = self.add_constant(place, Storage::ITEMS as i64);
        self.b.ins().store(flags(), v, place, 0);
        self.barrier(storage, place);
        self.b.ins().jump(on, &[]);
        self.b.switch_to_block(shared);
        let thread = self.save_registers(args[3], args[4]);
        let done = self.call(helpers::store_item as *const () as usize, &[thread, list, index, v], true).expect("it has a result");
        self.guard(done, exit);
        self.b.ins().jump(on, &[]);
        self.b.switch_to_block(on);
    }

    /// While the thread is alone and the storage has room, no function is called.
    pub(super) fn append(&mut self, args: &[Value], exit: u32) {
        let (list, v) = (args[0], args[1]);
        let (known, roomy, quick) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let (general, on) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(general);
        let flag = self.constant(limpid_heap::lock::alone_flag() as i64);
        let alone = self.b.ins().load(I8, flags(), flag, 0);
        self.b.ins().brif(alone, known, &[], general, &[]);
        self.b.switch_to_block(known);
        let storage = self.b.ins().load(I64, flags(), list, List::STORAGE as i32);
        self.b.ins().brif(storage, roomy, &[], general, &[]);
        self.b.switch_to_block(roomy);
        let len = self.b.ins().load(I64, flags(), list, List::LEN as i32);
        let capacity = self.b.ins().load(I64, flags(), storage, Storage::CAPACITY as i32);
        let fits = self.b.ins().icmp(IntCC::UnsignedLessThan, len, capacity);
        self.b.ins().brif(fits, quick, &[], general, &[]);
        self.b.switch_to_block(quick);
        let offset = self.shift_left(len, 3);
        let place = self.b.ins().iadd(storage, offset);
        let place = self.add_constant(place, Storage::ITEMS as i64);
        self.b.ins().store(flags(), v, place, 0);
        self.barrier(storage, place);
        let longer = self.add_constant(len, 1);
        self.b.ins().store(flags(), longer, list, List::LEN as i32);
        self.b.ins().jump(on, &[]);
        self.b.switch_to_block(general);
        let thread = self.save_registers(args[2], args[3]);
        let done = self.call(helpers::append as *const () as usize, &[thread, list, v], true).expect("it has a result");
        self.guard(done, exit);
        self.b.ins().jump(on, &[]);
        self.b.switch_to_block(on);
    }
}
