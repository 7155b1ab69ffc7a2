//! `bytearray`: bytes that can be changed.
//!
//! A reference to a storage cell, where the contents begin in it, and how many there are. Growing publishes a new storage; the old one
//! stays valid for whoever still reads it. Writers hold the object's lock; readers take none, and check what they have read against the
//! capacity of the one storage they have loaded. So a reader beside a writer sees some mixture of bytes, but never foreign memory.
//!
//! While a buffer of it is exported ([`Buffer`], a memoryview) its size cannot change.

use crate::object::{R, Ref, Slot, ValueExt, header_of, plain_header};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::bytes_methods::{self, ByteText};
use crate::types::memory::{self, Buffer};
use crate::types::str::{percent, repr as str_repr};
use crate::types::{Str, Type, TypeDef, builtin, flag};
use limpid_heap::{Header, Kind, Value};
use std::sync::atomic::{AtomicUsize, Ordering};

mod items;
mod methods;
mod new;

/// The layout of a bytearray.
#[repr(C)]
pub struct Bytearray {
    header: Header,
    storage: Slot,
    start: AtomicUsize,
    len: AtomicUsize,
    /// Buffers of it that are in use.
    exports: AtomicUsize,
}

// The other words are lengths and counts, too small to be taken for addresses.
crate::layout!(Bytearray, builtin::BYTEARRAY, Slots);

/// The contents of a bytearray, and room behind them.
#[repr(C)]
struct Storage {
    header: Header,
    capacity: usize,
    data: [u8; 0],
}

const STORAGE_OVERHEAD: usize = size_of::<Storage>();

impl Storage {
    fn new(t: &Thread, capacity: usize) -> R<Ref<Storage>> {
        let size = capacity.checked_add(STORAGE_OVERHEAD + 1).unwrap_or(usize::MAX / 2);
        let p = t.try_alloc_bytes(size, plain_header(Kind::Leaf))?.as_ptr() as *mut Storage;
        // SAFETY: a new, zeroed cell.
        unsafe {
            (*p).capacity = capacity;
            Ok(Ref::from_ptr(p))
        }
    }
}

impl Ref<Storage> {
    #[inline(always)]
    fn data(self) -> *mut u8 {
        // SAFETY: the cell is live.
        unsafe { (&raw mut (*self.ptr()).data).cast() }
    }
}

impl Bytearray {
    /// A bytearray with these contents.
    pub fn from_slice(t: &Thread, contents: &[u8]) -> R<Ref<Bytearray>> {
        let array = Bytearray::in_class(t, builtin::BYTEARRAY);
        array.replace_all(t, contents)?;
        Ok(array)
    }

    /// An empty instance of `bytearray` or a subclass.
    fn in_class(t: &Thread, class: Ref<Type>) -> Ref<Bytearray> {
        t.alloc_instance(
            class,
            Bytearray {
                header: header_of::<Bytearray>(),
                storage: Slot::NULL,
                start: AtomicUsize::new(0),
                len: AtomicUsize::new(0),
                exports: AtomicUsize::new(0),
            },
        )
    }

    /// How many bytes it has.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// Is it empty?
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes fit in its storage.
    fn capacity(&self) -> usize {
        self.storage().map_or(0, |s| s.capacity)
    }

    #[inline(always)]
    fn storage(&self) -> Option<Ref<Storage>> {
        // SAFETY: the field refers to a storage or is NULL.
        self.storage.opt().map(|s| unsafe { Ref::from_value(s) })
    }
}

/// How many places to have for `n` bytes when more will follow.
fn roomy(n: usize) -> usize {
    n.saturating_add(n >> 3).saturating_add(if n < 9 { 3 } else { 6 })
}

impl Ref<Bytearray> {
    /// Where the contents are, and how many. The pointer keeps its storage alive while it is in a local variable.
    #[inline]
    fn raw(self) -> (*mut u8, usize) {
        let Some(storage) = self.storage() else { return (std::ptr::dangling_mut(), 0) };
        let (start, len) = (self.start.load(Ordering::Relaxed), self.len());
        let start = start.min(storage.capacity);
        // SAFETY: inside the storage.
        (unsafe { storage.data().add(start) }, len.min(storage.capacity - start))
    }

    /// The contents as they are now. Another thread may write them meanwhile, as with any buffer.
    #[inline]
    pub fn contents<'a>(self) -> &'a [u8] {
        let (p, len) = self.raw();
        // SAFETY: `len` bytes of a storage that the pointer keeps alive.
        unsafe { std::slice::from_raw_parts(p, len) }
    }

