//! The layout of type objects, and how native types are declared.

use crate::args::{FnDef, GetSet};
use crate::object::{Layout, Ref, Slot, ValueExt};
use crate::shape::Shape;
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Dict, Tuple};
use limpid_heap::{Header, Kind, ShapeRef, Value};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering};

/// Properties of a type; CPython's numbers where a program can see them (`__flags__`).
pub mod flag {
    /// Instances are matched as sequences by `match`.
    pub const SEQUENCE: u64 = 1 << 5;
    /// Instances are matched as mappings by `match`.
    pub const MAPPING: u64 = 1 << 6;
    /// `T()` is not allowed.
    pub const DISALLOW_INSTANTIATION: u64 = 1 << 7;
    /// Its attributes cannot be set.
    pub const IMMUTABLE: u64 = 1 << 8;
    /// Made by a class statement or `type()`.
    pub const HEAP_TYPE: u64 = 1 << 9;
    /// May be a base of other classes.
    pub const BASE_TYPE: u64 = 1 << 10;
    /// The descriptor binds like a function, so a method call may skip making the bound method.
    pub const METHOD_DESCRIPTOR: u64 = 1 << 17;
    /// Has abstract methods left.
    pub const ABSTRACT: u64 = 1 << 20;
    /// A match pattern with one positional sub-pattern binds the subject itself.
    pub const MATCH_SELF: u64 = 1 << 22;
    /// Derives from int.
    pub const INT_SUBCLASS: u64 = 1 << 24;
    /// Derives from list.
    pub const LIST_SUBCLASS: u64 = 1 << 25;
    /// Derives from tuple.
    pub const TUPLE_SUBCLASS: u64 = 1 << 26;
    /// Derives from bytes.
    pub const BYTES_SUBCLASS: u64 = 1 << 27;
    /// Derives from str.
    pub const STR_SUBCLASS: u64 = 1 << 28;
    /// Derives from dict.
    pub const DICT_SUBCLASS: u64 = 1 << 29;
    /// Derives from BaseException.
    pub const EXCEPTION_SUBCLASS: u64 = 1 << 30;
    /// Derives from type.
    pub const TYPE_SUBCLASS: u64 = 1 << 31;
    /// Some cache relies on a version of the type or of one of its shapes.
    pub const CACHED: u64 = 1 << 40;
    /// Has a `__del__`.
    pub const HAS_FINALIZER: u64 = 1 << 41;
    /// Instances may have weak references to them.
    pub const WEAK_REFERENCES: u64 = 1 << 42;
    /// Attribute lookup is object's own: no `__getattr__`, no `__getattribute__`.
    pub const PLAIN_LOOKUP: u64 = 1 << 43;
    /// Subscripts that are ints run no Python code, nor does storing numbers at them.
    pub const PLAIN_ITEMS: u64 = 1 << 44;
    /// Instances begin with [`Numbers`](super::super::numbers::Numbers).
    pub const NUMBERS: u64 = 1 << 45;
    /// The flags a subclass takes over from its bases.
    pub const INHERITED: u64 = SEQUENCE
        | MAPPING
        | MATCH_SELF
        | INT_SUBCLASS
        | LIST_SUBCLASS
        | TUPLE_SUBCLASS
        | BYTES_SUBCLASS
        | STR_SUBCLASS
        | DICT_SUBCLASS
        | EXCEPTION_SUBCLASS
        | TYPE_SUBCLASS
        | HAS_FINALIZER
        | WEAK_REFERENCES;
}

