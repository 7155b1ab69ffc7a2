//! Making a thread's registers and stack visible to the collector.
//!
//! The collector scans a thread's stack from a published stack pointer upwards. A reference may be in a callee-saved register only, so
//! those are written to the stack first; caller-saved ones are on the stack already, being across a call.

use std::arch::asm;
use std::cell::Cell;
use std::hint::black_box;

/// How many registers a callee preserves.
#[cfg(target_arch = "x86_64")]
const SAVED: usize = 6;
#[cfg(target_arch = "aarch64")]
const SAVED: usize = 20;

/// Calls `f` with a stack pointer below which nothing of the callers is: all their references, those in registers included, are above.
#[inline(never)]
pub fn with_spilled<R>(f: impl FnOnce(usize) -> R) -> R {
    let mut registers = [0usize; SAVED];
    let sp: usize;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: stores six words to an array of six; reads no memory and changes no register but `sp`.
    unsafe {
        asm!(
            "mov [{to}], rbx",
            "mov [{to} + 8], rbp",
            "mov [{to} + 16], r12",
            "mov [{to} + 24], r13",
            "mov [{to} + 32], r14",
            "mov [{to} + 40], r15",
            "mov {sp}, rsp",
            to = in(reg) registers.as_mut_ptr(),
            sp = out(reg) sp,
            options(nostack, preserves_flags),
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: stores twenty words to an array of twenty; reads no memory and changes no register but `sp`. The vector registers are
    // there because compilers spill general ones to them.
    unsafe {
        asm!(
            "stp x19, x20, [{to}]",
            "stp x21, x22, [{to}, #16]",
            "stp x23, x24, [{to}, #32]",
            "stp x25, x26, [{to}, #48]",
            "stp x27, x28, [{to}, #64]",
            "stp x29, x30, [{to}, #80]",
            "stp d8, d9, [{to}, #96]",
            "stp d10, d11, [{to}, #112]",
            "stp d12, d13, [{to}, #128]",
            "stp d14, d15, [{to}, #144]",
            "mov {sp}, sp",
            to = in(reg) registers.as_mut_ptr(),
            sp = out(reg) sp,
            options(nostack, preserves_flags),
        );
    }
    let result = f(sp);
    // The array stays where it is until `f` has returned.
    black_box(&registers);
    result
}

/// Where the native stack has come to. No address of a local variable, which would keep a caller from calling in tail position.
#[inline(always)]
pub fn stack_pointer() -> usize {
    let sp: usize;
    // SAFETY: copies a register.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack, preserves_flags));
        #[cfg(target_arch = "aarch64")]
        asm!("mov {}, sp", out(reg) sp, options(nomem, nostack, preserves_flags));
    }
    sp
}

thread_local! {
    /// [`stack_base`], once it was asked for: of the main thread the system tells it by a text of many lines.
    static STACK_BASE: Cell<usize> = const { Cell::new(0) };
}

/// The high end of the current thread's stack.
pub(crate) fn stack_base() -> usize {
    if STACK_BASE.get() == 0 {
        STACK_BASE.set(find_stack_base());
    }
    STACK_BASE.get()
}

fn find_stack_base() -> usize {
    // SAFETY: plain calls on the current thread; the attributes are initialised by the first and destroyed once.
    unsafe {
        let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
        let failed = libc::pthread_getattr_np(libc::pthread_self(), &mut attributes);
        assert!(failed == 0, "the stack of a thread cannot be found");
        let (mut lowest, mut size) = (std::ptr::null_mut(), 0);
        libc::pthread_attr_getstack(&attributes, &mut lowest, &mut size);
        libc::pthread_attr_destroy(&mut attributes);
        lowest as usize + size
    }
}

/// Keeps a value alive, in a register or on the stack, up to this point: for the owner of memory that is used through a raw pointer
/// across a safepoint.
#[inline(always)]
pub fn keep_alive<T: Copy>(x: T) {
    black_box(x);
}

/// Overwrites the part of the native stack that calls from here will use. What earlier calls have left there looks like references, and
/// the frames of a collection do not fill all of their places: an object would be kept alive by something long past. For collections
/// that a program asks for, whose effect it may check.
#[inline(never)]
pub fn clear_dead_stack() {
    let words = [0u64; DEAD_WORDS];
    std::hint::black_box(&words);
}

/// How much of the stack is overwritten: more than the frames from a request for a collection to its stack scan take.
const DEAD_WORDS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of the current stack from `sp` up that equal `wanted`.
    fn occurrences(sp: usize, wanted: usize) -> usize {
        // SAFETY: between the stack pointer and the base all memory is the stack's.
        (sp..stack_base()).step_by(8).filter(|at| unsafe { (*at as *const usize).read_volatile() } == wanted).count()
    }

    #[test]
    fn the_stack_lies_between_sp_and_base() {
        let local = black_box(0x1234_5678_9ABC_usize);
        with_spilled(|sp| {
            let address = &raw const local as usize;
            assert!(sp < address && address < stack_base());
            assert!(occurrences(sp, local) > 0);
        });
        black_box(local);
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn callee_saved_registers_are_spilled() {
        // The value is made in a register only, as a complement, so that no other copy of it lies on the stack.
        let complement = black_box(!0x5E_C2E7_AB1D_usize);
        let found: usize;
        extern "C" fn probe() -> usize {
            with_spilled(|sp| occurrences(sp, !black_box(!0x5E_C2E7_AB1D_usize)))
        }
        // SAFETY: r12 is saved around the call by the operand list; the call follows the C convention.
        unsafe {
            asm!(
                "not r12",
                "call {probe}",
                "xor r12, r12",
                probe = sym probe,
                inout("r12") complement => _,
                out("rax") found,
                clobber_abi("C"),
            );
        }
        assert!(found > 0);
    }
}
