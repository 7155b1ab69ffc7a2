//! `posix_spawn`

use super::process::{c_strings, environment};
use crate::fs::{Argument, Path};
use crate::posix::path_error;
use crate::posix::scheduling::parameter;
use crate::signal::from_iterable as signal_set;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::{iter, number, truth::truth};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, List, Str, Tuple, int};
use std::ffi::{CString, c_char};
use std::io;
use std::mem::MaybeUninit;

const SIGNATURE: &str = "path, argv, env, /, *, file_actions=(), setpgroup=0, resetids=False, setsid=False, setsigmask=(), setsigdef=(), \
                         scheduler=None";

pub(super) const FUNCTIONS: &[FnDef] =
    &[FnDef::def("posix_spawn", SIGNATURE, |t, a| spawn(t, a, false)), FnDef::def("posix_spawnp", SIGNATURE, |t, a| spawn(t, a, true))];

const OPEN: i64 = 0;
const CLOSE: i64 = 1;
const DUP2: i64 = 2;
const CLOSE_FROM: i64 = 3;

unsafe extern "C" {
    fn posix_spawn_file_actions_addclosefrom_np(actions: *mut libc::posix_spawn_file_actions_t, from: libc::c_int) -> libc::c_int;
}

/// What the child does with descriptors; given back at the end.
struct FileActions(Box<MaybeUninit<libc::posix_spawn_file_actions_t>>);

impl Drop for FileActions {
    fn drop(&mut self) {
        // SAFETY: initialised by `new`.
        unsafe { libc::posix_spawn_file_actions_destroy(self.0.as_mut_ptr()) };
    }
}

/// A result of the functions that build up what to do: 0, or an error number.
fn check(result: i32) -> Result<(), i32> {
    if result == 0 { Ok(()) } else { Err(result) }
}

impl FileActions {
    /// The actions of a sequence of tuples; an error number if the C library refuses one.
    fn new(t: &Thread, v: Value) -> R<Result<FileActions, i32>> {
        let mut actions = FileActions(Box::new(MaybeUninit::uninit()));
        // SAFETY: room for them.
        if let Err(e) = check(unsafe { libc::posix_spawn_file_actions_init(actions.0.as_mut_ptr()) }) {
            std::mem::forget(actions);
            return Ok(Err(e));
        }
        if !iter::is_sequence(v) {
            raise!(t, TypeError, "file_actions must be a sequence or None")
        }
        let list = iter::collect(t, v)?;
        for item in list.iter() {
            let Some(action) = item.downcast::<Tuple>().filter(|a| !a.is_empty()) else {
                raise!(t, TypeError, "Each file_actions element must be a non-empty tuple")
            };
            if let Err(e) = actions.add(t, action.as_slice())? {
                return Ok(Err(e));
            }
        }
        Ok(Ok(actions))
    }

    fn add(&mut self, t: &Thread, action: &[Value]) -> R<Result<(), i32>> {
        let p = self.0.as_mut_ptr();
        let kind = if int::is_int(action[0]) { int::to_i64(t, action[0])? } else { -1 };
        let fd = |i: usize| number::index_i32(t, action[i]);
        // SAFETY: initialised actions; the C library copies the name.
        Ok(check(unsafe {
            match (kind, action.len()) {
                (OPEN, 5) => {
                    let path = Argument { function: "posix_spawn", name: "path", allow_fd: false }.parse(t, action[2])?;
                    let mode = int::to_u64_masked(t, number::index(t, action[4])?)? as libc::mode_t;
                    libc::posix_spawn_file_actions_addopen(p, fd(1)?, path.name.as_ptr(), fd(3)?, mode)
                }
                (OPEN, _) => raise!(t, TypeError, "A open file_action tuple must have 5 elements"),
                (CLOSE, 2) => libc::posix_spawn_file_actions_addclose(p, fd(1)?),
                (CLOSE, _) => raise!(t, TypeError, "A close file_action tuple must have 2 elements"),
                (DUP2, 3) => libc::posix_spawn_file_actions_adddup2(p, fd(1)?, fd(2)?),
                (DUP2, _) => raise!(t, TypeError, "A dup2 file_action tuple must have 3 elements"),
                (CLOSE_FROM, 2) => posix_spawn_file_actions_addclosefrom_np(p, fd(1)?),
                (CLOSE_FROM, _) => raise!(t, TypeError, "A closefrom file_action tuple must have 2 elements"),
                _ => raise!(t, TypeError, "Unknown file_actions identifier"),
            }
        }))
    }
}

/// What else is different in the child; given back at the end.
struct Attributes(Box<MaybeUninit<libc::posix_spawnattr_t>>);

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialised by `new`.
        unsafe { libc::posix_spawnattr_destroy(self.0.as_mut_ptr()) };
    }
}

