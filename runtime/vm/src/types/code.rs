//! Code objects: what a function, class body or module runs.
//!
//! The instructions are a leaf cell of their own ([`Bytecode`]), because each thread specializes a copy ([`code_copies`]). The constants
//! that `LOAD_CONST` needs are written into the instructions' caches and kept alive by `consts`.

use crate::instrument::locations::Locations;
use crate::object::{R, Ref, Slot, header_of};
use crate::thread::Thread;
use crate::types::str::{intern, intern_value};
use crate::types::{Bytes, Str, Tuple, ValueList, builtin, code_copies};
use limpid_bytecode::exceptiontable::ExceptionTable;
use limpid_bytecode::{CodeData, CodeFlags, Constant, INSTRUMENTED, LineTable, LocalKind, Opcode};
use limpid_heap::{Header, Kind, ShapeRef, Value};
use std::ffi::{CString, c_char};
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, Ordering};

/// The instructions of a code object, or one thread's copy of them.
///
/// Behind the words of a copy that a thread specializes is a byte for each: what an instruction is underneath the mark that it is
/// instrumented, 0 where that is not known. Of the main copy that is in the table of its [`Locations`].
#[repr(C)]
pub struct Bytecode {
    header: Header,
    pub(crate) len: usize,
    has_forms: bool,
    words: [u16; 0],
}

/// Bytes before the instructions.
pub const BYTECODE_OFFSET: usize = std::mem::offset_of!(Bytecode, words);

impl Bytecode {
    /// `has_forms`: with room for what is underneath marks.
    pub(crate) fn new(t: &Thread, words: &[u16], has_forms: bool) -> R<Ref<Bytecode>> {
        let bytes = words.len() * if has_forms { 3 } else { 2 };
        let p = t.try_alloc_bytes(BYTECODE_OFFSET + bytes + 2, Header::new(ShapeRef::NONE, Kind::Leaf, 0))?;
        let p = p.as_ptr() as *mut Bytecode;
        // SAFETY: a new, zeroed cell with room for the words.
        unsafe {
            (*p).len = words.len();
            (*p).has_forms = has_forms;
            let start = p.cast::<u8>().add(BYTECODE_OFFSET).cast::<u16>();
            std::ptr::copy_nonoverlapping(words.as_ptr(), start, words.len());
            Ok(Ref::from_ptr(p))
        }
    }

    /// What the instruction at `i` is underneath its mark, if that has a place here.
    pub fn form(&self, i: usize) -> Option<&AtomicU8> {
        assert!(i < self.len);
        // SAFETY: in range; the bytes lie behind the words.
        self.has_forms.then(|| unsafe { &*(self.start().add(self.len).cast::<AtomicU8>().add(i)) })
    }

    /// The first instruction.
    #[inline(always)]
    pub fn start(&self) -> *const u16 {
        self.words.as_ptr()
    }

    /// How many words there are.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Is this the address of one of the words?
    #[inline]
    pub fn contains(&self, pc: *const u16) -> bool {
        (pc as usize).wrapping_sub(self.start() as usize) < self.len * 2
    }

    /// The index of the word at an address of one.
    #[inline(always)]
    pub fn index_of(&self, pc: *const u16) -> usize {
        (pc as usize - self.start() as usize) / 2
    }

    /// The word at `i`, read as other threads may be writing it.
    #[inline(always)]
    pub fn word(&self, i: usize) -> u16 {
        assert!(i < self.len);
        // SAFETY: in range.
        unsafe { (*(self.words.as_ptr().add(i) as *const std::sync::atomic::AtomicU16)).load(Ordering::Relaxed) }
    }

    /// The opcode of the word at `i`.
    pub fn opcode_byte(&self, i: usize) -> &AtomicU8 {
        assert!(i < self.len);
        // SAFETY: in range; the opcode is the first of a word's two bytes.
        unsafe { &*(self.words.as_ptr().add(i) as *const AtomicU8) }
    }
}

