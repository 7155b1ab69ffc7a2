//! What uops do besides making values, as far as others have to know.

use super::Op;

impl Op {
    /// Does it leave when something needs Python code, big ints, or fails? What goes on from there had better leave it to the interpreter's
    /// words.
    pub fn avoids_python(self) -> bool {
        matches!(
            self,
            Op::StrItem
                | Op::DictItem
                | Op::DictGet
                | Op::InDict
                | Op::InSet
                | Op::InSequence
                | Op::IsInstance
                | Op::StoreDictItem
                | Op::NextPair
                | Op::NumberItem
                | Op::StoreNumber
                | Op::CallNative
                | Op::TakeLock
                | Op::GiveLock
                | Op::AddInt
                | Op::SubInt
                | Op::MulInt
                | Op::ShiftLeft
                | Op::ShiftLeftBy
        )
    }

    /// Does it only test its operands?
    pub fn only_tests(self) -> bool {
        use Op::*;
        matches!(self, GuardInt | GuardFloat | GuardBool | GuardShape | GuardIs | GuardIsNot | GuardBelow | GuardTrue | GuardFalse)
    }

    /// Can other threads have run meanwhile, and have stopped the world for what they did?
    pub fn is_safepoint(self) -> bool {
        use Op::*;
        let tells = matches!(self, ProbeEntry | ProbeResume | ProbeReturn | ProbeYield);
        match self.effect() {
            Effect::Writes => !tells && !matches!(self, StoreFrame | StoreThread | AddDepth | StoreSlot | StoreNumber),
            _ => matches!(self, BuildTuple | BuildList | BuildSlice | DictItem | DictGet | InDict | InSet | InSequence | IsInstance),
        }
    }
}

/// What a uop does besides making a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Nothing, and it depends on its operands only: it may be moved, merged and dropped.
    Pure,
    /// It reads memory that may change: it may be dropped, but stays where it is.
    Reads,
    /// It may leave the trace.
    Guards,
    /// It writes, or calls what may.
    Writes,
}
