//! What happens in the child between the fork and the new program.
//!
//! Nothing here allocates, takes a lock or unwinds: the child may share its memory with the parent, and in any case has copies of locks
//! that nobody will release. Calls that the C library makes for all threads of a process (`setuid` and relatives) are made directly.

use super::{Pipes, Plan, last_errno};
use std::ffi::{c_char, c_int, c_void};
use std::io;

/// The stack of a child that shares its parent's memory.
const STACK: usize = 256 << 10;

/// Starts a child that shares the memory of this process until its program starts; the calling thread waits so long.
pub(super) fn start(plan: &Plan) -> io::Result<i32> {
    // SAFETY: a mapping of our own serves as the child's stack and is given back when the child no longer uses it, which the kernel says
    // by letting this thread go on (CLONE_VFORK). All signals are blocked meanwhile, so that no handler runs in the child on shared memory.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
        let stack = libc::mmap(std::ptr::null_mut(), STACK, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
        if stack == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let mut all = std::mem::zeroed();
        let mut old = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &all, &mut old);
        let top = stack.cast::<u8>().add(STACK).cast::<c_void>();
        let plan = std::ptr::from_ref(plan).cast_mut().cast::<c_void>();
        let pid = libc::clone(enter, top, libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD, plan);
        let error = io::Error::last_os_error();
        libc::pthread_sigmask(libc::SIG_SETMASK, &old, std::ptr::null_mut());
        libc::munmap(stack, STACK);
        if pid < 0 { Err(error) } else { Ok(pid) }
    }
}

extern "C" fn enter(plan: *mut c_void) -> c_int {
    // SAFETY: what `start` has passed; it waits until the child no longer needs it.
    let plan = unsafe { &*(plan as *const Plan) };
    // Handlers are code of the old program. The dispositions are the child's own.
    reset_handlers();
    run(plan, None)
}

/// Which step has failed, as the parent wants to hear of it.
enum Failure {
    /// Before the new program was tried, with an error number.
    Setup(i32),
    /// The working directory could not be entered.
    Directory(i32),
    /// The Python function has raised.
    Function,
    /// There is no such program, or it cannot be run.
    Program(i32),
}

/// Sets the child up and starts the program in it; does not return. What fails is told through the pipe for errors.
pub(super) fn run(plan: &Plan, function: Option<&dyn Fn() -> Result<(), ()>>) -> ! {
    let failure = match set_up(plan, function) {
        Ok(()) => Failure::Program(execute(plan)),
        Err(failure) => failure,
    };
    report(plan.pipes.errpipe_write, failure);
    // SAFETY: ends the child without any of the parent's clean-up.
    unsafe { libc::_exit(255) }
}

fn done(result: c_int) -> Result<(), Failure> {
    if result < 0 { Err(Failure::Setup(last_errno())) } else { Ok(()) }
}

fn set_up(plan: &Plan, function: Option<&dyn Fn() -> Result<(), ()>>) -> Result<(), Failure> {
    connect(plan)?;
    // SAFETY: plain system calls on numbers and on arrays that the plan keeps.
    unsafe {
        if !plan.cwd.is_null() && libc::chdir(plan.cwd) < 0 {
            return Err(Failure::Directory(last_errno()));
        }
        if plan.umask >= 0 {
            libc::umask(plan.umask as libc::mode_t);
        }
        if plan.restore_signals {
            for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
        // From here on signals may arrive again.
        libc::pthread_sigmask(libc::SIG_SETMASK, &plan.mask, std::ptr::null_mut());
        if plan.new_session {
            done(libc::setsid())?;
        }
        if plan.process_group >= 0 {
            done(libc::setpgid(0, plan.process_group))?;
        }
        if let Some(groups) = &plan.groups {
            done(libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) as c_int)?;
        }
        if let Some(gid) = plan.gid {
            done(libc::syscall(libc::SYS_setregid, gid, gid) as c_int)?;
        }
        if let Some(uid) = plan.uid {
            done(libc::syscall(libc::SYS_setreuid, uid, uid) as c_int)?;
        }
    }
    if let Some(f) = function {
        f().map_err(|()| Failure::Function)?;
    }
    if plan.close_fds {
        close_others(plan);
    }
    Ok(())
}

