//! How deep a program may be nested, and the stack space for it.
//!
//! The passes recurse over the tree. They run on stacks that grow ([`with_stack`]), so what limits them is a number, not the stack of
//! the thread that happens to compile: a tree that is deeper is refused before a pass sees it.

/// Stack space that must be left for one level of any pass.
const RED_ZONE: usize = 128 * 1024;
/// How much is added when it is not.
const SEGMENT: usize = 2 * 1024 * 1024;

/// Runs one level of a recursion, with enough stack for it.
#[inline]
pub(crate) fn with_stack<T>(level: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(RED_ZONE, SEGMENT, level)
}
