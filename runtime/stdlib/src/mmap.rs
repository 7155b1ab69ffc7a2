//! `mmap`: files and anonymous memory mapped into the address space.
//!
//! The object's lock is held while its memory is touched, so that no other thread unmaps it meanwhile; buffers that are lent out keep it
//! from being closed or moved.

use crate::constants::{self, constants};
use crate::posix::check;
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::exc;
use limpid_vm::modules::{ModuleDef, sys};
use limpid_vm::object::{R, Ref, ValueExt, header_of};
use limpid_vm::protocol::{number, truth::truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::memory::{Buffer, get_buffer, release_garbage};
use limpid_vm::types::{Bytes, Module, Slice, Str, Type, TypeDef, flag, int, type_};
use limpid_vm::{layout, raise};
use memchr::memmem;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize};

/// `mmap`
pub static MODULE: ModuleDef = ModuleDef { init, ..ModuleDef::named("mmap") };

/// The layout of a mapping.
#[repr(C)]
struct Mapping {
    header: Header,
    /// Where the memory is; 0 when it is closed.
    start: AtomicUsize,
    len: AtomicUsize,
    /// The position of a file-like object.
    position: AtomicUsize,
    /// How far into the file the mapping starts.
    offset: AtomicU64,
    /// A descriptor of its own, or -1.
    fd: AtomicI32,
    /// Buffers that are lent out.
    exports: AtomicUsize,
    access: AtomicI32,
    flags: AtomicI32,
    /// Was the descriptor not to be kept?
    untracked: AtomicI32,
}

static MMAP: TypeCell = TypeCell::new();
layout!(Mapping, MMAP.get(), Leaf);

const ACCESS_DEFAULT: i32 = 0;
const ACCESS_READ: i32 = 1;
const ACCESS_WRITE: i32 = 2;
const ACCESS_COPY: i32 = 3;

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let class = type_::create_native(t, &MMAP_DEF, &MMAP)?;
    m.dict().set_text(t, "mmap", class.value())?;
    m.dict().set_text(t, "error", exc::OSError.value())?;
    constants::add(
        t,
        m,
        constants! {
            PROT_EXEC PROT_READ PROT_WRITE MAP_SHARED MAP_PRIVATE MAP_DENYWRITE MAP_EXECUTABLE MAP_ANON MAP_ANONYMOUS MAP_POPULATE MAP_STACK
            MAP_NORESERVE MADV_NORMAL MADV_RANDOM MADV_SEQUENTIAL MADV_WILLNEED MADV_DONTNEED MADV_REMOVE MADV_DONTFORK MADV_DOFORK
            MADV_HWPOISON MADV_MERGEABLE MADV_UNMERGEABLE MADV_HUGEPAGE MADV_NOHUGEPAGE MADV_DONTDUMP MADV_DODUMP MADV_FREE MAP_FIXED_NOREPLACE
        },
    )?;
    #[cfg(target_arch = "x86_64")]
    constants::add(t, m, constants!(MAP_32BIT))?;
    for (name, value) in
        [("ACCESS_DEFAULT", ACCESS_DEFAULT), ("ACCESS_READ", ACCESS_READ), ("ACCESS_WRITE", ACCESS_WRITE), ("ACCESS_COPY", ACCESS_COPY)]
    {
        constants::add_one(t, m, name, value as i64)?;
    }
    constants::add_one(t, m, "PAGESIZE", page_size() as i64)?;
    constants::add_one(t, m, "ALLOCATIONGRANULARITY", page_size() as i64)
}

