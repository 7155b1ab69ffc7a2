//! Writing a module.

use std::collections::HashMap;

use super::{Error, FORMAT_VERSION, INSTRUCTION_SET, MAGIC, MAX_DEPTH, tag};
use crate::code::{CodeData, Constant};
use crate::decode::split_word;
use crate::instructions::Opcode;

/// Writes a module.
pub fn encode(code: &CodeData) -> Result<Vec<u8>, Error> {
    let mut writer = Writer::default();
    let mut record = Vec::new();
    writer.code(&mut record, code, MAX_DEPTH)?;

    let mut module = Vec::new();
    module.extend(MAGIC);
    let count = writer.texts.len() as u32;
    let mut offset = 0;
    let offsets = writer.texts.iter().map(|text| {
        offset += text.len() as u32;
        offset
    });
    let numbers = [FORMAT_VERSION, INSTRUCTION_SET, count, 0];
    numbers.into_iter().chain(offsets).for_each(|number| module.extend(number.to_le_bytes()));
    writer.texts.iter().for_each(|text| module.extend(*text));
    module.extend(record);
    Ok(module)
}

/// Collects the texts while records are written.
#[derive(Default)]
pub(super) struct Writer<'a> {
    texts: Vec<&'a [u8]>,
    numbers: HashMap<&'a [u8], u32>,
}

impl<'a> Writer<'a> {
    pub(super) fn code(&mut self, out: &mut Vec<u8>, code: &'a CodeData, depth: u32) -> Result<(), Error> {
        for text in [&code.name, &code.qualname, &code.filename] {
            self.string(out, text.as_bytes());
        }
        let numbers = [code.firstlineno, code.flags.0, code.argcount, code.posonlyargcount, code.kwonlyargcount, code.stacksize];
        numbers.into_iter().for_each(|number| write_number(out, number as u64));

        let packed = pack(&code.instructions);
        let words = packed.as_ref().unwrap_or(&code.instructions);
        write_number(out, (code.instructions.len() as u64) << 1 | packed.is_some() as u64);
        write_number(out, 2 * words.len() as u64);
        words.iter().for_each(|word| out.extend(word.to_le_bytes()));

        for names in [&code.names, &code.localsplusnames] {
            write_number(out, names.len() as u64);
            names.iter().for_each(|name| self.string(out, name.as_bytes()));
        }
        for bytes in [&code.localspluskinds, &code.linetable, &code.exceptiontable] {
            write_bytes(out, bytes);
        }
        self.constants(out, &code.consts, depth)
    }

    fn string(&mut self, out: &mut Vec<u8>, text: &'a [u8]) {
        let next = self.texts.len() as u32;
        let number = *self.numbers.entry(text).or_insert(next);
        if number == next {
            self.texts.push(text);
        }
        write_number(out, number as u64);
    }

    fn constants(&mut self, out: &mut Vec<u8>, constants: &'a [Constant], depth: u32) -> Result<(), Error> {
        write_number(out, constants.len() as u64);
        constants.iter().try_for_each(|constant| self.constant(out, constant, depth))
    }

    fn constant(&mut self, out: &mut Vec<u8>, constant: &'a Constant, depth: u32) -> Result<(), Error> {
        match constant {
            Constant::None => out.push(tag::NONE),
            Constant::Bool(true) => out.push(tag::TRUE),
            Constant::Bool(false) => out.push(tag::FALSE),
            Constant::Ellipsis => out.push(tag::ELLIPSIS),
            Constant::Int(int) => {
                out.push(tag::INT);
                write_number(out, (int << 1 ^ int >> 63) as u64);
            }
            Constant::BigInt { negative, digits } => {
                out.push(if *negative { tag::NEGATIVE_BIG_INT } else { tag::BIG_INT });
                write_number(out, 8 * digits.len() as u64);
                digits.iter().for_each(|digit| out.extend(digit.to_le_bytes()));
            }
            Constant::Float(float) => {
                out.push(tag::FLOAT);
                out.extend(float.to_bits().to_le_bytes());
            }
            Constant::Complex(real, imaginary) => {
                out.push(tag::COMPLEX);
                out.extend(real.to_bits().to_le_bytes());
                out.extend(imaginary.to_bits().to_le_bytes());
            }
            Constant::Str(text) => {
                out.push(tag::STR);
                self.string(out, text);
            }
            Constant::Bytes(bytes) => {
                out.push(tag::BYTES);
                write_bytes(out, bytes);
            }
            Constant::Tuple(items) => self.nested(out, tag::TUPLE, depth, |writer, out, depth| writer.constants(out, items, depth))?,
            Constant::FrozenSet(items) => {
                self.nested(out, tag::FROZEN_SET, depth, |writer, out, depth| writer.constants(out, items, depth))?
            }
            Constant::Slice(parts) => self.nested(out, tag::SLICE, depth, |writer, out, depth| writer.constants(out, &parts[..], depth))?,
            Constant::Code(code) => self.nested(out, tag::CODE, depth, |writer, out, depth| writer.code(out, code, depth))?,
        }
        Ok(())
    }

    fn nested(
        &mut self,
        out: &mut Vec<u8>,
        tag: u8,
        depth: u32,
        write: impl FnOnce(&mut Self, &mut Vec<u8>, u32) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut record = Vec::new();
        write(self, &mut record, depth.checked_sub(1).ok_or(Error::TooDeep)?)?;
        out.push(tag);
        write_bytes(out, &record);
        Ok(())
    }
}

fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_number(out, bytes.len() as u64);
    out.extend(bytes);
}

/// The words without the caches; `None` if they cannot be restored, because a cache is not zero or a word is no instruction.
fn pack(words: &[u16]) -> Option<Vec<u16>> {
    let mut packed = Vec::with_capacity(words.len());
    let mut rest = words;
    while let Some((&word, after)) = rest.split_first() {
        let (caches, next) = after.split_at_checked(Opcode::from_u8(split_word(word).0)?.caches())?;
        if caches.iter().any(|&cache| cache != 0) {
            return None;
        }
        packed.push(word);
        rest = next;
    }
    Some(packed)
}
