//! What is told to tracers, if there are any.
//!
//! A trace looks once whether there are, a loop in every round, and again behind what may have taken long ([`look_for_tracers`]). Between two
//! looks a call costs the test of a register at either end.
//!
//! [`look_for_tracers`]: Function::look_for_tracers

use super::{Function, flags};
use crate::helpers;
use crate::ir::{Op, Trace};
use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::types::{I16, I64};
use limpid_probes as probes;
use std::ptr::NonNull;

/// Where a trace sees whether somebody traces frames; None: nobody can, or it has nothing to tell.
pub(super) fn semaphores(trace: &Trace) -> Option<NonNull<u64>> {
    let tells = |op| matches!(op, Op::ProbeEntry | Op::ProbeResume | Op::ProbeReturn);
    let has_to_know = trace.entry.iter().chain(&trace.body).any(|id| tells(trace.uop(*id).op));
    probes::frame_semaphores().filter(|_| has_to_know)
}

impl Function<'_, '_> {
    /// Finds out whether somebody traces frames, if the trace has to know.
    pub(super) fn look_for_tracers(&mut self) {
        self.tracers = self.semaphores.map(|semaphores| {
            let address = self.constant(semaphores.as_ptr() as i64);
            self.b.ins().load(I64, flags(), address, 0)
        });
    }

    pub(super) fn probe_entry(&mut self, helper: usize, code: i64, exit: u32) {
        let Some(tracers) = self.tracers else { return };
        self.rarely(tracers, |f| {
            let code = f.constant(code);
            let leaves = f.call(helper, &[code], true).expect("it has a result");
            f.guard_not(leaves, exit);
        });
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