fn page_size() -> usize {
    // SAFETY: a plain query.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("fileno, length, flags=1, prot=3, access=0, offset=0, *, trackfd=True");
    args.bind(t, "mmap", &SIGNATURE, |a| {
        let number = |v: Value, default| if v.is_null() { Ok(default) } else { number::index_i32(t, v) };
        let given = number::index_i32(t, a[0])?;
        let len = number::index_isize(t, a[1])?;
        let (flags, protection) = (number(a[2], libc::MAP_SHARED)?, number(a[3], libc::PROT_READ | libc::PROT_WRITE)?);
        let access = number(a[4], ACCESS_DEFAULT)?;
        let offset = if a[5].is_null() { 0 } else { int::to_i64(t, number::index(t, a[5])?)? };
        let track = a[6].is_null() || truth(t, a[6])?;
        let Ok(len) = usize::try_from(len) else { raise!(t, OverflowError, "memory mapped length must be positive") };
        if offset < 0 {
            raise!(t, OverflowError, "memory mapped offset must be positive")
        }
        if access != ACCESS_DEFAULT && (!a[2].is_null() || !a[3].is_null()) {
            raise!(t, ValueError, "mmap can't specify both access and flags, prot.")
        }
        let (mut flags, protection, access) = match access {
            ACCESS_READ => (libc::MAP_SHARED, libc::PROT_READ, access),
            ACCESS_WRITE => (libc::MAP_SHARED, libc::PROT_READ | libc::PROT_WRITE, access),
            ACCESS_COPY => (libc::MAP_PRIVATE, libc::PROT_READ | libc::PROT_WRITE, access),
            ACCESS_DEFAULT => {
                let access = match (protection & libc::PROT_READ != 0, protection & libc::PROT_WRITE != 0) {
                    (true, true) => ACCESS_DEFAULT,
                    (_, true) => ACCESS_WRITE,
                    _ => ACCESS_READ,
                };
                (flags, protection, access)
            }
            _ => raise!(t, ValueError, "mmap invalid access parameter."),
        };
        sys::audit(t, "mmap.__new__", &[a[0], a[1], Value::int(access as i64), int::from_i64(t, offset)])?;
        let len = if given == -1 { len } else { length_of(t, given, len, offset)? };
        let mut fd = -1;
        if given == -1 {
            flags |= libc::MAP_ANONYMOUS;
        } else if track {
            // SAFETY: a plain system call. A descriptor of its own, so that the program may close the one it has.
            fd = unsafe { libc::fcntl(given, libc::F_DUPFD_CLOEXEC, 0) };
            if fd == -1 {
                return Err(raise_os_error(t, &io::Error::last_os_error()));
            }
        }
        // SAFETY: a new mapping where there is room.
        let start = t.blocking(|| unsafe { libc::mmap(std::ptr::null_mut(), len, protection, flags, given, offset) } as usize);
        if start == libc::MAP_FAILED as usize {
            let e = io::Error::last_os_error();
            if fd >= 0 {
                // SAFETY: opened above.
                unsafe { libc::close(fd) };
            }
            return Err(raise_os_error(t, &e));
        }
        let mapping = Mapping {
            header: header_of::<Mapping>(),
            start: AtomicUsize::new(start),
            len: AtomicUsize::new(len),
            position: AtomicUsize::new(0),
            offset: AtomicU64::new(offset as u64),
            fd: AtomicI32::new(fd),
            exports: AtomicUsize::new(0),
            access: AtomicI32::new(access),
            flags: AtomicI32::new(flags),
            untracked: AtomicI32::new(!track as i32),
        };
        // SAFETY: `__new__` is called with a class.
        let object = t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, mapping);
        // SAFETY: the function gives back exactly what the object owns.
        unsafe { limpid_heap::register_drop(&t.mutator, NonNull::new_unchecked(object.ptr().cast()), drop_mapping) };
        Ok(object.value())
    })
}

/// How much of a file is to be mapped: `len` bytes, or all from the offset on if that is 0.
fn length_of(t: &Thread, fd: i32, len: usize, offset: i64) -> R<usize> {
    // SAFETY: zero is a valid value, and the call fills it in.
    let (result, stat) = unsafe {
        let mut s: libc::stat = std::mem::zeroed();
        (libc::fstat(fd, &mut s), s)
    };
    if result < 0 {
        let e = io::Error::last_os_error();
        return Err(raise_os_error(t, &e));
    }
    if stat.st_mode & libc::S_IFMT != libc::S_IFREG {
        return Ok(len);
    }
    if len == 0 {
        if stat.st_size == 0 {
            raise!(t, ValueError, "cannot mmap an empty file")
        }
        if offset >= stat.st_size {
            raise!(t, ValueError, "mmap offset is greater than file size")
        }
        return Ok((stat.st_size - offset) as usize);
    }
    if offset > stat.st_size || stat.st_size - offset < len as i64 {
        raise!(t, ValueError, "mmap length is greater than file size")
    }
    Ok(len)
}

