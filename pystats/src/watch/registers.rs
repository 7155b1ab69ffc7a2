//! Stops a thread of another process for a moment, to see where it is.
//!
//! A thread that runs Python code keeps the instruction and the frame in registers, and writes them to memory only before it calls native
//! code. The handlers of the interpreter get them as their first and third argument and pass them on, so that is where they are nearly
//! always; whoever reads them has to check that they fit together.

use std::io;

/// A thread that stands still while this lives.
pub struct Stopped {
    tid: u32,
    /// The signal it was just about to get, to be passed on.
    signal: i32,
}

/// What may be the instruction and the frame.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// The instruction.
    pub pc: u64,
    /// The frame.
    pub frame: u64,
    /// Where the processor is.
    pub at: u64,
}

impl Stopped {
    /// Stops a thread.
    pub fn new(tid: u32) -> io::Result<Stopped> {
        request(libc::PTRACE_SEIZE, tid, 0, 0)?;
        let mut stopped = Stopped { tid, signal: 0 };
        request(libc::PTRACE_INTERRUPT, tid, 0, 0)?;
        let mut status = 0;
        // SAFETY: the status is a local variable.
        if unsafe { libc::waitpid(tid as i32, &mut status, libc::__WALL) } < 0 {
            return Err(io::Error::last_os_error());
        }
        if !libc::WIFSTOPPED(status) {
            return Err(io::ErrorKind::NotFound.into());
        }
        // Above the signal is the event; a stop without one is for a signal.
        stopped.signal = if status >> 16 == 0 { libc::WSTOPSIG(status) } else { 0 };
        Ok(stopped)
    }

    /// Where it seems to be.
    #[cfg(target_arch = "x86_64")]
    pub fn candidate(&self) -> Option<Candidate> {
        // SAFETY: numbers only; all zeros are some.
        let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
        request(libc::PTRACE_GETREGS, self.tid, 0, (&raw mut registers).addr()).ok()?;
        Some(Candidate { pc: registers.rdi, frame: registers.rdx, at: registers.rip })
    }

    /// Where it seems to be: not known on this processor.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn candidate(&self) -> Option<Candidate> {
        None
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // If it has ended there is nothing to let go.
        let _ = request(libc::PTRACE_DETACH, self.tid, 0, self.signal as usize);
    }
}

fn request(request: libc::c_uint, tid: u32, address: usize, data: usize) -> io::Result<()> {
    // SAFETY: the requests made here write at most to `data`, which is then the address of registers of the right type.
    if unsafe { libc::ptrace(request, tid as i32, address, data) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
