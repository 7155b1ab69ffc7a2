//! Readers: lines to rows.

use super::dialect::{Dialect, Rules, from_args};
use super::{Quoting, READER, fail, field_limit};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, GetSet, receiver};
use limpid_vm::layout;
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{iter, number};
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::iterators::itself;
use limpid_vm::types::str::StrBuilder;
use limpid_vm::types::{List, Str, TypeDef, ValueList, flag, int};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// The layout.
#[repr(C)]
pub struct Reader {
    header: Header,
    lines: Slot,
    dialect: Slot,
    line_number: AtomicUsize,
    /// The thread that is reading a row, 0 if there is none.
    owner: AtomicU64,
    /// That thread has read another row meanwhile: its iterator is the reader's user.
    advanced: AtomicBool,
}
layout!(Reader, READER.get(), Mixed);

/// `_csv.reader`
pub(super) fn create(t: &Thread, args: Args<'_>) -> R {
    let (source, dialect) = super::two_arguments(t, args)?;
    let lines = iter::get_iter(t, source)?;
    let dialect = from_args(t, dialect, args)?.value();
    let fields = Reader {
        header: header_of::<Reader>(),
        lines: Slot::new(lines),
        dialect: Slot::new(dialect),
        line_number: AtomicUsize::new(0),
        owner: AtomicU64::new(0),
        advanced: AtomicBool::new(false),
    };
    Ok(t.alloc(fields).value())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    StartRecord,
    StartField,
    Escaped,
    InField,
    InQuoted,
    EscapedInQuoted,
    QuoteInQuoted,
    /// Behind a line end.
    LineEnd,
    AfterEscapedLineEnd,
}

/// One row that is being read.
struct Row {
    rules: Rules,
    state: State,
    fields: ValueList,
    field: StrBuilder,
    /// The field did not begin with a quote.
    bare: bool,
    limit: usize,
}

const CR: u32 = '\r' as u32;
const LF: u32 = '\n' as u32;

impl Row {
    fn save(&mut self, t: &Thread) -> R<()> {
        let empty = self.field.is_empty();
        let quoting = self.rules.quoting;
        let v = if self.bare && empty && matches!(quoting, Quoting::NotNull | Quoting::Strings) {
            Value::NONE
        } else {
            let text = self.field.finish(t)?.value();
            if self.bare && !empty && matches!(quoting, Quoting::NonNumeric | Quoting::Strings) {
                Value::float(number::to_float(t, text)?)
            } else {
                text
            }
        };
        self.fields.push(t, v);
        self.field.truncate(0);
        if !matches!(self.field, StrBuilder::Narrow(_)) {
            self.field = StrBuilder::new();
        }
        self.bare = true;
        Ok(())
    }

    fn add(&mut self, t: &Thread, c: u32) -> R<()> {
        if self.field.len() >= self.limit {
            return fail(t, &format!("field larger than field limit ({})", self.limit));
        }
        self.field.push(c);
        Ok(())
    }

