//! `_locale`: the C library's locales.
//!
//! They belong to the whole process; setting one while other threads ask for it is as unsafe as in C, so calls take a lock.

use crate::constants::{self, constants};
use crate::exception_class::{self, ExceptionClass};
use crate::fs;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::number;
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, List, Str};
use limpid_vm::{exc, raise};
use parking_lot::Mutex;
use std::ffi::{CStr, CString, c_char, c_int};

/// `_locale`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Support for POSIX locales.",
    functions: &[
        FnDef::def("setlocale", "category, locale=None, /", set_locale).doc("Activates/queries locale processing."),
        FnDef::def("localeconv", "", conventions).doc("Returns numeric and monetary locale-specific parameters."),
        FnDef::def("strcoll", "os1, os2, /", collate).doc("Compares two strings according to the locale."),
        FnDef::def("strxfrm", "string, /", transform).doc("Return a string that can be used as a key for locale-aware comparisons."),
        FnDef::def("nl_langinfo", "key, /", language_information).doc("Return the value for the locale information associated with key."),
        FnDef::def("getencoding", "", encoding).doc("Get the current locale encoding."),
        FnDef::def("gettext", "msg, /", |t, a| {
            message(t, a[0], |msg| {
                // SAFETY: the strings are NUL-terminated or NULL.
                unsafe { gettext(msg) }
            })
        })
        .doc("gettext(msg) -> string\n\nReturn translation of msg."),
        FnDef::def("dgettext", "domain, msg, /", |t, a| {
            let domain = optional(t, a[0])?;
            message(t, a[1], |msg| {
                // SAFETY: the strings are NUL-terminated or NULL.
                unsafe { dgettext(pointer(&domain), msg) }
            })
        })
        .doc("dgettext(domain, msg) -> string\n\nReturn translation of msg in domain."),
        FnDef::def("dcgettext", "domain, msg, category, /", |t, a| {
            let (domain, category) = (optional(t, a[0])?, number::index_i32(t, a[2])?);
            message(t, a[1], |msg| {
                // SAFETY: the strings are NUL-terminated or NULL.
                unsafe { dcgettext(pointer(&domain), msg, category) }
            })
        })
        .doc("dcgettext(domain, msg, category) -> string\n\nReturn translation of msg in domain and category."),
        FnDef::def("textdomain", "domain, /", |t, a| {
            let domain = optional(t, a[0])?;
            answer(t, || {
                // SAFETY: the strings are NUL-terminated or NULL.
                unsafe { textdomain(pointer(&domain)) }
            })
        })
        .doc("textdomain(domain) -> string\n\nSet the C library's textdmain to domain, returning the new domain."),
        FnDef::def("bindtextdomain", "domain, dir, /", |t, a| {
            let domain = c_string(t, a[0])?;
            if domain.is_empty() {
                return Err(t.raise(ERROR.get(), "domain must be a non-empty string"));
            }
            let dir = optional(t, a[1])?;
            answer(t, || {
                // SAFETY: the strings are NUL-terminated or NULL.
                unsafe { bindtextdomain(domain.as_ptr(), pointer(&dir)) }
            })
        })
        .doc("bindtextdomain(domain, dir) -> string\n\nBind the C library's domain to dir."),
        FnDef::def("bind_textdomain_codeset", "domain, codeset, /", |t, a| {
            let (domain, codeset) = (c_string(t, a[0])?, optional(t, a[1])?);
            answer(t, || {
                // SAFETY: the strings are NUL-terminated or NULL.
                unsafe { bind_textdomain_codeset(domain.as_ptr(), pointer(&codeset)) }
            })
        })
        .doc("bind_textdomain_codeset(domain, codeset) -> string\n\nBind the C library's domain to codeset."),
    ],
    init: |t, m| {
        constants::add(t, m, CATEGORIES)?;
        constants::add(t, m, INFORMATION)?;
        constants::add_one(t, m, "CHAR_MAX", i64::from(c_char::MAX))?;
        exception_class::add(t, m, &ERROR, &ERROR_CLASS)
    },
    ..ModuleDef::named("_locale")
};

/// `locale.Error`
pub static ERROR: TypeCell = TypeCell::new();
static ERROR_CLASS: ExceptionClass = ExceptionClass { name: "locale.Error", doc: "", base: || exc::Exception };

const CATEGORIES: &[(&str, i64)] = constants!(LC_CTYPE LC_TIME LC_COLLATE LC_MONETARY LC_MESSAGES LC_NUMERIC LC_ALL);

