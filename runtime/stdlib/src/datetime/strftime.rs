//! Formats: `time.strftime` does the work, after what it cannot know has been put in.

use super::text::{self, Text};
use super::tzinfo;
use limpid_heap::Value;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{call, number};
use limpid_vm::thread::Thread;
use limpid_vm::types::str::StrBuilder;
use limpid_vm::types::{Str, Tuple, int};
use limpid_vm::{names, raise};

/// What is formatted.
pub(super) struct Subject {
    /// As `time.strftime` wants it.
    pub(super) time_tuple: Value,
    pub(super) microsecond: i32,
    /// The time zone, or None.
    pub(super) zone: Value,
    /// What the time zone is asked about: a datetime or None.
    pub(super) moment: Value,
}

impl Subject {
    /// The text in a format.
    pub(super) fn format(&self, t: &Thread, format: Ref<Str>) -> R {
        let strftime = super::time_module_attribute(t, "strftime")?;
        let format = self.fill_in(t, format)?;
        call::call(t, strftime, &[format, self.time_tuple])
    }

    /// The format with `%f`, `%z`, `%:z` and `%Z` replaced, and what shows the century of an early year, which the C library does not
    /// pad.
    fn fill_in(&self, t: &Thread, format: Ref<Str>) -> R {
        let mut filled = StrBuilder::new();
        let (mut copied, mut at) = (0, 0);
        let len = format.len();
        let char_at = |i: usize| if i < len { char::from_u32(format.char_at(i)).unwrap_or('\0') } else { '\0' };
        while let Some(start) = format.find_char(b'%', at).filter(|start| start + 1 < len) {
            let mut piece = Text::new();
            let mut name = None;
            let mut end = start + 2;
            match char_at(start + 1) {
                'f' => text::push_microseconds(&mut piece, self.microsecond),
                'z' => self.push_offset(t, &mut piece, "")?,
                ':' if char_at(start + 2) == 'z' => {
                    end += 1;
                    self.push_offset(t, &mut piece, ":")?;
                }
                'Z' => name = self.zone_name(t)?,
                letter @ ('Y' | 'G' | 'F' | 'C') if self.year(t)? < 1000 => self.push_century(t, &mut piece, letter)?,
                _ => {
                    at = end;
                    continue;
                }
            }
            filled.push_slice(format, copied, start);
            match name {
                Some(name) => filled.push_str(name),
                None => filled.push_latin1(&piece),
            }
            (copied, at) = (end, end);
        }
        if copied == 0 {
            return Ok(format.value());
        }
        filled.push_slice(format, copied, len);
        Ok(filled.finish(t)?.value())
    }

    fn push_offset(&self, t: &Thread, out: &mut Text, separator: &str) -> R<()> {
        if let Some(offset) = tzinfo::utc_offset(t, self.zone, self.moment)? {
            text::push_offset(out, offset, separator);
        }
        Ok(())
    }

    /// The zone's name as part of a format. None: it has none.
    fn zone_name(&self, t: &Thread) -> R<Option<Ref<Str>>> {
        let name = tzinfo::name(t, self.zone, self.moment)?;
        if name.is_none() {
            return Ok(None);
        }
        let doubled = call::call_method(t, name, names::replace, &[Str::new(t, "%").value(), Str::new(t, "%%").value()])?;
        match doubled.downcast::<Str>() {
            Some(name) => Ok(Some(name)),
            None => raise!(t, TypeError, "tzname.replace() did not return a string"),
        }
    }

    fn year(&self, t: &Thread) -> R<i64> {
        let year = match self.time_tuple.downcast::<Tuple>() {
            Some(tuple) if !tuple.is_empty() => tuple.get(0),
            _ => limpid_vm::protocol::sequence::get_item(t, self.time_tuple, Value::int(0))?,
        };
        int::to_i64(t, year)
    }

    fn push_century(&self, t: &Thread, out: &mut Text, letter: char) -> R<()> {
        let year = if letter == 'G' {
            let strftime = super::time_module_attribute(t, "strftime")?;
            let shown = call::call(t, strftime, &[Str::new(t, "%G").value(), self.time_tuple])?;
            int::to_i64(t, number::to_int(t, shown)?)?
        } else {
            self.year(t)?
        };
        let shown = match letter {
            'C' => format!("{:02}", year / 100),
            'F' => format!("{year:04}-%m-%d"),
            _ => format!("{year:04}"),
        };
        out.extend_from_slice(shown.as_bytes());
        Ok(())
    }
}

/// The argument of a `strftime` or `__format__` method.
pub(super) fn format_argument(t: &Thread, v: Value, method: &str) -> R<Ref<Str>> {
    match v.downcast::<Str>() {
        Some(format) => Ok(format),
        None => raise!(t, TypeError, "{method}() argument 1 must be str, not {}", text::type_name(v)),
    }
}

/// `__format__` of dates and times: `str()` for no format, else the method `strftime`.
pub(super) fn format_method(t: &Thread, a: &[Value]) -> R {
    let format = format_argument(t, a[1], "__format__")?;
    if format.is_empty() {
        return Ok(limpid_vm::protocol::text::str_of(t, a[0])?.value());
    }
    call::call_method_text(t, a[0], "strftime", &[a[1]])
}

/// A class's method `strptime`: `_strptime` has a function for each of the classes.
pub(super) fn parse(t: &Thread, a: &[Value], function: &str) -> R {
    for (i, v) in a[1..].iter().enumerate() {
        if v.downcast::<Str>().is_none() {
            raise!(t, TypeError, "strptime() argument {} must be str, not {}", i + 1, text::type_name(*v))
        }
    }
    let module = limpid_vm::modules::import::import_text(t, "_strptime")?;
    call::call_method_text(t, module, function, a)
}
