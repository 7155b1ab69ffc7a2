//! What a trace is between recording and machine code: uops in SSA form.
//!
//! A [`Trace`] is one straight line, perhaps with a jump from its end to its beginning. Values are [`Id`]s, each defined once; a guard that
//! fails leaves through a [`Snapshot`], which tells the interpreter's state by ids. Numbers are unboxed: an int is its payload shifted left
//! by 15 (see [`limpid_heap::Value::shifted`]), so the overflow flag says exactly when it is no inline int any more.
//!
//! The text form, which the tests of the passes are written in, is one uop a line:
//!
//! ```text
//! v4: int = add_int v1 v3 !0
//! ```
//!
//! `#n` is the number that some uops carry, `!n` the snapshot a guard leaves with.

mod effect;
mod objects;
#[cfg(test)]
mod parse;

pub use effect::Effect;
pub use objects::{Layout, MOST_OBJECTS, NOT_MADE, Object};

use limpid_bytecode::Opcode;
use std::ffi::CStr;
use std::fmt;
use std::sync::Arc;

/// A value of a trace: the number of the uop that makes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub u32);

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// The representation of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Ty {
    /// No result.
    None,
    /// A Python value as the interpreter has it.
    Value,
    /// An inline int, shifted.
    Int,
    /// A float.
    Float,
    /// True or False.
    Bool,
    /// A machine word: an address, a count.
    Word,
}

macro_rules! define_ops {
    ($($(#[$doc:meta])* $name:ident = $text:literal $effect:ident;)*) => {
        /// What a uop does.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        pub enum Op { $($(#[$doc])* $name,)* }

        impl Op {
            /// Its name in the text form.
            pub fn name(self) -> &'static str {
                match self { $(Op::$name => $text,)* }
            }

            /// All names, by number, as the statistics have them.
            pub const NAMES: &[&str] = &[$(concat!("_", $text)),*];

            /// Its name as tracers get it.
            pub fn name_c(self) -> &'static CStr {
                let text = match self { $(Op::$name => concat!($text, "\0"),)* };
                CStr::from_bytes_with_nul(text.as_bytes()).unwrap_or_default()
            }

            /// The uop with a name.
            #[cfg(test)]
            pub fn from_name(name: &str) -> Option<Op> {
                match name { $($text => Some(Op::$name),)* _ => None }
            }

            /// What it does besides making a value.
            pub fn effect(self) -> Effect {
                match self { $(Op::$name => Effect::$effect,)* }
            }
        }
    };
}

