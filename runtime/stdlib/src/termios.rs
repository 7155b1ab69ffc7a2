//! `termios`: terminals.

use crate::constants::{self, constants};
use crate::exception_class::{self, ExceptionClass};
use crate::posix::{file_descriptor, retry};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{iter, number};
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::strerror;
use limpid_vm::types::{Bytes, List, Module, Str, Tuple, ValueList, int};
use limpid_vm::{exc, raise};

/// `termios`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "This module provides an interface to the Posix calls for tty I/O control.\n\nFor a complete description of these calls, see the Posix or \
          Unix manual\npages. It is only available for those Unix versions that support Posix\ntermios style tty I/O control (and then only \
          if configured at installation\ntime).",
    functions: &[
        FnDef::def("tcgetattr", "fd, /", tcgetattr).doc("Get the tty attributes for file descriptor fd."),
        FnDef::def("tcsetattr", "fd, when, attributes, /", tcsetattr).doc("Set the tty attributes for file descriptor fd."),
        FnDef::def("tcsendbreak", "fd, duration, /", |t, a| {
            // SAFETY: a plain system call.
            action(t, a[0], a[1], |fd, n| unsafe { libc::tcsendbreak(fd, n) })
        })
        .doc("Send a break on file descriptor fd."),
        FnDef::def("tcdrain", "fd, /", |t, a| {
            // SAFETY: a plain system call.
            action(t, a[0], Value::int(0), |fd, _| unsafe { libc::tcdrain(fd) })
        })
        .doc("Wait until all output written to file descriptor fd has been transmitted."),
        FnDef::def("tcflush", "fd, queue, /", |t, a| {
            // SAFETY: a plain system call.
            action(t, a[0], a[1], |fd, n| unsafe { libc::tcflush(fd, n) })
        })
        .doc("Discard queued data on file descriptor fd."),
        FnDef::def("tcflow", "fd, action, /", |t, a| {
            // SAFETY: a plain system call.
            action(t, a[0], a[1], |fd, n| unsafe { libc::tcflow(fd, n) })
        })
        .doc("Suspend or resume input or output on file descriptor fd."),
        FnDef::def("tcgetwinsize", "fd, /", |t, a| {
            let size = window(t, file_descriptor(t, a[0])?)?;
            Ok(Tuple::from_slice(t, &[Value::int(size.ws_row as i64), Value::int(size.ws_col as i64)]).value())
        })
        .doc("Get the tty winsize for file descriptor fd."),
        FnDef::def("tcsetwinsize", "fd, winsize, /", tcsetwinsize).doc("Set the tty winsize for file descriptor fd."),
    ],
    init,
    ..ModuleDef::named("termios")
};

/// `termios.error`
static ERROR: TypeCell = TypeCell::new();

static NAMED: &[(&str, i64)] = constants! {
    B0 B50 B75 B110 B134 B150 B200 B300 B600 B1200 B1800 B2400 B4800 B9600 B19200 B38400 B57600 B115200 B230400 B460800 B500000 B576000
    B921600 B1000000 B1152000 B1500000 B2000000 B2500000 B3000000 B3500000 B4000000 BRKINT BS0 BS1 BSDLY CBAUD CBAUDEX CIBAUD CLOCAL CR0 CR1
    CR2 CR3 CRDLY CREAD CRTSCTS CS5 CS6 CS7 CS8 CSIZE CSTOPB ECHO ECHOCTL ECHOE ECHOK ECHOKE ECHONL ECHOPRT EXTA EXTB EXTPROC FF0 FF1 FFDLY
    FIOASYNC FIOCLEX FIONBIO FIONCLEX FIONREAD FLUSHO HUPCL ICANON ICRNL IEXTEN IGNBRK IGNCR IGNPAR IMAXBEL INLCR INPCK ISIG ISTRIP IUCLC
    IUTF8 IXANY IXOFF IXON NCCS NL0 NL1 NLDLY NOFLSH OCRNL OFDEL OFILL OLCUC ONLCR ONLRET ONOCR OPOST PARENB PARMRK PARODD PENDIN TAB0 TAB1
    TAB2 TAB3 TABDLY TCFLSH TCGETA TCGETS TCIFLUSH TCIOFF TCIOFLUSH TCION TCOFLUSH TCOOFF TCOON TCSADRAIN TCSAFLUSH TCSANOW TCSBRK TCSBRKP
    TCSETA TCSETAF TCSETAW TCSETS TCSETSF TCSETSW TCXONC TIOCCONS TIOCEXCL TIOCGETD TIOCGICOUNT TIOCGLCKTRMIOS TIOCGPGRP TIOCGSERIAL
    TIOCGSOFTCAR TIOCGWINSZ TIOCINQ TIOCLINUX TIOCMBIC TIOCMBIS TIOCMGET TIOCMIWAIT TIOCMSET TIOCM_CAR TIOCM_CD TIOCM_CTS TIOCM_DSR
    TIOCM_DTR TIOCM_LE TIOCM_RI TIOCM_RNG TIOCM_RTS TIOCM_SR TIOCM_ST TIOCNOTTY TIOCNXCL TIOCOUTQ TIOCPKT
    TIOCSCTTY TIOCSERCONFIG TIOCSERGETLSR TIOCSERGETMULTI
    TIOCSERGSTRUCT TIOCSERGWILD TIOCSERSETMULTI TIOCSERSWILD TIOCSETD TIOCSLCKTRMIOS TIOCSPGRP TIOCSSERIAL TIOCSSOFTCAR TIOCSTI TIOCSWINSZ
    TOSTOP VDISCARD VEOF VEOL VEOL2 VERASE VINTR VKILL VLNEXT VMIN VQUIT VREPRINT VSTART VSTOP VSUSP VSWTC VT0 VT1 VTDLY VTIME VWERASE
    XCASE XTABS _POSIX_VDISABLE
};