unsafe fn drop_mapping(p: *mut u8) {
    // SAFETY: registered for mappings only; the cell is dead, so nobody else has its memory.
    unsafe { give_back(&*(p as *const Mapping)) }
}

/// Unmaps and closes what a mapping has.
///
/// # Safety
/// Nobody uses the memory any more.
unsafe fn give_back(m: &Mapping) {
    let (start, len, fd) = (m.start.swap(0, AcqRel), m.len.swap(0, AcqRel), m.fd.swap(-1, AcqRel));
    // SAFETY: the object's own mapping and descriptor.
    unsafe {
        if start != 0 {
            libc::munmap(start as *mut libc::c_void, len);
        }
        if fd >= 0 {
            libc::close(fd);
        }
    }
}

fn mapping(v: Value) -> Ref<Mapping> {
    receiver::<Mapping>(v)
}

fn closed<T>(t: &Thread) -> R<T> {
    raise!(t, ValueError, "mmap closed or invalid")
}

/// ValueError if the mapping is closed.
fn check_open(t: &Thread, m: Ref<Mapping>) -> R<()> {
    if m.start.load(Acquire) == 0 { closed(t) } else { Ok(()) }
}

/// Runs `f` on the memory, which cannot go away meanwhile; ValueError if it has gone. `f` does not run Python code.
fn with<T>(t: &Thread, m: Ref<Mapping>, f: impl FnOnce(&mut [u8], &Mapping) -> T) -> R<T> {
    let guard = t.lock(m);
    let start = m.start.load(Acquire);
    if start == 0 {
        drop(guard);
        return closed(t);
    }
    // SAFETY: mapped as long as the lock is held. Other processes may write it, as with any shared memory.
    let memory = unsafe { std::slice::from_raw_parts_mut(start as *mut u8, m.len.load(Relaxed)) };
    Ok(f(memory, &m))
}

fn check_writable(t: &Thread, m: Ref<Mapping>) -> R<()> {
    if m.access.load(Relaxed) == ACCESS_READ {
        raise!(t, TypeError, "mmap can't modify a readonly memory map.")
    }
    Ok(())
}

fn close(t: &Thread, a: &[Value]) -> R {
    let m = mapping(a[0]);
    release_garbage(t, &m.exports)?;
    let guard = t.lock(m);
    if m.exports.load(Acquire) > 0 {
        drop(guard);
        raise!(t, BufferError, "cannot close exported pointers exist")
    }
    // SAFETY: the lock is held, and no buffer is lent out.
    unsafe { give_back(&m) };
    Ok(Value::NONE)
}

fn read_byte(t: &Thread, a: &[Value]) -> R {
    let byte = with(t, mapping(a[0]), |memory, m| {
        let at = m.position.load(Relaxed);
        let byte = memory.get(at).copied();
        if byte.is_some() {
            m.position.store(at + 1, Relaxed);
        }
        byte
    })?;
    match byte {
        Some(b) => Ok(Value::int(b as i64)),
        None => raise!(t, ValueError, "read byte out of range"),
    }
}

fn readline(t: &Thread, a: &[Value]) -> R {
    let line = with(t, mapping(a[0]), |memory, m| {
        let at = m.position.load(Relaxed).min(memory.len());
        let rest = &memory[at..];
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |i| i + 1);
        m.position.store(at + end, Relaxed);
        rest[..end].to_vec()
    })?;
    Ok(Bytes::from_slice(t, &line)?.value())
}

fn read(t: &Thread, a: &[Value]) -> R {
    check_open(t, mapping(a[0]))?;
    let n = match a[1] {
        v if v.is_null() || v.is_none() => None,
        v if !number::is_index(v) => {
            raise!(t, TypeError, "argument should be integer or None, not '{}'", v.class().display_name())
        }
        v => usize::try_from(number::index_isize(t, v)?).ok(),
    };
    let data = with(t, mapping(a[0]), |memory, m| {
        let at = m.position.load(Relaxed).min(memory.len());
        let rest = &memory[at..];
        let n = n.map_or(rest.len(), |n| n.min(rest.len()));
        m.position.store(at + n, Relaxed);
        rest[..n].to_vec()
    })?;
    Ok(Bytes::from_slice(t, &data)?.value())
}

