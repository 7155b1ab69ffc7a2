//! What is told to tracers, if there are any.

use super::{Function, flags};
use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I16, I64};
use limpid_probes as probes;
use std::ptr::NonNull;

impl Function<'_, '_> {
    pub(super) fn probe_entry(&mut self, helper: usize, code: i64, exit: u32) -> Option<()> {
        let Some(semaphores) = probes::frame_semaphores() else { return Some(()) };
        let address = self.constant(semaphores.as_ptr() as i64);
        let tracers = self.b.ins().load(I64, flags(), address, 0);
        let traced = self.compare_constant(IntCC::NotEqual, tracers, 0);
        let (rare, on) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(rare);
        self.b.ins().brif(traced, rare, &[], on, &[]);
        self.b.switch_to_block(rare);
        let code = self.constant(code);
        let leaves = self.call(helper, &[code], true)?;
        self.guard_not(leaves, exit);
        self.b.ins().jump(on, &[]);
        self.b.switch_to_block(on);
        Some(())
    }

    pub(super) fn probe_return(&mut self, helper: usize, semaphores: &[Option<NonNull<u16>>], number: usize) {
        let (code, pc) = self.t.trace.returns[number];
        let mut traced = None;
        for semaphore in semaphores.iter().flatten() {
            let address = self.constant(semaphore.as_ptr() as i64);
            let tracers = self.b.ins().load(I16, flags(), address, 0);
            traced = Some(traced.map_or(tracers, |other| self.b.ins().bor(tracers, other)));
        }
        let Some(traced) = traced else { return };
        self.rarely(traced, |f| {
            let (code, pc) = (f.constant(code as i64), f.constant(pc as i64));
            f.call(helper, &[code, pc], false);
        });
    }
}