/// From headers of the system that the crate libc does not have.
static OTHERS: &[(&str, i64)] = &[
    ("CDSUSP", 25),
    ("CEOF", 4),
    ("CEOL", 0),
    ("CEOT", 4),
    ("CERASE", 127),
    ("CFLUSH", 15),
    ("CINTR", 3),
    ("CKILL", 21),
    ("CLNEXT", 22),
    ("CQUIT", 28),
    ("CRPRNT", 18),
    ("CSTART", 17),
    ("CSTOP", 19),
    ("CSUSP", 26),
    ("CWERASE", 23),
    ("IOCSIZE_MASK", 1_073_676_288),
    ("IOCSIZE_SHIFT", 16),
    ("NCC", 8),
    ("N_MOUSE", 2),
    ("N_PPP", 3),
    ("N_SLIP", 1),
    ("N_STRIP", 4),
    ("N_TTY", 0),
    ("TIOCSER_TEMT", 1),
    ("VSWTCH", 7),
    ("TIOCPKT_DATA", 0),
    ("TIOCPKT_FLUSHREAD", 1),
    ("TIOCPKT_FLUSHWRITE", 2),
    ("TIOCPKT_STOP", 4),
    ("TIOCPKT_START", 8),
    ("TIOCPKT_NOSTOP", 16),
    ("TIOCPKT_DOSTOP", 32),
];

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    constants::add(t, m, NAMED)?;
    constants::add(t, m, OTHERS)?;
    exception_class::add(t, m, &ERROR, &ExceptionClass { name: "termios.error", doc: "", base: || exc::Exception })
}

/// The result of a call, or `termios.error`.
fn check(t: &Thread, result: std::io::Result<i64>) -> R<()> {
    let Err(e) = result else { return Ok(()) };
    let errno = e.raw_os_error().unwrap_or(0);
    Err(t.raise_with(ERROR.get(), &[Value::int(errno as i64), Str::new(t, &strerror(errno)).value()]))
}

fn action(t: &Thread, fd: Value, n: Value, f: fn(i32, i32) -> i32) -> R {
    let (fd, n) = (file_descriptor(t, fd)?, number::index_i32(t, n)?);
    check(t, retry(t, || f(fd, n) as i64)?)?;
    Ok(Value::NONE)
}

fn attributes(t: &Thread, fd: i32) -> R<libc::termios> {
    // SAFETY: zero is a valid value, and the call fills it in.
    let mut mode: libc::termios = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    check(t, retry(t, || unsafe { libc::tcgetattr(fd, &mut mode) } as i64)?)?;
    Ok(mode)
}

