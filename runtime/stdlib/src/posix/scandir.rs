//! `os.scandir`

use super::directories::each_entry;
use super::path_error;
use crate::fs::{Argument, to_value};
use crate::posix::stat::{empty, from_stat};
use limpid_heap::{Header, Value};
use limpid_vm::args::{FnDef, GetSet, receiver};
use limpid_vm::layout;
use limpid_vm::object::{R, Ref, Slot, header_of};
use limpid_vm::protocol::truth::truth;
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::{Module, Str, TypeDef, ValueList, generic_alias, int, type_};
use std::ffi::{CStr, CString};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) const FUNCTIONS: &[FnDef] = &[FnDef::def("scandir", "path=None", scandir)];

static ITERATOR: TypeCell = TypeCell::new();
static ENTRY: TypeCell = TypeCell::new();

pub(super) fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    type_::create_native(t, &ITERATOR_DEF, &ITERATOR)?;
    let entry = type_::create_native(t, &ENTRY_DEF, &ENTRY)?;
    m.dict().set_text(t, "DirEntry", entry.value())
}

/// The iterator: the whole directory was read when it was made.
#[repr(C)]
struct ScandirIterator {
    header: Header,
    entries: Slot,
    position: AtomicU64,
}
layout!(ScandirIterator, ITERATOR.get(), Slots);

/// `os.DirEntry`
#[repr(C)]
struct DirEntry {
    header: Header,
    name: Slot,
    path: Slot,
    stat: Slot,
    lstat: Slot,
    inode: AtomicU64,
    /// `d_type`, and in bit 8 whether `path` is what the system has to be asked about (else: relative to a descriptor).
    kind: AtomicU64,
    dir_fd: AtomicU64,
}
layout!(DirEntry, ENTRY.get(), Slots);

struct RawEntry {
    name: CString,
    inode: u64,
    kind: u8,
}

fn read_directory(name: &CStr, fd: Option<i32>) -> io::Result<Vec<RawEntry>> {
    let mut entries = Vec::new();
    each_entry(name, fd, |name, entry| entries.push(RawEntry { name: name.to_owned(), inode: entry.d_ino, kind: entry.d_type }))?;
    Ok(entries)
}

fn scandir(t: &Thread, a: &[Value]) -> R {
    let p = Argument::path_or_fd("scandir").parse(t, a[0])?;
    let raw = match t.blocking(|| read_directory(&p.name, p.fd)) {
        Ok(raw) => raw,
        Err(e) => return Err(path_error(t, &e, if p.given.is_none() { Value::NULL } else { p.given })),
    };
    let mut entries = ValueList::with_capacity(t, raw.len());
    for e in raw {
        let name = to_value(t, e.name.as_bytes(), p.is_bytes)?;
        let path = match p.fd {
            Some(_) => name,
            None => {
                let mut full = p.name.as_bytes().to_vec();
                if !full.ends_with(b"/") {
                    full.push(b'/');
                }
                full.extend_from_slice(e.name.as_bytes());
                to_value(t, &full, p.is_bytes)?
            }
        };
        let entry = t.alloc(DirEntry {
            header: header_of::<DirEntry>(),
            name: Slot::new(name),
            path: Slot::new(path),
            stat: Slot::NULL,
            lstat: Slot::NULL,
            inode: AtomicU64::new(e.inode),
            kind: AtomicU64::new(e.kind as u64),
            dir_fd: AtomicU64::new(p.fd.unwrap_or(libc::AT_FDCWD) as u32 as u64),
        });
        entries.push(t, entry.value());
    }
    let it = ScandirIterator { header: header_of::<ScandirIterator>(), entries: Slot::new(entries.cell()), position: AtomicU64::new(0) };
    let it = t.alloc(it).value();
    limpid_heap::register_finalizer(&t.mutator, it);
    Ok(it)
}

/// An iterator that was neither exhausted nor closed.
fn finalize(t: &Thread, v: Value) -> R<()> {
    let it = receiver::<ScandirIterator>(v);
    if it.position.load(Ordering::Relaxed) <= ValueList::from_cell(it.entries.get()).len() as u64 {
        let shown = limpid_vm::protocol::text::repr(t, v)?;
        let message = format!("unclosed scandir iterator {}", shown.to_string_lossy());
        limpid_vm::warnings::warn_with_source(t, limpid_vm::exc::ResourceWarning, &message, 1, v)?;
    }
    Ok(())
}

fn next(_: &Thread, v: Value) -> R {
    let it = receiver::<ScandirIterator>(v);
    let entries = ValueList::from_cell(it.entries.get());
    let i = it.position.fetch_add(1, Ordering::Relaxed) as usize;
    Ok(if i < entries.len() { entries.get(i) } else { Value::NULL })
}

