//! `date`

use super::calendar::{self, IsoError, MAX_YEAR, MIN_YEAR};
use super::date_time::{self, DATE_TIME, DateTime};
use super::fields::{self, DateFields, TimeFields};
use super::span::Span;
use super::strftime::{self, Subject};
use super::text::Text;
use super::timedelta::{self, span_of};
use super::{iso_calendar_date, local, parse, pickle, text};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::exc;
use limpid_vm::object::{R, Ref, ValueExt, header_of};
use limpid_vm::protocol::{call, hash};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::{Compare, SlotTable};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Str, Type, TypeDef, flag};
use limpid_vm::{layout, names, raise};

/// The layout, with which a datetime's begins. It never changes.
#[repr(C)]
pub struct Date {
    header: Header,
    fields: DateFields,
    /// Zero, so that the collector does not take the word for a reference.
    _unused: u32,
}

/// `datetime.date`
pub static DATE: TypeCell = TypeCell::new();
layout!(Date, DATE.get(), Leaf);

impl Date {
    /// The content of a date, or of the date in a datetime.
    pub(super) fn new(header: Header, fields: DateFields) -> Date {
        Date { header, fields, _unused: 0 }
    }

    pub(super) fn fields(&self) -> DateFields {
        self.fields
    }
}

/// A new date.
pub(super) fn make(t: &Thread, fields: DateFields) -> Value {
    t.alloc(Date::new(header_of::<Date>(), fields)).value()
}

/// A date of a class: what a class written in Python makes of year, month and day.
fn construct(t: &Thread, class: Ref<Type>, fields: DateFields) -> R {
    if class == DATE.get() {
        return Ok(make(t, fields));
    }
    if class == DATE_TIME.get() {
        return Ok(date_time::make(t, fields, TimeFields::MIDNIGHT, Value::NONE));
    }
    call::call(t, class.value(), &[fields.year(), fields.month(), fields.day()].map(|n| Value::int(n as i64)))
}

fn fields(v: Value) -> DateFields {
    receiver::<Date>(v).fields
}

/// The fields of a date that is no datetime.
fn plain(v: Value) -> Option<DateFields> {
    v.downcast::<Date>().filter(|_| v.downcast::<DateTime>().is_none()).map(|date| date.fields)
}

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::of_constructor("year, month, day");
    // SAFETY: the receiver of `__new__` is a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let made = |fields| Ok(t.alloc_instance(class, Date::new(header_of::<Date>(), fields)).value());
    if let [state] = *args.pos()
        && let Some(state) = pickle::state(t, state, 2, |month| (1..=12).contains(&month), "date")?
        && let Some(fields) = DateFields::from_state(state)
    {
        return made(fields);
    }
    DateFields::check_arguments(t, args)?;
    args.bind(t, "", &SIGNATURE, |a| made(DateFields::of_arguments(t, a)?))
}

// ---- class methods ----

fn today(t: &Thread, a: &[Value]) -> R {
    // A program may have replaced either.
    let time = call::call(t, super::time_module_attribute(t, "time")?, &[])?;
    call::call_method_text(t, a[0], "fromtimestamp", &[time])
}

fn from_ordinal(t: &Thread, a: &[Value]) -> R {
    let ordinal = fields::argument(t, a[1])?;
    if ordinal < 1 {
        raise!(t, ValueError, "ordinal must be >= 1")
    }
    let (year, month, day) = calendar::from_ordinal(ordinal);
    construct(t, receiver(a[0]), DateFields::checked(t, year, month, day)?)
}

fn from_iso_format(t: &Thread, a: &[Value]) -> R {
    let text = iso_argument(t, a[1])?;
    match parse::date(&parse::bytes_of(&text)) {
        Some((year, month, day)) => construct(t, receiver(a[0]), DateFields::checked(t, year, month, day)?),
        None => invalid_iso_format(t, a[1]),
    }
}

/// The argument of a `fromisoformat` method.
pub(super) fn iso_argument(t: &Thread, v: Value) -> R<Ref<Str>> {
    match v.downcast::<Str>() {
        Some(text) => Ok(text),
        None => raise!(t, TypeError, "fromisoformat: argument must be str"),
    }
}