/// The layout of a code object; the fields are CPython's `co_*` attributes.
#[repr(C)]
pub struct Code {
    header: Header,
    /// `co_consts`, a tuple.
    pub consts: Slot,
    /// `co_names`, a tuple of interned strings.
    pub names: Slot,
    /// Names of the frame's slots, a tuple of interned strings.
    pub localsplusnames: Slot,
    /// What each slot holds, bytes of [`LocalKind`] bits.
    pub localspluskinds: Slot,
    /// `co_name`, interned.
    pub name: Slot,
    /// `co_qualname`, interned.
    pub qualname: Slot,
    /// `co_filename`.
    pub filename: Slot,
    /// `co_linetable`, bytes.
    pub linetable: Slot,
    /// `co_exceptiontable`, bytes.
    pub exceptiontable: Slot,
    pub(crate) bytecode: Slot,
    /// The other copies, see [`code_copies`]: a value list, or NULL.
    pub(crate) copies: Slot,
    /// Which instructions are instrumented and why, or NULL.
    locations: Slot,
    /// The name and the file for tracers: NUL-terminated UTF-8 that stays in memory as long as the code object. Outside the heap or in a
    /// string of ours, so the collector need not look at them.
    pub(crate) name_c: AtomicPtr<c_char>,
    pub(crate) file_c: AtomicPtr<c_char>,
    /// `co_flags`.
    pub flags: CodeFlags,
    /// `co_argcount`.
    pub argcount: u32,
    /// `co_posonlyargcount`.
    pub posonlyargcount: u32,
    /// `co_kwonlyargcount`.
    pub kwonlyargcount: u32,
    /// `co_stacksize`.
    pub stacksize: u32,
    /// Locals, cells and free variables together.
    pub nlocalsplus: u32,
    /// `co_nlocals`.
    pub nlocals: u32,
    /// How many slots are free variables: the last ones.
    pub nfree: u32,
    /// `co_firstlineno`.
    pub firstlineno: u32,
    version: AtomicU32,
    /// The version of the interpreter's instrumentation that the code was brought up to.
    pub instrumented_at: AtomicU32,
    /// A generator of this code has something to do when it is dropped half-way: it has `finally` or `with` blocks.
    pub has_handlers: bool,
    /// It jumps backwards somewhere: who enters it once may still run it for long.
    pub has_loops: bool,
}

// SAFETY: the value words come first, SLOTS counts exactly these; what follows cannot be taken for a value or is not looked at.
unsafe impl crate::object::Layout for Code {
    const KIND: u8 = Kind::Slots as u8;
    const SLOTS: u8 = 12;
    fn class() -> Ref<crate::types::Type> {
        builtin::CODE
    }
}

impl Code {
    /// A live code object from the compiler's.
    pub fn from_data(t: &Thread, data: &CodeData) -> R<Ref<Code>> {
        let consts = data.consts.iter().try_fold(ValueList::with_capacity(t, data.consts.len()), |mut list, c| {
            list.push(t, constant(t, c)?);
            Ok(list)
        })?;
        let names = interned_tuple(t, &data.names);
        let localsplusnames = interned_tuple(t, &data.localsplusnames);
        let fields = CodeFields {
            consts: Tuple::from_slice(t, consts.as_slice()).value(),
            names: names.value(),
            localsplusnames: localsplusnames.value(),
            localspluskinds: Bytes::from_slice(t, &data.localspluskinds)?.value(),
            name: intern(t, &data.name),
            qualname: intern(t, &data.qualname),
            filename: intern(t, &data.filename),
            linetable: Bytes::from_slice(t, &data.linetable)?.value(),
            exceptiontable: Bytes::from_slice(t, &data.exceptiontable)?.value(),
        };
        Code::build(t, data, &data.instructions, fields)
    }