fn find(t: &Thread, a: &[Value], backwards: bool) -> R {
    let m = mapping(a[0]);
    check_open(t, m)?;
    let view = get_buffer(t, a[1])?;
    let wanted = view.as_slice();
    let bound = |v: Value| -> R<Option<isize>> { if v.is_null() || v.is_none() { Ok(None) } else { number::index_isize(t, v).map(Some) } };
    let (start, end) = (bound(a[2])?, bound(a[3])?);
    let found = with(t, m, |memory, m| {
        let len = memory.len() as isize;
        let place = |i: isize| if i < 0 { (i + len).max(0) } else { i.min(len) } as usize;
        let default = if backwards { 0 } else { m.position.load(Relaxed) };
        // Searching backwards without a start begins at the position too.
        let start = start.map_or(if backwards { m.position.load(Relaxed) } else { default }, place);
        let end = end.map_or(memory.len(), place);
        if start > end {
            return None;
        }
        let part = &memory[start..end];
        let found = if backwards { memmem::rfind(part, wanted) } else { memmem::find(part, wanted) };
        found.map(|i| start + i)
    })?;
    Ok(found.map_or(Value::int(-1), |i| int::from_usize(t, i)))
}

fn write(t: &Thread, a: &[Value]) -> R {
    let m = mapping(a[0]);
    check_open(t, m)?;
    let view = get_buffer(t, a[1])?;
    check_writable(t, m)?;
    let data = view.as_slice();
    let written = with(t, m, |memory, m| {
        let at = m.position.load(Relaxed);
        if at > memory.len() || memory.len() - at < data.len() {
            return false;
        }
        memory[at..at + data.len()].copy_from_slice(data);
        m.position.store(at + data.len(), Relaxed);
        true
    })?;
    if !written {
        raise!(t, ValueError, "data out of range")
    }
    Ok(int::from_usize(t, data.len()))
}

fn byte_of(t: &Thread, v: Value) -> R<u8> {
    let n = number::index(t, v)?;
    match int::as_i64_opt(n) {
        Some(n) if (0..256).contains(&n) => Ok(n as u8),
        Some(n) if n < 0 => raise!(t, OverflowError, "unsigned byte integer is less than minimum"),
        _ if int::is_negative(n) => raise!(t, OverflowError, "unsigned byte integer is less than minimum"),
        _ => raise!(t, OverflowError, "unsigned byte integer is greater than maximum"),
    }
}

fn write_byte(t: &Thread, a: &[Value]) -> R {
    let m = mapping(a[0]);
    check_open(t, m)?;
    let byte = byte_of(t, a[1])?;
    check_writable(t, m)?;
    let written = with(t, m, |memory, m| {
        let at = m.position.load(Relaxed);
        match memory.get_mut(at) {
            Some(to) => {
                *to = byte;
                m.position.store(at + 1, Relaxed);
                true
            }
            None => false,
        }
    })?;
    if !written {
        raise!(t, ValueError, "write byte out of range")
    }
    Ok(Value::NONE)
}

/// The length of the file, or of the mapping if there is no file.
fn size(t: &Thread, a: &[Value]) -> R {
    let m = mapping(a[0]);
    check_open(t, m)?;
    let fd = m.fd.load(Relaxed);
    if fd < 0 {
        if m.untracked.load(Relaxed) != 0 {
            return Err(raise_os_error(t, &io::Error::from_raw_os_error(libc::EBADF)));
        }
        return Ok(int::from_usize(t, m.len.load(Relaxed)));
    }
    // SAFETY: zero is a valid value, and the call fills it in.
    let (result, stat) = unsafe {
        let mut s: libc::stat = std::mem::zeroed();
        (libc::fstat(fd, &mut s), s)
    };
    check(t, if result < 0 { Err(io::Error::last_os_error()) } else { Ok(0) })?;
    Ok(int::from_i64(t, stat.st_size))
}

