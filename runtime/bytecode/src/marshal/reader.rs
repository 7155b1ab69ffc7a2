//! Reading a module in place.

use super::{Error, FORMAT_VERSION, INSTRUCTION_SET, MAGIC, MAX_DEPTH, tag};
use crate::code::CodeFlags;
use crate::decode::split_word;
use crate::instructions::Opcode;

/// Takes numbers and pieces off the front of a slice.
#[derive(Clone, Copy, Debug)]
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Error::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Error::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn fixed(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_le_bytes)
    }

    fn float(&mut self) -> Result<f64, Error> {
        self.array().map(f64::from_le_bytes)
    }

    fn number(&mut self) -> Result<u64, Error> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let [byte] = self.array()?;
            let bits = (byte & 0x7F) as u64;
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Error::Malformed("number of more than 64 bits"))
    }

    fn small_number(&mut self) -> Result<u32, Error> {
        u32::try_from(self.number()?).map_err(|_| Error::Malformed("number of more than 32 bits"))
    }

    /// The count of a list: no more than there are bytes left.
    fn count(&mut self) -> Result<usize, Error> {
        let count = self.number()?;
        if count > self.0.len() as u64 { Err(Error::Truncated) } else { Ok(count as usize) }
    }

    fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let count = self.count()?;
        self.take(count)
    }

    fn strings(&mut self) -> Result<StringList<'a>, Error> {
        let count = self.count()?;
        let list = StringList { rest: *self, count };
        for _ in 0..count {
            self.number()?;
        }
        Ok(list)
    }
}

/// A module in memory.
#[derive(Clone, Copy, Debug)]
pub struct Module<'a> {
    strings: Strings<'a>,
    record: &'a [u8],
}

impl<'a> Module<'a> {
    /// Looks at the header and the string table.
    pub fn new(bytes: &'a [u8]) -> Result<Module<'a>, Error> {
        let mut cursor = Cursor(bytes);
        if cursor.take(MAGIC.len()) != Ok(MAGIC) {
            return Err(Error::NotAModule);
        }
        if cursor.fixed()? != FORMAT_VERSION || cursor.fixed()? != INSTRUCTION_SET {
            return Err(Error::Version);
        }
        let count = cursor.fixed()? as usize;
        let offsets = cursor.take(count.checked_add(1).and_then(|count| count.checked_mul(4)).ok_or(Error::Truncated)?)?;
        let mut strings = Strings { offsets, text: &[] };
        strings.text = cursor.take(strings.offset(count) as usize)?;
        Ok(Module { strings, record: cursor.0 })
    }

    /// All texts of the module.
    pub fn strings(self) -> Strings<'a> {
        self.strings
    }

    /// The code object.
    pub fn code(self) -> Result<CodeView<'a>, Error> {
        CodeView::new(self.record, MAX_DEPTH)
    }
}

/// The texts of a module, by number.
#[derive(Clone, Copy, Debug)]
pub struct Strings<'a> {
    /// Never empty: one more than there are texts.
    offsets: &'a [u8],
    text: &'a [u8],
}

impl<'a> Strings<'a> {
    /// How many there are.
    pub fn len(self) -> usize {
        self.offsets.len() / 4 - 1
    }

    /// Are there none?
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// A text as WTF-8: what a constant refers to.
    pub fn get(self, number: u32) -> Result<&'a [u8], Error> {
        let number = number as usize;
        if number >= self.len() {
            return Err(Error::Malformed("no such string"));
        }
        let (start, end) = (self.offset(number), self.offset(number + 1));
        self.text.get(start as usize..end as usize).ok_or(Error::Malformed("bad offset of a string"))
    }

    /// A text that is a name, which has no lone surrogates.
    pub fn name(self, number: u32) -> Result<&'a str, Error> {
        str::from_utf8(self.get(number)?).map_err(|_| Error::Malformed("name is not UTF-8"))
    }

    fn offset(self, number: usize) -> u32 {
        let bytes = self.offsets[4 * number..].first_chunk().expect("the table is a multiple of four bytes long");
        u32::from_le_bytes(*bytes)
    }
}

