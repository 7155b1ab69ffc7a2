//! `pwd` and `grp`: the databases of users and groups.

use crate::fs;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::exc;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Raised, Ref, ValueExt};
use limpid_vm::protocol::{number, text};
use limpid_vm::raise;
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::struct_sequence::{self, StructSequenceDef};
use limpid_vm::types::{List, Module, Str, ValueList, int};
use parking_lot::Mutex;
use std::ffi::{CStr, CString, c_char};
use std::io;

/// `pwd`
pub static PWD: ModuleDef = ModuleDef {
    doc: "This module provides access to the Unix password database.\nIt is available on all Unix versions.",
    functions: &[
        FnDef::def("getpwuid", "uid, /", |t, a| match id_of(t, a[0])? {
            Some(id) => match t.blocking(|| query(|e, p, n, r| entry!(libc::getpwuid_r(id, e, p, n, r)), User::copy)) {
                Ok(Some(user)) => user.to_value(t),
                Ok(None) => Err(no_id(t, "getpwuid(): uid not found: ", id_value(t, id))),
                Err(e) => Err(raise_os_error(t, &e)),
            },
            None => Err(no_id(t, "getpwuid(): uid not found", Value::NULL)),
        })
        .doc("Return the password database entry for the given numeric user ID."),
        FnDef::def("getpwnam", "name, /", |t, a| {
            let name = name_of(t, a[0], "getpwnam")?;
            match t.blocking(|| query(|e, p, n, r| entry!(libc::getpwnam_r(name.as_ptr(), e, p, n, r)), User::copy)) {
                Ok(Some(user)) => user.to_value(t),
                Ok(None) => Err(no_name(t, "getpwnam(): name not found: ", a[0])),
                Err(e) => Err(raise_os_error(t, &e)),
            }
        })
        .doc("Return the password database entry for the given user name."),
        FnDef::def("getpwall", "", |t, _| {
            let users = t.blocking(|| {
                let _guard = ENUMERATION.lock();
                // SAFETY: the list is walked by one thread, and an entry is copied before the next one is read.
                unsafe {
                    libc::setpwent();
                    let users: Vec<User> = std::iter::from_fn(|| libc::getpwent().as_ref().map(User::copy)).collect();
                    libc::endpwent();
                    users
                }
            });
            list_of(t, users.len(), |i| users[i].to_value(t))
        })
        .doc("Return a list of all available password database entries, in arbitrary order."),
    ],
    init: |t, m| add_type(t, m, &PASSWD, &PASSWD_DEF, "struct_passwd"),
    ..ModuleDef::named("pwd")
};

/// `grp`
pub static GRP: ModuleDef = ModuleDef {
    doc: "Access to the Unix group database.",
    functions: &[
        FnDef::def("getgrgid", "id", |t, a| match id_of(t, a[0])? {
            Some(id) => match t.blocking(|| query(|e, p, n, r| entry!(libc::getgrgid_r(id, e, p, n, r)), Group::copy)) {
                Ok(Some(group)) => group.to_value(t),
                Ok(None) => Err(no_id(t, "getgrgid(): gid not found: ", id_value(t, id))),
                Err(e) => Err(raise_os_error(t, &e)),
            },
            None => Err(no_id(t, "getgrgid(): gid not found: ", a[0])),
        })
        .doc("Return the group database entry for the given numeric group ID."),
        FnDef::def("getgrnam", "name", |t, a| {
            let name = name_of(t, a[0], "getgrnam")?;
            match t.blocking(|| query(|e, p, n, r| entry!(libc::getgrnam_r(name.as_ptr(), e, p, n, r)), Group::copy)) {
                Ok(Some(group)) => group.to_value(t),
                Ok(None) => Err(no_name(t, "getgrnam(): name not found: ", a[0])),
                Err(e) => Err(raise_os_error(t, &e)),
            }
        })
        .doc("Return the group database entry for the given group name."),
        FnDef::def("getgrall", "", |t, _| {
            let groups = t.blocking(|| {
                let _guard = ENUMERATION.lock();
                // SAFETY: as for users.
                unsafe {
                    libc::setgrent();
                    let groups: Vec<Group> = std::iter::from_fn(|| libc::getgrent().as_ref().map(Group::copy)).collect();
                    libc::endgrent();
                    groups
                }
            });
            list_of(t, groups.len(), |i| groups[i].to_value(t))
        })
        .doc("Return a list of all available group entries, in arbitrary order."),
    ],
    init: |t, m| add_type(t, m, &GROUP, &GROUP_DEF, "struct_group"),
    ..ModuleDef::named("grp")
};

