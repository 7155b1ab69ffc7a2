//! The stack on which a thread's Python frames lie: address space of its own, made before the thread is, so that a thread for which there
//! is no memory is not started.

use limpid_heap::Value;

/// How many values a stack holds.
const STACK_VALUES: usize = 4 << 20;

const BYTES: usize = STACK_VALUES * size_of::<Value>();

/// A mapping whose pages are touched as the stack grows; given back when it is dropped.
pub struct InterpreterStack(*mut Value);

// SAFETY: a piece of address space that nobody else knows.
unsafe impl Send for InterpreterStack {}

impl InterpreterStack {
    /// None if the system has no address space left.
    pub fn new() -> Option<InterpreterStack> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a fresh anonymous mapping.
        let stack = unsafe { libc::mmap(std::ptr::null_mut(), BYTES, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        (stack != libc::MAP_FAILED).then_some(InterpreterStack(stack.cast()))
    }

    /// Its lowest address.
    pub fn base(&self) -> *mut Value {
        self.0
    }

    /// The address behind its last value.
    pub fn end(&self) -> *mut Value {
        // SAFETY: the end of the mapping.
        unsafe { self.0.add(STACK_VALUES) }
    }

    /// Is this an address in it?
    pub fn contains(&self, p: *const Value) -> bool {
        (self.base().cast_const()..self.end().cast_const()).contains(&p)
    }
}

impl Drop for InterpreterStack {
    fn drop(&mut self) {
        // SAFETY: the mapping made in `new`; whoever drops it has nothing left on it.
        unsafe { libc::munmap(self.0.cast(), BYTES) };
    }
}
