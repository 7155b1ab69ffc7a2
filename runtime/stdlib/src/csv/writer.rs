//! Writers: rows to lines.

use super::dialect::{Dialect, Rules, from_args};
use super::{Quoting, WRITER, fail};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, call, iter, number, text};
use limpid_vm::thread::Thread;
use limpid_vm::types::str::StrBuilder;
use limpid_vm::types::{Str, TypeDef, flag};
use limpid_vm::{exc, layout, names, raise};

/// The layout.
#[repr(C)]
pub struct Writer {
    header: Header,
    /// The file's method `write`.
    write: Slot,
    dialect: Slot,
}
layout!(Writer, WRITER.get(), Slots);

/// `_csv.writer`
pub(super) fn create(t: &Thread, args: Args<'_>) -> R {
    let (file, dialect) = super::two_arguments(t, args)?;
    let dialect = from_args(t, dialect, args)?.value();
    let write = attr::get_attr_opt(t, file, names::write)?;
    let Some(write) = write.filter(|w| call::is_callable(*w)) else { raise!(t, TypeError, "argument 1 must have a \"write\" method") };
    Ok(t.alloc(Writer { header: header_of::<Writer>(), write: Slot::new(write), dialect: Slot::new(dialect) }).value())
}

/// A line that is being put together.
struct Line {
    rules: Rules,
    fields: usize,
    out: StrBuilder,
}

impl Line {
    /// Appends a field; None for the object None.
    fn append(&mut self, t: &Thread, field: Option<Ref<Str>>, mut quoted: bool) -> R<()> {
        let rules = self.rules;
        if field.is_none_or(|s| s.is_empty()) && rules.delimiter == ' ' as u32 && rules.skip_space {
            if !self.may_quote(field.is_none()) {
                return fail(t, "empty field must be quoted if delimiter is a space and skipinitialspace is true");
            }
            quoted = true;
        }
        let mut text = StrBuilder::new();
        for c in field.iter().flat_map(|s| s.code_points()) {
            let special = c == rules.delimiter
                || rules.escape == Some(c)
                || rules.quote == Some(c)
                || c == '\n' as u32
                || c == '\r' as u32
                || rules.terminator.code_points().any(|other| other == c);
            if special {
                let mut escape = rules.quoting == Quoting::None;
                if !escape {
                    if rules.quote == Some(c) {
                        if rules.double_quote {
                            text.push(c);
                        } else {
                            escape = true;
                        }
                    } else if rules.escape == Some(c) {
                        escape = true;
                    }
                    quoted |= !escape;
                }
                if escape {
                    match rules.escape {
                        Some(e) => text.push(e),
                        None => return fail(t, "need to escape, but no escapechar set"),
                    }
                }
            }
            text.push(c);
        }
        if self.fields > 0 {
            self.out.push(rules.delimiter);
        }
        let quote = rules.quote.filter(|_| quoted);
        quote.iter().for_each(|c| self.out.push(*c));
        text.iter().for_each(|c| self.out.push(c));
        quote.iter().for_each(|c| self.out.push(*c));
        self.fields += 1;
        Ok(())
    }

    /// May an empty field have quotes?
    fn may_quote(&self, none: bool) -> bool {
        match self.rules.quoting {
            Quoting::None => false,
            Quoting::Strings | Quoting::NotNull => !none,
            _ => true,
        }
    }
}

fn write_row(t: &Thread, this: Ref<Writer>, row: Value) -> R {
    let it = match iter::get_iter(t, row) {
        Ok(it) => it,
        Err(_) => {
            t.catch(exc::TypeError)?;
            return fail(t, &format!("iterable expected, not {}", row.class().display_name()));
        }
    };
    let rules = receiver::<Dialect>(this.dialect.get()).rules();
    let mut line = Line { rules, fields: 0, out: StrBuilder::new() };
    let mut last_is_none = false;
    iter::for_each_next(t, it, |v| {
        let text = v.downcast::<Str>();
        let quoted = match rules.quoting {
            Quoting::NonNumeric => !number::is_number(v),
            Quoting::All => true,
            Quoting::Strings => text.is_some(),
            Quoting::NotNull => !v.is_none(),
            Quoting::Minimal | Quoting::None => false,
        };
        last_is_none = v.is_none();
        match text {
            Some(s) => line.append(t, Some(s), quoted),
            None if v.is_none() => line.append(t, None, quoted),
            None => line.append(t, Some(text::str_of(t, v)?), quoted),
        }
    })?;
    if line.fields > 0 && line.out.is_empty() {
        if !line.may_quote(last_is_none) {
            return fail(t, "single empty field record must be quoted");
        }
        line.fields -= 1;
        line.append(t, None, true)?;
    }
    line.out.push_str(rules.terminator);
    call::call(t, this.write.get(), &[line.out.finish(t)?.value()])
}

/// `_csv.Writer`
pub static WRITER_DEF: TypeDef = TypeDef {
    doc: "CSV writer\n\nWriter objects are responsible for generating tabular data\nin CSV format from sequence input.",
    flags: flag::DISALLOW_INSTANTIATION,
    methods: &[
        FnDef::def("writerow", "self, row, /", |t, a| write_row(t, receiver(a[0]), a[1])).doc(
            "writerow(iterable)\n\nConstruct and write a CSV record from an iterable of fields.  Non-string\nelements will be converted \
                  to string.",
        ),
        FnDef::def("writerows", "self, rows, /", |t, a| {
            iter::for_each(t, a[1], |row| write_row(t, receiver(a[0]), row).map(|_| ()))?;
            Ok(Value::NONE)
        })
        .doc(
            "writerows(iterable of iterables)\n\nConstruct and write a series of iterables to a csv file.  Non-string\nelements will be \
              converted to string.",
        ),
    ],
    getset: &[GetSet::getter("dialect", |_, v| Ok(receiver::<Writer>(v).dialect.get())).member()],
    ..TypeDef::of::<Writer>("_csv.writer")
};