define_ops! {
    /// Word `imm` of the thread's buffer when the trace starts; in a loop, what the last round hands to the next.
    Input = "input" Pure;
    /// Behind inputs: in the first round the operand, in the others what the last round hands to the next.
    Carried = "carried" Pure;
    /// The constant `imm`.
    Const = "const" Pure;
    /// The address `imm` bytes behind the first frame of the trace.
    Frame = "frame" Pure;
    /// A number or bool as a Python value.
    Box = "box" Pure;
    /// The int of a value that is known to be one.
    UnboxInt = "unbox_int" Pure;
    /// The float of a value that is known to be one.
    UnboxFloat = "unbox_float" Pure;
    /// The bool of a value that is known to be one.
    UnboxBool = "unbox_bool" Pure;

    /// The value is an inline int.
    GuardInt = "guard_int" Guards;
    /// The value is a float.
    GuardFloat = "guard_float" Guards;
    /// The value is True or False.
    GuardBool = "guard_bool" Guards;
    /// The value is a cell of the shape `imm`.
    GuardShape = "guard_shape" Guards;
    /// The word is `imm`.
    GuardIs = "guard_is" Guards;
    /// The word is not `imm`.
    GuardIsNot = "guard_is_not" Guards;
    /// The first word, unsigned, is below the second.
    GuardBelow = "guard_below" Guards;
    /// The bool is true.
    GuardTrue = "guard_true" Guards;
    /// The bool is false.
    GuardFalse = "guard_false" Guards;
    /// The interpreter's stack from an address on, and the recursion limit, have room for `imm` = frames << 32 | words more.
    GuardRoom = "guard_room" Guards;
    /// There is no other thread.
    GuardAlone = "guard_alone" Guards;
    /// Two objects are not the same one.
    GuardDistinct = "guard_distinct" Guards;
    /// Nobody has asked anything of the thread.
    GuardBreaker = "guard_breaker" Guards;

    /// Sum that is an inline int.
    AddInt = "add_int" Guards;
    /// Difference that is an inline int.
    SubInt = "sub_int" Guards;
    /// Product that is an inline int.
    MulInt = "mul_int" Guards;
    /// Sum of shifted ints that is known to fit.
    AddFits = "add_fits" Pure;
    /// Product of a shifted int and a word that is known to fit.
    MulFits = "mul_fits" Pure;
    /// Bitwise and.
    And = "and" Pure;
    /// Bitwise or.
    Or = "or" Pure;
    /// Bitwise exclusive or.
    Xor = "xor" Pure;
    /// Int shifted to the right by `imm` places.
    ShiftRight = "shift_right" Pure;
    /// Int shifted to the left by `imm` places; fits.
    ShiftLeft = "shift_left" Guards;
    /// Int shifted to the right by as many places as a word says, less than 64.
    ShiftRightBy = "shift_right_by" Pure;
    /// Int shifted to the left by as many places as a word says, less than 48; fits.
    ShiftLeftBy = "shift_left_by" Guards;
    /// `//`; the divisor is neither 0 nor the dividend the smallest number.
    FloorDivide = "floor_divide" Guards;
    /// `%`, likewise.
    Remainder = "remainder" Guards;
    /// Comparison of ints or words, `imm` is a mask of 1 less, 2 greater, 4 equal.
    Compare = "compare" Pure;
    /// The int as a machine word.
    IntToWord = "int_to_word" Pure;
    /// A machine word as an int; it fits.
    WordToInt = "word_to_int" Pure;
    /// The int as a float.
    IntToFloat = "int_to_float" Pure;

    /// Sum.
    AddFloat = "add_float" Pure;
    /// Difference.
    SubFloat = "sub_float" Pure;
    /// Product.
    MulFloat = "mul_float" Pure;
    /// Quotient; the divisor is not zero.
    DivFloat = "div_float" Guards;
    /// Power with a constant exponent; leaves if the result is not finite, or the base is not above zero and `imm` is 0.
    PowFloat = "pow_float" Guards;
    /// Comparison of floats: mask as for `Compare`, 8 unordered.
    CompareFloat = "compare_float" Pure;
    /// The bool that it is not.
    Not = "not" Pure;

    /// 64 bits at an address plus `imm` that never change while the object lives, and the address is right for as long as it is known.
    LoadFixed = "load_fixed" Pure;
    /// 64 bits at an address plus `imm`.
    Load = "load" Reads;
    /// 32 bits at an address plus `imm`.
    Load32 = "load32" Reads;
    /// 64 bits at an address plus `imm` plus eight times a word.
    LoadItem = "load_item" Reads;

    /// A number of the format `imm` at an index (a word) among those that an object has: leaves if there is none. Behind them what
    /// `StoreItem` has there.
    NumberItem = "number_item" Guards;
    /// The length of a str.
    StrLen = "str_len" Reads;
    /// Have two strs the same characters?
    EqualStr = "equal_str" Reads;
    /// The character of a str at an index (a word): leaves if there is none.
    StrItem = "str_item" Guards;
    /// The item of a dict with a key: leaves if it has none, or if finding out needs Python code.
    DictItem = "dict_item" Guards;
    /// The item of a dict with a key, or the third value: leaves if finding out needs Python code, or somebody traces native calls.
    DictGet = "dict_get" Guards;
    /// Has a dict a key? Leaves if finding out needs Python code.
    InDict = "in_dict" Guards;
    /// Has a set or frozenset a key? Likewise.
    InSet = "in_set" Guards;
    /// Is the second value in a list or tuple (first value)? Likewise.
    InSequence = "in_sequence" Guards;
    /// Is the first value an instance of the second? Likewise. Behind them what `StoreItem` has there.
    IsInstance = "is_instance" Guards;

    /// A tuple of the values, which takes more than a cell. Behind them what `StoreItem` has there; leaves if there is no memory.
    BuildTuple = "build_tuple" Reads;
    /// A list of the values, likewise.
    BuildList = "build_list" Reads;
    /// A slice of the three values, likewise.
    BuildSlice = "build_slice" Reads;
    /// A new instance of an ordinary class, without attributes. Behind it what `StoreItem` has there. `imm` is the header that it gets, with
    /// the number of its size class for the collector's bits; 0: it takes more than a cell.
    NewInstance = "new_instance" Writes;
    /// A new object of the layout `imm`, with all that it holds.
    Make = "make" Reads;
    /// The first value, or, if that is [`NOT_MADE`], what `Make` makes of the others.
    MakeUnless = "make_unless" Reads;

    /// 64 bits at `imm` in the thread.
    LoadThread = "load_thread" Reads;

    /// Stores the second word at the first, the address of a frame, plus `imm`.
    StoreFrame = "store_frame" Writes;
    /// Stores 64 bits at `imm` in the thread.
    StoreThread = "store_thread" Writes;
    /// Adds `imm` to the thread's depth.
    AddDepth = "add_depth" Writes;
    /// Stores a value at an object plus `imm`, with the collector's barrier.
    StoreSlot = "store_slot" Writes;
    /// Stores a value (second) at an object (first), which gets a new shape: `imm` = shape << 16 | offset. The third is the attribute's name;
    /// behind them what `StoreItem` has there. Leaves if that is not possible.
    AddSlot = "add_slot" Writes;
    /// Stores the third value as item (second word) of a list (first value): leaves if there is no such item. Behind them the frame and the
    /// end of the stack, for the collector.
    StoreItem = "store_item" Writes;
    /// Stores the third value as such a number.
    StoreNumber = "store_number" Writes;
    /// Stores the third value in a dict (first value) under a key: leaves if that needs Python code. Behind them what `StoreItem` has there.
    StoreDictItem = "store_dict_item" Writes;
    /// Takes the next pair of an iterator (first value) apart, onto the stack at an address: leaves if there is none, or if finding out needs
    /// Python code. Behind them what `StoreItem` has there.
    NextPair = "next_pair" Writes;
    /// Calls the native function at the address `imm`, which runs no Python code: leaves if it raises an exception, or if somebody traces
    /// such calls. Behind the arguments what `StoreItem` has there.
    CallNative = "call_native" Writes;
    /// Takes a lock (first value), as `CallNative` does.
    TakeLock = "take_lock" Writes;
    /// Gives a lock (first value) back, as `CallNative` does.
    GiveLock = "give_lock" Writes;
    /// Two strs in one: leaves if there is no memory. Behind them what `StoreItem` has there.
    ConcatStr = "concat_str" Writes;
    /// Appends the second value to a list (first value): leaves if there is no memory. Behind them what `StoreItem` has there.
    Append = "append" Writes;
    /// Tells tracers that the code `imm` is entered, if the semaphores say so; leaves if lines are traced.
    ProbeEntry = "probe_entry" Writes;
    /// Tells tracers that a generator with the code `imm` goes on, as `ProbeEntry` does.
    ProbeResume = "probe_resume" Writes;
    /// Tells tracers that a function returns: number `imm` in the list of returns.
    ProbeReturn = "probe_return" Writes;
    /// Tells tracers that a generator yields, likewise.
    ProbeYield = "probe_yield" Writes;
    /// Links the frame of a generator (first value) in front of its caller's, which is at the second address and whose stack ends at the
    /// third; at the fourth the thread's stack is free. Number `imm` in the list of resumptions. Leaves if somebody else runs it.
    Resume = "resume" Writes;
    /// Hands the generator (first value) back, suspended at the address `imm` with its stack up to the second, to the caller's frame (third
    /// and fourth: its address and the end of its stack).
    Suspend = "suspend" Writes;
    /// As `Suspend`, in a `yield from` or `await`.
    SuspendInSend = "suspend_in_send" Writes;
    /// Runs instruction `imm` of the list of calls as a function, in the frame at an address; leaves if it does not go on as it was
    /// recorded.
    Body = "body" Writes;

    /// Leaves the trace.
    Leave = "leave" Guards;
    /// Leaves the trace the first time.
    LeaveOnce = "leave_once" Guards;
    /// Goes on in the executor or junction at the address `imm`: its first frame is at the first address, the second is where the
    /// interpreter goes on if a junction has no code, its inputs are the others. Leaves if an executor has none.
    Link = "link" Guards;
}

