//! From Rust into machine code and back.
//!
//! Machine code has the thread in a register of its own (r15) and gets the address of its first frame. It ends in a jump to one of the
//! stubs here, which return to the caller of [`enter`].

use crate::backend::Left;
use limpid_heap::Value;
use limpid_vm::thread::Thread;

/// Runs machine code.
///
/// # Safety
/// The code is an executor's, its inputs are in the thread's buffer, and `frame` is the frame it was made for.
#[unsafe(naked)]
pub unsafe extern "sysv64" fn enter(frame: *mut Value, thread: *const Thread, code: *const u8) -> Left {
    std::arch::naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "push rbx",
        ".cfi_offset rbx, -24",
        "push r12",
        ".cfi_offset r12, -32",
        "push r13",
        ".cfi_offset r13, -40",
        "push r14",
        ".cfi_offset r14, -48",
        "push r15",
        ".cfi_offset r15, -56",
        "sub rsp, 8",
        "mov r15, rsi",
        "xor esi, esi",
        "call rdx",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
    )
}

/// Where an exit leads that no trace goes on from: returns the exit and the frame.
///
/// # Safety
/// Machine code that [`enter`] runs jumps here instead of returning, with the frame in rdi and the exit in rsi.
#[unsafe(naked)]
pub unsafe extern "sysv64" fn exit_stub() {
    std::arch::naked_asm!("mov rax, rsi", "mov rdx, rdi", "ret")
}

/// Where machine code leaves whose state is in memory: returns where the interpreter goes on.
///
/// # Safety
/// Machine code that [`enter`] runs jumps here instead of returning, with where the interpreter goes on in rsi.
#[unsafe(naked)]
pub unsafe extern "sysv64" fn leave_stub() {
    std::arch::naked_asm!("mov rax, rsi", "xor edx, edx", "ret")
}
