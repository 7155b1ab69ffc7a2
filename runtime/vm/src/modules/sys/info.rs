//! What never changes: versions, limits of the number types, flags from the command line.

use super::stdlib_names::STDLIB_NAMES;
use crate::object::{R, Ref};
use crate::thread::Thread;
use crate::types::int::text::{DEFAULT_MAX_STR_DIGITS, MAX_STR_DIGITS_THRESHOLD, max_str_digits};
use crate::types::struct_sequence::{self, StructSequenceDef};
use crate::types::{Dict, Str, Tuple, ValueList, int, set, simple_namespace};
use limpid_heap::Value;

/// The version of the language and library: major, minor, micro.
pub const VERSION: (i64, i64, i64) = (3, 14, 10);
/// The same in one number, for a final release.
pub const HEX_VERSION: i64 = VERSION.0 << 24 | VERSION.1 << 16 | VERSION.2 << 8 | 0xF0;

static VERSION_INFO: StructSequenceDef = StructSequenceDef {
    name: "sys.version_info",
    doc: "sys.version_info\n\nVersion information as a named tuple.",
    fields: &[
        ("major", "Major release number"),
        ("minor", "Minor release number"),
        ("micro", "Patch release number"),
        ("releaselevel", "'alpha', 'beta', 'candidate', or 'final'"),
        ("serial", "Serial release number"),
    ],
    visible: 5,
    instantiable: false,
};

static FLAGS: StructSequenceDef = StructSequenceDef {
    name: "sys.flags",
    doc: "sys.flags\n\nFlags provided through command line arguments or environment vars.",
    fields: &[
        ("debug", "-d"),
        ("inspect", "-i"),
        ("interactive", "-i"),
        ("optimize", "-O or -OO"),
        ("dont_write_bytecode", "-B"),
        ("no_user_site", "-s"),
        ("no_site", "-S"),
        ("ignore_environment", "-E"),
        ("verbose", "-v"),
        ("bytes_warning", "-b"),
        ("quiet", "-q"),
        ("hash_randomization", "-R"),
        ("isolated", "-I"),
        ("dev_mode", "-X dev"),
        ("utf8_mode", "-X utf8"),
        ("warn_default_encoding", "-X warn_default_encoding"),
        ("safe_path", "-P"),
        ("int_max_str_digits", "-X int_max_str_digits"),
        ("gil", "-X gil"),
        ("thread_inherit_context", "-X thread_inherit_context"),
        ("context_aware_warnings", "-X context_aware_warnings"),
    ],
    visible: 18,
    instantiable: false,
};

static FLOAT_INFO: StructSequenceDef = StructSequenceDef {
    name: "sys.float_info",
    doc: "sys.float_info\n\nA named tuple holding information about the float type. It contains low level\ninformation about the precision \
          and internal representation. Please study\nyour system's :file:`float.h` for more information.",
    fields: &[
        ("max", "DBL_MAX -- maximum representable finite float"),
        ("max_exp", "DBL_MAX_EXP -- maximum int e such that radix**(e-1) is representable"),
        ("max_10_exp", "DBL_MAX_10_EXP -- maximum int e such that 10**e is representable"),
        ("min", "DBL_MIN -- Minimum positive normalized float"),
        ("min_exp", "DBL_MIN_EXP -- minimum int e such that radix**(e-1) is a normalized float"),
        ("min_10_exp", "DBL_MIN_10_EXP -- minimum int e such that 10**e is a normalized float"),
        ("dig", "DBL_DIG -- maximum number of decimal digits that can be faithfully represented in a float"),
        ("mant_dig", "DBL_MANT_DIG -- mantissa digits"),
        ("epsilon", "DBL_EPSILON -- Difference between 1 and the next representable float"),
        ("radix", "FLT_RADIX -- radix of exponent"),
        ("rounds", "FLT_ROUNDS -- rounding mode used for arithmetic operations"),
    ],
    visible: 11,
    instantiable: true,
};

static INT_INFO: StructSequenceDef = StructSequenceDef {
    name: "sys.int_info",
    doc: "sys.int_info\n\nA named tuple that holds information about Python's\ninternal representation of integers.  The attributes are \
          read only.",
    fields: &[
        ("bits_per_digit", "size of a digit in bits"),
        ("sizeof_digit", "size in bytes of the C type used to represent a digit"),
        ("default_max_str_digits", "maximum string conversion digits limitation"),
        ("str_digits_check_threshold", "minimum positive value for int_max_str_digits"),
    ],
    visible: 4,
    instantiable: true,
};