/// A native type, as it is declared.
pub struct TypeDef {
    /// `"list"`, `"collections.deque"`: what is before the last dot becomes `__module__`, `builtins` if there is none.
    pub name: &'static str,
    /// The documentation string; the constructor's signature first as in CPython: `"list(iterable=(), /)\n--\n\n..."`.
    pub doc: &'static str,
    /// The base type; None is object.
    pub base: Option<fn() -> Ref<Type>>,
    /// [`flag`] bits, besides those inherited.
    pub flags: u64,
    /// Bytes of the layout, header included.
    pub size: usize,
    /// How the collector traces an instance's native part: [`Layout::KIND`], [`Layout::SLOTS`].
    pub kind: u8,
    /// See `kind`.
    pub value_slots: u8,
    /// The native functions.
    pub slots: SlotTable,
    /// Methods.
    pub methods: &'static [FnDef],
    /// Computed attributes.
    pub getset: &'static [GetSet],
    /// Where instances keep their attribute dict, in bytes (as exceptions and functions have one); 0: they have none.
    pub dict_offset: usize,
    /// `__match_args__`, if there are any.
    pub match_args: &'static [&'static str],
}

impl TypeDef {
    /// A type that instances of the layout `T` have; fill in the rest with `..TypeDef::of::<T>("name")`.
    pub const fn of<T: Layout>(name: &'static str) -> TypeDef {
        TypeDef {
            name,
            doc: "",
            base: None,
            flags: 0,
            size: size_of::<T>(),
            kind: T::KIND,
            value_slots: T::SLOTS,
            slots: SlotTable::EMPTY,
            methods: &[],
            getset: &[],
            dict_offset: 0,
            match_args: &[],
        }
    }
}

/// A type object.
#[repr(C)]
pub struct Type {
    header: Header,
    /// `__name__`.
    pub name: Slot,
    /// `__qualname__`.
    pub qualname: Slot,
    /// `__bases__`, a tuple.
    pub bases: Slot,
    /// `__base__`, or NULL for object.
    pub base: Slot,
    /// `__mro__`, a tuple.
    pub mro: Slot,
    /// The namespace.
    pub dict: Slot,
    /// Weak references to the direct subclasses: a value list, or NULL.
    pub subclasses: Slot,
    /// The shape of new instances.
    pub shape: Slot,
    /// The shape of instances that keep attributes in a dict; NULL when instances have no attributes of their own.
    pub dict_shape: Slot,
    /// The descriptors of `__slots__` members, a tuple, or NULL.
    pub members: Slot,
    /// The Python function behind `x[i]` of instances, for instructions that have cached the version of this class.
    pub known_getitem: Slot,
    slots: UnsafeCell<SlotTable>,
    flags: AtomicU64,
    /// Version of the class for method caches, 0 when none is given out.
    version: AtomicU32,
    /// Bytes of an instance, inline attribute slots included.
    size: AtomicU32,
    /// Bytes of the native part and `__slots__` members.
    pub(crate) basic_size: u32,
    /// Where the `dict` word of an instance is, 0 when it has none; the inline attribute slots follow it.
    attrs_offset: AtomicU16,
    /// How many inline attribute slots new instances get.
    inline_capacity: AtomicU16,
    /// Words behind the contents of instances of variable size: `__slots__` members, then the `dict` word.
    tail: AtomicU16,
    /// How many attributes methods of the class and its bases assign.
    expected_attributes: AtomicU16,
    /// How instances are traced.
    pub(crate) kind: u8,
    pub(crate) value_slots: u8,
    /// The declaration of a native type, or of the nearest native base.
    pub(crate) def: Option<&'static TypeDef>,
}

/// The distance at which builtin types are laid out.
pub const TYPE_SIZE: usize = size_of::<Type>().next_multiple_of(16);

// A type is traced conservatively: it has mixed fields, and there are few.
crate::layout!(Type, crate::types::builtin::TYPE, Mixed);

// SAFETY: the slot table is changed with the world stopped only; the other fields are atomics or fixed after construction.
unsafe impl Sync for Type {}

impl Type {
    /// Where the version is.
    pub const VERSION: usize = std::mem::offset_of!(Type, version);

    /// An [`attrs_offset`](Type::attrs_offset) that stands for the last word of the cell: in subclasses of the native types whose
    /// instances differ in size (int, str, bytes, tuple).
    pub const VARIABLE: usize = u16::MAX as usize;