fn resize(t: &Thread, a: &[Value]) -> R {
    let m = mapping(a[0]);
    check_open(t, m)?;
    let n = number::index_isize(t, a[1])?;
    release_garbage(t, &m.exports)?;
    if m.exports.load(Acquire) > 0 {
        raise!(t, BufferError, "mmap can't resize with extant buffers exported.")
    }
    if m.untracked.load(Relaxed) != 0 {
        raise!(t, ValueError, "mmap can't resize with trackfd=False.")
    }
    if matches!(m.access.load(Relaxed), ACCESS_READ | ACCESS_COPY) {
        raise!(t, TypeError, "mmap can't resize a readonly or copy-on-write memory map.")
    }
    let Ok(new) = usize::try_from(n) else { raise!(t, ValueError, "new size out of range") };
    let result = {
        let _guard = t.lock(m);
        let (start, old, fd) = (m.start.load(Acquire), m.len.load(Relaxed), m.fd.load(Relaxed));
        // SAFETY: the object's own mapping, which nobody uses while the lock is held and no buffer is lent out.
        unsafe {
            if start == 0 || m.exports.load(Acquire) > 0 {
                Err(io::Error::from_raw_os_error(libc::EBUSY))
            } else if fd >= 0 && libc::ftruncate(fd, (m.offset.load(Relaxed) as usize + new) as i64) < 0 {
                Err(io::Error::last_os_error())
            } else if fd < 0 && m.flags.load(Relaxed) & libc::MAP_PRIVATE == 0 && new > old {
                // The kernel maps what is beyond the memory, and ends the process that touches it.
                Err(io::Error::from_raw_os_error(libc::EINVAL))
            } else {
                let moved = libc::mremap(start as *mut libc::c_void, old, new, libc::MREMAP_MAYMOVE);
                if moved == libc::MAP_FAILED {
                    Err(io::Error::last_os_error())
                } else {
                    m.start.store(moved as usize, Release);
                    m.len.store(new, Release);
                    Ok(())
                }
            }
        }
    };
    result.map_err(|e| match e.raw_os_error() {
        Some(libc::EINVAL) if m.fd.load(Relaxed) < 0 => {
            limpid_vm::err!(t, ValueError, "mmap: can't expand a shared anonymous mapping on Linux")
        }
        _ => raise_os_error(t, &e),
    })?;
    Ok(Value::NONE)
}

fn seek(t: &Thread, a: &[Value]) -> R {
    let m = mapping(a[0]);
    check_open(t, m)?;
    let distance = number::index_isize(t, a[1])?;
    let whence = if a[2].is_null() { 0 } else { number::index_i32(t, a[2])? };
    if !(0..=2).contains(&whence) {
        raise!(t, ValueError, "unknown seek type")
    }
    let len = m.len.load(Relaxed);
    let after = |position: usize| {
        let base = [0, position, len][whence as usize] as isize;
        base.checked_add(distance).and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= len)
    };
    // Seeks of several threads add up.
    match m.position.fetch_update(Relaxed, Relaxed, after).ok().and_then(after) {
        Some(at) => Ok(int::from_usize(t, at)),
        None => raise!(t, ValueError, "seek out of range"),
    }
}

/// A part of the mapping: offset and length, checked.
fn part(t: &Thread, m: Ref<Mapping>, offset: Value, len: Value) -> R<(usize, usize)> {
    let whole = m.len.load(Relaxed);
    let offset = if offset.is_null() { 0 } else { number::index_isize(t, offset)? };
    let len = match len.non_null() {
        Some(v) if !v.is_none() => number::index_isize(t, v)?,
        _ => whole as isize - offset,
    };
    Ok((offset as usize, len as usize))
}

fn flush(t: &Thread, a: &[Value]) -> R {
    let m = mapping(a[0]);
    check_open(t, m)?;
    let (offset, len) = part(t, m, a[1], a[2])?;
    let flags = if a[3].is_null() { libc::MS_SYNC } else { number::index_i32(t, a[3])? };
    let whole = m.len.load(Relaxed);
    if offset.checked_add(len).is_none_or(|end| end > whole) {
        raise!(t, ValueError, "flush values out of range")
    }
    if matches!(m.access.load(Relaxed), ACCESS_READ | ACCESS_COPY) {
        return Ok(Value::NONE);
    }
    let start = m.start.load(Acquire);
    // SAFETY: a part of the mapping; a mapping that goes away meanwhile is an error of the call.
    let result = t.blocking(|| unsafe {
        if libc::msync((start + offset) as *mut libc::c_void, len, flags) < 0 { Err(io::Error::last_os_error()) } else { Ok(0) }
    });
    check(t, result)?;
    Ok(Value::NONE)
}

