//! The code that `re._compiler` makes of a pattern: a list of words, of which this page names the ones that are operators.

/// Names the operators of a numbering that starts at 0.
macro_rules! numbering {
    ($(#[$doc:meta])* $name:ident { $($op:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        #[repr(u32)]
        pub(super) enum $name { $($op),* }

        impl $name {
            const ALL: &[$name] = &[$($name::$op),*];

            /// The operator with this number.
            pub fn from_word(word: u32) -> Option<$name> {
                $name::ALL.get(word as usize).copied()
            }
        }
    };
}

numbering! {
    /// What a word of code says; `re._constants.OPCODES`.
    Opcode {
        Failure, Success, Any, AnyAll, Assert, AssertNot, At, Branch, Category, Charset, BigCharset, GroupRef, GroupRefExists, In, Info,
        Jump, Literal, Mark, MaxUntil, MinUntil, NotLiteral, Negate, Range, Repeat, RepeatOne, Subpattern, MinRepeatOne, AtomicGroup,
        PossessiveRepeat, PossessiveRepeatOne, GroupRefIgnore, InIgnore, LiteralIgnore, NotLiteralIgnore, GroupRefLocIgnore, InLocIgnore,
        LiteralLocIgnore, NotLiteralLocIgnore, GroupRefUniIgnore, InUniIgnore, LiteralUniIgnore, NotLiteralUniIgnore, RangeUniIgnore,
    }
}

numbering! {
    /// A place between characters; `re._constants.ATCODES`.
    At {
        Beginning, BeginningLine, BeginningString, Boundary, NonBoundary, End, EndLine, EndString, LocBoundary, LocNonBoundary,
        UniBoundary, UniNonBoundary,
    }
}

numbering! {
    /// A kind of characters; `re._constants.CHCODES`.
    Category {
        Digit, NotDigit, Space, NotSpace, Word, NotWord, Linebreak, NotLinebreak, LocWord, LocNotWord, UniDigit, UniNotDigit, UniSpace,
        UniNotSpace, UniWord, UniNotWord, UniLinebreak, UniNotLinebreak,
    }
}

/// The version of the code, which `re._constants` has too.
pub(super) const MAGIC: usize = 20_230_612;
/// Bytes a word.
pub(super) const CODESIZE: usize = 4;
/// As a maximum: without limit.
pub(super) const MAXREPEAT: u32 = u32::MAX;
/// How many groups a pattern may have.
pub(super) const MAXGROUPS: usize = i32::MAX as usize / 2;

/// Flags of a pattern.
pub(super) mod flag {
    pub const LOCALE: i64 = 4;
    pub const UNICODE: i64 = 32;
}

/// What the block [`Opcode::Info`] tells.
pub(super) mod info {
    /// There is a literal prefix.
    pub const PREFIX: u32 = 1;
}
