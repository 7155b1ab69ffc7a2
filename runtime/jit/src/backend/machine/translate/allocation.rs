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
        self.go_on_if(fits, otherwise);
        self.b.ins().store(flags(), behind, thread, next);
        let header = self.constant(header as i64);
        self.b.ins().store(flags(), header, cell, 0);
        cell
    }

    /// An instance that takes more than a cell.
    pub(super) fn new_instance(&mut self, args: &[Value]) -> Option<Value> {
        self.save_registers(args[1], args[2]);
        self.call_with_thread(helpers::new_instance as *const () as usize, &args[..1])
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
        if layout.is_tuple {
            let len = self.constant(args.len() as i64);
            self.b.ins().store(flags(), len, cell, Tuple::LEN as i32);
        }
        for (offset, v) in layout.offsets.iter().zip(args) {
            self.b.ins().store(flags(), *v, cell, *offset as i32);
        }
        Some(cell)
    }

    /// The first argument, or, if that stands for an object that was not made, a new one with the others in it.
    pub(super) fn make_unless(&mut self, args: &[Value], layout: i64) -> Option<Value> {
        let is_made = self.compare_constant(IntCC::NotEqual, args[0], NOT_MADE as i64);
        self.made_quickly(
            |f, otherwise| {
                f.go_on_if(is_made, otherwise);
                Some(args[0])
            },
            |f| f.make(&args[1..], layout),
        )
    }
}