/// What `nl_langinfo` can be asked for.
const INFORMATION: &[(&str, i64)] = constants!(
    DAY_1 DAY_2 DAY_3 DAY_4 DAY_5 DAY_6 DAY_7 ABDAY_1 ABDAY_2 ABDAY_3 ABDAY_4 ABDAY_5 ABDAY_6 ABDAY_7 MON_1 MON_2 MON_3 MON_4 MON_5 MON_6
    MON_7 MON_8 MON_9 MON_10 MON_11 MON_12 ABMON_1 ABMON_2 ABMON_3 ABMON_4 ABMON_5 ABMON_6 ABMON_7 ABMON_8 ABMON_9 ABMON_10 ABMON_11
    ABMON_12 RADIXCHAR THOUSEP CRNCYSTR D_FMT D_T_FMT T_FMT AM_STR PM_STR CODESET T_FMT_AMPM ERA ERA_D_FMT ERA_D_T_FMT ERA_T_FMT ALT_DIGITS
    YESEXPR NOEXPR
);

unsafe extern "C" {
    fn gettext(msg: *const c_char) -> *mut c_char;
    fn dgettext(domain: *const c_char, msg: *const c_char) -> *mut c_char;
    fn dcgettext(domain: *const c_char, msg: *const c_char, category: c_int) -> *mut c_char;
    fn textdomain(domain: *const c_char) -> *mut c_char;
    fn bindtextdomain(domain: *const c_char, dir: *const c_char) -> *mut c_char;
    fn bind_textdomain_codeset(domain: *const c_char, codeset: *const c_char) -> *mut c_char;
    fn wcscoll(a: *const libc::wchar_t, b: *const libc::wchar_t) -> c_int;
    fn wcsxfrm(to: *mut libc::wchar_t, from: *const libc::wchar_t, room: usize) -> usize;
}

/// What the C library answers lies in memory of its own, which other calls overwrite.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn text(t: &Thread, v: Value) -> R<Ref<Str>> {
    match v.downcast::<Str>() {
        Some(text) => Ok(text),
        None => raise!(t, TypeError, "argument must be str, not {}", v.class().display_name()),
    }
}

fn c_string(t: &Thread, v: Value) -> R<CString> {
    match CString::new(fs::encode(t, text(t, v)?)?) {
        Ok(s) => Ok(s),
        Err(_) => raise!(t, ValueError, "embedded null character"),
    }
}

/// A string, or None.
fn optional(t: &Thread, v: Value) -> R<Option<CString>> {
    if v.is_null() || v.is_none() { Ok(None) } else { c_string(t, v).map(Some) }
}

fn pointer(s: &Option<CString>) -> *const c_char {
    s.as_ref().map_or(std::ptr::null(), |s| s.as_ptr())
}

/// Copies a string of the C library's.
///
/// # Safety
/// It is NUL-terminated, or NULL.
unsafe fn copied(s: *const c_char) -> Option<Vec<u8>> {
    // SAFETY: by contract.
    (!s.is_null()).then(|| {
        {
            // SAFETY: the strings are NUL-terminated or NULL.
            unsafe { CStr::from_ptr(s) }
        }
        .to_bytes()
        .to_vec()
    })
}

/// The string that a function of the C library gives; OSError if it gives none.
fn answer(t: &Thread, f: impl FnOnce() -> *mut c_char) -> R {
    let answered = {
        let _lock = ONE_AT_A_TIME.lock();
        // SAFETY: the functions give NUL-terminated strings or NULL; nobody else calls them.
        unsafe { copied(f()) }
    };
    match answered {
        Some(bytes) => Ok(fs::decode(t, &bytes)?.value()),
        None => raise!(t, OSError, "{}", std::io::Error::last_os_error()),
    }
}

fn message(t: &Thread, v: Value, translate: impl FnOnce(*const c_char) -> *mut c_char) -> R {
    let original = c_string(t, v)?;
    answer(t, || translate(original.as_ptr()))
}

fn set_locale(t: &Thread, a: &[Value]) -> R {
    let category = number::index_i32(t, a[0])?;
    let name = optional(t, a[1])?;
    let answered = {
        let _lock = ONE_AT_A_TIME.lock();
        // SAFETY: a NUL-terminated string or NULL; the answer is copied before anybody else calls.
        unsafe { copied(libc::setlocale(category, pointer(&name))) }
    };
    match answered {
        Some(bytes) => Ok(fs::decode(t, &bytes)?.value()),
        None if name.is_some() => Err(t.raise(ERROR.get(), "unsupported locale setting")),
        None => Err(t.raise(ERROR.get(), "locale query failed")),
    }
}