    /// The contents, for a writer that holds the lock.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    fn contents_mut<'a>(self) -> &'a mut [u8] {
        let (p, len) = self.raw();
        // SAFETY: as in `contents`; the lock keeps other writers away.
        unsafe { std::slice::from_raw_parts_mut(p, len) }
    }

    /// Raises BufferError while a buffer of it is in use. Python code may run: not with the lock held.
    fn check_resizable(self, t: &Thread) -> R<()> {
        if self.exports.load(Ordering::Acquire) == 0 {
            return Ok(());
        }
        memory::release_unreachable(t, self.value(), &self.exports)?;
        if self.exports.load(Ordering::Acquire) == 0 {
            return Ok(());
        }
        raise!(t, BufferError, "Existing exports of data: object cannot be re-sized")
    }

    /// Replaces everything.
    fn replace_all(self, t: &Thread, contents: &[u8]) -> R<()> {
        self.splice(t, 0, self.len(), contents)
    }

    /// Replaces bytes `start..end` by others, which must not be its own contents. An end that another thread has moved is clipped.
    fn splice(self, t: &Thread, start: usize, end: usize, with: &[u8]) -> R<()> {
        if end - start != with.len() {
            self.check_resizable(t)?;
        }
        let _guard = t.lock(self);
        let len = self.len.load(Ordering::Relaxed);
        let start = start.min(len);
        let end = end.clamp(start, len);
        let new_len = len - (end - start) + with.len();
        if new_len != len && self.exports.load(Ordering::Acquire) != 0 {
            raise!(t, BufferError, "Existing exports of data: object cannot be re-sized")
        }
        let tail = len - end;
        if start == 0 && with.is_empty() && tail > 0 {
            // Bytes off the front: the rest stays where it is.
            let at = self.start.load(Ordering::Relaxed) + end;
            self.len.store(new_len, Ordering::Release);
            self.start.store(at, Ordering::Release);
            return self.shrink(t);
        }
        if !self.fits(new_len) {
            return self.rebuild(t, start, end, with);
        }
        let (p, _) = self.raw();
        if new_len > len {
            self.len.store(new_len, Ordering::Release);
        }
        // SAFETY: the storage has room for `new_len` bytes from `p` on, and the lock keeps other writers away.
        unsafe {
            std::ptr::copy(p.add(end), p.add(start + with.len()), tail);
            std::ptr::copy_nonoverlapping(with.as_ptr(), p.add(start), with.len());
            *p.add(new_len) = 0;
        }
        self.len.store(new_len, Ordering::Release);
        self.shrink(t)
    }

    /// Has the storage room for so many bytes, and a zero, where the contents are?
    fn fits(self, len: usize) -> bool {
        self.storage().is_some_and(|s| self.start.load(Ordering::Relaxed) + len <= s.capacity)
    }

    /// Publishes a new storage with `start..end` replaced; the caller holds the lock.
    fn rebuild(self, t: &Thread, start: usize, end: usize, with: &[u8]) -> R<()> {
        let old = self.contents();
        let len = old.len() - (end - start) + with.len();
        let storage = Storage::new(t, if old.is_empty() { len } else { roomy(len) })?;
        let p = storage.data();
        // SAFETY: the new storage has room for the three parts, and nobody else sees it yet.
        unsafe {
            std::ptr::copy_nonoverlapping(old.as_ptr(), p, start);
            std::ptr::copy_nonoverlapping(with.as_ptr(), p.add(start), with.len());
            std::ptr::copy_nonoverlapping(old.as_ptr().add(end), p.add(start + with.len()), old.len() - end);
        }
        self.publish(t, storage, len);
        Ok(())
    }

    /// Makes a storage the current one. A reader that has loaded parts of the old state stays inside some storage.
    fn publish(self, t: &Thread, storage: Ref<Storage>, len: usize) {
        self.start.store(0, Ordering::Release);
        self.storage.set(t, self, storage.value());
        self.len.store(len, Ordering::Release);
    }

    /// Moves to a smaller storage when most of it is unused; the caller holds the lock.
    fn shrink(self, t: &Thread) -> R<()> {
        const WORTH_IT: usize = 64;
        let len = self.len();
        if self.capacity() > WORTH_IT && len < self.capacity() / 2 && self.exports.load(Ordering::Acquire) == 0 {
            return self.rebuild(t, len, len, &[]);
        }
        Ok(())
    }

    /// Changes the length; new bytes are zero.
    fn resize(self, t: &Thread, len: usize) -> R<()> {
        let old = self.len();
        if len <= old {
            return self.splice(t, len, old, &[]);
        }
        let more = len - old;
        // Small steps go over the native stack, large ones through a new storage.
        const STEP: usize = 256;
        if more <= STEP {
            return self.splice(t, old, old, &[0; STEP][..more]);
        }
        self.check_resizable(t)?;
        let _guard = t.lock(self);
        let storage = Storage::new(t, len)?;
        let old = self.contents();
        // SAFETY: the new storage has room for more than the old contents.
        unsafe { std::ptr::copy_nonoverlapping(old.as_ptr(), storage.data(), old.len()) };
        self.publish(t, storage, len);
        Ok(())
    }

    /// A buffer of the contents.
    fn export(self, t: &Thread, flags: u32) -> R<Buffer> {
        let _guard = t.lock(self);
        let (p, len) = self.raw();
        let backing = self.storage.get();
        let buffer = Buffer::simple(t, self.value(), backing, p, len, false, flags)?;
        self.exports.fetch_add(1, Ordering::AcqRel);
        Ok(buffer.released_by(|_, owner| {
            receiver(owner).exports.fetch_sub(1, Ordering::AcqRel);
        }))
    }
}

