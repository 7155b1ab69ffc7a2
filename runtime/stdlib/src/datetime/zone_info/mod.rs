//! `_zoneinfo`: the time zones of the IANA database, for the package `zoneinfo`.
//!
//! Finding and reading the files is the business of the package; [`data`] and [`rule`] know what they say. A zone is made once for a key:
//! the zones in use are in a weak dict, and those used last are kept by a strong one. A class written in Python has a weak dict of its
//! own.

mod data;
mod rule;

use super::date_time::{self, DateTime};
use super::fields::DAY;
use super::span::Span;
use super::timedelta;
use super::tzinfo::{self, Offset, TZ_INFO};
use super::{calendar, local};
use crate::owned;
use data::{File, Kind, Zone};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::modules::{ModuleDef, import};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, call, iter, number, text};
use limpid_vm::root::{InterpreterRoot, TypeCell};
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::repr::ReprText;
use limpid_vm::types::{Bytes, Dict, Module, Str, Tuple, Type, TypeDef, flag, int, str, type_};
use limpid_vm::{layout, names, raise};
use rule::Rule;

/// `_zoneinfo`
pub static MODULE: ModuleDef = ModuleDef { doc: "C implementation of the zoneinfo module", init, ..ModuleDef::named("_zoneinfo") };

/// The layout. It never changes.
#[repr(C)]
pub struct ZoneInfo {
    header: Header,
    /// The key, or None.
    key: Slot,
    /// How the file it was made of is shown; None if there is a key.
    file: Slot,
    /// For each kind of time the offset, what of it is daylight saving time, and the name.
    answers: Slot,
    source: Source,
    zone: Box<Zone>,
}

/// `zoneinfo.ZoneInfo`
static ZONE_INFO: TypeCell = TypeCell::new();
layout!(ZoneInfo, ZONE_INFO.get(), Mixed);

/// The zones of the class itself by their keys: those in use, and those used last.
static WEAK_CACHE: InterpreterRoot = InterpreterRoot::new();
static STRONG_CACHE: InterpreterRoot = InterpreterRoot::new();
const STRONG_CACHE_SIZE: usize = 8;

/// What a zone was made of.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
enum Source {
    Cache,
    NoCache,
    File,
}

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    // A program may have hidden it; then the package does without this module.
    import::import_text(t, "_datetime")?;
    if WEAK_CACHE.opt(t).is_none() {
        WEAK_CACHE.set(t, new_weak_cache(t)?);
        let collections = import::import_text(t, "collections")?;
        STRONG_CACHE.set(t, call::call_method_text(t, collections, "OrderedDict", &[])?);
    }
    m.dict().set_text(t, "ZoneInfo", type_::create_native(t, &ZONE_INFO_DEF, &ZONE_INFO)?.value())
}

fn new_weak_cache(t: &Thread) -> R {
    let weakref = import::import_text(t, "weakref")?;
    call::call_method_text(t, weakref, "WeakValueDictionary", &[])
}

/// A part of the package `zoneinfo` that is written in Python.
fn part(t: &Thread, name: &str) -> R {
    let package = import::import_text(t, "zoneinfo")?;
    attr::get_attr_text(t, package, name)
}

// ---- making one ----

/// A new zone of a class from a file object.
fn from_stream(t: &Thread, class: Ref<Type>, stream: Value, key: Value, source: Source) -> R {
    let parts = call::call_method_text(t, part(t, "_common")?, "load_data", &[stream])?;
    let zone = zone_of(t, iter::to_tuple(t, parts)?)?;
    let mut answers = limpid_vm::types::ValueList::with_capacity(t, zone.kinds.len() * 3);
    for kind in &zone.kinds {
        for seconds in [kind.offset, kind.daylight] {
            answers.push(t, timedelta::make(t, Span::of_seconds(seconds)));
        }
        answers.push(t, Str::new(t, &kind.name).value());
    }
    let file = if source == Source::File && key.is_none() { text::repr(t, stream)?.value() } else { Value::NONE };
    let fields = ZoneInfo {
        header: header_of::<ZoneInfo>(),
        key: Slot::new(key),
        file: Slot::new(file),
        answers: Slot::new(Tuple::from_slice(t, answers.as_slice()).value()),
        source,
        zone: Box::new(zone),
    };
    Ok(owned::dropped(t, t.alloc_instance(class, fields)).value())
}