    /// A type under construction: everything empty but what is given.
    pub(crate) fn new_raw(
        header: Header,
        def: Option<&'static TypeDef>,
        slots: SlotTable,
        flags: u64,
        kind: u8,
        value_slots: u8,
        basic_size: usize,
    ) -> Type {
        Type {
            header,
            name: Slot::NULL,
            qualname: Slot::NULL,
            bases: Slot::NULL,
            base: Slot::NULL,
            mro: Slot::NULL,
            dict: Slot::NULL,
            subclasses: Slot::NULL,
            shape: Slot::NULL,
            dict_shape: Slot::NULL,
            members: Slot::NULL,
            known_getitem: Slot::NULL,
            slots: UnsafeCell::new(slots),
            flags: AtomicU64::new(flags),
            version: AtomicU32::new(0),
            size: AtomicU32::new(basic_size as u32),
            basic_size: basic_size as u32,
            attrs_offset: AtomicU16::new(0),
            inline_capacity: AtomicU16::new(0),
            tail: AtomicU16::new(0),
            expected_attributes: AtomicU16::new(0),
            kind,
            value_slots,
            def,
        }
    }

    /// Replaces the native functions.
    ///
    /// # Safety
    /// The type is not published yet, or the world is stopped.
    pub(crate) unsafe fn set_slots(&self, slots: SlotTable) {
        // SAFETY: by contract nobody reads meanwhile.
        unsafe { *self.slots.get() = slots }
    }