/// One uop.
#[derive(Clone, Debug)]
pub struct Uop {
    /// What it does.
    pub op: Op,
    /// What it makes.
    pub ty: Ty,
    /// Its operands.
    pub args: Vec<Id>,
    /// Its number.
    pub imm: i64,
    /// The snapshot it leaves with.
    pub exit: Option<u32>,
}

/// A call of an instruction's body.
#[derive(Clone, Debug)]
pub struct BodyCall {
    /// The instruction.
    pub pc: u64,
    /// The body's address.
    pub function: u64,
    /// The form of the instruction that it is for.
    pub op: Opcode,
    /// Its oparg.
    pub oparg: u32,
    /// Words of variables and value stack in use.
    pub used: u32,
    /// Where it goes on.
    pub expected: u64,
}

/// How a generator is resumed.
#[derive(Clone, Debug)]
pub struct Resumption {
    /// Where the generator goes on.
    pub pc: u64,
    /// Where the caller does when it yields, ...
    pub return_pc: u64,
    /// ... and when it returns.
    pub exhausted_pc: u64,
    /// Does it want the value that is returned?
    pub wants_value: bool,
}

/// A frame in a snapshot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FrameState {
    /// What its place is measured from, if that is not the first frame: the address of a frame in a generator or called from one.
    pub base: Option<Id>,
    /// Its place, in words.
    pub place: i32,
    /// Words of the interpreter's stack in use where it starts, counted from the start of the trace.
    pub extent: i32,
    /// Local variables before the value stack.
    pub nlocals: u32,
    /// Words of variables and stack in use.
    pub used: u32,
    /// Where it returns to, if it is not the first.
    pub return_pc: u64,
    /// The function, if the header is not in memory yet.
    pub header: Option<Id>,
    /// Words whose values are not in memory yet.
    pub stores: Vec<(u32, Id)>,
    /// The address of its code object, 0 if it is none of the program's: for those who look from outside.
    pub code: u64,
}

