//! New cells. They are taken from what the thread has at hand, as [`Mutator::alloc`] does it; where that is used up, functions make them.

use super::{Function, flags};
use crate::cells;
use crate::helpers;
use crate::ir::NOT_MADE;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use limpid_heap::{CLASS_SIZES, Cursor, Mutator};
use limpid_vm::thread::Thread;
use limpid_vm::types::Tuple;
use limpid_vm::types::tuple::TUPLE_OVERHEAD;
use std::mem::offset_of;

impl Function<'_, '_> {
    /// The next cell of a size class, with its header; goes to a block where the thread has none at hand.
    fn take_cell(&mut self, class: usize, header: u64, otherwise: Block) -> Value {
        let thread = self.thread();
        let cursor = offset_of!(Thread, mutator) + offset_of!(Mutator, cursors) + class * size_of::<Cursor>();
        let (next, end) = ((cursor + offset_of!(Cursor, next)) as i32, (cursor + offset_of!(Cursor, end)) as i32);
        let cell = self.b.ins().load(I64, flags(), thread, next);
        let behind = self.add_constant(cell, i64::from(CLASS_SIZES[class]));
        let end = self.b.ins().load(I64, flags(), thread, end);
        let fits = self.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, behind, end);
        let quick = self.b.create_block();
        self.b.ins().brif(fits, quick, &[], otherwise, &[]);
        self.b.switch_to_block(quick);
        self.b.ins().store(flags(), behind, thread, next);
        let header = self.constant(header as i64);
        self.b.ins().store(flags(), header, cell, 0);
        cell
    }

    pub(super) fn new_instance(&mut self, args: &[Value], header_and_class: u64) -> Option<Value> {
        let general = |f: &mut Self| {
            f.save_registers(args[1], args[2]);
            f.call_with_thread(helpers::new_instance as *const () as usize, &args[..1])
        };
        if header_and_class == 0 {
            return general(self);
        }
        let (header, class) = cells::without_class(header_and_class);
        self.made_quickly(|f, otherwise| Some(f.take_cell(class, header, otherwise)), general)
    }

    /// A new object with the arguments in it.
    pub(super) fn make(&mut self, args: &[Value], layout: i64) -> Option<Value> {
        let layout = self.t.trace.layouts[layout as usize].clone();
        let (header, class) = cells::without_class(layout.header);
        let cell = self.made_quickly(
            |f, otherwise| Some(f.take_cell(class, header, otherwise)),
            |f| {
                let header = f.constant(layout.header as i64);
                f.call_with_thread(helpers::new_cell as *const () as usize, &[header])
            },
        )?;
        self.fill(cell, layout.is_tuple, layout.offsets.iter().copied(), args);
        Some(cell)
    }

    /// The first argument, or, if that stands for an object that was not made, a new one with the others in it.
    pub(super) fn make_unless(&mut self, args: &[Value], layout: i64) -> Option<Value> {
        let is_made = self.compare_constant(IntCC::NotEqual, args[0], NOT_MADE as i64);
        self.made_quickly(
            |f, otherwise| {
                let on = f.b.create_block();
                f.b.ins().brif(is_made, on, &[], otherwise, &[]);
                f.b.switch_to_block(on);
                Some(args[0])
            },
            |f| f.make(&args[1..], layout),
        )
    }

    /// A tuple of all arguments but the last two.
    pub(super) fn new_tuple(&mut self, args: &[Value], header_and_class: u64, exit: u32) -> Option<Value> {
        let items = &args[..args.len() - 2];
        let general = |f: &mut Self| f.build(helpers::build_tuple as *const () as usize, args, exit);
        if header_and_class == 0 {
            return general(self);
        }
        let (header, class) = cells::without_class(header_and_class);
        self.made_quickly(
            |f, otherwise| {
                let tuple = f.take_cell(class, header, otherwise);
                f.fill(tuple, true, (0..).map(|i| (TUPLE_OVERHEAD + i * 8) as u32), items);
                Some(tuple)
            },
            general,
        )
    }

    /// Stores what a new object holds.
    fn fill(&mut self, object: Value, is_tuple: bool, offsets: impl Iterator<Item = u32>, parts: &[Value]) {
        if is_tuple {
            let len = self.constant(parts.len() as i64);
            self.b.ins().store(flags(), len, object, Tuple::LEN as i32);
        }
        for (offset, v) in offsets.zip(parts) {
            self.b.ins().store(flags(), *v, object, offset as i32);
        }
    }
}
