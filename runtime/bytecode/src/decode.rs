//! Walking over the words of a code object: prefixes joined, caches skipped, jump targets computed.

use crate::instructions::{Opcode, Operand};

/// An instruction with its prefixes and caches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Instruction {
    /// Where it begins: at its first `EXTENDED_ARG` if it has any. Jumps land here.
    pub start: u32,
    /// The word that holds the opcode.
    pub at: u32,
    /// Where the next instruction begins: after the cache words.
    pub end: u32,
    /// The opcode.
    pub opcode: Opcode,
    /// The argument with all its bits.
    pub oparg: u32,
}

impl Instruction {
    /// Where it jumps to, if it is a jump and the target is a position at all.
    pub fn jump_target(&self) -> Option<u32> {
        match self.opcode.operand() {
            Operand::JumpForward => self.end.checked_add(self.oparg),
            Operand::JumpBackward => self.end.checked_sub(self.oparg),
            _ => None,
        }
    }
}

/// Words that are no instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// No instruction has this number.
    Opcode {
        /// Where it is.
        at: u32,
        /// The number.
        byte: u8,
    },
    /// The words end in the middle of an instruction, or an argument has more than 32 bits.
    Instruction {
        /// Where it begins.
        at: u32,
    },
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Malformed::Opcode { at, byte } => {
                write!(f, "no instruction has the number {byte} (at {at})")
            }
            Malformed::Instruction { at } => write!(f, "incomplete instruction at {at}"),
        }
    }
}

/// The instructions of a code object in order.
#[derive(Clone, Debug)]
pub struct Instructions<'a> {
    words: &'a [u16],
    next: usize,
}

/// Decodes these words. The iterator ends after an error.
pub fn decode(words: &[u16]) -> Instructions<'_> {
    Instructions { words, next: 0 }
}

/// The opcode byte and the argument byte of a word.
pub const fn split_word(word: u16) -> (u8, u8) {
    (word as u8, (word >> 8) as u8)
}

impl Instructions<'_> {
    fn instruction(&mut self) -> Result<Instruction, Malformed> {
        let start = self.next;
        let incomplete = Malformed::Instruction { at: start as u32 };
        let mut oparg: u32 = 0;
        let mut at = start;
        loop {
            let (byte, argument) = split_word(*self.words.get(at).ok_or(incomplete)?);
            let opcode = Opcode::from_u8(byte).ok_or(Malformed::Opcode { at: at as u32, byte })?;
            if oparg >> 24 != 0 {
                return Err(incomplete);
            }
            oparg = oparg << 8 | argument as u32;
            if opcode != Opcode::EXTENDED_ARG {
                let end = at + 1 + opcode.caches();
                if end > self.words.len() {
                    return Err(incomplete);
                }
                self.next = end;
                return Ok(Instruction { start: start as u32, at: at as u32, end: end as u32, opcode, oparg });
            }
            at += 1;
        }
    }
}

impl Iterator for Instructions<'_> {
    type Item = Result<Instruction, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.words.len() {
            return None;
        }
        let instruction = self.instruction();
        if instruction.is_err() {
            self.next = self.words.len();
        }
        Some(instruction)
    }
}

impl Opcode {
    /// Does the next instruction never run after this one?
    pub const fn ends_flow(self) -> bool {
        matches!(
            self.family(),
            Opcode::RETURN_VALUE
                | Opcode::RAISE_VARARGS
                | Opcode::RERAISE
                | Opcode::JUMP_FORWARD
                | Opcode::JUMP_BACKWARD
                | Opcode::JUMP_BACKWARD_NO_INTERRUPT
                | Opcode::INTERPRETER_EXIT
        )
    }

    /// Does its oparg say where it jumps to?
    pub const fn is_jump(self) -> bool {
        matches!(self.operand(), Operand::JumpForward | Operand::JumpBackward)
    }

    /// How many values it pops and pushes when it jumps; [`Opcode::stack_effect`] is about the next instruction.
    pub fn jump_stack_effect(self, oparg: i32) -> (i32, i32) {
        match self.family() {
            // An exhausted iterator gives no value.
            Opcode::FOR_ITER => (2, 2),
            _ => self.stack_effect(oparg),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(opcode: Opcode, argument: u8) -> u16 {
        u16::from_le_bytes([opcode as u8, argument])
    }

    #[test]
    fn prefixes_are_joined_and_caches_skipped() {
        let words = [
            word(Opcode::RESUME, 0),
            0,
            word(Opcode::EXTENDED_ARG, 1),
            word(Opcode::EXTENDED_ARG, 2),
            word(Opcode::JUMP_FORWARD, 3),
            word(Opcode::JUMP_BACKWARD, 4),
            0,
        ];
        let decoded: Vec<_> = decode(&words).map(|i| i.unwrap()).collect();
        let facts: Vec<_> = decoded.iter().map(|i| (i.start, i.at, i.end, i.oparg, i.jump_target())).collect();
        let far = 5 + 0x10203;
        assert_eq!(facts, [(0, 0, 2, 0, None), (2, 4, 5, 0x10203, Some(far)), (5, 5, 7, 4, Some(3))]);
    }

    #[test]
    fn malformed_words_are_an_error() {
        let first_error = |words: &[u16]| decode(words).find_map(Result::err);
        assert_eq!(first_error(&[word(Opcode::EXTENDED_ARG, 1)]), Some(Malformed::Instruction { at: 0 }));
        assert_eq!(first_error(&[word(Opcode::NOP, 0), word(Opcode::RESUME, 0)]), Some(Malformed::Instruction { at: 1 }));
        assert_eq!(first_error(&[0xFF]), Some(Malformed::Opcode { at: 0, byte: 0xFF }));
        assert_eq!(first_error(&[word(Opcode::EXTENDED_ARG, 1); 5]), Some(Malformed::Instruction { at: 0 }));
        assert_eq!(decode(&[0xFF; 9]).count(), 1);
    }
}