    /// A code object from its parts; `data` gives the counts and flags.
    pub fn build(t: &Thread, data: &CodeData, words: &[u16], mut f: CodeFields) -> R<Ref<Code>> {
        if t.runtime().options.no_debug_ranges {
            // SAFETY: the field is bytes.
            let bytes = unsafe { Ref::<Bytes>::from_value(f.linetable) };
            let table = LineTable { bytes: bytes.as_slice(), firstlineno: data.firstlineno }.without_columns();
            f.linetable = Bytes::from_slice(t, &table)?.value();
        }
        let bytecode = Bytecode::new(t, words, false)?;
        // SAFETY: `consts` is a tuple.
        write_constants(&bytecode, unsafe { Ref::from_value(f.consts) });
        let mut has_loops = false;
        each_instruction(words, |_, op, _| has_loops |= matches!(op.family(), Opcode::JUMP_BACKWARD | Opcode::JUMP_BACKWARD_NO_INTERRUPT));
        let count = |bit: u8| data.localspluskinds.iter().filter(|k| *k & bit != 0).count() as u32;
        Ok(t.alloc(Code {
            header: header_of::<Code>(),
            consts: Slot::new(f.consts),
            names: Slot::new(f.names),
            localsplusnames: Slot::new(f.localsplusnames),
            localspluskinds: Slot::new(f.localspluskinds),
            name: Slot::new(f.name),
            qualname: Slot::new(f.qualname),
            filename: Slot::new(f.filename),
            linetable: Slot::new(f.linetable),
            exceptiontable: Slot::new(f.exceptiontable),
            bytecode: Slot::new(bytecode.value()),
            copies: Slot::NULL,
            locations: Slot::NULL,
            name_c: AtomicPtr::new(c_string(f.name)),
            file_c: AtomicPtr::new(c_string(f.filename)),
            flags: data.flags,
            argcount: data.argcount,
            posonlyargcount: data.posonlyargcount,
            kwonlyargcount: data.kwonlyargcount,
            stacksize: data.stacksize,
            nlocalsplus: data.localspluskinds.len() as u32,
            nlocals: count(LocalKind::LOCAL),
            nfree: count(LocalKind::FREE),
            firstlineno: data.firstlineno,
            version: AtomicU32::new(crate::shape::new_version().unwrap_or(0)),
            instrumented_at: AtomicU32::new(0),
            // Every generator has the one handler that turns StopIteration into RuntimeError.
            has_handlers: ExceptionTable(&data.exceptiontable).handlers().take(2).count() > 1,
            has_loops,
        }))
    }

    /// The version that functions made from this code start with.
    #[inline(always)]
    pub fn version(&self) -> u32 {
        self.version.load(Ordering::Relaxed)
    }

    /// The main copy of the instructions.
    #[inline(always)]
    pub fn bytecode(&self) -> Ref<Bytecode> {
        // SAFETY: the field always refers to bytecode.
        unsafe { Ref::from_value(self.bytecode.get()) }
    }

    /// What is instrumented, if anything is.
    #[inline]
    pub fn locations(&self) -> Option<Ref<Locations>> {
        // SAFETY: the field refers to such a table or is NULL.
        self.locations.opt().map(|l| unsafe { Ref::from_value(l) })
    }

    /// The instructions of the main copy as they are now, those that are instrumented in their base form.
    pub fn words(&self) -> Vec<u16> {
        let (main, locations) = (self.bytecode(), self.locations());
        let word = |i: usize| match (main.word(i), locations) {
            (word, Some(l)) if word as u8 == INSTRUMENTED => word & 0xFF00 | l.at(i).opcode() as u16,
            (word, _) => word,
        };
        (0..main.len()).map(word).collect()
    }

    /// The index of the word at an address in any of the copies.
    #[inline]
    pub fn offset_of(&self, pc: *const u16) -> usize {
        let main = self.bytecode();
        let copy = if main.contains(pc) { Some(main) } else { self.copy_containing(pc) };
        copy.map_or(0, |b| b.index_of(pc))
    }

    /// Its name for tracers.
    #[inline(always)]
    pub fn name_c(&self) -> *const c_char {
        self.name_c.load(Ordering::Relaxed)
    }