#[inline(always)]
fn receiver(v: Value) -> Ref<Bytearray> {
    crate::args::receiver(v)
}

impl ByteText for Bytearray {
    const NAME: &'static str = "bytearray";

    fn contents<'a>(v: Value) -> &'a [u8] {
        receiver(v).contents()
    }

    fn make(t: &Thread, contents: &[u8]) -> R {
        Ok(Bytearray::from_slice(t, contents)?.value())
    }

    fn unchanged(t: &Thread, v: Value) -> R {
        Bytearray::make(t, receiver(v).contents())
    }
}

/// bytearray
pub static BYTEARRAY_DEF: TypeDef = TypeDef {
    doc: "bytearray(iterable_of_ints) -> bytearray\nbytearray(string, encoding[, errors]) -> bytearray\n\
          bytearray(bytes_or_buffer) -> mutable copy of bytes_or_buffer\n\
          bytearray(int) -> bytes array of size given by the parameter initialized with null bytes\n\
          bytearray() -> empty bytes array\n\nConstruct a mutable bytearray object from:\n\
          \x20 - an iterable yielding integers in range(256)\n  - a text string encoded using the specified encoding\n\
          \x20 - a bytes or a buffer object\n  - any object implementing the buffer API.\n  - an integer",
    flags: flag::BASE_TYPE | flag::MATCH_SELF | flag::PLAIN_ITEMS,
    slots: SlotTable {
        new: Some(|t, class, _| {
            // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
            Ok(Bytearray::in_class(t, unsafe { Ref::from_value(class) }).value())
        }),
        init: Some(new::init),
        repr: Some(|t, v| Ok(repr(t, v)?.value())),
        str: Some(|t, v| {
            bytes_methods::warn_str(t, "bytearray")?;
            Ok(repr(t, v)?.value())
        }),
        hash: Some(crate::protocol::hash::unhashable),
        richcompare: Some(|t, a, b, op| bytes_methods::rich_compare(t, receiver(a).contents(), b, op)),
        iter: Some(|t, v| Ok(bytes_methods::iterator(t, builtin::BYTEARRAY_ITERATOR, v))),
        buffer: Some(|t, v, flags| receiver(v).export(t, flags)),
        len: Some(|_, v| Ok(receiver(v).len())),
        getitem: Some(items::get_item),
        setitem: Some(items::set_item),
        contains: Some(|t, v, item| bytes_methods::contains(t, receiver(v).contents(), item)),
        mod_: Some(|t, a, b| match a.downcast::<Bytearray>() {
            Some(array) => {
                // Formatting may run Python code, which may resize it.
                let format = array.contents().to_vec();
                Bytearray::make(t, &percent::format_bytes(t, &format, b)?)
            }
            None => Ok(Value::NOT_IMPLEMENTED),
        }),
        concat: Some(items::concat),
        repeat: Some(items::repeat),
        iconcat: Some(items::concat_in_place),
        irepeat: Some(items::repeat_in_place),
        ..SlotTable::EMPTY
    },
    methods: methods::METHODS,
    ..TypeDef::of::<Bytearray>("bytearray")
};

fn repr(t: &Thread, v: Value) -> R<Ref<Str>> {
    let mut out = v.class().display_name().into_bytes();
    out.push(b'(');
    str_repr::push_bytearray_repr(&mut out, receiver(v).contents());
    out.push(b')');
    Str::from_wtf8(t, &out)
}