/// The interpreter's state where a trace is left.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// The instruction to go on with.
    pub pc: u64,
    /// The frames from the first one on.
    pub frames: Vec<FrameState>,
    /// How many more frames the thread's depth counts than there were at the start.
    pub depth: i32,
    /// Objects among the values that are made there, each behind those that it holds.
    pub objects: Vec<Object>,
}

impl Snapshot {
    /// The values that it stores, and that its objects hold.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Id> {
        let stored = self.frames.iter_mut().flat_map(|f| &mut f.stores).map(|store| &mut store.1);
        stored.chain(self.objects.iter_mut().flat_map(|o| &mut o.parts))
    }
}

/// A trace.
#[derive(Clone, Default, Debug)]
pub struct Trace {
    /// The uops by id.
    pub uops: Vec<Uop>,
    /// What runs once, before the loop.
    pub entry: Vec<Id>,
    /// What runs in each round, or once if it is no loop.
    pub body: Vec<Id>,
    /// The inputs, and what else is handed on from round to round.
    pub inputs: Vec<Id>,
    /// What the inputs are in the next round; None: no loop.
    pub next: Option<Vec<Id>>,
    /// Where guards leave to.
    pub snapshots: Vec<Snapshot>,
    /// Instructions that are called.
    pub calls: Vec<BodyCall>,
    /// Generators that are resumed.
    pub resumptions: Vec<Resumption>,
    /// Code and instruction of returns that are told to tracers.
    pub returns: Vec<(u64, u64)>,
    /// What the objects look like that are made at once.
    pub layouts: Vec<Arc<Layout>>,
}

impl Trace {
    /// The uop that makes a value.
    pub fn uop(&self, id: Id) -> &Uop {
        &self.uops[id.0 as usize]
    }

    /// How many uops run.
    pub fn uop_count(&self) -> usize {
        self.entry.len() + self.body.len()
    }

