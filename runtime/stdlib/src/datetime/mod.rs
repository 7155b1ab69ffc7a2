//! `_datetime`: dates, times, spans of time, time zones.
//!
//! * One file for each type: [`date`], [`time`], [`date_time`] (with [`moments`]), [`timedelta`], [`tzinfo`], [`timezone`] and
//!   [`iso_calendar_date`].
//! * What they are made of: [`fields`] and [`span`] are the numbers in them, [`calendar`] knows years and weeks, [`sum`] adds the arguments
//!   of a timedelta, [`local`] is the system's clock and time zone, [`parse`] and [`text`] are ISO 8601, [`mod@strftime`] and [`pickle`]
//!   speak for themselves.
//! * [`zone_info`] is a module of its own: time zones of the IANA database.
//!
//! Invariants: objects never change. Where a class written in Python derives from one of these, results of its class are made by calling
//! it; a time zone is asked by calling its methods.

mod calendar;
mod date;
mod date_time;
mod fields;
mod iso_calendar_date;
mod local;
mod moments;
mod parse;
mod pickle;
mod span;
mod strftime;
mod sum;
mod text;
mod time;
mod timedelta;
mod timezone;
mod tzinfo;
pub mod zone_info;

use fields::{DateFields, TimeFields};
use limpid_heap::Value;
use limpid_vm::args::Args;
use limpid_vm::modules::{ModuleDef, import};
use limpid_vm::object::{R, Ref};
use limpid_vm::protocol::{attr, call};
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Module, Tuple, Type, TypeDef, str, type_};
use span::Span;

/// `_datetime`
pub static MODULE: ModuleDef = ModuleDef { doc: "Fast implementation of the datetime module.", init, ..ModuleDef::named("_datetime") };

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let dict = m.dict();
    if timezone::TIME_ZONE.opt().is_none() {
        create_types(t)?;
    }
    let types: [(&str, &TypeCell); 6] = [
        ("date", &date::DATE),
        ("datetime", &date_time::DATE_TIME),
        ("time", &time::TIME),
        ("timedelta", &timedelta::TIME_DELTA),
        ("tzinfo", &tzinfo::TZ_INFO),
        ("timezone", &timezone::TIME_ZONE),
    ];
    for (name, cell) in types {
        dict.set_text(t, name, cell.get().value())?;
    }
    dict.set_text(t, "MINYEAR", Value::int(calendar::MIN_YEAR as i64))?;
    dict.set_text(t, "MAXYEAR", Value::int(calendar::MAX_YEAR as i64))?;
    dict.set_text(t, "UTC", timezone::utc())
}

/// Makes the types, bases first, and the constants in them.
fn create_types(t: &Thread) -> R<()> {
    let types: [(&'static TypeDef, &'static TypeCell); 7] = [
        (&timedelta::TIME_DELTA_DEF, &timedelta::TIME_DELTA),
        (&date::DATE_DEF, &date::DATE),
        (&time::TIME_DEF, &time::TIME),
        (&date_time::DATE_TIME_DEF, &date_time::DATE_TIME),
        (&iso_calendar_date::ISO_CALENDAR_DATE_DEF, &iso_calendar_date::ISO_CALENDAR_DATE),
        (&tzinfo::TZ_INFO_DEF, &tzinfo::TZ_INFO),
        (&timezone::TIME_ZONE_DEF, &timezone::TIME_ZONE),
    ];
    for (def, cell) in types {
        type_::create_native(t, def, cell)?;
    }
    let delta = |span| timedelta::make(t, span);
    let (first, last) = (DateFields::new(calendar::MIN_YEAR, 1, 1), DateFields::new(calendar::MAX_YEAR, 12, 31));
    let (midnight, latest) = (TimeFields::MIDNIGHT, TimeFields::new(23, 59, 59, 999_999, false));
    let resolution = delta(Span::RESOLUTION);
    constants(t, &timedelta::TIME_DELTA, [("resolution", resolution), ("min", delta(Span::MIN)), ("max", delta(Span::MAX))])?;
    let one_day = delta(Span { days: 1, ..Span::ZERO });
    constants(t, &date::DATE, [("min", date::make(t, first)), ("max", date::make(t, last)), ("resolution", one_day)])?;
    let time = |fields| time::make(t, fields, Value::NONE);
    constants(t, &time::TIME, [("min", time(midnight)), ("max", time(latest)), ("resolution", resolution)])?;
    let datetime = |date, time| date_time::make(t, date, time, Value::NONE);
    let (min, max) = (datetime(first, midnight), datetime(last, latest));
    constants(t, &date_time::DATE_TIME, [("min", min), ("max", max), ("resolution", resolution)])?;
    // Whole minutes, for those who have relied on that.
    const ALMOST_A_DAY: i64 = fields::DAY - 60;
    let zone = |seconds| timezone::make(t, delta(Span::of_seconds(seconds)), Value::NULL);
    let constant_zones = [("utc", timezone::create_utc(t)), ("min", zone(-ALMOST_A_DAY)), ("max", zone(ALMOST_A_DAY))];
    constants(t, &timezone::TIME_ZONE, constant_zones)
}

/// Adds constants to a type that nobody has seen yet.
fn constants(t: &Thread, class: &TypeCell, constants: [(&str, Value); 3]) -> R<()> {
    constants.into_iter().try_for_each(|(name, v)| class.get().dict().set_text(t, name, v))
}

/// What the module `time` has now: a program may have replaced it.
fn time_module_attribute(t: &Thread, name: &str) -> R {
    attr::get_attr_text(t, import::import_text(t, "time")?, name)
}

/// A `time.struct_time`; `daylight` is 1 for daylight saving time, -1 if that is not known.
fn struct_time(t: &Thread, date: DateFields, time: TimeFields, daylight: i64) -> R {
    let struct_time = time_module_attribute(t, "struct_time")?;
    let [year, month, day] = date.values();
    let [hour, minute, second, _] = time.values();
    let weekday = calendar::weekday(date.ordinal());
    let day_of_year = calendar::day_of_year(date.year(), date.month(), date.day());
    let [weekday, day_of_year, daylight] = [weekday as i64, day_of_year as i64, daylight].map(Value::int);
    let items = [year, month, day, hour, minute, second, weekday, day_of_year, daylight];
    call::call(t, struct_time, &[Tuple::from_slice(t, &items).value()])
}

/// A type's name without its module.
fn short_name(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Calls a class with the fields of an instance, and the keyword `fold` if that is set.
fn call_with_fold(t: &Thread, class: Ref<Type>, args: &[Value], fold: bool) -> R {
    if !fold {
        return call::call(t, class.value(), args);
    }
    let names = Tuple::from_slice(t, &[str::intern(t, "fold")]).value();
    crate::arguments::joined(t, &[args, &[Value::int(1)]], |all| call::call_args(t, class.value(), Args::with_keywords(all, names)))
}
