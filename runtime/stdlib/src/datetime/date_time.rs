//! `datetime`: how one is made, operators, and its methods. What has to do with the system's clock and with other time zones is in
//! [`super::moments`].

use super::date::{DATE, Date};
use super::fields::{DAY, DateFields, TimeFields};
use super::span::{SECOND, Span};
use super::text::{Precision, Text};
use super::timedelta::{self, span_of};
use super::tzinfo::{self, Offset};
use super::{moments, pickle, strftime, text, time};
use limpid_heap::Value;
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{call, hash};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::{Compare, SlotTable};
use limpid_vm::thread::Thread;
use limpid_vm::types::repr::ReprText;
use limpid_vm::types::{Str, Type, TypeDef, flag};
use limpid_vm::{layout, names, raise};

/// The layout. It never changes.
#[repr(C)]
pub struct DateTime {
    date: Date,
    time: TimeFields,
    /// A time zone or None.
    zone: Slot,
}

/// `datetime.datetime`
pub static DATE_TIME: TypeCell = TypeCell::new();
layout!(DateTime, DATE_TIME.get(), Slots);

impl DateTime {
    pub(super) fn date(&self) -> DateFields {
        self.date.fields()
    }

    pub(super) fn time(&self) -> TimeFields {
        self.time
    }

    pub(super) fn zone(&self) -> Value {
        self.zone.get()
    }
}

/// An instance of a class.
pub(super) fn make_of(t: &Thread, class: Ref<Type>, date: DateFields, time: TimeFields, zone: Value) -> Value {
    t.alloc_instance(class, DateTime { date: Date::new(header_of::<DateTime>(), date), time, zone: Slot::new(zone) }).value()
}

/// A new datetime.
pub(super) fn make(t: &Thread, date: DateFields, time: TimeFields, zone: Value) -> Value {
    make_of(t, DATE_TIME.get(), date, time, zone)
}

/// A datetime of a class: what a class written in Python makes of the fields.
pub(super) fn construct(t: &Thread, class: Ref<Type>, date: DateFields, time: TimeFields, zone: Value) -> R {
    if class == DATE_TIME.get() {
        return Ok(make(t, date, time, zone));
    }
    let [year, month, day] = date.values();
    let [hour, minute, second, microsecond] = time.values();
    super::call_with_fold(t, class, &[year, month, day, hour, minute, second, microsecond, zone], time.fold())
}

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature =
        Signature::of_constructor("year, month, day, hour=0, minute=0, second=0, microsecond=0, tzinfo=None, *, fold=0");
    // SAFETY: the receiver of `__new__` is a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    if let [first] | [first, _] = *args.pos()
        && let Some(state) = pickle::state::<10>(t, first, 2, |month| (1..=12).contains(&(month & 0x7F)), "datetime")?
    {
        let [a, b, month, day, time @ ..] = state;
        if let Some(date) = DateFields::from_state([a, b, month & !pickle::FOLD, day]) {
            let time = TimeFields::from_state(time, month & pickle::FOLD != 0);
            return Ok(make_of(t, class, date, time, pickle::zone(t, args.pos())?));
        }
    }
    DateFields::check_arguments(t, args)?;
    args.bind(t, "", &SIGNATURE, |a| {
        let date = DateFields::of_arguments(t, a)?;
        let time = TimeFields::of_arguments(t, &a[3..7], a[8])?;
        Ok(make_of(t, class, date, time, tzinfo::argument(t, a[7])?))
    })
}

// ---- operators ----

/// What the time zone says of the offset from UTC.
pub(super) fn utc_offset(t: &Thread, this: Ref<DateTime>) -> R<Option<Span>> {
    tzinfo::utc_offset(t, this.zone(), this.value())
}

/// A datetime of the same class and time zone, later by a span.
pub(super) fn shifted(t: &Thread, this: Ref<DateTime>, span: Span) -> R {
    moved(t, this, span.days as i64, span.seconds as i64, span.microseconds as i64)
}

/// A datetime of the same class and time zone, earlier by a span.
pub(super) fn shifted_back(t: &Thread, this: Ref<DateTime>, span: Span) -> R {
    moved(t, this, -(span.days as i64), -(span.seconds as i64), -(span.microseconds as i64))
}

fn moved(t: &Thread, this: Ref<DateTime>, days: i64, seconds: i64, microseconds: i64) -> R {
    let microseconds = this.time.microsecond() as i64 + microseconds;
    let seconds = this.time.seconds() + seconds + microseconds.div_euclid(SECOND);
    let date = this.date().later(t, days + seconds.div_euclid(DAY))?;
    let time = TimeFields::after_midnight(seconds.rem_euclid(DAY), microseconds.rem_euclid(SECOND) as i32);
    construct(t, this.value().class(), date, time, this.zone())
}

