//! A code object as data: what the compiler makes, what is written to files, what the runtime builds its live code objects from.

/// What a local variable slot of a frame holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LocalKind(pub u8);

impl LocalKind {
    /// An ordinary local variable.
    pub const LOCAL: u8 = 0x20;
    /// A local that inner functions refer to (with or without `LOCAL`).
    pub const CELL: u8 = 0x40;
    /// A variable of an outer function.
    pub const FREE: u8 = 0x80;
    /// Only visible inside an inlined comprehension.
    pub const HIDDEN: u8 = 0x10;
    /// A parameter: positional, keyword, `*args`, `**kwargs` bits as in CPython.
    pub const ARG_POS: u8 = 0x02;
    /// May be given by keyword.
    pub const ARG_KW: u8 = 0x04;
    /// `*args` (with `ARG_POS`) or `**kwargs` (with `ARG_KW`).
    pub const ARG_VAR: u8 = 0x08;
}

/// Flags of a code object, CPython's numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CodeFlags(pub u32);

impl CodeFlags {
    /// Locals live in fast slots.
    pub const OPTIMIZED: u32 = 0x1;
    /// A new namespace is made for the call.
    pub const NEWLOCALS: u32 = 0x2;
    /// Takes `*args`.
    pub const VARARGS: u32 = 0x4;
    /// Takes `**kwargs`.
    pub const VARKEYWORDS: u32 = 0x8;
    /// Defined inside a function.
    pub const NESTED: u32 = 0x10;
    /// A generator function.
    pub const GENERATOR: u32 = 0x20;
    /// An `async def` function.
    pub const COROUTINE: u32 = 0x80;
    /// A generator marked by `types.coroutine`.
    pub const ITERABLE_COROUTINE: u32 = 0x100;
    /// An `async def` function with `yield`.
    pub const ASYNC_GENERATOR: u32 = 0x200;
    /// `from __future__ import barry_as_FLUFL`.
    pub const FUTURE_BARRY_AS_BDFL: u32 = 0x400000;
    /// `from __future__ import generator_stop`.
    pub const FUTURE_GENERATOR_STOP: u32 = 0x800000;
    /// `from __future__ import annotations`.
    pub const FUTURE_ANNOTATIONS: u32 = 0x1000000;
    /// The first constant is the documentation string.
    pub const HAS_DOCSTRING: u32 = 0x4000000;
    /// Defined in a class body.
    pub const METHOD: u32 = 0x8000000;

    /// Is this flag set?
    pub const fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }
}

/// A constant of a code object. Equality is that of [`Constant::key`]: `0.0` and `-0.0`, `1` and `True` differ.
#[derive(Clone, Debug)]
pub enum Constant {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// `...`.
    Ellipsis,
    /// An int that fits in 64 bits.
    Int(i64),
    /// A bigger one: sign and magnitude, little-endian 64-bit digits without leading zeros.
    BigInt {
        /// Is it below zero?
        negative: bool,
        /// The magnitude.
        digits: Box<[u64]>,
    },
    /// A float.
    Float(f64),
    /// A complex number.
    Complex(f64, f64),
    /// Text, as WTF-8: UTF-8 in which lone surrogates may occur.
    Str(Box<[u8]>),
    /// Bytes.
    Bytes(Box<[u8]>),
    /// A tuple of constants.
    Tuple(Box<[Constant]>),
    /// A frozenset of constants (`x in {1, 2}`).
    FrozenSet(Box<[Constant]>),
    /// A slice of constants (`x[1:2]`).
    Slice(Box<[Constant; 3]>),
    /// The code of an inner function, class body, ...
    Code(Box<CodeData>),
}

/// A code object as data; the field names are those of CPython's `co_*` attributes.
#[derive(Clone, Debug, Default)]
pub struct CodeData {
    /// Simple name.
    pub name: String,
    /// Dotted path of the definition.
    pub qualname: String,
    /// The file it was compiled from.
    pub filename: String,
    /// The line of its `def` (of the first decorator, if it has any).
    pub firstlineno: u32,
    /// [`CodeFlags`].
    pub flags: CodeFlags,
    /// Positional parameters, positional-only ones included.
    pub argcount: u32,
    /// Positional-only parameters.
    pub posonlyargcount: u32,
    /// Keyword-only parameters.
    pub kwonlyargcount: u32,
    /// The deepest the value stack gets.
    pub stacksize: u32,
    /// Instructions and their cache words, all caches zero.
    pub instructions: Vec<u16>,
    /// Constants.
    pub consts: Vec<Constant>,
    /// Global, attribute and import names.
    pub names: Vec<String>,
    /// Names of the frame's slots: parameters and locals, then cells that are no locals, then free variables.
    pub localsplusnames: Vec<String>,
    /// What each slot holds, [`LocalKind`] bits.
    pub localspluskinds: Vec<u8>,
    /// Position table in CPython's location format.
    pub linetable: Vec<u8>,
    /// Exception table in CPython's format.
    pub exceptiontable: Vec<u8>,
}
