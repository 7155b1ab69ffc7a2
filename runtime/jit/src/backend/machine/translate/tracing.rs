//! What is told to tracers, if there are any.
//!
//! A trace looks once whether there are, a loop in every round, and again behind what may have taken long ([`look_for_tracers`]). Between two
//! looks a call costs the test of a register at either end.
//!
//! [`look_for_tracers`]: Function::look_for_tracers

use super::{Function, flags};
use crate::helpers;
use crate::ir::{Id, Op};
use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I16, I64};
use limpid_probes as probes;
use std::ptr::NonNull;

impl Function<'_, '_> {
    /// Finds out whether somebody traces frames, if the trace has to know.
    pub(super) fn look_for_tracers(&mut self) {
        let tells = |id: &Id| matches!(self.t.trace.uop(*id).op, Op::ProbeEntry | Op::ProbeResume | Op::ProbeReturn);
        let semaphores = probes::frame_semaphores().filter(|_| self.t.trace.entry.iter().chain(&self.t.trace.body).any(tells));
        self.tracers = semaphores.map(|semaphores| {
            let address = self.constant(semaphores.as_ptr() as i64);
            self.b.ins().load(I64, flags(), address, 0)
        });
    }

    pub(super) fn probe_entry(&mut self, helper: usize, code: i64, exit: u32) -> Option<()> {
        let Some(tracers) = self.tracers else { return Some(()) };
        let traced = self.compare_constant(IntCC::NotEqual, tracers, 0);
        let (rare, on) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(rare);
        self.b.ins().brif(traced, rare, &[], on, &[]);
        self.b.switch_to_block(rare);
        let code = self.constant(code);
        let leaves = self.aside(true, |f| f.call(helper, &[code], true))?;
        self.guard_not(leaves, exit);
        self.b.ins().jump(on, &[]);
        self.b.switch_to_block(on);
        Some(())
    }

    pub(super) fn probe_return(&mut self, number: usize) {
        let Some(tracers) = self.tracers else { return };
        self.rarely(tracers, |f| {
            // Perhaps of something else.
            let semaphore = probes::function__return::semaphore();
            f.tell_of_return(helpers::probe_return as *const () as usize, &[semaphore], number);
        });
    }

    pub(super) fn probe_yield(&mut self, number: usize) {
        let semaphores = [probes::function__return::semaphore(), probes::function__yield::semaphore()];
        self.tell_of_return(helpers::probe_yield as *const () as usize, &semaphores, number);
    }

    fn tell_of_return(&mut self, helper: usize, semaphores: &[Option<NonNull<u16>>], number: usize) {
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