static HASH_INFO: StructSequenceDef = StructSequenceDef {
    name: "sys.hash_info",
    doc: "hash_info\n\nA named tuple providing parameters used for computing hashes. The attributes are read only.",
    fields: &[
        ("width", "width of the type used for hashing, in bits"),
        ("modulus", "prime number giving the modulus on which the hash function is based"),
        ("inf", "value to be used for hash of a positive infinity"),
        ("nan", "value to be used for hash of a nan"),
        ("imag", "multiplier used for the imaginary part of a complex number"),
        ("algorithm", "name of the algorithm for hashing of str, bytes and memoryviews"),
        ("hash_bits", "internal output size of hash algorithm"),
        ("seed_bits", "seed size of hash algorithm"),
        ("cutoff", "small string optimization cutoff"),
    ],
    visible: 9,
    instantiable: true,
};

static THREAD_INFO: StructSequenceDef = StructSequenceDef {
    name: "sys.thread_info",
    doc: "sys.thread_info\n\nA named tuple holding information about the thread implementation.",
    fields: &[
        ("name", "name of the thread implementation"),
        ("lock", "name of the lock implementation"),
        ("version", "name and version of the thread library"),
    ],
    visible: 3,
    instantiable: true,
};

fn sequence(t: &Thread, def: &'static StructSequenceDef, values: &[Value]) -> R {
    let class = struct_sequence::make_type(t, def)?;
    struct_sequence::create(t, class, values)
}

fn text(t: &Thread, s: &str) -> Value {
    Str::new(t, s).value()
}

/// `sys.version`
pub fn version_text() -> String {
    let (major, minor, micro) = VERSION;
    format!("{major}.{minor}.{micro} free-threading build (limpid {}) [Rust]", env!("CARGO_PKG_VERSION"))
}

/// Adds the constants.
pub(super) fn add(t: &Thread, dict: Ref<Dict>) -> R<()> {
    let (major, minor, micro) = VERSION;
    let number = |n: i64| int::from_i64(t, n);
    let version_info =
        sequence(t, &VERSION_INFO, &[number(major), number(minor), number(micro), crate::types::str::intern(t, "final"), number(0)])?;
    let set = |name: &str, v: Value| dict.set_text(t, name, v);
    set("version", text(t, &version_text()))?;
    set("version_info", version_info)?;
    set("hexversion", number(HEX_VERSION))?;
    set("api_version", number(1013))?;
    set("copyright", text(t, COPYRIGHT))?;
    set("platform", text(t, platform()))?;
    set("abiflags", text(t, "t"))?;
    set("_git", Tuple::from_slice(t, &[text(t, "limpid"), text(t, ""), text(t, "")]).value())?;
    set("_framework", text(t, ""))?;
    set("float_repr_style", text(t, "short"))?;
    set("byteorder", text(t, if cfg!(target_endian = "little") { "little" } else { "big" }))?;
    set("maxsize", number(isize::MAX as i64))?;
    set("maxunicode", number(0x10FFFF))?;
    set("implementation", implementation(t, version_info)?)?;
    set("flags", flags(t)?)?;
    set("float_info", float_info(t)?)?;
    let digits = [DEFAULT_MAX_STR_DIGITS, MAX_STR_DIGITS_THRESHOLD].map(|n| int::from_usize(t, n));
    set("int_info", sequence(t, &INT_INFO, &[number(30), number(4), digits[0], digits[1]])?)?;
    set("hash_info", hash_info(t)?)?;
    set("thread_info", sequence(t, &THREAD_INFO, &[text(t, "pthread"), Value::NONE, thread_version(t)])?)?;
    let mut names = ValueList::with_capacity(t, STDLIB_NAMES.len());
    STDLIB_NAMES.iter().for_each(|n| names.push(t, text(t, n)));
    set("stdlib_module_names", set::new_frozenset(t, names.as_slice())?)?;
    let mut names = ValueList::new(t);
    crate::modules::native_names().iter().for_each(|n| names.push(t, text(t, n)));
    set("builtin_module_names", Tuple::from_slice(t, names.as_slice()).value())
}