/// The span from one clock reading to another, whatever the time zones.
fn between(t: &Thread, to: Ref<DateTime>, from: Ref<DateTime>) -> R<Span> {
    let days = to.date().ordinal() as i64 - from.date().ordinal() as i64;
    let seconds = to.time.seconds() - from.time.seconds();
    Span::of_parts(t, days, seconds, to.time.microsecond() as i64 - from.time.microsecond() as i64)
}

/// How much later the one is.
pub(super) fn difference(t: &Thread, a: Ref<DateTime>, b: Ref<DateTime>) -> R<Span> {
    let readings = between(t, a, b)?;
    if a.zone() == b.zone() {
        return Ok(readings);
    }
    match (utc_offset(t, a)?, utc_offset(t, b)?) {
        (None, None) => Ok(readings),
        (Some(x), Some(y)) => readings.minus(t, x.minus(t, y)?),
        _ => raise!(t, TypeError, "can't subtract offset-naive and offset-aware datetimes"),
    }
}

fn add(t: &Thread, a: Value, b: Value) -> R {
    match (a.downcast::<DateTime>(), b.downcast::<DateTime>()) {
        (Some(this), _) => match span_of(b) {
            Some(span) => shifted(t, this, span),
            None => Ok(Value::NOT_IMPLEMENTED),
        },
        (None, Some(this)) => match span_of(a) {
            Some(span) => shifted(t, this, span),
            None => Ok(Value::NOT_IMPLEMENTED),
        },
        (None, None) => Ok(Value::NOT_IMPLEMENTED),
    }
}

