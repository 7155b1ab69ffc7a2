//! Probe sites on Linux, in the format that SystemTap defined (`stapsdt`, version 3) and every tracer there reads.
//!
//! `fire` is a naked function, so the arguments are where the C calling convention put them and the note can name these
//! registers. What one site consists of:
//!
//! ```text
//! .text.fire         frame pointer set up, so that a tracer's stack walk includes the caller
//!             site:  nop                  a breakpoint goes here
//!                    nop5                 kernels from 6.18 on can turn this into a call, which is cheaper than a breakpoint
//!                    frame left, return
//! .probes            u16                  the semaphore, incremented by the kernel for each tracer
//! .note.stapsdt      site, base, semaphore, "python", "function__entry", "8@%rdi 8@%rsi -4@%edx"
//! .stapsdt.base      one byte, the same for all sites: tools compare it with the note's to notice a moved file
//! ```
//!
//! The semaphores lie side by side in the order of the list, so that one load answers for several.
//!
//! An argument reads `SIZE@REGISTER`, SIZE in bytes and negative if the value is signed.
//!
//! The kernel's call overwrites what lies below the stack pointer; a naked function that follows the calling convention
//! keeps nothing there. The site is aligned to 8 bytes so that nop5 lies within one word. The note section is linked to the
//! function's (flag `o`): the linker drops them together, where a note without its function would point to nowhere.

use crate::Number;
use std::sync::atomic::AtomicU16;

/// The semaphores, aligned so that the first four can be loaded at once.
#[repr(C, align(8))]
pub struct Semaphores(pub [AtomicU16; Number::Count as usize]);

#[unsafe(link_section = ".probes")]
#[unsafe(export_name = "limpid_probe_semaphores")]
#[used]
pub static SEMAPHORES: Semaphores = Semaphores([const { AtomicU16::new(0) }; Number::Count as usize]);

/// A part of the semaphores: one, or two or four next to each other.
///
/// The compiler must know nothing of the value: the writer is the kernel, nothing in the program stores there. A volatile load would do,
/// but goes through the global offset table because the symbol is exported, which cost calls 2 % of their instructions.
macro_rules! tracers {
    (word at $offset:expr) => {
        tracers!(u16, "movzx {tracers:e}, word ptr", $offset)
    };
    (two words at $offset:expr) => {
        tracers!(u32, "mov {tracers:e}, dword ptr", $offset)
    };
    (four words at $offset:expr) => {
        tracers!(u64, "mov {tracers}, qword ptr", $offset)
    };
    ($word:ty, $load:literal, $offset:expr) => {{
        let tracers: $word;
        #[cfg(target_arch = "x86_64")]
        // SAFETY: reads a part of the static.
        unsafe {
            std::arch::asm!(
                concat!($load, " [rip + {semaphores} + {offset}]"),
                tracers = out(reg) tracers,
                semaphores = sym crate::site::SEMAPHORES,
                offset = const $offset,
                options(nostack, readonly, preserves_flags),
            );
        }
        #[cfg(not(target_arch = "x86_64"))]
        // SAFETY: a part of the static, which is aligned to 8 bytes.
        unsafe {
            tracers = crate::site::SEMAPHORES.0.as_ptr().byte_add($offset).cast::<$word>().read_volatile();
        }
        tracers
    }};
}

/// The first four semaphores.
#[inline(always)]
pub fn tracers_of_first_four() -> u64 {
    tracers!(four words at 0)
}

/// The semaphores of a probe with an even number and of the next in the list.
#[inline(always)]
pub fn tracers_of_two<const NUMBER: usize>() -> u32 {
    tracers!(two words at 2 * NUMBER)
}

/// In a child after a fork: forgets the tracers of a site whose code would lead nowhere.
///
/// The call that the kernel (6.18 and later) makes of a nop5 goes to a page of its own, which a child does not get, while it does get the
/// call. A breakpoint in its place would have been harmless.
pub fn after_fork_child(fire: *const u8, semaphore: &AtomicU16) {
    // SAFETY: the code of a probe's function, which is longer than that.
    if cfg!(target_arch = "x86_64") && unsafe { fire.add(NOP5).read_volatile() } == CALL {
        semaphore.store(0, std::sync::atomic::Ordering::Relaxed);
    }
}

/// Where the nop5 is in a probe's function: behind four bytes that set the frame up, padding to 8, and the nop.
const NOP5: usize = 9;
/// The instruction `call`.
const CALL: u8 = 0xE8;

