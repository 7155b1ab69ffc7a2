//! The locale's say in how text of the terminal is encoded.

use std::ffi::{CStr, CString, OsString};

/// Locales that can stand in for `C`: the same but for the encoding.
const UTF8_LOCALES: &[&str] = &["C.UTF-8", "C.utf8", "UTF-8"];

/// What the environment said about the locale.
#[derive(Clone, Debug)]
pub struct Locale {
    /// It was `C` or `POSIX`, which says nothing about the encoding.
    pub is_c: bool,
    /// It is one in which bytes that are not UTF-8 are kept: `C`, or what stands in for it.
    pub keeps_bytes: bool,
    /// The encoding of its text.
    pub encoding: String,
}

/// Lets the environment choose the locale of characters. In place of `C` one with UTF-8 is taken, for child processes too, unless
/// `PYTHONCOERCECLOCALE=0` or `LC_ALL` forbids it.
///
/// To be called once, before there is a second thread.
pub fn initialize(variable: impl Fn(&str) -> Option<OsString>) -> Locale {
    let name = set_locale("").unwrap_or_else(|| "C".to_owned());
    let is_c = name == "C" || name == "POSIX";
    let coercion = variable("PYTHONCOERCECLOCALE").unwrap_or_default();
    let is_forced = variable("LC_ALL").is_some_and(|v| !v.is_empty());
    let mut keeps_bytes = is_c || UTF8_LOCALES.contains(&name.as_str());
    if is_c
        && coercion != "0"
        && !is_forced
        && let Some(other) = UTF8_LOCALES.iter().find(|l| set_locale(l).is_some())
    {
        // SAFETY: there is one thread only.
        unsafe { std::env::set_var("LC_CTYPE", other) };
        keeps_bytes = true;
        if coercion == "warn" {
            eprintln!(
                "Python detected LC_CTYPE=C: LC_CTYPE coerced to {other} (set another locale or PYTHONCOERCECLOCALE=0 to disable this \
                     locale coercion behavior)."
            );
        }
    }
    Locale { is_c, keeps_bytes, encoding: encoding() }
}

/// Sets the locale of characters, and tells its name; None if there is no such locale.
fn set_locale(name: &str) -> Option<String> {
    let name = CString::new(name).ok()?;
    // SAFETY: a NUL-terminated string; the answer is one too, and copied before the next call.
    unsafe {
        let answer = libc::setlocale(libc::LC_CTYPE, name.as_ptr());
        (!answer.is_null()).then(|| CStr::from_ptr(answer).to_string_lossy().into_owned())
    }
}

fn encoding() -> String {
    // SAFETY: the answer is a NUL-terminated string, copied before the locale changes.
    let name = unsafe { CStr::from_ptr(libc::nl_langinfo(libc::CODESET)) }.to_string_lossy().into_owned();
    match name.as_str() {
        "" | "UTF-8" => "utf-8".to_owned(),
        _ => name,
    }
}
