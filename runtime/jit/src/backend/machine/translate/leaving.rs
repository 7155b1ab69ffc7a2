//! Guards, and how a trace is left.

use super::{Function, flags};
use crate::backend::{Words, code};
use crate::executor::Exit;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I8, I64};
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value};
use limpid_vm::thread::Thread;
use rustc_hash::FxHashSet;
use std::mem::offset_of;

impl Function<'_, '_> {
    pub(super) fn exit_block(&mut self, exit: u32) -> Block {
        // Uops that leave to the same place share a block, unless they are counted.
        let at = self.position;
        let is_counted = self.t.executor.counts.is_some();
        if let Some((_, block, _)) = self.open_exits.iter().find(|e| e.0 == exit && (e.2 == at || !is_counted)) {
            return *block;
        }
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        self.open_exits.push((exit, block, at));
        block
    }

    /// Goes on if the condition holds, leaves otherwise.
    pub(super) fn guard(&mut self, condition: Value, exit: u32) {
        let leave = self.exit_block(exit);
        self.go_on_if(condition, leave);
    }

    pub(super) fn guard_not(&mut self, condition: Value, exit: u32) {
        let leave = self.exit_block(exit);
        self.go_on_unless(condition, leave);
    }

    /// Goes on if the condition holds, goes to a block otherwise.
    pub(super) fn go_on_if(&mut self, condition: Value, otherwise: Block) {
        let on = self.b.create_block();
        self.b.ins().brif(condition, on, &[], otherwise, &[]);
        self.b.switch_to_block(on);
    }

    /// Goes to a block if the condition holds, goes on otherwise.
    pub(super) fn go_on_unless(&mut self, condition: Value, elsewhere: Block) {
        let on = self.b.create_block();
        self.b.ins().brif(condition, elsewhere, &[], on, &[]);
        self.b.switch_to_block(on);
    }

    /// Does something rare if the condition holds.
    pub(super) fn rarely(&mut self, condition: Value, body: impl FnOnce(&mut Self)) {
        let (rare, on) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(rare);
        self.b.ins().brif(condition, rare, &[], on, &[]);
        self.b.switch_to_block(rare);
        self.aside(true, body);
        self.b.ins().jump(on, &[]);
        self.b.switch_to_block(on);
    }

    /// Writes the blocks of the exits that were used since the last time.
    pub(super) fn write_exits(&mut self) {
        let open = std::mem::take(&mut self.open_exits);
        let continued: FxHashSet<u32> = open.iter().filter_map(|e| self.t.words[e.0 as usize].behind).collect();
        // Blocks that write an exit's words for others too.
        let mut writing = Vec::new();
        for (exit, block, at) in open {
            self.b.switch_to_block(block);
            self.count_left(at);
            let place = self.constant(&raw const *self.t.executor.exits[exit as usize] as i64);
            if continued.contains(&exit) {
                let block = self.writing_block(exit, &mut writing);
                self.b.ins().jump(block, &[BlockArg::from(place)]);
            } else {
                self.write_exit(exit, place, &mut writing);
            }
        }
        let mut written = 0;
        while let Some(&(exit, block)) = writing.get(written) {
            self.b.switch_to_block(block);
            let place = self.b.block_params(block)[0];
            self.write_exit(exit, place, &mut writing);
            written += 1;
        }
        for (block, where_to, at) in std::mem::take(&mut self.leaves) {
            self.b.switch_to_block(block);
            self.count_left(at);
            let stub = self.constant(code::leave_stub() as i64);
            self.b.ins().return_call_indirect(self.signature, stub, &[self.frame, where_to]);
        }
    }

    /// The block that writes what an exit writes, given the exit that is taken.
    fn writing_block(&mut self, exit: u32, writing: &mut Vec<(u32, Block)>) -> Block {
        if let Some((_, block)) = writing.iter().find(|known| known.0 == exit) {
            return *block;
        }
        let block = self.b.create_block();
        self.b.append_block_param(block, I64);
        self.b.set_cold_block(block);
        writing.push((exit, block));
        block
    }

    /// Writes what an exit writes, and leaves through the exit that is taken, which is at an address.
    fn write_exit(&mut self, exit: u32, place: Value, writing: &mut Vec<(u32, Block)>) {
        let Words { ids, behind, shared, .. } = &self.t.words[exit as usize];
        let buffer = self.constant(self.t.buffer as i64);
        for (word, id) in ids.iter().enumerate().skip(*shared) {
            let v = self.value(*id);
            self.store_raw(buffer, word as i32, v);
        }
        if let Some(behind) = behind {
            let block = self.writing_block(*behind, writing);
            self.b.ins().jump(block, &[BlockArg::from(place)]);
        } else {
            let target = self.b.ins().load(I64, flags(), place, offset_of!(Exit, target) as i32);
            self.b.ins().return_call_indirect(self.signature, target, &[self.frame, place]);
        }
    }

    pub(super) fn store_raw(&mut self, buffer: Value, word: i32, v: Value) {
        let v = if self.b.func.dfg.value_type(v) == I8 { self.b.ins().uextend(I64, v) } else { v };
        self.b.ins().store(flags(), v, buffer, word * 8);
    }

    pub(super) fn guard_room(&mut self, free: Value, imm: i64, exit: u32) {
        let (frames, words) = (imm >> 32, imm & 0xFFFF_FFFF);
        let thread = self.thread();
        let depth = self.b.ins().uload32(flags(), thread, offset_of!(Thread, depth) as i32);
        let limit = self.b.ins().uload32(flags(), thread, offset_of!(Thread, depth_limit) as i32);
        let depth = self.add_constant(depth, frames);
        let fits = self.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, depth, limit);
        self.guard(fits, exit);
        let end = self.b.ins().load(I64, flags(), thread, offset_of!(Thread, stack_limit) as i32);
        let top = self.add_constant(free, words * 8);
        let fits = self.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, top, end);
        self.guard(fits, exit);
    }
}