macro_rules! site {
    ($name:ident($($argument:ident: $kind:ident),*)) => {
        const NUMBER: usize = crate::Number::$name as usize;

        /// Does anybody trace this probe?
        #[inline(always)]
        pub fn enabled() -> bool {
            if tracers!(word at 2 * NUMBER) == 0 {
                return false;
            }
            std::hint::cold_path();
            true
        }

        /// The probe's site. Does nothing unless a tracer changed the code; ask `enabled` first.
        #[unsafe(naked)]
        #[allow(unused_variables, reason = "the tracer reads them, by the calling convention")]
        pub extern "C" fn fire($($argument: $kind),*) {
            std::arch::naked_asm!(
                enter_and_site!(),
                ".pushsection .note.stapsdt,\"o\",%note,{fire}",
                ".balign 4",
                ".4byte 992f-991f, 994f-993f, 3",
                "991: .asciz \"stapsdt\"",
                "992: .balign 4",
                "993: .8byte 990b",
                ".8byte _.stapsdt.base",
                ".8byte {semaphores} + {offset}",
                ".asciz \"python\"",
                concat!(".asciz \"", stringify!($name), "\""),
                concat!(".asciz \"", arguments!($($kind),*), "\""),
                "994: .balign 4",
                ".popsection",
                ".ifndef _.stapsdt.base",
                ".pushsection .stapsdt.base,\"aGR\",%progbits,.stapsdt.base,comdat",
                ".weak _.stapsdt.base",
                ".hidden _.stapsdt.base",
                "_.stapsdt.base: .space 1",
                ".size _.stapsdt.base, 1",
                ".popsection",
                ".endif",
                leave!(),
                fire = sym fire,
                semaphores = sym crate::site::SEMAPHORES,
                offset = const 2 * NUMBER,
            )
        }

        /// In a child after a fork: nobody traces this probe if its code would lead nowhere.
        pub fn after_fork_child() {
            crate::site::after_fork_child(fire as *const u8, &crate::site::SEMAPHORES.0[NUMBER]);
        }

        /// The counter behind `enabled`: non-zero while somebody traces this probe. The kernel writes it at any moment.
        pub fn semaphore() -> Option<std::ptr::NonNull<u16>> {
            std::ptr::NonNull::new(crate::site::SEMAPHORES.0[NUMBER].as_ptr())
        }
    };
}

#[cfg(target_arch = "x86_64")]
macro_rules! enter_and_site {
    () => {
        "   .cfi_startproc
            push rbp
            .cfi_def_cfa_offset 16
            .cfi_offset rbp, -16
            mov rbp, rsp
            .cfi_def_cfa_register rbp
            .balign 8
       990: nop
            .byte 0x0f, 0x1f, 0x44, 0x00, 0x00"
    };
}

#[cfg(target_arch = "x86_64")]
macro_rules! leave {
    () => {
        "   pop rbp
            .cfi_def_cfa rsp, 8
            ret
            .cfi_endproc"
    };
}

#[cfg(target_arch = "aarch64")]
macro_rules! enter_and_site {
    () => {
        "   .cfi_startproc
            stp x29, x30, [sp, #-16]!
            .cfi_def_cfa_offset 16
            .cfi_offset x29, -16
            .cfi_offset x30, -8
            mov x29, sp
            .cfi_def_cfa x29, 16
       990: nop"
    };
}

#[cfg(target_arch = "aarch64")]
macro_rules! leave {
    () => {
        "   ldp x29, x30, [sp], #16
            .cfi_def_cfa sp, 0
            .cfi_restore x29
            .cfi_restore x30
            ret
            .cfi_endproc"
    };
}

/// The note's description of the arguments, from their types.
macro_rules! arguments {
    ($a:ident) => { argument!(1 $a) };
    ($a:ident, $b:ident) => { concat!(argument!(1 $a), " ", argument!(2 $b)) };
    ($a:ident, $b:ident, $c:ident) => { concat!(argument!(1 $a), " ", argument!(2 $b), " ", argument!(3 $c)) };
}

macro_rules! argument {
    ($position:tt Text) => { concat!("8@", register!($position 8)) };
    ($position:tt Address) => { concat!("8@", register!($position 8)) };
    ($position:tt u64) => { concat!("8@", register!($position 8)) };
    ($position:tt i64) => { concat!("-8@", register!($position 8)) };
    ($position:tt i32) => { concat!("-4@", register!($position 4)) };
}

/// The register of an argument by its position and size.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
macro_rules! register {
    (1 8) => { "%rdi" }; (1 4) => { "%edi" };
    (2 8) => { "%rsi" }; (2 4) => { "%esi" };
    (3 8) => { "%rdx" }; (3 4) => { "%edx" };
}

#[cfg(target_arch = "aarch64")]
#[rustfmt::skip]
macro_rules! register {
    (1 8) => { "x0" }; (1 4) => { "w0" };
    (2 8) => { "x1" }; (2 4) => { "w1" };
    (3 8) => { "x2" }; (3 4) => { "w2" };
}