const COPYRIGHT: &str = "Copyright (c) 2001 Python Software Foundation.\nAll Rights Reserved.\n\nCopyright (c) 2000 BeOpen.com.\nAll Rights \
                         Reserved.\n\nCopyright (c) 1995-2001 Corporation for National Research Initiatives.\nAll Rights Reserved.\n\n\
                         Copyright (c) 1991-1995 Stichting Mathematisch Centrum, Amsterdam.\nAll Rights Reserved.";

fn platform() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    }
}

fn implementation(t: &Thread, version_info: Value) -> R {
    let dict = Dict::new(t);
    dict.set_text(t, "name", text(t, "limpid"))?;
    dict.set_text(t, "cache_tag", text(t, &format!("limpid-{}{}", VERSION.0, VERSION.1)))?;
    dict.set_text(t, "version", version_info)?;
    dict.set_text(t, "hexversion", int::from_i64(t, HEX_VERSION))?;
    let system = if cfg!(target_os = "linux") { "linux-gnu" } else { std::env::consts::OS };
    dict.set_text(t, "_multiarch", text(t, &format!("{}-{system}", std::env::consts::ARCH)))?;
    dict.set_text(t, "supports_isolated_interpreters", Value::TRUE)?;
    Ok(simple_namespace::from_dict(t, dict))
}

fn flags(t: &Thread) -> R {
    let o = &t.runtime().options;
    let number = |n: u32| Value::int(n.into());
    let bit = |b: bool| Value::int(b.into());
    sequence(
        t,
        &FLAGS,
        &[
            number(o.debug),
            number(o.inspect),
            number(o.interactive),
            number(o.optimize),
            bit(o.dont_write_bytecode),
            bit(o.no_user_site),
            bit(o.no_site),
            bit(o.ignore_environment),
            number(o.verbose),
            number(o.bytes_warning),
            bit(o.quiet),
            bit(o.hash_seed != Some(0)),
            bit(o.isolated),
            Value::bool(o.dev_mode),
            bit(o.utf8_mode),
            bit(o.warn_default_encoding),
            Value::bool(o.safe_path),
            int::from_usize(t, max_str_digits(t)),
            number(0),
            bit(switch(t, "thread_inherit_context", "PYTHON_THREAD_INHERIT_CONTEXT")),
            bit(switch(t, "context_aware_warnings", "PYTHON_CONTEXT_AWARE_WARNINGS")),
        ],
    )
}

/// A feature that is on unless `-X name=0` or the environment says otherwise.
fn switch(t: &Thread, name: &str, variable: &str) -> bool {
    let o = &t.runtime().options;
    if let Some((_, value)) = o.x_options.iter().find(|(n, _)| n == name) {
        return value.as_deref() != Some("0");
    }
    o.ignore_environment || std::env::var(variable).as_deref() != Ok("0")
}

fn float_info(t: &Thread) -> R {
    let number = |n: i64| Value::int(n);
    sequence(
        t,
        &FLOAT_INFO,
        &[
            Value::float(f64::MAX),
            number(f64::MAX_EXP.into()),
            number(f64::MAX_10_EXP.into()),
            Value::float(f64::MIN_POSITIVE),
            number(f64::MIN_EXP.into()),
            number(f64::MIN_10_EXP.into()),
            number(f64::DIGITS.into()),
            number(f64::MANTISSA_DIGITS.into()),
            Value::float(f64::EPSILON),
            number(f64::RADIX.into()),
            number(1),
        ],
    )
}

fn hash_info(t: &Thread) -> R {
    let number = |n: i64| int::from_i64(t, n);
    let algorithm = text(t, "siphash13");
    sequence(
        t,
        &HASH_INFO,
        &[number(64), number((1 << 61) - 1), number(314_159), number(0), number(1_000_003), algorithm, number(64), number(128), number(0)],
    )
}

/// The C library's name for its threads, where it has one.
fn thread_version(t: &Thread) -> Value {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let mut buffer = [0u8; 64];
        // SAFETY: the buffer and its length belong together.
        let n = unsafe { libc::confstr(libc::_CS_GNU_LIBPTHREAD_VERSION, buffer.as_mut_ptr().cast(), buffer.len()) };
        if n > 0
            && let Ok(s) = std::ffi::CStr::from_bytes_until_nul(&buffer)
        {
            return text(t, &s.to_string_lossy());
        }
    }
    let _ = t;
    Value::NONE
}