/// A call of the C library that fills an entry and its strings in.
macro_rules! entry {
    ($call:expr) => {
        // SAFETY: room for an entry, a buffer of that length, and room for the result, all from `query`.
        unsafe { $call }
    };
}
use entry;

/// The C library walks through a database at one place for all threads.
static ENUMERATION: Mutex<()> = Mutex::new(());

static PASSWD: TypeCell = TypeCell::new();
static PASSWD_DEF: StructSequenceDef = StructSequenceDef {
    name: "pwd.struct_passwd",
    doc: "pwd.struct_passwd: Results from getpw*() routines.\n\nThis object may be accessed either as a tuple of\n  \
          (pw_name,pw_passwd,pw_uid,pw_gid,pw_gecos,pw_dir,pw_shell)\nor via the object attributes as named in the above tuple.",
    fields: &[
        ("pw_name", "user name"),
        ("pw_passwd", "password"),
        ("pw_uid", "user id"),
        ("pw_gid", "group id"),
        ("pw_gecos", "real name"),
        ("pw_dir", "home directory"),
        ("pw_shell", "shell program"),
    ],
    visible: 7,
    instantiable: true,
};

static GROUP: TypeCell = TypeCell::new();
static GROUP_DEF: StructSequenceDef = StructSequenceDef {
    name: "grp.struct_group",
    doc: "grp.struct_group: Results from getgr*() routines.\n\nThis object may be accessed either as a tuple of\n  \
          (gr_name,gr_passwd,gr_gid,gr_mem)\nor via the object attributes as named in the above tuple.",
    fields: &[("gr_name", "group name"), ("gr_passwd", "password"), ("gr_gid", "group id"), ("gr_mem", "group members")],
    visible: 4,
    instantiable: true,
};

fn add_type(t: &Thread, m: Ref<Module>, cell: &'static TypeCell, def: &'static StructSequenceDef, name: &str) -> R<()> {
    let class = struct_sequence::create_type(t, def, cell)?;
    m.dict().set_text(t, name, class.value())
}

/// A copy of a string of the C library.
///
/// # Safety
/// `p` is NULL or NUL-terminated.
unsafe fn copied(p: *const c_char) -> Option<Vec<u8>> {
    // SAFETY: by contract.
    (!p.is_null()).then(|| unsafe { CStr::from_ptr(p) }.to_bytes().to_vec())
}

fn text_or_none(t: &Thread, bytes: &Option<Vec<u8>>) -> R {
    match bytes {
        Some(b) => fs::to_value(t, b, false),
        None => Ok(Value::NONE),
    }
}

struct User {
    texts: [Option<Vec<u8>>; 5],
    uid: u32,
    gid: u32,
}

impl User {
    fn copy(e: &libc::passwd) -> User {
        // SAFETY: an entry of the C library, whose strings are NUL-terminated.
        let texts = unsafe { [e.pw_name, e.pw_passwd, e.pw_gecos, e.pw_dir, e.pw_shell].map(|p| copied(p)) };
        User { texts, uid: e.pw_uid, gid: e.pw_gid }
    }

    fn to_value(&self, t: &Thread) -> R {
        let [name, password, real_name, home, shell] = &self.texts;
        let values = [
            text_or_none(t, name)?,
            text_or_none(t, password)?,
            id_value(t, self.uid),
            id_value(t, self.gid),
            text_or_none(t, real_name)?,
            text_or_none(t, home)?,
            text_or_none(t, shell)?,
        ];
        struct_sequence::create(t, PASSWD.get(), &values)
    }
}

