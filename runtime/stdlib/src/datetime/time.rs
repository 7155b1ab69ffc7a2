//! `time`

use super::date::{invalid_iso_format, iso_argument};
use super::fields::{DAY, TimeFields};
use super::span::Span;
use super::strftime::{self, Subject};
use super::text::{Precision, Text};
use super::tzinfo::{self, Offset};
use super::{parse, pickle, text};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{call, hash};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::{Compare, SlotTable};
use limpid_vm::thread::Thread;
use limpid_vm::types::repr::ReprText;
use limpid_vm::types::{Str, Tuple, Type, TypeDef, flag};
use limpid_vm::{layout, names, raise};

/// The layout. It never changes.
#[repr(C)]
pub struct Time {
    header: Header,
    fields: TimeFields,
    /// A time zone or None.
    zone: Slot,
}

/// `datetime.time`
pub static TIME: TypeCell = TypeCell::new();
layout!(Time, TIME.get(), Slots);

impl Time {
    pub(super) fn fields(&self) -> TimeFields {
        self.fields
    }

    pub(super) fn zone(&self) -> Value {
        self.zone.get()
    }
}

/// An instance of a class.
fn make_of(t: &Thread, class: Ref<Type>, fields: TimeFields, zone: Value) -> Value {
    t.alloc_instance(class, Time { header: header_of::<Time>(), fields, zone: Slot::new(zone) }).value()
}

/// A new time.
pub(super) fn make(t: &Thread, fields: TimeFields, zone: Value) -> Value {
    make_of(t, TIME.get(), fields, zone)
}

/// A time of a class: what a class written in Python makes of the fields.
fn construct(t: &Thread, class: Ref<Type>, fields: TimeFields, zone: Value) -> R {
    if class == TIME.get() {
        return Ok(make(t, fields, zone));
    }
    let [hour, minute, second, microsecond] = fields.values();
    super::call_with_fold(t, class, &[hour, minute, second, microsecond, zone], fields.fold())
}

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::of_constructor("hour=0, minute=0, second=0, microsecond=0, tzinfo=None, *, fold=0");
    // SAFETY: the receiver of `__new__` is a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    if let [first] | [first, _] = *args.pos()
        && let Some(mut state) = pickle::state(t, first, 0, |hour| hour & 0x7F < 24, "time")?
    {
        let fold = state[0] & pickle::FOLD != 0;
        state[0] &= !pickle::FOLD;
        return Ok(make_of(t, class, TimeFields::from_state(state, fold), pickle::zone(t, args.pos())?));
    }
    args.bind(t, "", &SIGNATURE, |a| {
        let fields = TimeFields::of_arguments(t, &a[..4], a[5])?;
        Ok(make_of(t, class, fields, tzinfo::argument(t, a[4])?))
    })
}

fn from_iso_format(t: &Thread, a: &[Value]) -> R {
    let text = iso_argument(t, a[1])?;
    let bytes = parse::bytes_of(&text);
    let Some(time) = parse::time(bytes.strip_prefix(b"T").unwrap_or(&bytes)) else { return invalid_iso_format(t, a[1]) };
    if time.hour == 24 {
        time.check_midnight(t)?;
    }
    let zone = time.zone(t)?;
    construct(t, receiver(a[0]), time.fields(t)?, zone)
}

// ---- operators ----

fn utc_offset(t: &Thread, this: Ref<Time>) -> R<Option<Span>> {
    tzinfo::utc_offset(t, this.zone(), Value::NONE)
}

fn compare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (this, Some(other)) = (receiver::<Time>(a), b.downcast::<Time>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    let order = |order| Ok(Value::bool(op.holds(order)));
    let clocks = this.fields.clock().cmp(&other.fields.clock());
    if this.zone() == other.zone() {
        return order(clocks);
    }
    match (utc_offset(t, this)?, utc_offset(t, other)?) {
        (x, y) if x == y => order(clocks),
        (Some(x), Some(y)) => {
            let key = |time: Ref<Time>, offset: Span| {
                (time.fields.seconds() - offset.days as i64 * DAY - offset.seconds as i64, time.fields.microsecond())
            };
            order(key(this, x).cmp(&key(other, y)))
        }
        _ if op == Compare::Eq => Ok(Value::FALSE),
        _ if op == Compare::Ne => Ok(Value::TRUE),
        _ => raise!(t, TypeError, "can't compare offset-naive and offset-aware times"),
    }
}

fn hash(t: &Thread, v: Value) -> R<i64> {
    let this = receiver::<Time>(v);
    match utc_offset(t, this)? {
        None => Ok(hash::hash_bytes(&this.fields.state())),
        Some(offset) => {
            let since_midnight = Span::of_parts(t, 0, this.fields.seconds(), this.fields.microsecond() as i64)?;
            Ok(since_midnight.minus(t, offset)?.hash())
        }
    }
}

// ---- methods ----

fn repr(t: &Thread, v: Value) -> R {
    let this = receiver::<Time>(v);
    let fields = this.fields;
    let mut out = ReprText::new(&v.class().display_name());
    out.text(&format!("({}, {}", fields.hour(), fields.minute()));
    if fields.second() != 0 || fields.microsecond() != 0 {
        out.text(&format!(", {}", fields.second()));
    }
    if fields.microsecond() != 0 {
        out.text(&format!(", {}", fields.microsecond()));
    }
    if !this.zone().is_none() {
        out.text(", tzinfo=");
        out.repr(t, this.zone())?;
    }
    out.text(if fields.fold() { ", fold=1)" } else { ")" });
    out.finish(t)
}