    /// Takes a character, or None for the end of a line of input.
    fn take(&mut self, t: &Thread, c: Option<u32>) -> R<()> {
        let rules = self.rules;
        let is_quote = |c: u32| rules.quoting != Quoting::None && rules.quote == Some(c);
        let after = |c: Option<u32>| if c.is_none() { State::StartRecord } else { State::LineEnd };
        match (self.state, c) {
            (State::StartRecord | State::AfterEscapedLineEnd, None) => {}
            (State::StartRecord, Some(CR | LF)) => self.state = State::LineEnd,
            (State::StartRecord | State::StartField, _) => {
                self.state = State::StartField;
                match c {
                    None | Some(CR | LF) => {
                        self.save(t)?;
                        self.state = after(c);
                    }
                    Some(c) if is_quote(c) => {
                        self.bare = false;
                        self.state = State::InQuoted;
                    }
                    Some(c) if rules.escape == Some(c) => self.state = State::Escaped,
                    Some(c) if c == ' ' as u32 && rules.skip_space => {}
                    Some(c) if c == rules.delimiter => self.save(t)?,
                    Some(c) => {
                        self.add(t, c)?;
                        self.state = State::InField;
                    }
                }
            }
            (State::Escaped, Some(c @ (CR | LF))) => {
                self.add(t, c)?;
                self.state = State::AfterEscapedLineEnd;
            }
            (State::Escaped, c) => {
                self.add(t, c.unwrap_or(LF))?;
                self.state = State::InField;
            }
            (State::InField | State::AfterEscapedLineEnd, c) => match c {
                None | Some(CR | LF) => {
                    self.save(t)?;
                    self.state = after(c);
                }
                Some(c) if rules.escape == Some(c) => self.state = State::Escaped,
                Some(c) if c == rules.delimiter => {
                    self.save(t)?;
                    self.state = State::StartField;
                }
                Some(c) => {
                    self.add(t, c)?;
                    self.state = State::InField;
                }
            },
            (State::InQuoted, None) => {}
            (State::InQuoted, Some(c)) => {
                if rules.escape == Some(c) {
                    self.state = State::EscapedInQuoted;
                } else if is_quote(c) {
                    self.state = if rules.double_quote { State::QuoteInQuoted } else { State::InField };
                } else {
                    self.add(t, c)?;
                }
            }
            (State::EscapedInQuoted, c) => {
                self.add(t, c.unwrap_or(LF))?;
                self.state = State::InQuoted;
            }
            (State::QuoteInQuoted, c) => match c {
                Some(c) if is_quote(c) => {
                    self.add(t, c)?;
                    self.state = State::InQuoted;
                }
                Some(c) if c == rules.delimiter => {
                    self.save(t)?;
                    self.state = State::StartField;
                }
                None | Some(CR | LF) => {
                    self.save(t)?;
                    self.state = after(c);
                }
                Some(c) if !rules.strict => {
                    self.add(t, c)?;
                    self.state = State::InField;
                }
                Some(_) => {
                    let show = |c: u32| char::from_u32(c).unwrap_or('\u{FFFD}');
                    let quote = rules.quote.map_or('"', show);
                    return fail(t, &format!("'{}' expected after '{quote}'", show(rules.delimiter)));
                }
            },
            (State::LineEnd, Some(CR | LF)) => {}
            (State::LineEnd, None) => self.state = State::StartRecord,
            (State::LineEnd, Some(_)) => {
                return fail(t, "new-line character seen in unquoted field - do you need to open the file with newline=''?");
            }
        }
        Ok(())
    }
}

fn next(t: &Thread, v: Value) -> R {
    let this = receiver::<Reader>(v);
    let me = t.ident.get();
    if this.owner.swap(me, Relaxed) == me {
        this.advanced.store(true, Relaxed);
        return read_row(t, this, true);
    }
    let row = read_row(t, this, false);
    this.owner.store(0, Relaxed);
    row
}

fn read_row(t: &Thread, this: Ref<Reader>, nested: bool) -> R {
    let mut row = Row {
        rules: receiver::<Dialect>(this.dialect.get()).rules(),
        state: State::StartRecord,
        fields: ValueList::new(t),
        field: StrBuilder::new(),
        bare: true,
        limit: field_limit(t),
    };
    loop {
        let line = iter::next(t, this.lines.get())?;
        if !nested && this.advanced.swap(false, Relaxed) {
            return fail(t, "iterator has already advanced the reader");
        }
        if line.is_null() {
            if row.field.is_empty() && row.state != State::InQuoted {
                return Ok(Value::NULL);
            }
            if row.rules.strict {
                return fail(t, "unexpected end of data");
            }
            row.save(t)?;
            break;
        }
        let Some(text) = line.downcast::<Str>() else {
            let class = line.class().display_name();
            return fail(t, &format!("iterator should return strings, not {class} (the file should be opened in text mode)"));
        };
        this.line_number.fetch_add(1, Relaxed);
        for c in text.code_points() {
            row.take(t, Some(c))?;
        }
        row.take(t, None)?;
        if row.state == State::StartRecord {
            break;
        }
    }
    Ok(List::from_slice(t, row.fields.as_slice())?.value())
}

/// `_csv.Reader`
pub static READER_DEF: TypeDef = TypeDef {
    doc: "CSV reader\n\nReader objects are responsible for reading and parsing tabular data\nin CSV format.",
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable { iter: Some(itself), next: Some(next), ..SlotTable::EMPTY },
    getset: &[
        GetSet::getter("dialect", |_, v| Ok(receiver::<Reader>(v).dialect.get())).member(),
        GetSet::getter("line_num", |t, v| Ok(int::from_usize(t, receiver::<Reader>(v).line_number.load(Relaxed)))).member(),
    ],
    ..TypeDef::of::<Reader>("_csv.reader")
};