struct Group {
    name: Option<Vec<u8>>,
    password: Option<Vec<u8>>,
    gid: u32,
    members: Vec<Vec<u8>>,
}

impl Group {
    fn copy(e: &libc::group) -> Group {
        let mut members = Vec::new();
        // SAFETY: an entry of the C library: its list ends in NULL, its strings are NUL-terminated.
        unsafe {
            let mut p = e.gr_mem;
            while !p.is_null() && !(*p).is_null() {
                members.extend(copied(*p));
                p = p.add(1);
            }
            Group { name: copied(e.gr_name), password: copied(e.gr_passwd), gid: e.gr_gid, members }
        }
    }

    fn to_value(&self, t: &Thread) -> R {
        let members = list_of(t, self.members.len(), |i| fs::to_value(t, &self.members[i], false))?;
        let values = [text_or_none(t, &self.name)?, text_or_none(t, &self.password)?, id_value(t, self.gid), members];
        struct_sequence::create(t, GROUP.get(), &values)
    }
}

fn list_of(t: &Thread, n: usize, f: impl Fn(usize) -> R) -> R {
    let mut list = ValueList::with_capacity(t, n);
    for i in 0..n {
        list.push(t, f(i)?);
    }
    Ok(List::from_slice(t, list.as_slice())?.value())
}

/// Asks the C library for an entry with a buffer that is large enough, and copies the entry.
fn query<E, T>(call: impl Fn(*mut E, *mut c_char, usize, *mut *mut E) -> i32, copy: impl Fn(&E) -> T) -> io::Result<Option<T>> {
    let mut buffer: Vec<c_char> = vec![0; 1024];
    loop {
        // SAFETY: zero is a valid value of the structures that are asked for.
        let mut entry: E = unsafe { std::mem::zeroed() };
        let mut found = std::ptr::null_mut();
        match call(&mut entry, buffer.as_mut_ptr(), buffer.len(), &mut found) {
            libc::ERANGE => buffer.resize(buffer.len() * 2, 0),
            // SAFETY: NULL or the entry, whose strings are in the buffer.
            0 => return Ok(unsafe { found.as_ref() }.map(&copy)),
            libc::ENOENT | libc::ESRCH | libc::EBADF | libc::EPERM => return Ok(None),
            e => return Err(io::Error::from_raw_os_error(e)),
        }
    }
}

/// An id; None for a number that is none.
fn id_of(t: &Thread, v: Value) -> R<Option<u32>> {
    let n = number::index(t, v)?;
    Ok(match int::as_i64_opt(n) {
        Some(-1) => Some(u32::MAX),
        Some(n) => u32::try_from(n).ok(),
        None => None,
    })
}

/// The id that means "none" is shown as -1.
fn id_value(_: &Thread, id: u32) -> Value {
    if id == u32::MAX { Value::int(-1) } else { Value::int(id as i64) }
}

fn name_of(t: &Thread, v: Value, function: &str) -> R<CString> {
    let Some(s) = v.downcast::<Str>() else { raise!(t, TypeError, "{function}() argument must be str, not {}", v.class().display_name()) };
    match CString::new(fs::encode(t, s)?) {
        Ok(name) => Ok(name),
        Err(_) => raise!(t, ValueError, "embedded null character"),
    }
}

fn key_error(t: &Thread, message: &str) -> Raised {
    exc::raise_key_error(t, Str::new(t, message).value())
}

fn no_id(t: &Thread, message: &str, id: Value) -> Raised {
    if id.is_null() {
        return key_error(t, message);
    }
    match text::str_of(t, id) {
        Ok(shown) => key_error(t, &format!("{message}{}", shown.to_string_lossy())),
        Err(raised) => raised,
    }
}

fn no_name(t: &Thread, message: &str, name: Value) -> Raised {
    match text::repr(t, name) {
        Ok(shown) => key_error(t, &format!("{message}{}", shown.to_string_lossy())),
        Err(raised) => raised,
    }
}