impl Attributes {
    fn new(t: &Thread, a: &[Value]) -> R<Result<Attributes, i32>> {
        let mut attributes = Attributes(Box::new(MaybeUninit::uninit()));
        let p = attributes.0.as_mut_ptr();
        // SAFETY: room for them.
        if let Err(e) = check(unsafe { libc::posix_spawnattr_init(p) }) {
            std::mem::forget(attributes);
            return Ok(Err(e));
        }
        let mut flags = 0;
        // SAFETY: initialised attributes and filled structures.
        let result = unsafe {
            let mut result = Ok(());
            if !a[4].is_null() {
                flags |= libc::POSIX_SPAWN_SETPGROUP;
                result = result.and(check(libc::posix_spawnattr_setpgroup(p, number::index_i32(t, a[4])?)));
            }
            if !a[5].is_null() && truth(t, a[5])? {
                flags |= libc::POSIX_SPAWN_RESETIDS;
            }
            if !a[6].is_null() && truth(t, a[6])? {
                flags |= libc::POSIX_SPAWN_SETSID as i32;
            }
            if !a[7].is_null() {
                flags |= libc::POSIX_SPAWN_SETSIGMASK;
                result = result.and(check(libc::posix_spawnattr_setsigmask(p, &signal_set(t, a[7])?)));
            }
            if !a[8].is_null() {
                flags |= libc::POSIX_SPAWN_SETSIGDEF;
                result = result.and(check(libc::posix_spawnattr_setsigdefault(p, &signal_set(t, a[8])?)));
            }
            if !a[9].is_null() && !a[9].is_none() {
                let Some(pair) = a[9].downcast::<Tuple>().filter(|p| p.len() == 2) else {
                    raise!(t, TypeError, "A scheduler tuple must have two elements")
                };
                if !pair.get(0).is_none() {
                    flags |= libc::POSIX_SPAWN_SETSCHEDULER;
                    result = result.and(check(libc::posix_spawnattr_setschedpolicy(p, number::index_i32(t, pair.get(0))?)));
                }
                flags |= libc::POSIX_SPAWN_SETSCHEDPARAM;
                result = result.and(check(libc::posix_spawnattr_setschedparam(p, &parameter(t, pair.get(1))?)));
            }
            result.and(check(libc::posix_spawnattr_setflags(p, flags as i16)))
        };
        Ok(result.map(|()| attributes))
    }
}

fn pointers(list: &[CString]) -> Vec<*mut c_char> {
    list.iter().map(|s| s.as_ptr().cast_mut()).chain([std::ptr::null_mut()]).collect()
}

fn spawn(t: &Thread, a: &[Value], search: bool) -> R {
    let function = if search { "posix_spawnp" } else { "posix_spawn" };
    let Path { name, given, .. } = Argument::path(function).parse(t, a[0])?;
    if a[1].downcast::<List>().is_none() && a[1].downcast::<Tuple>().is_none() {
        raise!(t, TypeError, "{function}: argv must be a tuple or list")
    }
    let argv = c_strings(t, a[1])?;
    if argv.is_empty() {
        raise!(t, ValueError, "{function}: argv must not be empty")
    }
    if argv[0].is_empty() {
        raise!(t, ValueError, "{function}: argv first element cannot be empty")
    }
    // None takes over the environment of this process.
    let env = match a[2] {
        v if v.is_none() => None,
        v if v.downcast::<Dict>().is_none() && v.class().slots().getitem.is_none() || v.downcast::<Str>().is_some() => {
            raise!(t, TypeError, "{function}: environment must be a mapping object or None")
        }
        v => Some(environment(t, v)?),
    };
    let actions = match a[3] {
        v if v.is_null() || v.is_none() => Ok(None),
        v => FileActions::new(t, v)?.map(Some),
    };
    let attributes = Attributes::new(t, a)?;
    let (actions, attributes) = match (actions, attributes) {
        (Ok(actions), Ok(attributes)) => (actions, attributes),
        (Err(e), _) | (_, Err(e)) => return Err(path_error(t, &io::Error::from_raw_os_error(e), given)),
    };
    let argv_pointers = pointers(&argv);
    let envp = env.as_deref().map(pointers);
    let mut pid = 0;
    let mut start = || {
        unsafe extern "C" {
            static environ: *const *mut c_char;
        }
        let call = if search { libc::posix_spawnp } else { libc::posix_spawn };
        // SAFETY: NUL-terminated strings in NULL-terminated arrays; initialised structures or NULL; room for the result.
        unsafe {
            call(
                &mut pid,
                name.as_ptr(),
                actions.as_ref().map_or(std::ptr::null(), |f| f.0.as_ptr()),
                attributes.0.as_ptr(),
                argv_pointers.as_ptr(),
                envp.as_ref().map_or(environ, |e| e.as_ptr()),
            )
        }
    };
    match start() {
        0 => Ok(Value::int(pid as i64)),
        e => Err(path_error(t, &io::Error::from_raw_os_error(e), given)),
    }
}