/// A list of strings, as their numbers.
#[derive(Clone, Copy, Debug)]
pub struct StringList<'a> {
    rest: Cursor<'a>,
    count: usize,
}

impl<'a> StringList<'a> {
    /// How many there are.
    pub fn len(self) -> usize {
        self.count
    }

    /// Are there none?
    pub fn is_empty(self) -> bool {
        self.count == 0
    }

    /// Their numbers.
    pub fn numbers(self) -> impl Iterator<Item = Result<u32, Error>> + 'a {
        let StringList { mut rest, count } = self;
        (0..count).map(move |_| rest.small_number())
    }
}

/// The instructions of a code object.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    stored: &'a [u8],
    count: u32,
    packed: bool,
}

impl Words<'_> {
    /// How many words [`Words::write_to`] gives, caches included.
    pub fn len(self) -> usize {
        self.count as usize
    }

    /// Are there none?
    pub fn is_empty(self) -> bool {
        self.count == 0
    }

    /// Hands over the words one after the other, caches as zero.
    pub fn write_to(self, mut push: impl FnMut(u16)) -> Result<(), Error> {
        const MISMATCH: Error = Error::Malformed("wrong number of instruction words");
        let mut left = self.len();
        let mut counted = |count: usize| left.checked_sub(count).map(|rest| left = rest).ok_or(MISMATCH);
        for pair in self.stored.chunks(2) {
            let word = u16::from_le_bytes(pair.try_into().map_err(|_| MISMATCH)?);
            let caches = match (self.packed, Opcode::from_u8(split_word(word).0)) {
                (false, _) => 0,
                (true, Some(opcode)) => opcode.caches(),
                (true, None) => return Err(Error::Malformed("no such instruction")),
            };
            counted(1 + caches)?;
            push(word);
            (0..caches).for_each(|_| push(0));
        }
        if left == 0 { Ok(()) } else { Err(MISMATCH) }
    }
}

/// A code object in memory. Numbers of strings refer to [`Module::strings`]; the rest is as in [`CodeData`].
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct CodeView<'a> {
    pub name: u32,
    pub qualname: u32,
    pub filename: u32,
    pub firstlineno: u32,
    pub flags: CodeFlags,
    pub argcount: u32,
    pub posonlyargcount: u32,
    pub kwonlyargcount: u32,
    pub stacksize: u32,
    pub instructions: Words<'a>,
    pub names: StringList<'a>,
    pub localsplusnames: StringList<'a>,
    pub localspluskinds: &'a [u8],
    pub linetable: &'a [u8],
    pub exceptiontable: &'a [u8],
    pub consts: ConstantList<'a>,
}