fn iso_format(t: &Thread, v: Value, precision: Precision) -> R {
    let this = receiver::<Time>(v);
    let mut text = Text::new();
    text::push_time(&mut text, this.fields, precision);
    if let Some(offset) = utc_offset(t, this)? {
        text::push_offset(&mut text, offset, ":");
    }
    Ok(Str::from_ascii(t, &text)?.value())
}

fn str_of(t: &Thread, v: Value) -> R {
    if v.class() == TIME.get() { iso_format(t, v, Precision::Auto) } else { call::call_method(t, v, names::isoformat, &[]) }
}

fn strftime(t: &Thread, a: &[Value]) -> R {
    let format = strftime::format_argument(t, a[1], "strftime")?;
    let this = receiver::<Time>(a[0]);
    let [hour, minute, second, _] = this.fields.values();
    let [year, month, day, weekday, day_of_year, daylight] = [1900, 1, 1, 0, 1, -1].map(Value::int);
    let items = [year, month, day, hour, minute, second, weekday, day_of_year, daylight];
    let time_tuple = Tuple::from_slice(t, &items).value();
    Subject { time_tuple, microsecond: this.fields.microsecond(), zone: this.zone(), moment: Value::NONE }.format(t, format)
}

fn replace(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Time>(a[0]);
    let fields = this.fields.replaced(t, &a[1..5], a[6])?;
    let zone = if a[5].is_null() { this.zone() } else { tzinfo::argument(t, a[5])? };
    construct(t, a[0].class(), fields, zone)
}

fn reduce(t: &Thread, v: Value, with_fold: bool) -> R {
    let this = receiver::<Time>(v);
    let mut state = this.fields.state();
    if with_fold && this.fields.fold() {
        state[0] |= pickle::FOLD;
    }
    pickle::reduce(t, v, &state, this.zone())
}

const REPLACE: FnDef = FnDef::def(
    "replace",
    "self, /, hour=unchanged, minute=unchanged, second=unchanged, microsecond=unchanged, tzinfo=unchanged, *, fold=unchanged",
    replace,
);

/// A getter of one of the fields.
macro_rules! field {
    ($name:literal, $get:ident) => {
        GetSet::getter($name, |_, v| Ok(Value::int(receiver::<Time>(v).fields.$get() as i64)))
    };
}

/// `datetime.time`
pub static TIME_DEF: TypeDef = TypeDef {
    doc: "time([hour[, minute[, second[, microsecond[, tzinfo]]]]]) --> a time object\n\nAll arguments are optional. tzinfo may be None, or \
          an instance of\na tzinfo subclass. The remaining arguments may be ints.\n",
    flags: flag::BASE_TYPE,
    slots: SlotTable {
        new: Some(new),
        repr: Some(repr),
        str: Some(str_of),
        hash: Some(hash),
        richcompare: Some(compare),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::class_def("strptime", "cls, string, format, /", |t, a| strftime::parse(t, a, "_strptime_datetime_time"))
            .doc("string, format -> new time parsed from a string (like time.strptime())."),
        FnDef::def("isoformat", "self, timespec='auto'", |t, a| iso_format(t, a[0], Precision::argument(t, a[1], 1)?)).doc(
            "Return string in ISO 8601 format, [HH[:MM[:SS[.mmm[uuu]]]]][+HH:MM].\n\nThe optional argument timespec specifies the number \
             of additional terms\nof the time to include. Valid options are 'auto', 'hours', 'minutes',\n'seconds', 'milliseconds' and \
             'microseconds'.\n",
        ),
        FnDef::def("strftime", "self, format", strftime).doc("format -> strftime() style string."),
        FnDef::def("__format__", "self, format, /", strftime::format_method).doc("Formats self with strftime."),
        FnDef::def("utcoffset", "self, /", |t, a| tzinfo::offset(t, receiver::<Time>(a[0]).zone(), Offset::Utc, Value::NONE))
            .doc("Return self.tzinfo.utcoffset(self)."),
        FnDef::def("tzname", "self, /", |t, a| tzinfo::name(t, receiver::<Time>(a[0]).zone(), Value::NONE))
            .doc("Return self.tzinfo.tzname(self)."),
        FnDef::def("dst", "self, /", |t, a| tzinfo::offset(t, receiver::<Time>(a[0]).zone(), Offset::Daylight, Value::NONE))
            .doc("Return self.tzinfo.dst(self)."),
        REPLACE.doc("Return time with new specified fields."),
        FnDef::raw("__replace__", "self, /, **changes", |t, args| REPLACE.call(t, args)).doc("The same as replace()."),
        FnDef::class_def("fromisoformat", "cls, object, /", from_iso_format).doc("string -> time from a string in ISO 8601 format"),
        FnDef::def("__reduce_ex__", "self, protocol, /", |t, a| reduce(t, a[0], pickle::has_fold(t, a[1])?))
            .doc("__reduce_ex__(proto) -> (cls, state)"),
        FnDef::def("__reduce__", "self, /", |t, a| reduce(t, a[0], false)).doc("__reduce__() -> (cls, state)"),
    ],
    getset: &[
        field!("hour", hour),
        field!("minute", minute),
        field!("second", second),
        field!("microsecond", microsecond),
        GetSet::getter("tzinfo", |_, v| Ok(receiver::<Time>(v).zone())),
        field!("fold", fold),
    ],
    ..TypeDef::of::<Time>("datetime.time")
};
