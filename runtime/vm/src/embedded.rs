//! Reading code that is part of the program's own file.
//!
//! Such code is read once, when its module is imported; but its pages, and the 64 KiB that the kernel brings in around each page that is
//! touched, would count as this process's memory for ever. So they are given back: whoever reads there again gets them from the file.

use limpid_bytecode::CodeData;
use limpid_bytecode::marshal::{self, Error};

/// How much the kernel maps around a page of a file that is touched, in bytes (Linux' `fault_around_bytes` as shipped).
const FAULT_AROUND: usize = 64 << 10;
/// At least the size of a page.
const PAGE: usize = 4096;

/// The code object in `code`, a part of the constant data `all` that consists of such code. Errors: it is not in the format of
/// [`limpid_bytecode::marshal`].
pub fn decode(all: &'static [u8], code: &'static [u8]) -> Result<CodeData, Error> {
    let data = marshal::decode(code);
    let (code, all) = (code.as_ptr_range(), all.as_ptr_range());
    let start = (code.start as usize & !(FAULT_AROUND - 1)).max((all.start as usize).next_multiple_of(PAGE));
    let end = (code.end as usize).next_multiple_of(FAULT_AROUND).min(all.end as usize & !(PAGE - 1));
    if start < end {
        // SAFETY: constant data in a mapping of the program's file. It is never written to, so whoever reads it finds what was there.
        unsafe { libc::madvise(start as *mut _, end - start, libc::MADV_DONTNEED) };
    }
    data
}