/// ValueError for text that is no date or time.
#[cold]
pub(super) fn invalid_iso_format<T>(t: &Thread, v: Value) -> R<T> {
    let message = limpid_vm::types::exceptions::Message::new("Invalid isoformat string: ").repr(t, v)?.finish(t)?;
    Err(t.raise_with(exc::ValueError, &[message.value()]))
}

fn from_iso_calendar(t: &Thread, a: &[Value]) -> R {
    let mut n = [0; 3];
    for (n, v) in n.iter_mut().zip(&a[1..]) {
        *n = match fields::argument(t, *v) {
            Ok(n) => n,
            Err(raised) if !t.exception_is(exc::OverflowError) => return Err(raised),
            Err(_) => {
                t.take_exception();
                raise!(t, ValueError, "ISO calendar component out of range")
            }
        };
    }
    let [year, week, weekday] = n;
    match calendar::from_iso_calendar(year, week, weekday) {
        Ok((year, month, day)) => construct(t, receiver(a[0]), DateFields::checked(t, year, month, day)?),
        Err(IsoError::Year) => raise!(t, ValueError, "year must be in {MIN_YEAR}..{MAX_YEAR}, not {year}"),
        Err(IsoError::Week) => raise!(t, ValueError, "Invalid week: {week}"),
        Err(IsoError::Weekday) => raise!(t, ValueError, "Invalid weekday: {weekday} (range is [1, 7])"),
    }
}

// ---- operators ----

/// A date of the same class so many days later.
fn later(t: &Thread, v: Value, days: i64) -> R {
    construct(t, v.class(), fields(v).later(t, days)?)
}

fn add(t: &Thread, a: Value, b: Value) -> R {
    match (plain(a), span_of(b)) {
        (Some(_), Some(span)) => return later(t, a, span.days as i64),
        (Some(_), None) => return Ok(Value::NOT_IMPLEMENTED),
        _ => {}
    }
    match (span_of(a), plain(b)) {
        (Some(span), Some(_)) => later(t, b, span.days as i64),
        _ => Ok(Value::NOT_IMPLEMENTED),
    }
}

