//! `tzinfo`, the base of time zones, and what dates and times ask of one.

use super::date_time::{self, DateTime};
use super::span::Span;
use super::timedelta::span_of;
use super::timezone::TimeZone;
use super::zone_info;
use limpid_heap::{Header, Value};
use limpid_vm::args::FnDef;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{attr, call};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Str, Tuple, TypeDef, flag, type_};
use limpid_vm::{layout, names, raise};

/// The layout: nothing.
#[repr(C)]
pub struct TzInfo {
    header: Header,
}

/// `datetime.tzinfo`
pub static TZ_INFO: TypeCell = TypeCell::new();
layout!(TzInfo, TZ_INFO.get(), Leaf);

// ---- what is asked of a time zone ----

/// A `tzinfo` argument: None when it is left out. TypeError for what is neither None nor a time zone.
pub(super) fn argument(t: &Thread, v: Value) -> R {
    if v.is_null() || v.is_none() {
        return Ok(Value::NONE);
    }
    if v.is_instance(TZ_INFO.get()) {
        return Ok(v);
    }
    raise!(t, TypeError, "tzinfo argument must be None or of a tzinfo subclass, not type '{}'", v.class().display_name())
}

/// The methods that give an offset.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Offset {
    /// From UTC.
    Utc,
    /// What of that is daylight saving time.
    Daylight,
}

impl Offset {
    const fn method(self) -> &'static str {
        match self {
            Offset::Utc => "utcoffset",
            Offset::Daylight => "dst",
        }
    }

    const fn name(self) -> Value {
        match self {
            Offset::Utc => names::utcoffset,
            Offset::Daylight => names::dst,
        }
    }
}

/// What a time zone (or None) says of a datetime (or None): None or a timedelta of less than a day.
pub(super) fn offset(t: &Thread, zone: Value, which: Offset, moment: Value) -> R {
    if zone.is_none() {
        return Ok(Value::NONE);
    }
    if let Some(zone) = zone.exact::<TimeZone>() {
        return Ok(if which == Offset::Utc { zone.offset() } else { Value::NONE });
    }
    let offset = match zone_info::asked(t, zone, which, moment) {
        Some(answer) => answer?,
        None => call::call_method(t, zone, which.name(), &[moment])?,
    };
    if offset.is_none() {
        return Ok(offset);
    }
    match span_of(offset) {
        Some(span) if span.is_offset() => Ok(offset),
        Some(_) => offset_out_of_range(t, offset),
        None => {
            raise!(t, TypeError, "tzinfo.{}() must return None or timedelta, not '{}'", which.method(), offset.class().display_name())
        }
    }
}

/// As [`offset`] from UTC, as a span.
pub(super) fn utc_offset(t: &Thread, zone: Value, moment: Value) -> R<Option<Span>> {
    Ok(span_of(offset(t, zone, Offset::Utc, moment)?))
}

/// ValueError for an offset of a day or more.
#[cold]
pub(super) fn offset_out_of_range<T>(t: &Thread, offset: Value) -> R<T> {
    let shown = limpid_vm::protocol::text::repr(t, offset)?;
    raise!(
        t,
        ValueError,
        "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not {}",
        shown.to_string_lossy()
    )
}

/// The name that a time zone (or None) has for a datetime (or None): None or a str.
pub(super) fn name(t: &Thread, zone: Value, moment: Value) -> R {
    if zone.is_none() {
        return Ok(Value::NONE);
    }
    let name = call::call_method(t, zone, names::tzname, &[moment])?;
    if name.is_none() || name.downcast::<Str>().is_some() {
        return Ok(name);
    }
    raise!(t, TypeError, "tzinfo.tzname() must return None or a string, not '{}'", name.class().display_name())
}

/// The argument of `fromutc`: a datetime with this time zone.
pub(super) fn from_utc_argument(t: &Thread, zone: Value, v: Value) -> R<Ref<DateTime>> {
    match v.downcast::<DateTime>() {
        None => raise!(t, TypeError, "fromutc: argument must be a datetime"),
        Some(moment) if moment.zone() != zone => raise!(t, ValueError, "fromutc: dt.tzinfo is not self"),
        Some(moment) => Ok(moment),
    }
}

// ---- the type ----

fn abstract_method(t: &Thread, name: &str) -> R {
    raise!(t, NotImplementedError, "a tzinfo subclass must implement {name}()")
}

/// The local time of a UTC time, for time zones whose standard offset is always the same.
fn from_utc(t: &Thread, a: &[Value]) -> R {
    let (zone, utc) = (a[0], a[1]);
    let moment = from_utc_argument(t, zone, utc)?;
    let Some(offset) = span_of(offset(t, zone, Offset::Utc, utc)?) else {
        raise!(t, ValueError, "fromutc: non-None utcoffset() result required")
    };
    let Some(daylight) = span_of(self::offset(t, zone, Offset::Daylight, utc)?) else {
        raise!(t, ValueError, "fromutc: non-None dst() result required")
    };
    // First the standard time, then what the zone says of that.
    let standard = date_time::shifted(t, moment, offset.minus(t, daylight)?)?;
    let Some(standard) = standard.downcast::<DateTime>() else { return Ok(standard) };
    match span_of(self::offset(t, standard.zone(), Offset::Daylight, standard.value())?) {
        None => raise!(t, ValueError, "fromutc: tz.dst() gave inconsistent results; cannot convert"),
        Some(daylight) if daylight.is_zero() => Ok(standard.value()),
        Some(daylight) => date_time::shifted(t, standard, daylight),
    }
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let args = match attr::get_attr_opt(t, a[0], names::__getinitargs__)? {
        Some(getter) => call::call(t, getter, &[])?,
        None => t.empty_tuple(),
    };
    let state = call::call_method(t, a[0], names::__getstate__, &[])?;
    Ok(Tuple::from_slice(t, &[a[0].class().value(), args, state]).value())
}

/// `datetime.tzinfo`
pub static TZ_INFO_DEF: TypeDef = TypeDef {
    doc: "Abstract base class for time zone info objects.",
    flags: flag::BASE_TYPE,
    slots: SlotTable {
        new: Some(|t, class, _| {
            // SAFETY: the receiver of `__new__` is a class.
            type_::alloc_instance(t, unsafe { Ref::from_value(class) })
        }),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("tzname", "self, object, /", |t, _| abstract_method(t, "tzname")).doc("datetime -> string name of time zone."),
        FnDef::def("utcoffset", "self, object, /", |t, _| abstract_method(t, "utcoffset"))
            .doc("datetime -> timedelta showing offset from UTC, negative values indicating West of UTC"),
        FnDef::def("dst", "self, object, /", |t, _| abstract_method(t, "dst"))
            .doc("datetime -> DST offset as timedelta positive east of UTC."),
        FnDef::def("fromutc", "self, object, /", from_utc).doc("datetime in UTC -> datetime in local time."),
        FnDef::def("__reduce__", "self, /", reduce).doc("-> (cls, state)"),
    ],
    ..TypeDef::of::<TzInfo>("datetime.tzinfo")
};