impl<'a> CodeView<'a> {
    pub(super) fn new(record: &'a [u8], depth: u32) -> Result<CodeView<'a>, Error> {
        let mut cursor = Cursor(record);
        // Fields are evaluated in the order they are written here, which is that of the record.
        Ok(CodeView {
            name: cursor.small_number()?,
            qualname: cursor.small_number()?,
            filename: cursor.small_number()?,
            firstlineno: cursor.small_number()?,
            flags: CodeFlags(cursor.small_number()?),
            argcount: cursor.small_number()?,
            posonlyargcount: cursor.small_number()?,
            kwonlyargcount: cursor.small_number()?,
            stacksize: cursor.small_number()?,
            instructions: {
                let words_packed = cursor.number()?;
                let count = u32::try_from(words_packed >> 1).map_err(|_| Error::Malformed("too many instruction words"))?;
                Words { stored: cursor.bytes()?, count, packed: words_packed & 1 != 0 }
            },
            names: cursor.strings()?,
            localsplusnames: cursor.strings()?,
            localspluskinds: cursor.bytes()?,
            linetable: cursor.bytes()?,
            exceptiontable: cursor.bytes()?,
            consts: ConstantList::new(cursor, depth)?,
        })
    }
}

/// A constant in memory.
#[derive(Clone, Copy, Debug)]
pub enum ConstantView<'a> {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// `...`.
    Ellipsis,
    /// An int that fits in 64 bits.
    Int(i64),
    /// A bigger one.
    BigInt {
        /// Is it below zero?
        negative: bool,
        /// The magnitude, little-endian, a multiple of eight bytes.
        digits: &'a [u8],
    },
    /// A float.
    Float(f64),
    /// A complex number.
    Complex(f64, f64),
    /// Text, its number in [`Module::strings`].
    Str(u32),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A tuple.
    Tuple(ConstantList<'a>),
    /// A frozenset.
    FrozenSet(ConstantList<'a>),
    /// A slice: three constants.
    Slice(ConstantList<'a>),
    /// A code object.
    Code(CodeRecord<'a>),
}

/// A code object among the constants, not yet looked at.
#[derive(Clone, Copy, Debug)]
pub struct CodeRecord<'a> {
    record: &'a [u8],
    depth: u32,
}

impl<'a> CodeRecord<'a> {
    /// Looks at it.
    pub fn view(self) -> Result<CodeView<'a>, Error> {
        CodeView::new(self.record, self.depth)
    }
}

/// Constants in memory.
#[derive(Clone, Copy, Debug)]
pub struct ConstantList<'a> {
    rest: Cursor<'a>,
    count: usize,
    depth: u32,
}

impl<'a> ConstantList<'a> {
    fn new(mut cursor: Cursor<'a>, depth: u32) -> Result<ConstantList<'a>, Error> {
        let count = cursor.count()?;
        Ok(ConstantList { rest: cursor, count, depth })
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.count
    }

    /// Are there none?
    pub fn is_empty(self) -> bool {
        self.count == 0
    }

    /// The constants in order. After an error there are as many errors as constants are missing.
    pub fn iter(self) -> impl Iterator<Item = Result<ConstantView<'a>, Error>> {
        let ConstantList { mut rest, count, depth } = self;
        (0..count).map(move |_| read_constant(&mut rest, depth).inspect_err(|_| rest.0 = &[]))
    }
}

fn read_constant<'a>(cursor: &mut Cursor<'a>, depth: u32) -> Result<ConstantView<'a>, Error> {
    let [tag] = cursor.array()?;
    let inner_depth = depth.checked_sub(1);
    let list = |cursor: &mut Cursor<'a>| ConstantList::new(Cursor(cursor.bytes()?), inner_depth.ok_or(Error::TooDeep)?);
    Ok(match tag {
        tag::NONE => ConstantView::None,
        tag::TRUE => ConstantView::Bool(true),
        tag::FALSE => ConstantView::Bool(false),
        tag::ELLIPSIS => ConstantView::Ellipsis,
        tag::INT => {
            let zigzag = cursor.number()?;
            ConstantView::Int((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
        }
        tag::BIG_INT | tag::NEGATIVE_BIG_INT => {
            let digits = cursor.bytes()?;
            if digits.len() % 8 != 0 {
                return Err(Error::Malformed("part of a digit of an int"));
            }
            ConstantView::BigInt { negative: tag == tag::NEGATIVE_BIG_INT, digits }
        }
        tag::FLOAT => ConstantView::Float(cursor.float()?),
        tag::COMPLEX => ConstantView::Complex(cursor.float()?, cursor.float()?),
        tag::STR => ConstantView::Str(cursor.small_number()?),
        tag::BYTES => ConstantView::Bytes(cursor.bytes()?),
        tag::TUPLE => ConstantView::Tuple(list(cursor)?),
        tag::FROZEN_SET => ConstantView::FrozenSet(list(cursor)?),
        tag::SLICE => {
            let parts = list(cursor)?;
            if parts.len() != 3 {
                return Err(Error::Malformed("slice without three parts"));
            }
            ConstantView::Slice(parts)
        }
        tag::CODE => ConstantView::Code(CodeRecord { record: cursor.bytes()?, depth: inner_depth.ok_or(Error::TooDeep)? }),
        _ => return Err(Error::Malformed("no such kind of constant")),
    })
}