/// What `load_data` has read: numbers of the kinds after each change, times of the changes, offsets, which kinds are daylight saving time,
/// names, the rule.
fn zone_of(t: &Thread, parts: Ref<Tuple>) -> R<Zone> {
    let [after, times, offsets, is_daylight, abbreviations, rule] = *parts.as_slice() else {
        raise!(t, ValueError, "load_data must return six values")
    };
    let numbers = |v: Value| -> R<Vec<i64>> { iter::to_tuple(t, v)?.as_slice().iter().map(|v| int::to_i64(t, *v)).collect() };
    let offsets = numbers(offsets)?;
    let names = iter::to_tuple(t, abbreviations)?;
    let kinds = offsets
        .iter()
        .zip(names.as_slice())
        .map(|(offset, name)| Ok(Kind { offset: *offset, daylight: 0, name: text::str_of(t, *name)?.to_string_lossy().into_owned() }));
    let kinds: Vec<Kind> = kinds.collect::<R<_>>()?;
    let is_daylight: Vec<bool> = numbers(is_daylight)?.into_iter().map(|n| n != 0).collect();
    let (after, times) = (numbers(after)?, numbers(times)?);
    let after: Vec<usize> = after.into_iter().map(|n| n as usize).collect();
    if is_daylight.len() != kinds.len() || after.len() != times.len() || after.iter().any(|kind| *kind >= kinds.len()) {
        raise!(t, ValueError, "Invalid transition index found while reading TZif")
    }
    let rule = match rule.downcast::<Bytes>().filter(|rule| !rule.is_empty()) {
        None => None,
        Some(text) => match Rule::parse(text.as_slice()) {
            Ok(rule) => Some(rule),
            Err(what) => {
                let shown = text::repr(t, rule)?;
                raise!(t, ValueError, "{what} {}", shown.to_string_lossy())
            }
        },
    };
    match Zone::new(File { kinds, is_daylight, times, after, rule }) {
        Some(zone) => Ok(zone),
        None => raise!(t, ValueError, "No time zone information found."),
    }
}

/// A new zone of a class for a key.
fn for_key(t: &Thread, class: Ref<Type>, key: Value, source: Source) -> R {
    let path = call::call_method_text(t, part(t, "_tzpath")?, "find_tzfile", &[key])?;
    let stream = if path.is_none() {
        call::call_method_text(t, part(t, "_common")?, "load_tzdata", &[key])?
    } else {
        let io = import::import_text(t, "io")?;
        call::call_method_text(t, io, "open", &[path, Str::new(t, "rb").value()])?
    };
    let made = from_stream(t, class, stream, key, source);
    let failure = if made.is_err() { t.take_exception() } else { Value::NULL };
    let closed = call::call_method(t, stream, names::close, &[]);
    if !failure.is_null() {
        return Err(t.raise_value(failure));
    }
    closed.and(made)
}

fn is_own(class: Ref<Type>) -> bool {
    class == ZONE_INFO.get()
}

fn weak_cache(t: &Thread, class: Ref<Type>) -> R {
    if is_own(class) { Ok(WEAK_CACHE.get(t)) } else { attr::get_attr_text(t, class.value(), "_weak_cache") }
}

/// The zone of a class for a key, from its cache if it is in there.
fn cached(t: &Thread, class: Ref<Type>, key: Value) -> R {
    let strong = receiver::<Dict>(STRONG_CACHE.get(t));
    if is_own(class)
        && let Some(zone) = strong.get(t, key)?
    {
        keep(t, key, zone)?;
        return Ok(zone);
    }
    let cache = weak_cache(t, class)?;
    let mut zone = call::call_method(t, cache, names::get, &[key, Value::NONE])?;
    if zone.is_none() {
        let made = for_key(t, class, key, Source::Cache)?;
        zone = call::call_method_text(t, cache, "setdefault", &[key, made])?;
    }
    if !zone.is_instance(class) {
        let (kind, owner) = (zone.class().display_name(), super::short_name(&class.display_name()).to_owned());
        let key = text::repr(t, key)?;
        raise!(t, RuntimeError, "Unexpected instance of {kind} in {owner} weak cache for key {}", key.to_string_lossy())
    }
    if is_own(class) {
        keep(t, key, zone)?;
    }
    Ok(zone)
}

