//! The events and what they are called.

macro_rules! events {
    ($($name:ident)*) => {
        /// The events in the order of their bits.
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "the names are those of sys.monitoring.events")]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Event { $($name),* }

        /// All events.
        pub const ALL: [Event; EVENT_COUNT] = [$(Event::$name),*];
        /// Their names.
        pub const NAMES: [&str; EVENT_COUNT] = [$(stringify!($name)),*];
        /// How many there are.
        pub const EVENT_COUNT: usize = [$(stringify!($name)),*].len();
    };
}

events! {
    PY_START PY_RESUME PY_RETURN PY_YIELD CALL LINE INSTRUCTION JUMP BRANCH_LEFT BRANCH_RIGHT STOP_ITERATION
    RAISE EXCEPTION_HANDLED PY_UNWIND PY_THROW RERAISE
    C_RETURN C_RAISE
    BRANCH
}

/// A set of events, a bit each.
pub type EventSet = u32;

/// The events that are delivered at instructions, and can be wanted or disabled for single code objects and instructions.
pub const AT_INSTRUCTIONS: EventSet = (1 << Event::RAISE as u32) - 1;

impl Event {
    /// The set of this event alone.
    pub const fn bit(self) -> EventSet {
        1 << self as u32
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        NAMES[self as usize]
    }

    /// Can a callback switch it off for an instruction? `C_RETURN` and `C_RAISE` belong to `CALL`.
    pub const fn can_be_disabled(self) -> bool {
        self.bit() & AT_INSTRUCTIONS != 0 || matches!(self, Event::C_RETURN | Event::C_RAISE | Event::BRANCH)
    }
}
