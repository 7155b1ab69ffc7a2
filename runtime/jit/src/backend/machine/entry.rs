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

/// Calls a function and leaves all registers as they are: where machine code hardly ever comes to, a call must not cost the rest of it the
/// registers that functions may change. The address of the function is in rdi, what it gives goes to the address in rsi, and what it takes,
/// four words at most, is in the next four registers for parameters. The collector finds the saved registers on the stack.
///
/// # Safety
/// The function is one for such arguments.
#[unsafe(naked)]
pub unsafe extern "sysv64" fn aside() {
    std::arch::naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "push rax",
        "push rcx",
        "push rdx",
        "push rsi",
        "push rdi",
        "push r8",
        "push r9",
        "push r10",
        "push r11",
        "sub rsp, 264",
        "movaps [rsp + 0], xmm0",
        "movaps [rsp + 16], xmm1",
        "movaps [rsp + 32], xmm2",
        "movaps [rsp + 48], xmm3",
        "movaps [rsp + 64], xmm4",
        "movaps [rsp + 80], xmm5",
        "movaps [rsp + 96], xmm6",
        "movaps [rsp + 112], xmm7",
        "movaps [rsp + 128], xmm8",
        "movaps [rsp + 144], xmm9",
        "movaps [rsp + 160], xmm10",
        "movaps [rsp + 176], xmm11",
        "movaps [rsp + 192], xmm12",
        "movaps [rsp + 208], xmm13",
        "movaps [rsp + 224], xmm14",
        "movaps [rsp + 240], xmm15",
        "mov rax, rdi",
        "mov rdi, rdx",
        "mov rsi, rcx",
        "mov rdx, r8",
        "mov rcx, r9",
        "call rax",
        "mov rsi, [rbp - 32]",
        "mov [rsi], rax",
        "movaps xmm0, [rsp + 0]",
        "movaps xmm1, [rsp + 16]",
        "movaps xmm2, [rsp + 32]",
        "movaps xmm3, [rsp + 48]",
        "movaps xmm4, [rsp + 64]",
        "movaps xmm5, [rsp + 80]",
        "movaps xmm6, [rsp + 96]",
        "movaps xmm7, [rsp + 112]",
        "movaps xmm8, [rsp + 128]",
        "movaps xmm9, [rsp + 144]",
        "movaps xmm10, [rsp + 160]",
        "movaps xmm11, [rsp + 176]",
        "movaps xmm12, [rsp + 192]",
        "movaps xmm13, [rsp + 208]",
        "movaps xmm14, [rsp + 224]",
        "movaps xmm15, [rsp + 240]",
        "add rsp, 264",
        "pop r11",
        "pop r10",
        "pop r9",
        "pop r8",
        "pop rdi",
        "pop rsi",
        "pop rdx",
        "pop rcx",
        "pop rax",
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