    /// Its file for tracers.
    #[inline(always)]
    pub fn file_c(&self) -> *const c_char {
        self.file_c.load(Ordering::Relaxed)
    }

    /// The documentation string, or None.
    pub fn docstring(&self) -> Value {
        // SAFETY: `consts` is a tuple.
        let consts = unsafe { Ref::<Tuple>::from_value(self.consts.get()) };
        if self.flags.has(CodeFlags::HAS_DOCSTRING) && !consts.is_empty() { consts.get(0) } else { Value::NONE }
    }

    /// The name of local slot `i`.
    pub fn local_name(&self, i: usize) -> Value {
        // SAFETY: the field is a tuple.
        unsafe { Ref::<Tuple>::from_value(self.localsplusnames.get()) }.get(i)
    }

    /// The kind bits of local slot `i`.
    pub fn local_kind(&self, i: usize) -> u8 {
        // SAFETY: the field is bytes.
        unsafe { Ref::<Bytes>::from_value(self.localspluskinds.get()) }.as_slice()[i]
    }

    /// Name `i` of `co_names`.
    #[inline(always)]
    pub fn name_at(&self, i: usize) -> Value {
        // SAFETY: the field is a tuple.
        unsafe { Ref::<Tuple>::from_value(self.names.get()) }.get(i)
    }

    /// Values a frame needs besides its header.
    #[inline(always)]
    pub fn frame_values(&self) -> usize {
        (self.nlocalsplus + self.stacksize) as usize
    }

    /// Has it positional parameters only, without `*args`?
    #[inline(always)]
    pub fn is_positional(&self) -> bool {
        !self.flags.has(CodeFlags::VARARGS | CodeFlags::VARKEYWORDS) && self.kwonlyargcount == 0
    }
}

impl Ref<Code> {
    /// Where this thread's instructions start; makes its copy when it has none yet.
    #[inline(always)]
    pub fn entry(self, t: &Thread) -> *const u16 {
        match t.bytecode_index.get() {
            0 => self.bytecode().start(),
            i => code_copies::copy_for(t, self, i as usize).start(),
        }
    }

    /// The same, of a copy of its own: for code that is known to run often.
    #[inline(always)]
    pub fn own_entry(self, t: &Thread) -> *const u16 {
        match t.bytecode_index.get() {
            0 => self.bytecode().start(),
            i => code_copies::own_copy(t, self, i as usize).start(),
        }
    }

    /// Where the instructions of this thread's own copy start, if it has one already.
    #[inline(always)]
    pub fn existing_entry(self, t: &Thread) -> Option<*const u16> {
        match t.bytecode_index.get() {
            0 => Some(self.bytecode().start()),
            i => self.existing_copy(i as usize).map(|copy| copy.start()),
        }
    }

    /// Gives the code its table of what is instrumented.
    pub fn set_locations(self, t: &Thread, to: Ref<Locations>) {
        self.locations.set(t, self, to.value());
    }
}

/// The values a code object is built from.
pub struct CodeFields {
    /// See [`Code`].
    pub consts: Value,
    /// See [`Code`].
    pub names: Value,
    /// See [`Code`].
    pub localsplusnames: Value,
    /// See [`Code`].
    pub localspluskinds: Value,
    /// See [`Code`].
    pub name: Value,
    /// See [`Code`].
    pub qualname: Value,
    /// See [`Code`].
    pub filename: Value,
    /// See [`Code`].
    pub linetable: Value,
    /// See [`Code`].
    pub exceptiontable: Value,
}

fn interned_tuple(t: &Thread, texts: &[String]) -> Ref<Tuple> {
    let mut list = ValueList::with_capacity(t, texts.len());
    for text in texts {
        list.push(t, intern(t, text));
    }
    Tuple::from_slice(t, list.as_slice())
}

