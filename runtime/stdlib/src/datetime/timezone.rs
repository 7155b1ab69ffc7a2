//! `timezone`: time zones with a fixed offset.

use super::date_time::{self, DateTime};
use super::span::Span;
use super::text;
use super::timedelta::{self, TIME_DELTA, TimeDelta};
use super::tzinfo::{self, TZ_INFO};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, Signature, receiver};
use limpid_vm::object::{R, Slot, ValueExt, header_of};
use limpid_vm::root::{Root, TypeCell};
use limpid_vm::slots::{Compare, SlotTable};
use limpid_vm::thread::Thread;
use limpid_vm::types::repr::ReprText;
use limpid_vm::types::{Str, Tuple, TypeDef};
use limpid_vm::{layout, raise};

/// The layout. It never changes.
#[repr(C)]
pub struct TimeZone {
    header: Header,
    /// A timedelta.
    offset: Slot,
    /// A str, or NULL for the name that the offset gives.
    name: Slot,
}

/// `datetime.timezone`
pub static TIME_ZONE: TypeCell = TypeCell::new();
layout!(TimeZone, TIME_ZONE.get(), Slots);

/// `timezone.utc`
static UTC: Root = Root::new();

impl TimeZone {
    /// The offset from UTC, a timedelta.
    pub(super) fn offset(&self) -> Value {
        self.offset.get()
    }

    fn span(&self) -> Span {
        receiver::<TimeDelta>(self.offset()).span()
    }
}

/// `timezone.utc`
pub(super) fn utc() -> Value {
    UTC.get()
}

/// Makes `timezone.utc`, once the type is made.
pub(super) fn create_utc(t: &Thread) -> Value {
    if UTC.opt().is_none() {
        UTC.set(make(t, timedelta::make(t, Span::ZERO), Value::NULL));
    }
    utc()
}

/// A new time zone.
pub(super) fn make(t: &Thread, offset: Value, name: Value) -> Value {
    t.alloc(TimeZone { header: header_of::<TimeZone>(), offset: Slot::new(offset), name: Slot::new(name) }).value()
}

/// The time zone with this offset (a timedelta) and name (NULL for none); ValueError for an offset of a day or more.
pub(super) fn with_offset(t: &Thread, offset: Value, name: Value) -> R {
    let span = receiver::<TimeDelta>(offset).span();
    if name.is_null() && span.is_zero() {
        return Ok(utc());
    }
    if span.is_offset() { Ok(make(t, offset, name)) } else { tzinfo::offset_out_of_range(t, offset) }
}

fn new(t: &Thread, _: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::of_constructor("offset, name=None");
    args.bind(t, "timezone", &SIGNATURE, |a| {
        if !a[0].is_instance(TIME_DELTA.get()) {
            raise!(t, TypeError, "timezone() argument 1 must be datetime.timedelta, not {}", text::type_name(a[0]))
        }
        if !a[1].is_null() && a[1].downcast::<Str>().is_none() {
            raise!(t, TypeError, "timezone() argument 2 must be str, not {}", text::type_name(a[1]))
        }
        with_offset(t, a[0], a[1])
    })
}

fn name(t: &Thread, v: Value) -> R {
    let this = receiver::<TimeZone>(v);
    if let Some(name) = this.name.opt() {
        return Ok(name);
    }
    let mut name = text::Text::from_slice(b"UTC");
    if !this.span().is_zero() {
        text::push_offset(&mut name, this.span(), ":");
    }
    Ok(Str::from_ascii(t, &name)?.value())
}

fn repr(t: &Thread, v: Value) -> R {
    let this = receiver::<TimeZone>(v);
    let mut out = ReprText::new("datetime.timezone");
    if v == utc() {
        out.text(".utc");
        return out.finish(t);
    }
    out.text("(");
    out.repr(t, this.offset())?;
    if let Some(name) = this.name.opt() {
        out.text(", ");
        out.repr(t, name)?;
    }
    out.text(")");
    out.finish(t)
}

fn compare(_: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (this, Some(other)) = (receiver::<TimeZone>(a), b.exact::<TimeZone>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    match op {
        Compare::Eq | Compare::Ne => Ok(Value::bool(op.holds(this.span().cmp(&other.span())))),
        _ => Ok(Value::NOT_IMPLEMENTED),
    }
}

/// The argument of the methods that time zones have for a datetime or None.
fn check_moment(t: &Thread, v: Value, method: &str) -> R<()> {
    if v.is_none() || v.downcast::<DateTime>().is_some() {
        return Ok(());
    }
    raise!(t, TypeError, "{method}(dt) argument must be a datetime instance or None, not {}", v.class().display_name())
}

fn from_utc(t: &Thread, a: &[Value]) -> R {
    let moment = tzinfo::from_utc_argument(t, a[0], a[1])?;
    date_time::shifted(t, moment, receiver::<TimeZone>(a[0]).span())
}

fn initial_arguments(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<TimeZone>(a[0]);
    let args = [this.offset(), this.name.get()];
    let given = 1 + this.name.opt().is_some() as usize;
    Ok(Tuple::from_slice(t, &args[..given]).value())
}

/// `datetime.timezone`
pub static TIME_ZONE_DEF: TypeDef = TypeDef {
    doc: "Fixed offset from UTC implementation of tzinfo.",
    base: Some(|| TZ_INFO.get()),
    slots: SlotTable {
        new: Some(new),
        repr: Some(repr),
        str: Some(name),
        hash: Some(|_, v| Ok(receiver::<TimeZone>(v).span().hash())),
        richcompare: Some(compare),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("tzname", "self, object, /", |t, a| {
            check_moment(t, a[1], "tzname")?;
            name(t, a[0])
        })
        .doc("If name is specified when timezone is created, returns the name.  Otherwise returns offset as 'UTC(+|-)HH:MM'."),
        FnDef::def("utcoffset", "self, object, /", |t, a| {
            check_moment(t, a[1], "utcoffset")?;
            Ok(receiver::<TimeZone>(a[0]).offset())
        })
        .doc("Return fixed offset."),
        FnDef::def("dst", "self, object, /", |t, a| {
            check_moment(t, a[1], "dst")?;
            Ok(Value::NONE)
        })
        .doc("Return None."),
        FnDef::def("fromutc", "self, object, /", from_utc).doc("datetime in UTC -> datetime in local time."),
        FnDef::def("__getinitargs__", "self, /", initial_arguments).doc("pickle support"),
    ],
    ..TypeDef::of::<TimeZone>("datetime.timezone")
};
