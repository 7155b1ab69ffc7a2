//! The native stack of the running thread.

use limpid_vm::stack_dump::Out;
use std::ffi::{CStr, c_void};

/// How many frames are written.
const MAX_FRAMES: usize = 32;

/// Makes the C library load what it needs to walk a stack, which a signal handler must not do.
pub(super) fn prepare() {
    let mut frame = [std::ptr::null_mut::<c_void>(); 1];
    // SAFETY: room for one address.
    unsafe { libc::backtrace(frame.as_mut_ptr(), 1) };
}

/// Writes it: for each frame the file, the nearest symbol, and the address.
pub(super) fn dump(out: Out) {
    out.text("Current thread's C stack trace (most recent call first):\n");
    let mut frames = [std::ptr::null_mut::<c_void>(); MAX_FRAMES];
    // SAFETY: room for that many addresses.
    let n = unsafe { libc::backtrace(frames.as_mut_ptr(), MAX_FRAMES as i32) }.max(0) as usize;
    if n == 0 {
        return out.text("  <cannot get C stack on this system>\n");
    }
    for address in &frames[..n] {
        frame(out, *address);
    }
    if n == MAX_FRAMES {
        out.text("  <truncated rest of calls>\n");
    }
}

fn frame(out: Out, address: *mut c_void) {
    // SAFETY: zero is a valid value, and the call fills it in.
    let found = unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        (libc::dladdr(address, &mut info) != 0 && !info.dli_fname.is_null()).then_some(info)
    };
    out.text("  Binary file \"");
    match found {
        Some(info) => {
            // SAFETY: names of the dynamic linker, NUL-terminated.
            let file = unsafe { CStr::from_ptr(info.dli_fname) };
            if file.is_empty() {
                out.text("<unknown>")
            } else {
                out.name(file)
            }
            out.text("\"");
            let base = if info.dli_saddr.is_null() { info.dli_fbase } else { info.dli_saddr };
            out.text(", at ");
            if !info.dli_sname.is_null() {
                // SAFETY: as above.
                out.name(unsafe { CStr::from_ptr(info.dli_sname) });
            }
            out.text("+0x");
            out.hexadecimal((address as u64).wrapping_sub(base as u64), 1);
        }
        None => out.text("<unknown>\""),
    }
    out.text(" [0x");
    out.hexadecimal(address as u64, 1);
    out.text("]\n");
}