fn madvise(t: &Thread, a: &[Value]) -> R {
    let m = mapping(a[0]);
    check_open(t, m)?;
    let option = number::index_i32(t, a[1])?;
    let start = if a[2].is_null() { 0 } else { number::index_isize(t, a[2])? };
    let whole = m.len.load(Relaxed);
    let len = match a[3].non_null() {
        Some(v) if !v.is_none() => number::index_isize(t, v)?,
        _ => whole as isize,
    };
    if start < 0 || start as usize >= whole {
        raise!(t, ValueError, "madvise start out of bounds")
    }
    if len < 0 {
        raise!(t, ValueError, "madvise length invalid")
    }
    if start.checked_add(len).is_none() {
        raise!(t, OverflowError, "madvise length too large")
    }
    let len = (len as usize).min(whole - start as usize);
    let result = with(t, m, |memory, _| {
        // SAFETY: a part of the mapping.
        let result = unsafe { libc::madvise(memory.as_mut_ptr().add(start as usize).cast(), len, option) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(0) }
    })?;
    check(t, result)?;
    Ok(Value::NONE)
}

fn move_bytes(t: &Thread, a: &[Value]) -> R {
    let m = mapping(a[0]);
    let [to, from, count] = [number::index_isize(t, a[1])?, number::index_isize(t, a[2])?, number::index_isize(t, a[3])?];
    check_open(t, m)?;
    check_writable(t, m)?;
    let moved = with(t, m, |memory, _| {
        let len = memory.len() as isize;
        if to < 0 || from < 0 || count < 0 || len - to < count || len - from < count {
            return false;
        }
        memory.copy_within(from as usize..(from + count) as usize, to as usize);
        true
    })?;
    if !moved {
        raise!(t, ValueError, "source, destination, or count out of range")
    }
    Ok(Value::NONE)
}

/// The place of an index, counted from the end if it is negative.
fn place(t: &Thread, v: Value, len: usize) -> R<usize> {
    let i = number::index_isize_or(t, v, exc::IndexError)?;
    match limpid_vm::protocol::sequence::resolve_index(i, len) {
        Some(i) => Ok(i),
        None => raise!(t, IndexError, "mmap index out of range"),
    }
}

fn byte_at(t: &Thread, m: Ref<Mapping>, index: Value) -> R<u8> {
    check_open(t, m)?;
    let i = place(t, index, m.len.load(Relaxed))?;
    match with(t, m, |memory, _| memory.get(i).copied())? {
        Some(b) => Ok(b),
        None => raise!(t, IndexError, "mmap index out of range"),
    }
}

fn getitem(t: &Thread, v: Value, key: Value) -> R {
    let m = mapping(v);
    check_open(t, m)?;
    if number::is_index(key) {
        return byte_at(t, m, key).map(|b| Value::int(b as i64));
    }
    let Some(key) = key.exact::<Slice>() else { raise!(t, TypeError, "mmap indices must be integers") };
    let bounds = key.bounds(t)?;
    let data = with(t, m, |memory, _| {
        let indices = bounds.within(memory.len());
        if indices.step == 1 {
            let start = indices.start as usize;
            return memory[start..start + indices.len].to_vec();
        }
        (0..indices.len).map(|i| memory[indices.at(i)]).collect()
    })?;
    Ok(Bytes::from_slice(t, &data)?.value())
}

fn setitem(t: &Thread, v: Value, key: Value, to: Value) -> R<()> {
    let m = mapping(v);
    check_open(t, m)?;
    check_writable(t, m)?;
    if number::is_index(key) {
        let i = place(t, key, m.len.load(Relaxed))?;
        if to.is_null() {
            raise!(t, TypeError, "mmap doesn't support item deletion")
        }
        if !number::is_index(to) {
            raise!(t, TypeError, "mmap item value must be an int")
        }
        let byte = match int::as_i64_opt(number::index(t, to)?) {
            Some(n) if (0..256).contains(&n) => n as u8,
            _ => raise!(t, ValueError, "mmap item value must be in range(0, 256)"),
        };
        let stored = with(t, m, |memory, _| memory.get_mut(i).map(|at| *at = byte))?;
        if stored.is_none() {
            raise!(t, IndexError, "mmap index out of range")
        }
        return Ok(());
    }
    let Some(key) = key.exact::<Slice>() else { raise!(t, TypeError, "mmap indices must be integers") };
    let bounds = key.bounds(t)?;
    if to.is_null() {
        raise!(t, TypeError, "mmap object doesn't support slice deletion")
    }
    let view = get_buffer(t, to)?;
    let data = view.as_slice();
    let stored = with(t, m, |memory, _| {
        let indices = bounds.within(memory.len());
        if indices.len != data.len() {
            return false;
        }
        for (i, b) in data.iter().enumerate() {
            memory[indices.at(i)] = *b;
        }
        true
    })?;
    if !stored {
        raise!(t, IndexError, "mmap slice assignment is wrong size")
    }
    Ok(())
}