/// Notes that a zone was used last.
fn keep(t: &Thread, key: Value, zone: Value) -> R<()> {
    let cache = STRONG_CACHE.get(t);
    limpid_vm::protocol::sequence::set_item(t, cache, key, zone)?;
    // Another thread may have removed the one or the other meanwhile.
    if call::call_method_text(t, cache, "move_to_end", &[key]).is_err() {
        t.catch(limpid_vm::exc::KeyError)?;
    }
    if receiver::<Dict>(cache).len() > STRONG_CACHE_SIZE && call::call_method_text(t, cache, "popitem", &[Value::FALSE]).is_err() {
        t.catch(limpid_vm::exc::KeyError)?;
    }
    Ok(())
}

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::of_constructor("key");
    // SAFETY: the receiver of `__new__` is a class.
    args.bind(t, "", &SIGNATURE, |a| cached(t, unsafe { Ref::from_value(class) }, a[0]))
}

fn clear_cache(t: &Thread, a: &[Value]) -> R {
    let class = receiver::<Type>(a[0]);
    let cache = weak_cache(t, class)?;
    if a[1].is_null() || a[1].is_none() {
        call::call_method(t, cache, names::clear, &[])?;
        if is_own(class) {
            call::call_method(t, STRONG_CACHE.get(t), names::clear, &[])?;
        }
        return Ok(Value::NONE);
    }
    iter::for_each(t, a[1], |key| {
        if is_own(class) {
            call::call_method(t, STRONG_CACHE.get(t), names::pop, &[key, Value::NONE])?;
        }
        call::call_method(t, cache, names::pop, &[key, Value::NONE]).map(drop)
    })?;
    Ok(Value::NONE)
}

fn init_subclass(t: &Thread, args: Args<'_>) -> R {
    let cache = new_weak_cache(t)?;
    attr::set_attr(t, args.all()[0], str::intern(t, "_weak_cache"), cache)?;
    Ok(Value::NONE)
}

// ---- asking one ----

/// The kind of time at a datetime; None if it is not the same for all times.
fn kind_at(t: &Thread, this: Ref<ZoneInfo>, moment: Value) -> R<Option<usize>> {
    if moment.is_none() {
        return Ok(this.zone.always);
    }
    if let Some(moment) = moment.downcast::<DateTime>() {
        let (date, time) = (moment.date(), moment.time());
        return Ok(Some(this.zone.at_local(local::seconds_of(date, time), date.year(), time.fold())));
    }
    // Something like a datetime.
    let ordinal = int::to_i64(t, call::call_method_text(t, moment, "toordinal", &[])?)?;
    let number = |name: &str| int::to_i64(t, attr::get_attr_text(t, moment, name)?);
    let days = ordinal - calendar::EPOCH_ORDINAL as i64;
    let seconds = days * DAY + number("hour")? * 3600 + number("minute")? * 60 + number("second")?;
    let year = number("year")?.clamp(calendar::MIN_YEAR as i64, calendar::MAX_YEAR as i64) as i32;
    Ok(Some(this.zone.at_local(seconds, year, number("fold")? != 0)))
}

/// The answer to one of the three questions: offset, daylight saving time, name.
fn answer(t: &Thread, a: &[Value], question: usize) -> R {
    let this = receiver::<ZoneInfo>(a[0]);
    let kind = kind_at(t, this, a[1])?;
    Ok(kind.map_or(Value::NONE, |kind| receiver::<Tuple>(this.answers.get()).get(kind * 3 + question)))
}

/// What a zone says of an offset. None: it is none of this module's own class.
pub(super) fn asked(t: &Thread, zone: Value, which: Offset, moment: Value) -> Option<R> {
    let own = ZONE_INFO.opt().is_some_and(|own| zone.class() == own);
    own.then(|| answer(t, &[zone, moment], if which == Offset::Utc { 0 } else { 1 }))
}

fn from_utc(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<ZoneInfo>(a[0]);
    let moment = tzinfo::from_utc_argument(t, a[0], a[1])?;
    let (kind, fold) = this.zone.at_utc(local::seconds_of(moment.date(), moment.time()), moment.date().year());
    let shown = number::add(t, a[1], receiver::<Tuple>(this.answers.get()).get(kind * 3))?;
    if !fold {
        return Ok(shown);
    }
    if let Some(exact) = shown.exact::<DateTime>() {
        return Ok(date_time::make(t, exact.date(), exact.time().with_fold(true), exact.zone()));
    }
    let replace = attr::get_attr(t, shown, names::replace)?;
    let names = Tuple::from_slice(t, &[names::fold]).value();
    call::call_args(t, replace, Args::with_keywords(&[Value::int(1)], names))
}

