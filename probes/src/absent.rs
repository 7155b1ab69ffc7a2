//! Probes that were not compiled in: nobody can listen, and firing does nothing.

macro_rules! site {
    ($name:ident($($argument:ident: $kind:ident),*)) => {
        /// Does anybody trace this probe? The probes were not compiled in: no.
        #[inline(always)]
        pub const fn enabled() -> bool {
            false
        }

        /// Nothing: the probes were not compiled in.
        #[inline(always)]
        pub extern "C" fn fire($(_: $kind),*) {}

        /// Nothing: the probes were not compiled in.
        pub const fn after_fork_child() {}

        /// There is no semaphore: the probes were not compiled in.
        pub fn semaphore() -> Option<std::ptr::NonNull<u16>> {
            None
        }
    };
}

pub const fn tracers_of_first_four() -> u64 {
    0
}

pub const fn tracers_of_two<const NUMBER: usize>() -> u32 {
    0
}