fn tcgetattr(t: &Thread, a: &[Value]) -> R {
    let mode = attributes(t, file_descriptor(t, a[0])?)?;
    // SAFETY: a filled structure.
    let (input, output) = unsafe { (libc::cfgetispeed(&mode), libc::cfgetospeed(&mode)) };
    let mut characters = ValueList::new(t);
    for (i, c) in mode.c_cc.iter().enumerate() {
        // Without lines, these two are numbers.
        let is_number = mode.c_lflag & libc::ICANON == 0 && (i == libc::VMIN || i == libc::VTIME);
        characters.push(t, if is_number { Value::int(*c as i64) } else { Bytes::from_slice(t, &[*c])?.value() });
    }
    let mut parts = ValueList::new(t);
    for n in [mode.c_iflag, mode.c_oflag, mode.c_cflag, mode.c_lflag, input, output] {
        parts.push(t, Value::int(n as i64));
    }
    parts.push(t, List::from_slice(t, characters.as_slice())?.value());
    Ok(List::from_slice(t, parts.as_slice())?.value())
}

fn tcsetattr(t: &Thread, a: &[Value]) -> R {
    let fd = file_descriptor(t, a[0])?;
    let when = number::index_i32(t, a[1])?;
    let parts = match a[2].downcast::<List>() {
        Some(list) => list.snapshot(t),
        None => raise!(t, TypeError, "tcsetattr, arg 3: must be 7 element list"),
    };
    if parts.len() != 7 {
        raise!(t, TypeError, "tcsetattr, arg 3: must be 7 element list")
    }
    let mut mode = attributes(t, fd)?;
    let number = |i: usize| -> R<u32> {
        let n = parts.get(i);
        if int::is_negative(number::index(t, n)?) {
            raise!(t, OverflowError, "can't convert negative value to unsigned int")
        }
        Ok(int::to_u64(t, number::index(t, n)?)? as u32)
    };
    (mode.c_iflag, mode.c_oflag, mode.c_cflag, mode.c_lflag) = (number(0)?, number(1)?, number(2)?, number(3)?);
    let (input, output) = (number(4)?, number(5)?);
    let characters = match parts.get(6).downcast::<List>().map(|l| l.snapshot(t)) {
        Some(list) if list.len() == libc::NCCS => list,
        _ => raise!(t, TypeError, "tcsetattr: attributes[6] must be {} element list", libc::NCCS),
    };
    for (to, v) in mode.c_cc.iter_mut().zip(characters.iter()) {
        *to = match v.downcast::<Bytes>() {
            Some(b) if b.len() == 1 => b.as_slice()[0],
            None if int::is_int(v) => int::to_i64(t, v)? as u8,
            _ => raise!(t, TypeError, "tcsetattr: elements of attributes must be characters or integers"),
        };
    }
    // SAFETY: a filled structure; a speed that does not exist is refused.
    let result = unsafe { libc::cfsetispeed(&mut mode, input) < 0 || libc::cfsetospeed(&mut mode, output) < 0 };
    if result {
        check(t, Err(std::io::Error::last_os_error()))?;
    }
    // SAFETY: as above.
    check(t, retry(t, || unsafe { libc::tcsetattr(fd, when, &mode) } as i64)?)?;
    Ok(Value::NONE)
}

fn window(t: &Thread, fd: i32) -> R<libc::winsize> {
    // SAFETY: zero is a valid value, and the call fills it in.
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    check(t, retry(t, || unsafe { libc::ioctl(fd, libc::TIOCGWINSZ, &mut size) } as i64)?)?;
    Ok(size)
}

fn tcsetwinsize(t: &Thread, a: &[Value]) -> R {
    let fd = file_descriptor(t, a[0])?;
    if !iter::is_sequence(a[1]) {
        raise!(t, TypeError, "tcsetwinsize, arg 2: must be a two-item sequence")
    }
    let pair = iter::collect(t, a[1])?;
    if pair.len() != 2 {
        raise!(t, TypeError, "tcsetwinsize, arg 2: must be a two-item sequence")
    }
    let number = |i: usize| -> R<u16> {
        match u16::try_from(int::to_i64(t, number::index(t, pair.get(i))?)?) {
            Ok(n) => Ok(n),
            Err(_) => raise!(t, OverflowError, "winsize value(s) out of range."),
        }
    };
    let (rows, columns) = (number(0)?, number(1)?);
    // What is not given stays.
    let mut size = window(t, fd)?;
    (size.ws_row, size.ws_col) = (rows, columns);
    // SAFETY: a filled structure.
    check(t, retry(t, || unsafe { libc::ioctl(fd, libc::TIOCSWINSZ, &size) } as i64)?)?;
    Ok(Value::NONE)
}