fn subtract(t: &Thread, a: Value, b: Value) -> R {
    let Some(this) = a.downcast::<DateTime>() else { return Ok(Value::NOT_IMPLEMENTED) };
    if let Some(other) = b.downcast::<DateTime>() {
        return Ok(timedelta::make(t, difference(t, this, other)?));
    }
    match span_of(b) {
        Some(span) => shifted_back(t, this, span),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}

/// Does the offset depend on the fold? Then it equals no time in another zone.
fn is_ambiguous(t: &Thread, this: Ref<DateTime>, offset: Option<Span>) -> R<bool> {
    let time = this.time.with_fold(!this.time.fold());
    let other = make_of(t, this.value().class(), this.date(), time, this.zone());
    Ok(tzinfo::utc_offset(t, this.zone(), other)? != offset)
}

fn compare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (this, Some(other)) = (receiver::<DateTime>(a), b.downcast::<DateTime>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    let readings = || (this.date(), this.time.clock()).cmp(&(other.date(), other.time.clock()));
    if this.zone() == other.zone() {
        return Ok(Value::bool(op.holds(readings())));
    }
    let (x, y) = (utc_offset(t, this)?, utc_offset(t, other)?);
    let equality = matches!(op, Compare::Eq | Compare::Ne);
    let order = match (x, y) {
        (Some(x), Some(y)) if x != y => difference(t, this, other)?.cmp(&Span::ZERO),
        (None, Some(_)) | (Some(_), None) if equality => return Ok(Value::bool(op == Compare::Ne)),
        (None, Some(_)) | (Some(_), None) => raise!(t, TypeError, "can't compare offset-naive and offset-aware datetimes"),
        _ => readings(),
    };
    if equality && order.is_eq() && (is_ambiguous(t, this, x)? || is_ambiguous(t, other, y)?) {
        return Ok(Value::bool(op == Compare::Ne));
    }
    Ok(Value::bool(op.holds(order)))
}

fn hash(t: &Thread, v: Value) -> R<i64> {
    let this = receiver::<DateTime>(v);
    // Both folds of a reading are equal.
    let first = if this.time.fold() { make_of(t, v.class(), this.date(), this.time.with_fold(false), this.zone()) } else { v };
    match tzinfo::utc_offset(t, this.zone(), first)? {
        None => Ok(hash::hash_bytes(&state(this))),
        Some(offset) => {
            let reading = Span::of_parts(t, this.date().ordinal() as i64, this.time.seconds(), this.time.microsecond() as i64)?;
            Ok(reading.minus(t, offset)?.hash())
        }
    }
}

// ---- methods ----

fn repr(t: &Thread, v: Value) -> R {
    let this = receiver::<DateTime>(v);
    let (date, time) = (this.date(), this.time);
    let mut out = ReprText::new(&v.class().display_name());
    out.text(&format!("({}, {}, {}, {}, {}", date.year(), date.month(), date.day(), time.hour(), time.minute()));
    if time.second() != 0 || time.microsecond() != 0 {
        out.text(&format!(", {}", time.second()));
    }
    if time.microsecond() != 0 {
        out.text(&format!(", {}", time.microsecond()));
    }
    if time.fold() {
        out.text(", fold=1");
    }
    if !this.zone().is_none() {
        out.text(", tzinfo=");
        out.repr(t, this.zone())?;
    }
    out.text(")");
    out.finish(t)
}

fn iso_format(t: &Thread, v: Value, separator: u32, precision: Precision) -> R {
    let this = receiver::<DateTime>(v);
    let mut text = Text::new();
    text::push_date(&mut text, this.date());
    let place = text.len();
    text.push(if separator < 0x80 { separator as u8 } else { b'T' });
    text::push_time(&mut text, this.time, precision);
    if let Some(offset) = utc_offset(t, this)? {
        text::push_offset(&mut text, offset, ":");
    }
    if separator < 0x80 {
        return Ok(Str::from_ascii(t, &text)?.value());
    }
    let chars = text.iter().enumerate().map(|(i, c)| if i == place { separator } else { *c as u32 });
    Ok(Str::from_chars(t, chars)?.value())
}

fn iso_format_method(t: &Thread, a: &[Value]) -> R {
    let separator = match (a[1].non_null(), a[1].non_null().and_then(|v| v.downcast::<Str>())) {
        (None, _) => 'T' as u32,
        (_, Some(s)) if s.len() == 1 => s.char_at(0),
        (_, Some(s)) => {
            raise!(t, TypeError, "isoformat() argument 1 must be a unicode character, not a string of length {}", s.len())
        }
        (Some(v), None) => raise!(t, TypeError, "isoformat() argument 1 must be a unicode character, not {}", text::type_name(v)),
    };
    iso_format(t, a[0], separator, Precision::argument(t, a[2], 2)?)
}

fn str_of(t: &Thread, v: Value) -> R {
    if v.class() == DATE_TIME.get() {
        return iso_format(t, v, ' ' as u32, Precision::Auto);
    }
    call::call_method(t, v, names::isoformat, &[Str::from_char(t, ' ' as u32)?.value()])
}

fn time_tuple(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<DateTime>(a[0]);
    let daylight = span_of(tzinfo::offset(t, this.zone(), Offset::Daylight, a[0])?);
    super::struct_time(t, this.date(), this.time, daylight.map_or(-1, |span| !span.is_zero() as i64))
}

fn utc_time_tuple(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<DateTime>(a[0]);
    let utc = match utc_offset(t, this)? {
        None => a[0],
        Some(offset) => shifted_back(t, this, offset)?,
    };
    let utc = utc.downcast::<DateTime>().unwrap_or(this);
    super::struct_time(t, utc.date(), utc.time, 0)
}

fn replace(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<DateTime>(a[0]);
    let date = this.date().replaced(t, &a[1..4])?;
    let time = this.time.replaced(t, &a[4..8], a[9])?;
    let zone = if a[8].is_null() { this.zone() } else { tzinfo::argument(t, a[8])? };
    construct(t, a[0].class(), date, time, zone)
}

/// The state in a pickle, without the fold.
fn state(this: Ref<DateTime>) -> [u8; 10] {
    let mut state = [0; 10];
    state[..4].copy_from_slice(&this.date().state());
    state[4..].copy_from_slice(&this.time.state());
    state
}

fn reduce(t: &Thread, v: Value, with_fold: bool) -> R {
    let this = receiver::<DateTime>(v);
    let mut state = state(this);
    if with_fold && this.time.fold() {
        state[2] |= pickle::FOLD;
    }
    pickle::reduce(t, v, &state, this.zone())
}

const REPLACE: FnDef = FnDef::def(
    "replace",
    "self, /, year=unchanged, month=unchanged, day=unchanged, hour=unchanged, minute=unchanged, second=unchanged, \
     microsecond=unchanged, tzinfo=unchanged, *, fold=unchanged",
    replace,
);

/// A getter of one of the fields of the time.
macro_rules! field {
    ($name:literal, $get:ident) => {
        GetSet::getter($name, |_, v| Ok(Value::int(receiver::<DateTime>(v).time.$get() as i64)))
    };
}

/// `datetime.datetime`
pub static DATE_TIME_DEF: TypeDef = TypeDef {
    doc: "datetime(year, month, day[, hour[, minute[, second[, microsecond[,tzinfo]]]]])\n\nThe year, month and day arguments are \
          required. tzinfo may be None, or an\ninstance of a tzinfo subclass. The remaining arguments may be ints.\n",
    base: Some(|| DATE.get()),
    flags: flag::BASE_TYPE,
    slots: SlotTable {
        new: Some(new),
        repr: Some(repr),
        str: Some(str_of),
        hash: Some(hash),
        richcompare: Some(compare),
        add: Some(add),
        sub: Some(subtract),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::class_def("now", "cls, /, tz=None", |t, a| moments::now(t, receiver(a[0]), a[1])).doc(
            "Returns new datetime object representing current time local to tz.\n\n  tz\n    Timezone object.\n\nIf no tz is specified, \
             uses local timezone.",
        ),
        FnDef::class_def("utcnow", "cls, /", |t, a| moments::utc_now(t, receiver(a[0])))
            .doc("Return a new datetime representing UTC day and time."),
        FnDef::class_def("fromtimestamp", "cls, timestamp, tz=None", |t, a| moments::from_timestamp(t, receiver(a[0]), a[1], a[2]))
            .doc("timestamp[, tz] -> tz's local time from POSIX timestamp."),
        FnDef::class_def("utcfromtimestamp", "cls, timestamp, /", |t, a| moments::utc_from_timestamp(t, receiver(a[0]), a[1]))
            .doc("Construct a naive UTC datetime from a POSIX timestamp."),
        FnDef::class_def("strptime", "cls, string, format, /", |t, a| strftime::parse(t, a, "_strptime_datetime_datetime"))
            .doc("string, format -> new datetime parsed from a string (like time.strptime())."),
        FnDef::class_def("combine", "cls, date, time, tzinfo=unchanged", moments::combine)
            .doc("date, time -> datetime with same date and time fields"),
        FnDef::class_def("fromisoformat", "cls, object, /", moments::from_iso_format)
            .doc("string -> datetime from a string in most ISO 8601 formats"),
        FnDef::def("date", "self, /", |t, a| Ok(super::date::make(t, receiver::<DateTime>(a[0]).date())))
            .doc("Return date object with same year, month and day."),
        FnDef::def("time", "self, /", |t, a| Ok(time::make(t, receiver::<DateTime>(a[0]).time, Value::NONE)))
            .doc("Return time object with same time but with tzinfo=None."),
        FnDef::def("timetz", "self, /", |t, a| {
            let this = receiver::<DateTime>(a[0]);
            Ok(time::make(t, this.time, this.zone()))
        })
        .doc("Return time object with same time and tzinfo."),
        FnDef::def("ctime", "self, /", |t, a| {
            let this = receiver::<DateTime>(a[0]);
            text::ctime(t, this.date(), this.time)
        })
        .doc("Return ctime() style string."),
        FnDef::def("timetuple", "self, /", time_tuple).doc("Return time tuple, compatible with time.localtime()."),
        FnDef::def("timestamp", "self, /", |t, a| moments::timestamp(t, receiver(a[0]))).doc("Return POSIX timestamp as float."),
        FnDef::def("utctimetuple", "self, /", utc_time_tuple).doc("Return UTC time tuple, compatible with time.localtime()."),
        FnDef::def("isoformat", "self, sep='T', timespec='auto'", iso_format_method).doc(
            "[sep] -> string in ISO 8601 format, YYYY-MM-DDT[HH[:MM[:SS[.mmm[uuu]]]]][+HH:MM].\nsep is used to separate the year from the \
             time, and defaults to 'T'.\nThe optional argument timespec specifies the number of additional terms\nof the time to include. \
             Valid options are 'auto', 'hours', 'minutes',\n'seconds', 'milliseconds' and 'microseconds'.\n",
        ),
        FnDef::def("utcoffset", "self, /", |t, a| tzinfo::offset(t, receiver::<DateTime>(a[0]).zone(), Offset::Utc, a[0]))
            .doc("Return self.tzinfo.utcoffset(self)."),
        FnDef::def("tzname", "self, /", |t, a| tzinfo::name(t, receiver::<DateTime>(a[0]).zone(), a[0]))
            .doc("Return self.tzinfo.tzname(self)."),
        FnDef::def("dst", "self, /", |t, a| tzinfo::offset(t, receiver::<DateTime>(a[0]).zone(), Offset::Daylight, a[0]))
            .doc("Return self.tzinfo.dst(self)."),
        REPLACE.doc("Return datetime with new specified fields."),
        FnDef::raw("__replace__", "self, /, **changes", |t, args| REPLACE.call(t, args)).doc("The same as replace()."),
        FnDef::def("astimezone", "self, tz=None", |t, a| moments::as_time_zone(t, receiver(a[0]), a[1]))
            .doc("tz -> convert to local time in new timezone tz\n"),
        FnDef::def("__reduce_ex__", "self, protocol, /", |t, a| reduce(t, a[0], pickle::has_fold(t, a[1])?))
            .doc("__reduce_ex__(proto) -> (cls, state)"),
        FnDef::def("__reduce__", "self, /", |t, a| reduce(t, a[0], false)).doc("__reduce__() -> (cls, state)"),
    ],
    getset: &[
        field!("hour", hour),
        field!("minute", minute),
        field!("second", second),
        field!("microsecond", microsecond),
        GetSet::getter("tzinfo", |_, v| Ok(receiver::<DateTime>(v).zone())),
        field!("fold", fold),
    ],
    ..TypeDef::of::<DateTime>("datetime.datetime")
};