// ---- text and pickles ----

fn repr(t: &Thread, v: Value) -> R {
    let this = receiver::<ZoneInfo>(v);
    let mut out = ReprText::new(&v.class().display_name());
    if this.key.get().is_none() {
        out.text(".from_file(");
        if let Some(file) = this.file.get().downcast::<Str>() {
            out.str(file);
        }
    } else {
        out.text("(key=");
        out.repr(t, this.key.get())?;
    }
    out.text(")");
    out.finish(t)
}

fn str_of(t: &Thread, v: Value) -> R {
    match receiver::<ZoneInfo>(v).key.get() {
        key if key.is_none() => Ok(text::repr(t, v)?.value()),
        key => Ok(text::str_of(t, key)?.value()),
    }
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<ZoneInfo>(a[0]);
    if this.source == Source::File {
        let pickle = import::import_text(t, "pickle")?;
        let error = attr::get_attr_text(t, pickle, "PicklingError")?;
        let message = Str::new(t, "Cannot pickle a ZoneInfo file from a file stream.").value();
        return Err(t.raise_value(call::call(t, error, &[message])?));
    }
    let make = attr::get_attr_text(t, a[0].class().value(), "_unpickle")?;
    let args = Tuple::from_slice(t, &[this.key.get(), Value::bool(this.source == Source::Cache)]).value();
    Ok(Tuple::from_slice(t, &[make, args]).value())
}

/// `zoneinfo.ZoneInfo`
static ZONE_INFO_DEF: TypeDef = TypeDef {
    base: Some(|| TZ_INFO.get()),
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable { new: Some(new), repr: Some(repr), str: Some(str_of), ..SlotTable::EMPTY },
    methods: &[
        FnDef::class_def("clear_cache", "cls, /, *, only_keys=None", clear_cache).doc("Clear the ZoneInfo cache."),
        FnDef::class_def("no_cache", "cls, /, key", |t, a| for_key(t, receiver(a[0]), a[1], Source::NoCache))
            .doc("Get a new instance of ZoneInfo, bypassing the cache."),
        FnDef::class_def("from_file", "cls, file_obj, /, key=None", |t, a| {
            from_stream(t, receiver(a[0]), a[1], a[2].non_null().unwrap_or(Value::NONE), Source::File)
        })
        .doc("Create a ZoneInfo file from a file object."),
        FnDef::def("utcoffset", "self, dt, /", |t, a| answer(t, a, 0))
            .doc("Retrieve a timedelta representing the UTC offset in a zone at the given datetime."),
        FnDef::def("dst", "self, dt, /", |t, a| answer(t, a, 1))
            .doc("Retrieve a timedelta representing the amount of DST applied in a zone at the given datetime."),
        FnDef::def("tzname", "self, dt, /", |t, a| answer(t, a, 2))
            .doc("Retrieve a string containing the abbreviation for the time zone that applies in a zone at a given datetime."),
        FnDef::def("fromutc", "self, dt, /", from_utc)
            .doc("Given a datetime with local time in UTC, retrieve an adjusted datetime in local time."),
        FnDef::def("__reduce__", "self, /", reduce).doc("Function for serialization with the pickle protocol."),
        FnDef::class_def("_unpickle", "cls, key, from_cache, /", |t, a| {
            if limpid_vm::protocol::truth::truth(t, a[2])? {
                return call::call(t, a[0], &[a[1]]);
            }
            for_key(t, receiver(a[0]), a[1], Source::NoCache)
        })
        .doc("Private method used in unpickling."),
        FnDef { binding: limpid_vm::args::Binding::Class, ..FnDef::raw("__init_subclass__", "cls, /, **kwargs", init_subclass) }
            .doc("Function to initialize subclasses."),
    ],
    getset: &[GetSet::getter("key", |_, v| Ok(receiver::<ZoneInfo>(v).key.get())).member()],
    ..TypeDef::of::<ZoneInfo>("zoneinfo.ZoneInfo")
};
