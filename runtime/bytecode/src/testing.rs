//! What several test modules of this crate share.

use crate::instructions::Opcode;

/// A small generator of numbers that are the same in each run (xorshift).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below the limit.
    pub fn below(&mut self, limit: u32) -> u32 {
        (((self.next() >> 32) * limit as u64) >> 32) as u32
    }
}

/// Assembles instructions: prefixes for big opargs and empty caches are added.
pub fn words(instructions: &[(Opcode, u32)]) -> Vec<u16> {
    let mut words = Vec::new();
    for &(opcode, oparg) in instructions {
        let bytes = oparg.to_be_bytes();
        let first = bytes.iter().position(|&byte| byte != 0).unwrap_or(3);
        for (place, &byte) in bytes.iter().enumerate().skip(first) {
            let opcode = if place == 3 { opcode } else { Opcode::EXTENDED_ARG };
            words.push(u16::from_le_bytes([opcode as u8, byte]));
        }
        words.resize(words.len() + opcode.caches(), 0);
    }
    words
}
