//! `_stat`: what the bits of a file's mode mean.

use crate::constants;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::R;
use limpid_vm::protocol::number;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Str, int};

/// A test for one kind of file.
macro_rules! is_kind {
    ($name:literal, $kind:expr, $doc:literal) => {
        FnDef::def($name, "mode, /", |t, a| Ok(Value::bool(mode(t, a[0])? & KIND == $kind))).doc($doc)
    };
}

/// A test for a kind of file that this system does not have.
macro_rules! is_never {
    ($name:literal, $doc:literal) => {
        FnDef::def($name, "mode, /", |t, a| mode(t, a[0]).map(|_| Value::FALSE)).doc($doc)
    };
}

/// `_stat`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "S_IFMT_: file type bits\nS_IFDIR: directory\nS_IFCHR: character device\nS_IFBLK: block device\nS_IFREG: regular file\nS_IFIFO: fifo \
          (named pipe)\nS_IFLNK: symbolic link\nS_IFSOCK: socket file\n",
    functions: &[
        is_kind!("S_ISDIR", 0o040_000, "S_ISDIR(mode) -> bool\n\nReturn True if mode is from a directory."),
        is_kind!("S_ISCHR", 0o020_000, "S_ISCHR(mode) -> bool\n\nReturn True if mode is from a character special device file."),
        is_kind!("S_ISBLK", 0o060_000, "S_ISBLK(mode) -> bool\n\nReturn True if mode is from a block special device file."),
        is_kind!("S_ISREG", 0o100_000, "S_ISREG(mode) -> bool\n\nReturn True if mode is from a regular file."),
        is_kind!("S_ISFIFO", 0o010_000, "S_ISFIFO(mode) -> bool\n\nReturn True if mode is from a FIFO (named pipe)."),
        is_kind!("S_ISLNK", 0o120_000, "S_ISLNK(mode) -> bool\n\nReturn True if mode is from a symbolic link."),
        is_kind!("S_ISSOCK", 0o140_000, "S_ISSOCK(mode) -> bool\n\nReturn True if mode is from a socket."),
        is_never!("S_ISDOOR", "S_ISDOOR(mode) -> bool\n\nReturn True if mode is from a door."),
        is_never!("S_ISPORT", "S_ISPORT(mode) -> bool\n\nReturn True if mode is from an event port."),
        is_never!("S_ISWHT", "S_ISWHT(mode) -> bool\n\nReturn True if mode is from a whiteout."),
        FnDef::def("S_IMODE", "mode, /", |t, a| Ok(Value::int(i64::from(mode(t, a[0])? & 0o7777))))
            .doc("Return the portion of the file's mode that can be set by os.chmod()."),
        FnDef::def("S_IFMT", "mode, /", |t, a| Ok(Value::int(i64::from(mode(t, a[0])? & KIND))))
            .doc("Return the portion of the file's mode that describes the file type."),
        FnDef::def("filemode", "mode, /", |t, a| Ok(Str::new(t, &describe(mode(t, a[0])?)).value()))
            .doc("Convert a file's mode to a string of the form '-rwxrwxrwx'"),
    ],
    init: |t, m| constants::add(t, m, NUMBERS),
    ..ModuleDef::named("_stat")
};

/// The bits of a mode that tell the kind of file.
const KIND: u32 = 0o170_000;

const NUMBERS: &[(&str, i64)] = &[
    ("S_IFDIR", 0o040_000),
    ("S_IFCHR", 0o020_000),
    ("S_IFBLK", 0o060_000),
    ("S_IFREG", 0o100_000),
    ("S_IFIFO", 0o010_000),
    ("S_IFLNK", 0o120_000),
    ("S_IFSOCK", 0o140_000),
    ("S_IFDOOR", 0),
    ("S_IFPORT", 0),
    ("S_IFWHT", 0),
    ("S_ISUID", 0o4000),
    ("S_ISGID", 0o2000),
    ("S_ISVTX", 0o1000),
    ("S_ENFMT", 0o2000),
    ("S_IREAD", 0o400),
    ("S_IWRITE", 0o200),
    ("S_IEXEC", 0o100),
    ("S_IRWXU", 0o700),
    ("S_IRUSR", 0o400),
    ("S_IWUSR", 0o200),
    ("S_IXUSR", 0o100),
    ("S_IRWXG", 0o070),
    ("S_IRGRP", 0o040),
    ("S_IWGRP", 0o020),
    ("S_IXGRP", 0o010),
    ("S_IRWXO", 0o007),
    ("S_IROTH", 0o004),
    ("S_IWOTH", 0o002),
    ("S_IXOTH", 0o001),
    ("UF_SETTABLE", 0x0000_FFFF),
    ("UF_NODUMP", 0x0000_0001),
    ("UF_IMMUTABLE", 0x0000_0002),
    ("UF_APPEND", 0x0000_0004),
    ("UF_OPAQUE", 0x0000_0008),
    ("UF_NOUNLINK", 0x0000_0010),
    ("UF_COMPRESSED", 0x0000_0020),
    ("UF_TRACKED", 0x0000_0040),
    ("UF_DATAVAULT", 0x0000_0080),
    ("UF_HIDDEN", 0x0000_8000),
    ("SF_SETTABLE", 0xFFFF_0000),
    ("SF_ARCHIVED", 0x0001_0000),
    ("SF_IMMUTABLE", 0x0002_0000),
    ("SF_APPEND", 0x0004_0000),
    ("SF_RESTRICTED", 0x0008_0000),
    ("SF_NOUNLINK", 0x0010_0000),
    ("SF_SNAPSHOT", 0x0020_0000),
    ("SF_FIRMLINK", 0x0080_0000),
    ("SF_DATALESS", 0x4000_0000),
    ("ST_MODE", 0),
    ("ST_INO", 1),
    ("ST_DEV", 2),
    ("ST_NLINK", 3),
    ("ST_UID", 4),
    ("ST_GID", 5),
    ("ST_SIZE", 6),
    ("ST_ATIME", 7),
    ("ST_MTIME", 8),
    ("ST_CTIME", 9),
];

fn mode(t: &Thread, v: Value) -> R<u32> {
    let mode = int::to_u64(t, number::index(t, v)?)?;
    match u32::try_from(mode) {
        Ok(mode) => Ok(mode),
        Err(_) => raise!(t, OverflowError, "mode out of range"),
    }
}

/// A mode as `ls` shows it.
fn describe(mode: u32) -> String {
    let kind = match mode & KIND {
        0o040_000 => 'd',
        0o020_000 => 'c',
        0o060_000 => 'b',
        0o100_000 => '-',
        0o010_000 => 'p',
        0o120_000 => 'l',
        0o140_000 => 's',
        _ => '?',
    };
    let mut text = String::from(kind);
    for (shift, special, marks) in [(6, 0o4000, ['s', 'S']), (3, 0o2000, ['s', 'S']), (0, 0o1000, ['t', 'T'])] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => marks[0],
            (true, false) => marks[1],
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    text
}