fn export(t: &Thread, v: Value, flags: u32) -> R<Buffer> {
    let m = mapping(v);
    check_open(t, m)?;
    let _guard = t.lock(m);
    let readonly = m.access.load(Relaxed) == ACCESS_READ;
    let buffer = Buffer::simple(t, v, Value::NULL, m.start.load(Acquire) as *mut u8, m.len.load(Relaxed), readonly, flags)?;
    m.exports.fetch_add(1, AcqRel);
    Ok(buffer.released_by(|_, owner| {
        mapping(owner).exports.fetch_sub(1, AcqRel);
    }))
}

fn repr(t: &Thread, v: Value) -> R {
    let m = mapping(v);
    let name = v.class().display_name();
    if m.start.load(Acquire) == 0 {
        return Ok(Str::new(t, &format!("<{name} closed=True>")).value());
    }
    let access = match m.access.load(Relaxed) {
        ACCESS_READ => "ACCESS_READ",
        ACCESS_WRITE => "ACCESS_WRITE",
        ACCESS_COPY => "ACCESS_COPY",
        _ => "ACCESS_DEFAULT",
    };
    let (len, position, offset) = (m.len.load(Relaxed), m.position.load(Relaxed), m.offset.load(Relaxed));
    let text = format!("<{name} closed=False, access={access}, length={len}, pos={position}, offset={offset}>");
    Ok(Str::new(t, &text).value())
}

static MMAP_DEF: TypeDef = TypeDef {
    doc: "mmap(fileno, length[, flags[, prot[, access[, offset[, trackfd]]]]])\n\nMaps length bytes from the file specified by the file \
          descriptor fileno,\nand returns a mmap object.",
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable {
        new: Some(new),
        repr: Some(repr),
        buffer: Some(export),
        len: Some(|t, v| check_open(t, mapping(v)).map(|()| mapping(v).len.load(Relaxed))),
        getitem: Some(getitem),
        item: Some(|t, v, index| {
            let byte = byte_at(t, mapping(v), index)?;
            Ok(Bytes::from_slice(t, &[byte])?.value())
        }),
        setitem: Some(setitem),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("close", "self, /", close),
        FnDef::def("find", "self, view, start=None, end=None, /", |t, a| find(t, a, false)),
        FnDef::def("rfind", "self, view, start=None, end=None, /", |t, a| find(t, a, true)),
        FnDef::def("flush", "self, offset=0, size=None, /, *, flags=4", flush),
        FnDef::def("madvise", "self, option, start=0, length=None, /", madvise),
        FnDef::def("move", "self, dest, src, count, /", move_bytes),
        FnDef::def("read", "self, n=None, /", read),
        FnDef::def("read_byte", "self, /", read_byte),
        FnDef::def("readline", "self, /", readline),
        FnDef::def("resize", "self, newsize, /", resize),
        FnDef::def("seek", "self, pos, whence=0, /", seek),
        FnDef::def("seekable", "self, /", |_, _| Ok(Value::TRUE)),
        FnDef::def("size", "self, /", size),
        FnDef::def("tell", "self, /", |t, a| {
            check_open(t, mapping(a[0]))?;
            Ok(int::from_usize(t, mapping(a[0]).position.load(Relaxed)))
        }),
        FnDef::def("write", "self, bytes, /", write),
        FnDef::def("write_byte", "self, byte, /", write_byte),
        FnDef::def("__enter__", "self, /", |t, a| check_open(t, mapping(a[0])).map(|()| a[0])),
        FnDef::def("__exit__", "self, exc_type, exc_value, traceback, /", |t, a| close(t, &a[..1])),
    ],
    getset: &[GetSet::getter("closed", |_, v| Ok(Value::bool(mapping(v).start.load(Acquire) == 0)))],
    ..TypeDef::of::<Mapping>("mmap.mmap")
};