    /// Is this [`flag`] set?
    #[inline(always)]
    pub fn has(&self, flag: u64) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }

    /// All flags.
    pub fn flags(&self) -> u64 {
        self.flags.load(Ordering::Relaxed)
    }

    /// Sets or clears flags.
    pub(crate) fn change_flags(&self, set: u64, clear: u64) {
        let _ = self.flags.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |f| Some(f & !clear | set));
    }

    /// Makes `match` take instances for sequences or for mappings: [`flag::SEQUENCE`], [`flag::MAPPING`] or neither.
    pub fn set_collection_flags(&self, flags: u64) {
        self.change_flags(flags, flag::SEQUENCE | flag::MAPPING);
    }

    /// The shape word of a new instance.
    #[inline(always)]
    pub fn root_shape(&self) -> ShapeRef {
        ShapeRef::of(self.shape.get().as_ptr::<Shape>())
    }

    /// Bytes of a new instance.
    #[inline(always)]
    pub fn instance_size(&self) -> usize {
        self.size.load(Ordering::Relaxed) as usize
    }

    /// Where the `dict` word of an instance is, 0 when instances have no attributes of their own.
    #[inline(always)]
    pub fn attrs_offset(&self) -> usize {
        self.attrs_offset.load(Ordering::Relaxed) as usize
    }

    /// How many inline attribute slots new instances get.
    #[inline(always)]
    pub fn inline_capacity(&self) -> usize {
        self.inline_capacity.load(Ordering::Relaxed) as usize
    }

    /// Gives instances a `dict` word at `offset` and `capacity` inline attribute slots behind it.
    pub(crate) fn set_attrs(&self, offset: usize, capacity: usize) {
        self.attrs_offset.store(offset as u16, Ordering::Relaxed);
        self.set_inline_capacity(capacity);
    }

    /// Gives instances a `dict` word that lies inside the native part or, [`Type::VARIABLE`], at the end of the cell.
    pub(crate) fn set_native_attrs(&self, offset: usize) {
        self.attrs_offset.store(offset as u16, Ordering::Relaxed);
    }

    /// Changes how many inline attribute slots new instances get.
    pub(crate) fn set_inline_capacity(&self, capacity: usize) {
        self.inline_capacity.store(capacity as u16, Ordering::Relaxed);
        self.size.store((self.attrs_offset() + 8 + capacity * 8) as u32, Ordering::Relaxed);
    }

    /// Bytes that an instance of a class derived from a type of variable size has behind its contents.
    #[inline(always)]
    pub fn tail_size(&self) -> usize {
        self.tail.load(Ordering::Relaxed) as usize * size_of::<Slot>()
    }

    /// Reserves words behind the contents of instances of variable size.
    pub(crate) fn set_tail_words(&self, words: usize) {
        self.tail.store(words as u16, Ordering::Relaxed);
    }

    /// How many attributes methods of the class and its bases assign.
    pub(crate) fn expected_attributes(&self) -> usize {
        self.expected_attributes.load(Ordering::Relaxed) as usize
    }

    /// See [`Type::expected_attributes`].
    pub(crate) fn set_expected_attributes(&self, n: usize) {
        self.expected_attributes.store(n.min(u16::MAX as usize) as u16, Ordering::Relaxed);
    }

    /// The version that certifies the class as it is now, or 0.
    #[inline(always)]
    pub fn version(&self) -> u32 {
        self.version.load(Ordering::Relaxed)
    }

    /// As [`Type::version`], but gives it one if it has none. None when versions have run out.
    pub fn assign_version(&self) -> Option<u32> {
        let v = self.version();
        if v != 0 {
            return Some(v);
        }
        self.note_cached();
        let new = crate::shape::new_version()?;
        match self.version.compare_exchange(0, new, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => Some(new),
            Err(other) => Some(other),
        }
    }

    /// Takes the version away.
    pub(crate) fn clear_version(&self) {
        self.version.store(0, Ordering::Release);
    }

    /// Remembers that some cache relies on this class.
    pub(crate) fn note_cached(&self) {
        self.flags.fetch_or(flag::CACHED, Ordering::Relaxed);
    }

    /// The namespace.
    #[inline]
    pub fn dict(&self) -> Ref<Dict> {
        // SAFETY: the field always refers to a dict.
        unsafe { Ref::from_value(self.dict.get()) }
    }

    /// The method resolution order.
    #[inline]
    pub fn mro(&self) -> Ref<Tuple> {
        // SAFETY: the field always refers to a tuple.
        unsafe { Ref::from_value(self.mro.get()) }
    }

    /// The base whose layout this one extends.
    pub fn base(&self) -> Option<Ref<Type>> {
        // SAFETY: the field refers to a type or is NULL.
        self.base.opt().map(|b| unsafe { Ref::from_value(b) })
    }

    /// Has `T()` a native layout like `other`'s, i.e. is the nearest native base the same?
    pub fn native_def(&self) -> Option<&'static TypeDef> {
        self.def
    }

    /// The name for messages: `__name__`, or the whole declared name of a native type.
    pub fn display_name(&self) -> String {
        if let Some(def) = self.def.filter(|_| !self.has(flag::HEAP_TYPE)) {
            return def.name.to_string();
        }
        self.name.get().downcast::<crate::types::Str>().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

impl Ref<Type> {
    /// The native functions.
    #[inline(always)]
    pub fn slots<'a>(self) -> &'a SlotTable {
        // SAFETY: written only with the world stopped or before the type is published. A type lives as long as anything that has it as
        // its class, and whoever reads its slots has such a thing or the type itself.
        unsafe { &*(*self.ptr()).slots.get() }
    }

    /// Is it `class` or derived from it, by the MRO?
    pub fn is_subtype(self, class: Ref<Type>) -> bool {
        if self == class {
            return true;
        }
        let Some(mro) = self.mro.opt() else {
            // Under construction: the bases are enough.
            return self.base().is_some_and(|b| b.is_subtype(class));
        };
        // SAFETY: `mro` is a tuple.
        let mro = unsafe { Ref::<Tuple>::from_value(mro) };
        mro.as_slice().contains(&class.value())
    }

    /// What a new instance of a class made in Python needs besides memory: registration of its finalizer.
    #[inline]
    pub fn on_new_instance(self, t: &Thread, instance: Value) {
        if self.has(flag::HAS_FINALIZER) {
            limpid_heap::register_finalizer(&t.mutator, instance);
        }
    }

    /// The header of a new instance with this layout.
    pub fn instance_header(self) -> Header {
        let slots = if self.kind == Kind::Slots as u8 { (self.instance_size() / 8 - 1).min(u8::MAX as usize) as u8 } else { 0 };
        Header::with_raw_kind(self.root_shape(), self.kind, slots)
    }
}
