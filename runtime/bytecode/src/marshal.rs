//! Code objects as bytes: how compiled modules are embedded in the binary and cached in files.
//!
//! A *module* holds one code object, those among its constants, and each text they mention once:
//!
//! ```text
//!     header      "Limp", version, fingerprint of the instruction set        4 + 4 + 4 bytes
//!     strings     count, count + 1 offsets into the text, the text           4 + 4 (count + 1) + n bytes
//!     code        a code record
//! ```
//!
//! All fixed-size numbers are little-endian; a *number* in a record is LEB128, a *string* the number of an entry of the string table, a
//! *list* its count and then its items, *bytes* their count and then the bytes themselves.
//!
//! ```text
//!     code        name, qualname, filename: strings
//!                 firstlineno, flags, argcount, posonlyargcount, kwonlyargcount, stacksize: numbers
//!                 words << 1 | packed: number; instructions: bytes
//!                 names, localsplusnames: lists of strings
//!                 localspluskinds, linetable, exceptiontable: bytes
//!                 consts: list of constants
//!     constant    a tag, then what it says; what may be big has its length in bytes in front, so that a reader can step over it
//! ```
//!
//! Packed instructions leave the cache words out, which are all zero. [`Module`] and [`CodeView`] read in place: the runtime builds its
//! objects from them, each text once, without a [`CodeData`] between. Damaged or foreign input is an [`Error`], whatever it looks like: a
//! count is believed only as far as there are bytes for it, and nesting is bounded.

mod convert;
mod reader;
mod writer;

pub use convert::decode;
pub use reader::{CodeRecord, CodeView, ConstantList, ConstantView, Module, StringList, Strings, Words};
pub use writer::encode;

use crate::instructions::{OPCODE_COUNT, Opcode};

const MAGIC: &[u8; 4] = b"Limp";

/// Grows when the format or the meaning of an instruction changes.
pub const FORMAT_VERSION: u32 = 2;

/// Tells instruction sets apart: a hash of the instructions' names and sizes in their order.
pub const INSTRUCTION_SET: u32 = {
    let mut hash: u32 = 0x811C_9DC5;
    let mut number = 0;
    while number < OPCODE_COUNT {
        let opcode = Opcode::from_u8(number as u8).expect("opcodes are numbered without gaps");
        let name = opcode.name().as_bytes();
        let mut at = 0;
        while at < name.len() {
            hash = (hash ^ name[at] as u32).wrapping_mul(0x0100_0193);
            at += 1;
        }
        hash = (hash ^ opcode.caches() as u32 ^ 0x80).wrapping_mul(0x0100_0193);
        number += 1;
    }
    hash
};

/// How deep constants and code objects may be nested in each other: deeper than source text can make them, and shallow enough for the
/// stack of any thread.
const MAX_DEPTH: u32 = 250;

/// Why bytes are no module, or a code object cannot become one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// They do not begin like a module.
    NotAModule,
    /// Another version of the format or of the instruction set.
    Version,
    /// The bytes end too early.
    Truncated,
    /// Something cannot be what the format says it is.
    Malformed(&'static str),
    /// Nested more than 250 deep.
    TooDeep,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Error::NotAModule => "not a compiled module",
            Error::Version => "compiled by another version",
            Error::Truncated => "compiled module is truncated",
            Error::Malformed(what) => what,
            Error::TooDeep => "compiled module is nested too deeply",
        })
    }
}

impl std::error::Error for Error {}

/// The first byte of a constant.
mod tag {
    pub const NONE: u8 = b'N';
    pub const TRUE: u8 = b'T';
    pub const FALSE: u8 = b'F';
    pub const ELLIPSIS: u8 = b'.';
    pub const INT: u8 = b'i';
    pub const BIG_INT: u8 = b'l';
    pub const NEGATIVE_BIG_INT: u8 = b'm';
    pub const FLOAT: u8 = b'f';
    pub const COMPLEX: u8 = b'c';
    pub const STR: u8 = b's';
    pub const BYTES: u8 = b'b';
    pub const TUPLE: u8 = b'(';
    pub const FROZEN_SET: u8 = b'<';
    pub const SLICE: u8 = b':';
    pub const CODE: u8 = b'C';
}

#[cfg(test)]
mod tests {
    use super::convert::to_code;
    use super::writer::Writer;
    use super::*;
    use crate::code::{CodeData, CodeFlags, Constant};
    use crate::testing::{Random, words};