/// `struct lconv` without its pointers.
struct Conventions {
    texts: [(&'static str, Vec<u8>); 8],
    groupings: [(&'static str, Vec<u8>); 2],
    numbers: [(&'static str, c_char); 8],
}

impl Conventions {
    fn current() -> Conventions {
        let _lock = ONE_AT_A_TIME.lock();
        // SAFETY: the structure and its strings, which are NUL-terminated, stay as they are while nobody sets a locale.
        unsafe {
            let c = &*libc::localeconv();
            let text = |s: *const c_char| copied(s).unwrap_or_default();
            Conventions {
                texts: [
                    ("decimal_point", text(c.decimal_point)),
                    ("thousands_sep", text(c.thousands_sep)),
                    ("int_curr_symbol", text(c.int_curr_symbol)),
                    ("currency_symbol", text(c.currency_symbol)),
                    ("mon_decimal_point", text(c.mon_decimal_point)),
                    ("mon_thousands_sep", text(c.mon_thousands_sep)),
                    ("positive_sign", text(c.positive_sign)),
                    ("negative_sign", text(c.negative_sign)),
                ],
                groupings: [("grouping", text(c.grouping)), ("mon_grouping", text(c.mon_grouping))],
                numbers: [
                    ("int_frac_digits", c.int_frac_digits),
                    ("frac_digits", c.frac_digits),
                    ("p_cs_precedes", c.p_cs_precedes),
                    ("p_sep_by_space", c.p_sep_by_space),
                    ("n_cs_precedes", c.n_cs_precedes),
                    ("n_sep_by_space", c.n_sep_by_space),
                    ("p_sign_posn", c.p_sign_posn),
                    ("n_sign_posn", c.n_sign_posn),
                ],
            }
        }
    }
}

fn conventions(t: &Thread, _: &[Value]) -> R {
    let current = Conventions::current();
    let dict = Dict::new(t);
    for (name, bytes) in &current.texts {
        dict.set_text(t, name, fs::decode(t, bytes)?.value())?;
    }
    for (name, sizes) in &current.groupings {
        dict.set_text(t, name, grouping(t, sizes)?)?;
    }
    for (name, n) in current.numbers {
        dict.set_text(t, name, Value::int(i64::from(n)))?;
    }
    Ok(dict.value())
}

/// The sizes of groups of digits, with what says how they go on: 0 for repeating, `CHAR_MAX` for nothing more.
fn grouping(t: &Thread, sizes: &[u8]) -> R {
    let list = List::new(t);
    for size in sizes {
        list.append(t, Value::int(i64::from(*size)))?;
    }
    if sizes.last().is_some_and(|last| i64::from(*last) != i64::from(c_char::MAX)) {
        list.append(t, Value::int(0))?;
    }
    Ok(list.value())
}

/// The characters and a NUL.
fn wide(t: &Thread, v: Value) -> R<Vec<libc::wchar_t>> {
    let mut chars: Vec<_> = text(t, v)?.code_points().map(|c| c as libc::wchar_t).collect();
    if chars.contains(&0) {
        raise!(t, ValueError, "embedded null character")
    }
    chars.push(0);
    Ok(chars)
}

fn collate(t: &Thread, a: &[Value]) -> R {
    let (x, y) = (wide(t, a[0])?, wide(t, a[1])?);
    // SAFETY: both are terminated.
    Ok(Value::int(i64::from(unsafe { wcscoll(x.as_ptr(), y.as_ptr()) })))
}

fn transform(t: &Thread, a: &[Value]) -> R {
    let from = wide(t, a[0])?;
    let mut to = vec![0; from.len() + 1];
    // SAFETY: `from` is terminated, and `to` has as much room as said.
    let needed = unsafe { wcsxfrm(to.as_mut_ptr(), from.as_ptr(), to.len()) };
    if needed >= to.len() {
        to = vec![0; needed + 1];
        // SAFETY: as above.
        unsafe { wcsxfrm(to.as_mut_ptr(), from.as_ptr(), to.len()) };
    }
    Ok(Str::from_chars(t, to[..needed].iter().map(|c| *c as u32))?.value())
}

fn language_information(t: &Thread, a: &[Value]) -> R {
    let key = number::index_i32(t, a[0])?;
    if !INFORMATION.iter().any(|(_, n)| *n == i64::from(key)) {
        raise!(t, ValueError, "unsupported langinfo constant")
    }
    let bytes = {
        let _lock = ONE_AT_A_TIME.lock();
        // SAFETY: the answer is NUL-terminated and copied before anybody else calls.
        unsafe { copied(libc::nl_langinfo(key)) }
    };
    Ok(fs::decode(t, &bytes.unwrap_or_default())?.value())
}

fn encoding(t: &Thread, _: &[Value]) -> R {
    name_of_encoding(t)
}

/// The name of the locale's encoding; of UTF-8 in UTF-8 mode.
pub fn name_of_encoding(t: &Thread) -> R {
    if t.runtime().options.utf8_mode {
        return Ok(Str::new(t, "utf-8").value());
    }
    let name = language_information(t, &[Value::int(i64::from(libc::CODESET))])?;
    Ok(if name.downcast::<Str>().is_some_and(|s| s.is_empty()) { Str::new(t, "UTF-8").value() } else { name })
}