/// The text of a str as C sees it, resident for ever or for as long as the string.
fn c_string(v: Value) -> *mut c_char {
    // SAFETY: names and files are strings.
    let s = unsafe { Ref::<Str>::from_value(v) };
    match s.as_ascii() {
        // The string's own characters, which a zero follows. The code object keeps the string alive.
        Some(_) => s.data_ptr() as *mut c_char,
        // Rare; such names are few and live as long as the program.
        None => CString::new(s.to_string_lossy().replace('\0', "")).unwrap_or_default().into_raw(),
    }
}

/// A live object from a constant.
pub fn constant(t: &Thread, c: &Constant) -> R {
    Ok(match c {
        Constant::None => Value::NONE,
        Constant::Bool(b) => Value::bool(*b),
        Constant::Ellipsis => Value::ELLIPSIS,
        Constant::Int(i) => crate::types::int::from_i64(t, *i),
        Constant::BigInt { negative, digits } => crate::types::int::from_digits(t, *negative, digits)?,
        Constant::Float(d) => Value::float(*d),
        Constant::Complex(re, im) => crate::types::complex::new(t, *re, *im),
        Constant::Str(s) => {
            let s = Str::from_wtf8(t, s)?;
            let is_name = s.as_ascii().is_some_and(|a| a.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
            if is_name { intern_value(t, s.value())? } else { s.value() }
        }
        Constant::Bytes(b) => Bytes::from_slice(t, b)?.value(),
        Constant::Tuple(items) => {
            let mut list = ValueList::with_capacity(t, items.len());
            for i in items {
                list.push(t, constant(t, i)?);
            }
            Tuple::from_slice(t, list.as_slice()).value()
        }
        Constant::FrozenSet(items) => {
            let mut list = ValueList::with_capacity(t, items.len());
            for i in items {
                list.push(t, constant(t, i)?);
            }
            crate::types::set::new_frozenset(t, list.as_slice())?
        }
        Constant::Slice(parts) => {
            let [start, stop, step] = &**parts;
            crate::types::slice::new(t, constant(t, start)?, constant(t, stop)?, constant(t, step)?)
        }
        Constant::Code(data) => Code::from_data(t, data)?.value(),
    })
}

/// Visits each instruction: its index, opcode and oparg with the extended bits.
pub fn each_instruction(words: &[u16], mut f: impl FnMut(usize, Opcode, u32)) {
    let (mut i, mut extended) = (0, 0);
    while i < words.len() {
        let Some(op) = Opcode::from_u8(words[i] as u8) else { break };
        let oparg = extended << 8 | (words[i] >> 8) as u32;
        extended = if op == Opcode::EXTENDED_ARG { oparg } else { 0 };
        f(i, op, oparg);
        i += 1 + op.caches();
    }
}

/// Fills the caches of `LOAD_CONST`, and gives counters and histories their first values.
pub(crate) fn write_constants(code: &Ref<Bytecode>, consts: Ref<Tuple>) {
    let words: Vec<u16> = (0..code.len()).map(|i| code.word(i)).collect();
    let base = code.start() as *mut u16;
    each_instruction(&words, |i, op, oparg| {
        // SAFETY: the bytecode is not published yet, and the caches of an instruction are inside it.
        let cache = unsafe { base.add(i + 1) };
        match op.family() {
            // SAFETY: four words for a value.
            Opcode::LOAD_CONST => unsafe { (cache as *mut u64).write_unaligned(consts.get(oparg as usize).bits()) },
            family if op.caches() > 0 => {
                // SAFETY: at least one cache word.
                unsafe { *cache = crate::interp::first_counter(family) }
            }
            _ => {}
        }
    });
}

/// Turns specialized instructions back into the base ones and empties their caches.
pub fn unspecialize(words: &mut [u16]) {
    let mut at = Vec::new();
    each_instruction(words, |i, op, _| at.push((i, op)));
    for (i, op) in at {
        words[i] = words[i] & 0xFF00 | op.family() as u16;
        words[i + 1..i + 1 + op.caches()].fill(0);
    }
}