    /// Every kind of constant, texts that occur twice, caches.
    fn sample() -> CodeData {
        use Opcode::*;
        let inner = CodeData {
            name: "g".into(),
            qualname: "f.<locals>.g".into(),
            filename: "a.py".into(),
            flags: CodeFlags(CodeFlags::OPTIMIZED | CodeFlags::METHOD),
            instructions: words(&[(RESUME, 0), (LOAD_GLOBAL, 300), (CALL, 0), (RETURN_VALUE, 0)]),
            localsplusnames: vec!["x".into(), "f".into()],
            localspluskinds: vec![0x20, 0x80],
            ..CodeData::default()
        };
        let big = |negative| Constant::BigInt { negative, digits: Box::new([u64::MAX, 1]) };
        let mut consts = vec![
            Constant::None,
            Constant::Bool(true),
            Constant::Bool(false),
            Constant::Ellipsis,
            big(false),
            big(true),
            Constant::Float(-0.0),
            Constant::Complex(1.5, f64::NEG_INFINITY),
            Constant::Str("f".as_bytes().into()),
            Constant::Str((*b"\xED\xA0\x80").into()),
            Constant::Bytes((*b"\x00\xFF").into()),
            Constant::Code(Box::new(inner)),
        ];
        consts.extend([0, 1, -1, i64::MAX, i64::MIN].map(Constant::Int));
        let nested = Constant::Tuple(Box::new([Constant::FrozenSet(consts.clone().into()), Constant::Tuple(Box::new([]))]));
        let slice = Constant::Slice(Box::new([Constant::Int(1), Constant::None, Constant::Int(-1)]));
        consts.extend([nested, slice]);
        CodeData {
            name: "f".into(),
            qualname: "f".into(),
            filename: "a.py".into(),
            firstlineno: 7,
            argcount: 300,
            posonlyargcount: 2,
            kwonlyargcount: 1,
            stacksize: 90,
            instructions: words(&[(RESUME, 0), (LOAD_ATTR, 1), (BINARY_OP, 3)]),
            consts,
            names: vec!["n".into(), "f".into()],
            linetable: (0..200).collect(),
            exceptiontable: vec![0x80, 1, 2, 3],
            ..CodeData::default()
        }
    }

    fn shown(code: &CodeData) -> String {
        format!("{code:?}")
    }

    #[test]
    fn code_survives() {
        let code = sample();
        let module = encode(&code).unwrap();
        assert_eq!(shown(&decode(&module).unwrap()), shown(&code));
        let strings = Module::new(&module).unwrap().strings();
        let mut texts: Vec<_> = (0..strings.len()).map(|number| strings.get(number as u32).unwrap()).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), strings.len());
    }

    #[test]
    fn caches_take_no_space_but_odd_words_survive() {
        let mut code = CodeData { instructions: words(&[(Opcode::LOAD_ATTR, 1); 100]), ..CodeData::default() };
        let packed = encode(&code).unwrap();
        assert!(packed.len() < 300, "{}", packed.len());
        assert_eq!(decode(&packed).unwrap().instructions, code.instructions);
        for odd in [[1, 0xFF], [Opcode::LOAD_ATTR as u16, 1]] {
            code.instructions.extend(odd);
            assert_eq!(decode(&encode(&code).unwrap()).unwrap().instructions, code.instructions);
        }
    }

    fn nested(depth: usize) -> CodeData {
        let tuple = (0..depth).fold(Constant::None, |inner, _| Constant::Tuple(Box::new([inner])));
        CodeData { consts: vec![tuple], ..CodeData::default() }
    }

    #[test]
    fn nesting_is_bounded() {
        let deepest = nested(MAX_DEPTH as usize);
        assert_eq!(shown(&decode(&encode(&deepest).unwrap()).unwrap()), shown(&deepest));
        assert_eq!(encode(&nested(MAX_DEPTH as usize + 1)), Err(Error::TooDeep));
        // The same, written by somebody who does not care.
        let mut writer = Writer::default();
        let mut record = Vec::new();
        writer.code(&mut record, &nested(MAX_DEPTH as usize + 1), u32::MAX).unwrap();
        let view = CodeView::new(&record, MAX_DEPTH).unwrap();
        let module = encode(&CodeData::default()).unwrap();
        let strings = Module::new(&module).unwrap().strings();
        assert_eq!(to_code(strings, &view).unwrap_err(), Error::TooDeep);
    }

    #[test]
    fn foreign_input_is_refused() {
        let module = encode(&sample()).unwrap();
        assert_eq!(decode(b"").unwrap_err(), Error::NotAModule);
        assert_eq!(decode(b"#!/usr/bin/python").unwrap_err(), Error::NotAModule);
        for at in [4, 8] {
            let mut other = module.clone();
            other[at] ^= 1;
            assert_eq!(decode(&other).unwrap_err(), Error::Version);
        }
    }

    #[test]
    fn truncated_input_is_refused() {
        let module = encode(&sample()).unwrap();
        for length in 0..module.len() {
            assert!(decode(&module[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn damaged_input_neither_panics_nor_explodes() {
        let module = encode(&sample()).unwrap();
        let mut random = Random::new(5);
        for _ in 0..20_000 {
            let mut damaged = module.clone();
            for _ in 0..1 + random.below(3) {
                let at = 12 + random.below(damaged.len() as u32 - 12) as usize;
                damaged[at] = random.next() as u8;
            }
            let _ = decode(&damaged);
        }
    }
}
