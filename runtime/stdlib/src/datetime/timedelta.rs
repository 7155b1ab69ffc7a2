//! `timedelta`

use super::span::{Span, nearest};
use super::sum::Sum;
use dashu_int::IBig;
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Ref, ValueExt, header_of};
use limpid_vm::protocol::{call, number};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::{Compare, SlotTable};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Str, Tuple, Type, TypeDef, flag, float, int};
use limpid_vm::{layout, names, raise};
use std::fmt::Write;

/// The layout. It never changes.
#[repr(C)]
pub struct TimeDelta {
    header: Header,
    span: Span,
}

/// `datetime.timedelta`
pub static TIME_DELTA: TypeCell = TypeCell::new();
layout!(TimeDelta, TIME_DELTA.get(), Leaf);

impl TimeDelta {
    pub(super) fn span(&self) -> Span {
        self.span
    }
}

/// A new timedelta.
pub(super) fn make(t: &Thread, span: Span) -> Value {
    t.alloc(TimeDelta { header: header_of::<TimeDelta>(), span }).value()
}

/// The span of a timedelta; None for anything else.
pub(super) fn span_of(v: Value) -> Option<Span> {
    v.downcast::<TimeDelta>().map(|delta| delta.span)
}

fn span(v: Value) -> Span {
    receiver::<TimeDelta>(v).span
}

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature =
        Signature::of_constructor("days=0, seconds=0, microseconds=0, milliseconds=0, minutes=0, hours=0, weeks=0");
    args.bind(t, "__new__", &SIGNATURE, |a| {
        let span = Sum::of_arguments(t, a)?;
        // SAFETY: the receiver of `__new__` is a class.
        let class = unsafe { Ref::<Type>::from_value(class) };
        Ok(t.alloc_instance(class, TimeDelta { header: header_of::<TimeDelta>(), span }).value())
    })
}

// ---- operators ----

fn add(t: &Thread, a: Value, b: Value) -> R {
    let (Some(a), Some(b)) = (span_of(a), span_of(b)) else { return Ok(Value::NOT_IMPLEMENTED) };
    Ok(make(t, a.plus(t, b)?))
}

fn subtract(t: &Thread, a: Value, b: Value) -> R {
    let (Some(a), Some(b)) = (span_of(a), span_of(b)) else { return Ok(Value::NOT_IMPLEMENTED) };
    Ok(make(t, a.minus(t, b)?))
}

fn negative(t: &Thread, v: Value) -> R {
    Ok(make(t, Span::ZERO.minus(t, span(v))?))
}

/// The number of an int of any size.
fn big(v: Value) -> IBig {
    int::parts(v, &mut 0).to_ibig()
}

/// Numerator and denominator of a float. An instance of a subclass is asked.
fn ratio(t: &Thread, v: Value) -> R<(IBig, IBig)> {
    let ratio =
        if v.is_float() { float::as_integer_ratio(t, v.as_float())? } else { call::call_method(t, v, names::as_integer_ratio, &[])? };
    let Some(ratio) = ratio.downcast::<Tuple>() else {
        raise!(t, TypeError, "unexpected return type from as_integer_ratio(): expected tuple, not '{}'", ratio.class().display_name())
    };
    let [numerator, denominator] = *ratio.as_slice() else { raise!(t, ValueError, "as_integer_ratio() must return a 2-tuple") };
    Ok((big(number::index(t, numerator)?), big(number::index(t, denominator)?)))
}

/// The timedelta nearest to a quotient of microseconds.
fn quotient(t: &Thread, dividend: IBig, divisor: IBig) -> R {
    if divisor == IBig::ZERO {
        return division_by_zero(t);
    }
    Ok(make(t, Span::of_big(t, &nearest(&dividend, &divisor))?))
}

#[cold]
fn division_by_zero<T>(t: &Thread) -> R<T> {
    raise!(t, ZeroDivisionError, "division by zero")
}

fn multiply(t: &Thread, a: Value, b: Value) -> R {
    let (this, factor) = if let Some(this) = span_of(a) { (this, b) } else { (span(b), a) };
    let microseconds = this.in_microseconds();
    if let Some(product) = int::as_i64_opt(factor).and_then(|n| microseconds.checked_mul(n as i128)) {
        return Ok(make(t, Span::of_microseconds(t, product)?));
    }
    if int::is_int(factor) {
        return Ok(make(t, Span::of_big(t, &(IBig::from(microseconds) * big(factor)))?));
    }
    if float::as_f64_opt(factor).is_none() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let (numerator, denominator) = ratio(t, factor)?;
    quotient(t, IBig::from(microseconds) * numerator, denominator)
}

fn true_divide(t: &Thread, a: Value, b: Value) -> R {
    let Some(this) = span_of(a) else { return Ok(Value::NOT_IMPLEMENTED) };
    let microseconds = this.in_microseconds();
    if let Some(other) = span_of(b) {
        return divide_ints(t, microseconds, other.in_microseconds());
    }
    if int::is_int(b) {
        return quotient(t, IBig::from(microseconds), big(b));
    }
    if float::as_f64_opt(b).is_none() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let (numerator, denominator) = ratio(t, b)?;
    quotient(t, IBig::from(microseconds) * denominator, numerator)
}

/// The float nearest to a quotient.
fn divide_ints(t: &Thread, a: i128, b: i128) -> R {
    const EXACT: u128 = 1 << 53;
    if a.unsigned_abs() <= EXACT && b.unsigned_abs() <= EXACT && b != 0 {
        return Ok(Value::float(a as f64 / b as f64));
    }
    number::true_div(t, int::from_i128(t, a)?, int::from_i128(t, b)?)
}