fn close(_: &Thread, a: &[Value]) -> R {
    receiver::<ScandirIterator>(a[0]).position.store(u64::MAX / 2, Ordering::Relaxed);
    Ok(Value::NONE)
}

static ITERATOR_DEF: TypeDef = TypeDef {
    flags: limpid_vm::types::flag::DISALLOW_INSTANTIATION,
    slots: SlotTable { iter: Some(|_, v| Ok(v)), next: Some(next), finalize: Some(finalize), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("close", "self, /", close),
        FnDef::def("__enter__", "self, /", |_, a| Ok(a[0])),
        FnDef::def("__exit__", "self, /, *args", close),
    ],
    ..TypeDef::of::<ScandirIterator>("posix.ScandirIterator")
};

fn entry(v: Value) -> Ref<DirEntry> {
    receiver::<DirEntry>(v)
}

fn do_stat(t: &Thread, v: Value, follow: bool) -> R<io::Result<libc::stat>> {
    let e = entry(v);
    let p = Argument::path("stat").parse(t, e.path.get())?;
    let dir = e.dir_fd.load(Ordering::Relaxed) as u32 as i32;
    let mut s = empty();
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    // SAFETY: a NUL-terminated name and room for the result.
    let result = super::retry(t, || unsafe { libc::fstatat(dir, p.name.as_ptr(), &mut s, flags) } as i64)?;
    Ok(result.map(|_| s))
}

fn kind_of(v: Value) -> u8 {
    entry(v).kind.load(Ordering::Relaxed) as u8
}

fn stat_of(t: &Thread, v: Value, follow: bool) -> R {
    let e = entry(v);
    let follow = follow && (kind_of(v) == libc::DT_LNK || kind_of(v) == libc::DT_UNKNOWN);
    let cache = if follow { &e.stat } else { &e.lstat };
    if let Some(s) = cache.opt() {
        return Ok(s);
    }
    match do_stat(t, v, follow)? {
        Ok(s) => {
            let result = from_stat(t, &s)?;
            cache.set(t, e, result);
            Ok(result)
        }
        Err(error) => Err(path_error(t, &error, e.path.get())),
    }
}

/// Is the entry of this kind? A file that has vanished is not.
fn is_kind(t: &Thread, a: &[Value], d_type: u8, mode: libc::mode_t) -> R {
    let follow = a.get(1).is_none_or(|f| f.is_null()) || truth(t, a[1])?;
    let kind = kind_of(a[0]);
    if kind != libc::DT_UNKNOWN && !(follow && kind == libc::DT_LNK) {
        return Ok(Value::bool(kind == d_type));
    }
    match do_stat(t, a[0], follow)? {
        Ok(s) => Ok(Value::bool(s.st_mode & libc::S_IFMT == mode)),
        Err(e) if e.raw_os_error() == Some(libc::ENOENT) => Ok(Value::FALSE),
        Err(e) => Err(raise_os_error(t, &e)),
    }
}

static ENTRY_DEF: TypeDef = TypeDef {
    flags: limpid_vm::types::flag::DISALLOW_INSTANTIATION,
    slots: SlotTable {
        repr: Some(|t, v| {
            let name = limpid_vm::protocol::text::repr(t, entry(v).name.get())?;
            Ok(Str::new(t, &format!("<DirEntry {}>", name.to_string_lossy())).value())
        }),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("is_dir", "self, *, follow_symlinks=True", |t, a| is_kind(t, a, libc::DT_DIR, libc::S_IFDIR)),
        FnDef::def("is_file", "self, *, follow_symlinks=True", |t, a| is_kind(t, a, libc::DT_REG, libc::S_IFREG)),
        FnDef::def("is_symlink", "self, /", |t, a| is_kind(t, &[a[0], Value::FALSE], libc::DT_LNK, libc::S_IFLNK)),
        FnDef::def("is_junction", "self, /", |_, _| Ok(Value::FALSE)),
        FnDef::def("stat", "self, *, follow_symlinks=True", |t, a| {
            let follow = a[1].is_null() || truth(t, a[1])?;
            stat_of(t, a[0], follow)
        }),
        FnDef::def("inode", "self, /", |t, a| Ok(int::from_u64(t, entry(a[0]).inode.load(Ordering::Relaxed)))),
        FnDef::def("__fspath__", "self, /", |_, a| Ok(entry(a[0]).path.get())),
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])),
    ],
    getset: &[GetSet::getter("name", |_, v| Ok(entry(v).name.get())), GetSet::getter("path", |_, v| Ok(entry(v).path.get()))],
    ..TypeDef::of::<DirEntry>("posix.DirEntry")
};