    /// A new uop that runs nowhere yet.
    pub fn add(&mut self, uop: Uop) -> Id {
        self.uops.push(uop);
        Id(self.uops.len() as u32 - 1)
    }

    /// The number that a value is, if it was boxed; otherwise the value.
    pub fn unboxed(&self, id: Id) -> Id {
        let uop = self.uop(id);
        if uop.op == Op::Box { uop.args[0] } else { id }
    }

    /// Has the loop begin with a value that each round hands to the next.
    pub fn add_carried(&mut self, first: Id) -> Id {
        let ty = self.uop(first).ty;
        let id = self.add(Uop { op: Op::Carried, ty, args: vec![first], imm: 0, exit: None });
        self.entry.push(id);
        id
    }

    /// The number of a layout, which may be new.
    pub fn layout(&mut self, layout: Layout) -> u32 {
        let known = self.layouts.iter().position(|known| **known == layout);
        known.unwrap_or_else(|| {
            self.layouts.push(Arc::new(layout));
            self.layouts.len() - 1
        }) as u32
    }

    /// Is the first round of the loop another one than the rest, and in front of it? What the rest is without relies on it that the thread
    /// is alone.
    pub fn is_peeled(&self) -> bool {
        self.entry.iter().any(|id| self.uop(*id).op == Op::GuardAlone)
    }

    /// The values that a snapshot takes: those that it names, but for the objects that are made there, and what those hold.
    pub fn snapshot_ids(&self, exit: u32) -> impl Iterator<Item = Id> + '_ {
        let Snapshot { frames, objects, .. } = &self.snapshots[exit as usize];
        let named = frames.iter().flat_map(|f| f.base.iter().chain(f.header.iter()).copied().chain(f.stores.iter().map(|s| s.1)));
        let held = objects.iter().flat_map(|o| &o.parts).copied();
        let taken = named.chain(held).filter(|id| !objects.iter().any(|o| o.id == *id));
        taken.chain(objects.iter().filter_map(|o| o.unless))
    }
}

fn type_name(ty: Ty) -> &'static str {
    match ty {
        Ty::None => "none",
        Ty::Value => "value",
        Ty::Int => "int",
        Ty::Float => "float",
        Ty::Bool => "bool",
        Ty::Word => "word",
    }
}

impl Trace {
    fn write_uop(&self, f: &mut fmt::Formatter<'_>, id: Id) -> fmt::Result {
        let u = self.uop(id);
        if u.ty == Ty::None {
            write!(f, "    {}", u.op.name())?;
        } else {
            write!(f, "    {id:?}: {} = {}", type_name(u.ty), u.op.name())?;
        }
        for a in &u.args {
            write!(f, " {a:?}")?;
        }
        match (u.op, u.ty) {
            (Op::Const, Ty::Int) => write!(f, " #{}", u.imm >> 15)?,
            (Op::Const, Ty::Float) => write!(f, " #{:?}", f64::from_bits(u.imm as u64))?,
            (Op::Const, Ty::Value) => write!(f, " #{:#x}", u.imm)?,
            _ if u.imm != 0 || u.op == Op::Const || u.op == Op::Input => write!(f, " #{}", u.imm)?,
            _ => {}
        }
        if let Some(e) = u.exit {
            write!(f, " !{e}")?;
        }
        if let (Op::Body, Some(call)) = (u.op, self.calls.get(u.imm as usize)) {
            write!(f, " {:?}", call.op)?;
        }
        writeln!(f)
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "entry:")?;
        self.entry.iter().try_for_each(|id| self.write_uop(f, *id))?;
        writeln!(f, "body:")?;
        self.body.iter().try_for_each(|id| self.write_uop(f, *id))?;
        if let Some(next) = &self.next {
            writeln!(f, "again {next:?}")?;
        }
        for (i, s) in self.snapshots.iter().enumerate() {
            let ids: Vec<Id> = self.snapshot_ids(i as u32).collect();
            write!(f, "!{i}: at {} {ids:?}", s.pc)?;
            for Object { id, layout, unless, parts } in &s.objects {
                write!(f, " {id:?} = make #{layout} {parts:?}")?;
                unless.iter().try_for_each(|id| write!(f, " unless {id:?}"))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