/// Quotient, rounded down, and remainder.
fn divide_floor(t: &Thread, a: i128, b: i128) -> R<(i128, i128)> {
    if b == 0 {
        return division_by_zero(t);
    }
    let (quotient, remainder) = (a / b, a % b);
    Ok(if remainder != 0 && (remainder < 0) != (b < 0) { (quotient - 1, remainder + b) } else { (quotient, remainder) })
}

fn floor_divide(t: &Thread, a: Value, b: Value) -> R {
    let Some(this) = span_of(a) else { return Ok(Value::NOT_IMPLEMENTED) };
    let microseconds = this.in_microseconds();
    if let Some(other) = span_of(b) {
        return int::from_i128(t, divide_floor(t, microseconds, other.in_microseconds())?.0);
    }
    if let Some(n) = int::as_i64_opt(b) {
        return Ok(make(t, Span::of_microseconds(t, divide_floor(t, microseconds, n as i128)?.0)?));
    }
    if int::is_int(b) {
        let whole = number::floor_div(t, int::from_i128(t, microseconds)?, b)?;
        return Ok(make(t, Span::of_big(t, &big(whole))?));
    }
    Ok(Value::NOT_IMPLEMENTED)
}

fn remainder(t: &Thread, a: Value, b: Value) -> R {
    let (Some(a), Some(b)) = (span_of(a), span_of(b)) else { return Ok(Value::NOT_IMPLEMENTED) };
    let (_, rest) = divide_floor(t, a.in_microseconds(), b.in_microseconds())?;
    Ok(make(t, Span::of_microseconds(t, rest)?))
}

fn divmod(t: &Thread, a: Value, b: Value) -> R {
    let (Some(a), Some(b)) = (span_of(a), span_of(b)) else { return Ok(Value::NOT_IMPLEMENTED) };
    let (quotient, rest) = divide_floor(t, a.in_microseconds(), b.in_microseconds())?;
    let rest = make(t, Span::of_microseconds(t, rest)?);
    Ok(Tuple::from_slice(t, &[int::from_i128(t, quotient)?, rest]).value())
}

fn compare(_: &Thread, a: Value, b: Value, op: Compare) -> R {
    match span_of(b) {
        Some(other) => Ok(Value::bool(op.holds(span(a).cmp(&other)))),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}

// ---- text and the rest ----

fn repr(t: &Thread, v: Value) -> R {
    let Span { days, seconds, microseconds } = span(v);
    let mut parts = String::new();
    for (name, n) in [("days", days), ("seconds", seconds), ("microseconds", microseconds)] {
        if n != 0 {
            let comma = if parts.is_empty() { "" } else { ", " };
            // Writing to memory cannot fail.
            let _ = write!(parts, "{comma}{name}={n}");
        }
    }
    let parts = if parts.is_empty() { "0" } else { &parts };
    Ok(Str::new(t, &format!("{}({parts})", v.class().display_name())).value())
}

fn str_of(t: &Thread, v: Value) -> R {
    let Span { days, seconds, microseconds } = span(v);
    let days = match days {
        0 => String::new(),
        1 | -1 => format!("{days} day, "),
        _ => format!("{days} days, "),
    };
    let fraction = if microseconds == 0 { String::new() } else { format!(".{microseconds:06}") };
    let text = format!("{days}{}:{:02}:{:02}{fraction}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    Str::from_ascii(t, text.as_bytes()).map(Ref::value)
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let Span { days, seconds, microseconds } = span(a[0]);
    let state = [days, seconds, microseconds].map(|n| Value::int(n as i64));
    Ok(Tuple::from_slice(t, &[a[0].class().value(), Tuple::from_slice(t, &state).value()]).value())
}

/// `datetime.timedelta`
pub static TIME_DELTA_DEF: TypeDef = TypeDef {
    doc: "Difference between two datetime values.\n\ntimedelta(days=0, seconds=0, microseconds=0, milliseconds=0, minutes=0, hours=0, \
          weeks=0)\n\nAll arguments are optional and default to 0.\nArguments may be integers or floats, and may be positive or negative.",
    flags: flag::BASE_TYPE,
    slots: SlotTable {
        new: Some(new),
        repr: Some(repr),
        str: Some(str_of),
        hash: Some(|_, v| Ok(span(v).hash())),
        richcompare: Some(compare),
        bool: Some(|_, v| Ok(!span(v).is_zero())),
        neg: Some(negative),
        pos: Some(|t, v| Ok(make(t, span(v)))),
        abs: Some(|t, v| if span(v).days < 0 { negative(t, v) } else { Ok(make(t, span(v))) }),
        add: Some(add),
        sub: Some(subtract),
        mul: Some(multiply),
        truediv: Some(true_divide),
        floordiv: Some(floor_divide),
        mod_: Some(remainder),
        divmod: Some(divmod),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("total_seconds", "self, /", |t, a| divide_ints(t, span(a[0]).in_microseconds(), super::span::SECOND as i128))
            .doc("Total seconds in the duration."),
        FnDef::def("__reduce__", "self, /", reduce).doc("__reduce__() -> (cls, state)"),
    ],
    getset: &[
        GetSet::getter("days", |_, v| Ok(Value::int(span(v).days as i64))).member().doc("Number of days."),
        GetSet::getter("seconds", |_, v| Ok(Value::int(span(v).seconds as i64)))
            .member()
            .doc("Number of seconds (>= 0 and less than 1 day)."),
        GetSet::getter("microseconds", |_, v| Ok(Value::int(span(v).microseconds as i64)))
            .member()
            .doc("Number of microseconds (>= 0 and less than 1 second)."),
    ],
    ..TypeDef::of::<TimeDelta>("datetime.timedelta")
};