/// Puts the child's ends of the pipes in place of its standard streams.
fn connect(plan: &Plan) -> Result<(), Failure> {
    let Pipes { p2cread, p2cwrite, c2pread, mut c2pwrite, errread, mut errwrite, errpipe_read, .. } = plan.pipes;
    // SAFETY: plain system calls on descriptors that the parent has opened for the child.
    unsafe {
        for fd in &plan.pass_fds {
            // The pipe for errors is to be closed when the new program starts; that is how the parent knows.
            if *fd != plan.pipes.errpipe_write {
                let flags = libc::fcntl(*fd, libc::F_GETFD);
                if flags >= 0 && flags & libc::FD_CLOEXEC != 0 {
                    done(libc::fcntl(*fd, libc::F_SETFD, flags & !libc::FD_CLOEXEC))?;
                }
            }
        }
        for fd in [p2cwrite, c2pread, errread] {
            if fd != -1 {
                libc::close(fd);
            }
        }
        libc::close(errpipe_read);
        // A source that lies where another stream goes is moved out of the way first.
        if c2pwrite == 0 {
            c2pwrite = libc::dup(c2pwrite);
            done(c2pwrite)?;
            done(libc::fcntl(c2pwrite, libc::F_SETFD, libc::FD_CLOEXEC))?;
        }
        while errwrite == 0 || errwrite == 1 {
            errwrite = libc::dup(errwrite);
            done(errwrite)?;
            done(libc::fcntl(errwrite, libc::F_SETFD, libc::FD_CLOEXEC))?;
        }
        for (from, to) in [(p2cread, 0), (c2pwrite, 1), (errwrite, 2)] {
            if from == to {
                done(libc::fcntl(from, libc::F_SETFD, 0))?;
            } else if from != -1 {
                done(libc::dup2(from, to))?;
            }
        }
    }
    Ok(())
}

/// Closes all descriptors from 3 on that are not to be passed.
fn close_others(plan: &Plan) {
    let mut from = 3;
    for keep in plan.pass_fds.iter().copied().filter(|fd| *fd >= 3) {
        close_range(from, keep - 1);
        from = keep + 1;
    }
    close_range(from, c_int::MAX);
}

fn close_range(from: c_int, to: c_int) {
    if from > to {
        return;
    }
    // SAFETY: plain system calls; the descriptors are the child's.
    unsafe {
        if libc::syscall(libc::SYS_close_range, from, to, 0) == 0 {
            return;
        }
        // A kernel without that call.
        let most = libc::sysconf(libc::_SC_OPEN_MAX).clamp(256, 1 << 20) as c_int;
        for fd in from..=to.min(most) {
            libc::close(fd);
        }
    }
}

/// Gives every signal with a handler its default action.
fn reset_handlers() {
    // SAFETY: zero is a valid value; queries and changes of the child's own table.
    unsafe {
        for signal in 1..65 {
            let mut action: libc::sigaction = std::mem::zeroed();
            if libc::sigaction(signal, std::ptr::null(), &mut action) == 0
                && action.sa_sigaction != libc::SIG_DFL
                && action.sa_sigaction != libc::SIG_IGN
            {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
    }
}

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// Tries the program's names one after the other; the most telling error.
fn execute(plan: &Plan) -> i32 {
    let mut saved = 0;
    for name in plan.executables.iter().filter(|name| !name.is_null()) {
        // SAFETY: NUL-terminated strings in NULL-terminated arrays.
        unsafe {
            let envp = plan.envp.as_ref().map_or(environ, |e| e.as_ptr());
            libc::execve(*name, plan.argv.as_ptr(), envp);
        }
        let errno = last_errno();
        if errno != libc::ENOENT && errno != libc::ENOTDIR && saved == 0 {
            saved = errno;
        }
    }
    if saved != 0 { saved } else { last_errno() }
}

/// Writes what the module subprocess makes an exception of: the exception's name, the error number in hexadecimal digits, a message.
fn report(pipe: c_int, failure: Failure) {
    let (errno, message): (i32, &[u8]) = match failure {
        Failure::Setup(errno) => (errno, b"noexec"),
        Failure::Directory(errno) => (errno, b"noexec:chdir"),
        Failure::Program(errno) => (errno, b""),
        Failure::Function => {
            write(pipe, b"SubprocessError:0:Exception occurred in preexec_fn.");
            return;
        }
    };
    write(pipe, b"OSError:");
    let mut digits = [0u8; 8];
    let mut at = digits.len();
    let mut rest = errno as u32;
    while rest != 0 && at > 0 {
        at -= 1;
        digits[at] = b"0123456789ABCDEF"[(rest % 16) as usize];
        rest /= 16;
    }
    write(pipe, &digits[at..]);
    write(pipe, b":");
    write(pipe, message);
}

fn write(pipe: c_int, bytes: &[u8]) {
    // SAFETY: a buffer of that length. Whether it arrives cannot be told to anybody.
    let _ = unsafe { libc::write(pipe, bytes.as_ptr().cast(), bytes.len()) };
}