fn subtract(t: &Thread, a: Value, b: Value) -> R {
    let Some(this) = plain(a) else { return Ok(Value::NOT_IMPLEMENTED) };
    if let Some(other) = plain(b) {
        return Ok(timedelta::make(t, Span { days: this.ordinal() - other.ordinal(), ..Span::ZERO }));
    }
    match span_of(b) {
        Some(span) => later(t, a, -(span.days as i64)),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}

fn compare(_: &Thread, a: Value, b: Value, op: Compare) -> R {
    // A datetime is no date for this purpose.
    Ok(plain(b).map_or(Value::NOT_IMPLEMENTED, |other| Value::bool(op.holds(fields(a).cmp(&other)))))
}

// ---- methods ----

fn repr(t: &Thread, v: Value) -> R {
    let this = fields(v);
    let text = format!("{}({}, {}, {})", v.class().display_name(), this.year(), this.month(), this.day());
    Ok(Str::new(t, &text).value())
}

fn iso_format(t: &Thread, v: Value) -> R {
    let mut text = Text::new();
    text::push_date(&mut text, fields(v));
    Ok(Str::from_ascii(t, &text)?.value())
}

fn str_of(t: &Thread, v: Value) -> R {
    if v.class() == DATE.get() { iso_format(t, v) } else { call::call_method(t, v, names::isoformat, &[]) }
}

fn strftime(t: &Thread, a: &[Value]) -> R {
    let format = strftime::format_argument(t, a[1], "strftime")?;
    let time_tuple = call::call_method(t, a[0], names::timetuple, &[])?;
    let (microsecond, zone) = match a[0].downcast::<DateTime>() {
        Some(moment) => (moment.time().microsecond(), moment.zone()),
        None => (0, Value::NONE),
    };
    Subject { time_tuple, microsecond, zone, moment: a[0] }.format(t, format)
}

fn replace(t: &Thread, a: &[Value]) -> R {
    construct(t, a[0].class(), fields(a[0]).replaced(t, &a[1..4])?)
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    pickle::reduce(t, a[0], &fields(a[0]).state(), Value::NONE)
}

/// `datetime.date`
pub static DATE_DEF: TypeDef = TypeDef {
    doc: "date(year, month, day) --> date object",
    flags: flag::BASE_TYPE,
    slots: SlotTable {
        new: Some(new),
        repr: Some(repr),
        str: Some(str_of),
        hash: Some(|_, v| Ok(hash::hash_bytes(&fields(v).state()))),
        richcompare: Some(compare),
        add: Some(add),
        sub: Some(subtract),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::class_def("fromtimestamp", "cls, timestamp, /", |t, a| construct(t, receiver(a[0]), local::date_at(t, a[1])?)).doc(
            "Create a date from a POSIX timestamp.\n\nThe timestamp is a number, e.g. created via time.time(), that is interpreted\nas local \
             time.",
        ),
        FnDef::class_def("fromordinal", "cls, ordinal, /", from_ordinal)
            .doc("int -> date corresponding to a proleptic Gregorian ordinal."),
        FnDef::class_def("fromisoformat", "cls, object, /", from_iso_format)
            .doc("str -> Construct a date from a string in ISO 8601 format."),
        FnDef::class_def("fromisocalendar", "cls, year, week, day", from_iso_calendar).doc(
            "int, int, int -> Construct a date from the ISO year, week number and weekday.\n\nThis is the inverse of the \
             date.isocalendar() function",
        ),
        FnDef::class_def("strptime", "cls, string, format, /", |t, a| strftime::parse(t, a, "_strptime_datetime_date"))
            .doc("string, format -> new date parsed from a string (like time.strptime())."),
        FnDef::class_def("today", "cls, /", today)
            .doc("Current date or datetime:  same as self.__class__.fromtimestamp(time.time())."),
        FnDef::def("ctime", "self, /", |t, a| text::ctime(t, fields(a[0]), TimeFields::MIDNIGHT)).doc("Return ctime() style string."),
        FnDef::def("strftime", "self, format", strftime).doc("format -> strftime() style string."),
        FnDef::def("__format__", "self, format, /", strftime::format_method).doc("Formats self with strftime."),
        FnDef::def("timetuple", "self, /", |t, a| super::struct_time(t, fields(a[0]), TimeFields::MIDNIGHT, -1))
            .doc("Return time tuple, compatible with time.localtime()."),
        FnDef::def("isocalendar", "self, /", |t, a| {
            let this = fields(a[0]);
            iso_calendar_date::make(t, calendar::iso_calendar(this.year(), this.ordinal()))
        })
        .doc("Return a named tuple containing ISO year, week number, and weekday."),
        FnDef::def("isoformat", "self, /", |t, a| iso_format(t, a[0])).doc("Return string in ISO 8601 format, YYYY-MM-DD."),
        FnDef::def("isoweekday", "self, /", |_, a| Ok(Value::int(calendar::weekday(fields(a[0]).ordinal()) as i64 + 1)))
            .doc("Return the day of the week represented by the date.\nMonday == 1 ... Sunday == 7"),
        FnDef::def("toordinal", "self, /", |_, a| Ok(Value::int(fields(a[0]).ordinal() as i64)))
            .doc("Return proleptic Gregorian ordinal.  January 1 of year 1 is day 1."),
        FnDef::def("weekday", "self, /", |_, a| Ok(Value::int(calendar::weekday(fields(a[0]).ordinal()) as i64)))
            .doc("Return the day of the week represented by the date.\nMonday == 0 ... Sunday == 6"),
        REPLACE.doc("Return date with new specified fields."),
        FnDef::raw("__replace__", "self, /, **changes", |t, args| REPLACE.call(t, args)).doc("The same as replace()."),
        FnDef::def("__reduce__", "self, /", reduce).doc("__reduce__() -> (cls, state)"),
    ],
    getset: &[
        GetSet::getter("year", |_, v| Ok(Value::int(fields(v).year() as i64))),
        GetSet::getter("month", |_, v| Ok(Value::int(fields(v).month() as i64))),
        GetSet::getter("day", |_, v| Ok(Value::int(fields(v).day() as i64))),
    ],
    ..TypeDef::of::<Date>("datetime.date")
};

const REPLACE: FnDef = FnDef::def("replace", "self, /, year=unchanged, month=unchanged, day=unchanged", replace);
