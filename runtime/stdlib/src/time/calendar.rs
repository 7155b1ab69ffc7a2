//! Calendar time: `struct_time`, time zones, text.

use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::number;
use limpid_vm::raise;
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::str::codec;
use limpid_vm::types::struct_sequence::{self, StructSequenceDef};
use limpid_vm::types::{Module, Str, Tuple, float, int};
use std::ffi::{CStr, CString, c_char};
use std::io;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("localtime", "seconds=None, /", |t, a| from_timestamp(t, a[0], libc::localtime_r))
        .doc("Convert seconds since the Epoch to a time tuple expressing local time."),
    FnDef::def("gmtime", "seconds=None, /", |t, a| from_timestamp(t, a[0], libc::gmtime_r))
        .doc("Convert seconds since the Epoch to a time tuple expressing UTC (a.k.a. GMT)."),
    FnDef::def("mktime", "time_tuple, /", mktime).doc("Convert a time tuple in local time to seconds since the Epoch."),
    FnDef::def("asctime", "time_tuple=None, /", asctime).doc("Convert a time tuple to a string, e.g. 'Sat Jun 06 16:26:11 1998'."),
    FnDef::def("ctime", "seconds=None, /", |t, a| {
        let time = broken_down(t, a[0], libc::localtime_r)?;
        Ok(Str::new(t, &asctime_text(&time)).value())
    })
    .doc("Convert a time in seconds since the Epoch to a string in local time."),
    FnDef::def("strftime", "format, time_tuple=None, /", strftime)
        .doc("Convert a time tuple to a string according to a format specification."),
    FnDef::def("strptime", "string, format='%a %b %d %H:%M:%S %Y', /", strptime)
        .doc("Parse a string to a time tuple according to a format specification."),
    FnDef::def("tzset", "", |t, _| {
        let module = limpid_vm::runtime::modules(t).get_text(t, "time").and_then(|m| m.downcast::<Module>());
        set_zone(t, module)?;
        Ok(Value::NONE)
    })
    .doc("Initialize, or reinitialize, the local timezone to the value stored in os.environ['TZ']."),
];

static STRUCT_TIME: TypeCell = TypeCell::new();
static STRUCT_TIME_DEF: StructSequenceDef = StructSequenceDef {
    name: "time.struct_time",
    doc: "The time value as returned by gmtime(), localtime(), and strptime(), and\n accepted by asctime(), mktime() and strftime().  May be \
          considered as a\n sequence of 9 integers.\n\n Note that several fields' values are not the same as those defined by\n the C language \
          standard for struct tm.  For example, the value of the\n field tm_year is the actual year, not year - 1900.  See individual\n fields' \
          descriptions for details.",
    fields: &[
        ("tm_year", "year, for example, 1993"),
        ("tm_mon", "month of year, range [1, 12]"),
        ("tm_mday", "day of month, range [1, 31]"),
        ("tm_hour", "hours, range [0, 23]"),
        ("tm_min", "minutes, range [0, 59]"),
        ("tm_sec", "seconds, range [0, 61])"),
        ("tm_wday", "day of week, range [0, 6], Monday is 0"),
        ("tm_yday", "day of year, range [1, 366]"),
        ("tm_isdst", "1 if summer time is in effect, 0 if not, and -1 if unknown"),
        ("tm_zone", "abbreviation of timezone name"),
        ("tm_gmtoff", "offset from UTC in seconds"),
    ],
    visible: 9,
    instantiable: true,
};

pub(super) fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let class = struct_sequence::create_type(t, &STRUCT_TIME_DEF, &STRUCT_TIME)?;
    m.dict().set_text(t, "struct_time", class.value())?;
    m.dict().set_text(t, "_STRUCT_TM_ITEMS", Value::int(11))?;
    set_zone(t, Some(m))
}

unsafe extern "C" {
    fn tzset();
}

/// How the C library breaks a timestamp down: `localtime_r` or `gmtime_r`.
pub(crate) type Convert = unsafe extern "C" fn(*const libc::time_t, *mut libc::tm) -> *mut libc::tm;

fn no_time() -> libc::tm {
    // SAFETY: numbers and a pointer that may be null.
    unsafe { std::mem::zeroed() }
}

fn now() -> libc::time_t {
    // SAFETY: always succeeds.
    unsafe { libc::time(std::ptr::null_mut()) }
}

/// A timestamp broken down.
pub(crate) fn convert(seconds: libc::time_t, how: Convert) -> io::Result<libc::tm> {
    let mut time = no_time();
    // SAFETY: room for the result.
    if unsafe { how(&seconds, &mut time) }.is_null() { Err(io::Error::last_os_error()) } else { Ok(time) }
}

fn broken_down(t: &Thread, seconds: Value, how: Convert) -> R<libc::tm> {
    let seconds = if seconds.is_null() || seconds.is_none() { now() } else { timestamp(t, seconds)? };
    convert(seconds, how).map_err(|e| raise_os_error(t, &e))
}

/// Seconds since the Epoch, rounded down.
pub(crate) fn timestamp(t: &Thread, v: Value) -> R<libc::time_t> {
    if let Some(f) = float::as_f64_opt(v) {
        if f.is_nan() {
            raise!(t, ValueError, "Invalid value NaN (not a number)")
        }
        // The largest double below 2**63 is smaller than i64::MAX.
        if f.abs() >= 9_223_372_036_854_775_807.0 {
            raise!(t, OverflowError, "timestamp out of range for platform time_t")
        }
        return Ok(f.floor() as libc::time_t);
    }
    match int::as_i64_opt(number::index(t, v)?) {
        Some(n) => Ok(n),
        None => raise!(t, OverflowError, "timestamp out of range for platform time_t"),
    }
}

fn from_timestamp(t: &Thread, seconds: Value, how: Convert) -> R {
    let time = broken_down(t, seconds, how)?;
    to_struct(t, &time)
}

fn to_struct(t: &Thread, time: &libc::tm) -> R {
    let zone = zone_name(t, time.tm_zone)?;
    let n = |i: i32| Value::int(i as i64);
    let values = [
        Value::int(time.tm_year as i64 + 1900),
        n(time.tm_mon + 1),
        n(time.tm_mday),
        n(time.tm_hour),
        n(time.tm_min),
        n(time.tm_sec),
        n((time.tm_wday + 6) % 7),
        n(time.tm_yday + 1),
        n(time.tm_isdst),
        zone,
        Value::int(time.tm_gmtoff),
    ];
    struct_sequence::create(t, STRUCT_TIME.get(), &values)
}

/// The name of a time zone that the C library has given.
pub(crate) fn zone_name(t: &Thread, name: *const c_char) -> R {
    if name.is_null() {
        return Ok(Str::new(t, "").value());
    }
    // SAFETY: the C library's names of zones end in NUL and stay.
    Ok(codec::from_filesystem(t, unsafe { CStr::from_ptr(name) }.to_bytes())?.value())
}

/// A time tuple as the C library wants it. `zone` keeps the zone's name alive.
fn from_struct(t: &Thread, v: Value, function: &str, zone: &mut CString) -> R<libc::tm> {
    let Some(tuple) = v.downcast::<Tuple>() else { raise!(t, TypeError, "Tuple or struct_time argument required") };
    if tuple.len() != 9 {
        raise!(t, TypeError, "{function}(): illegal time tuple argument")
    }
    let mut n = [0i32; 9];
    for (to, v) in n.iter_mut().zip(tuple.as_slice()) {
        *to = number::index_i32(t, *v)?;
    }
    let Some(year) = n[0].checked_sub(1900) else { raise!(t, OverflowError, "year out of range") };
    let mut time = no_time();
    time.tm_year = year;
    time.tm_mon = n[1].wrapping_sub(1);
    time.tm_mday = n[2];
    time.tm_hour = n[3];
    time.tm_min = n[4];
    time.tm_sec = n[5];
    time.tm_wday = n[6].wrapping_add(1) % 7;
    time.tm_yday = n[7].wrapping_sub(1);
    time.tm_isdst = n[8];
    if v.is_instance(STRUCT_TIME.get()) {
        let name = limpid_vm::protocol::attr::get_attr_text(t, v, "tm_zone")?;
        if let Some(name) = name.downcast::<Str>() {
            let bytes = codec::to_filesystem(t, name)?.as_slice().to_vec();
            *zone = CString::new(bytes).unwrap_or_default();
            time.tm_zone = zone.as_ptr();
        }
        let offset = limpid_vm::protocol::attr::get_attr_text(t, v, "tm_gmtoff")?;
        if !offset.is_none() {
            time.tm_gmtoff = int::to_i64(t, offset)?;
        }
    }
    Ok(time)
}

/// Raises ValueError for what the C library could not cope with; zeros where CPython allows them mean the first.
fn normalize(t: &Thread, time: &mut libc::tm) -> R<()> {
    if time.tm_mon == -1 {
        time.tm_mon = 0;
    } else if !(0..12).contains(&time.tm_mon) {
        raise!(t, ValueError, "month out of range")
    }
    if time.tm_mday == 0 {
        time.tm_mday = 1;
    } else if !(0..32).contains(&time.tm_mday) {
        raise!(t, ValueError, "day of month out of range")
    }
    if !(0..24).contains(&time.tm_hour) {
        raise!(t, ValueError, "hour out of range")
    }
    if !(0..60).contains(&time.tm_min) {
        raise!(t, ValueError, "minute out of range")
    }
    if !(0..62).contains(&time.tm_sec) {
        raise!(t, ValueError, "seconds out of range")
    }
    if time.tm_wday < 0 {
        raise!(t, ValueError, "day of week out of range")
    }
    if time.tm_yday == -1 {
        time.tm_yday = 0;
    } else if !(0..366).contains(&time.tm_yday) {
        raise!(t, ValueError, "day of year out of range")
    }
    Ok(())
}

fn mktime(t: &Thread, a: &[Value]) -> R {
    let mut zone = CString::default();
    let mut time = from_struct(t, a[0], "mktime", &mut zone)?;
    // A value that no result leaves there tells an error from the second before the Epoch.
    time.tm_wday = -1;
    // SAFETY: a filled structure.
    let seconds = unsafe { libc::mktime(&mut time) };
    if seconds == -1 && time.tm_wday == -1 {
        raise!(t, OverflowError, "mktime argument out of range")
    }
    Ok(Value::float(seconds as f64))
}

fn asctime_text(time: &libc::tm) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    format!(
        "{} {}{:3} {:02}:{:02}:{:02} {}",
        DAYS[time.tm_wday.rem_euclid(7) as usize],
        MONTHS[time.tm_mon.rem_euclid(12) as usize],
        time.tm_mday,
        time.tm_hour,
        time.tm_min,
        time.tm_sec,
        time.tm_year as i64 + 1900
    )
}

fn asctime(t: &Thread, a: &[Value]) -> R {
    let mut zone = CString::default();
    let time = if a[0].is_null() {
        broken_down(t, Value::NULL, libc::localtime_r)?
    } else {
        let mut time = from_struct(t, a[0], "asctime", &mut zone)?;
        normalize(t, &mut time)?;
        time
    };
    Ok(Str::new(t, &asctime_text(&time)).value())
}

fn strftime(t: &Thread, a: &[Value]) -> R {
    let Some(format) = a[0].downcast::<Str>() else {
        raise!(t, TypeError, "strftime() argument 1 must be str, not {}", a[0].class().display_name())
    };
    let mut zone = CString::default();
    let mut time = if a[1].is_null() {
        broken_down(t, Value::NULL, libc::localtime_r)?
    } else {
        let mut time = from_struct(t, a[1], "strftime", &mut zone)?;
        normalize(t, &mut time)?;
        time
    };
    time.tm_isdst = time.tm_isdst.clamp(-1, 1);
    // The C function gets what is ASCII; everything else stands for itself. Its formats end at a NUL, Python's do not.
    let chars: Vec<u32> = format.code_points().collect();
    let is_plain = |c: &u32| *c != 0 && *c < 0x80;
    let mut text = Vec::with_capacity(chars.len() * 2);
    for run in chars.chunk_by(|a, b| is_plain(a) == is_plain(b)) {
        if !is_plain(&run[0]) {
            text.extend_from_slice(run);
            continue;
        }
        let ascii: Vec<u8> = run.iter().map(|c| *c as u8).collect();
        let mut formatted = Vec::new();
        format_part(&ascii, &time, &mut formatted);
        text.extend(codec::from_filesystem(t, &formatted)?.code_points());
    }
    Ok(Str::from_chars(t, text.iter().copied())?.value())
}

/// Appends what the C library makes of a format without NUL characters.
fn format_part(format: &[u8], time: &libc::tm, text: &mut Vec<u8>) {
    if format.is_empty() {
        return;
    }
    // One more character, so that an empty result is not taken for a lack of room. In front: the format may end with a percent sign.
    let terminated = [b"x", format, b"\0"].concat();
    let mut buffer = vec![0u8; 256 + format.len()];
    loop {
        // SAFETY: a NUL-terminated format, a filled structure, and that much room.
        let n = unsafe { libc::strftime(buffer.as_mut_ptr().cast(), buffer.len(), terminated.as_ptr().cast(), time) };
        if n > 0 {
            text.extend_from_slice(&buffer[1..n]);
            return;
        }
        buffer.resize(buffer.len() * 2, 0);
    }
}

fn strptime(t: &Thread, a: &[Value]) -> R {
    let module = limpid_vm::modules::import::import_module_level(t, Str::new(t, "_strptime").value(), Value::NULL, Value::NULL, 0)?;
    let given = if a[1].is_null() { 1 } else { 2 };
    limpid_vm::protocol::call::call_method_text(t, module, "_strptime_time", &a[..given])
}

/// Puts what the C library says of the local time zone in the module.
fn set_zone(t: &Thread, module: Option<Ref<Module>>) -> R<()> {
    // SAFETY: reads the environment, which this program changes with the C library's own functions.
    unsafe { tzset() };
    let Some(module) = module else { return Ok(()) };
    // A time in January and one in July tell standard time from summer time, whatever the hemisphere.
    const YEAR: libc::time_t = (365 * 24 + 6) * 3600;
    let january = now() / YEAR * YEAR;
    let both = convert(january, libc::localtime_r).and_then(|first| Ok((first, convert(january + YEAR / 2, libc::localtime_r)?)));
    let (january, july) = both.map_err(|e| raise_os_error(t, &e))?;
    let (january_west, july_west) = (-january.tm_gmtoff, -july.tm_gmtoff);
    let (standard, summer, west, alternative) =
        if january_west < july_west { (&july, &january, july_west, january_west) } else { (&january, &july, january_west, july_west) };
    let dict = module.dict();
    dict.set_text(t, "timezone", Value::int(west))?;
    dict.set_text(t, "altzone", Value::int(alternative))?;
    dict.set_text(t, "daylight", Value::int((january_west != july_west) as i64))?;
    let names = [zone_name(t, standard.tm_zone)?, zone_name(t, summer.tm_zone)?];
    dict.set_text(t, "tzname", Tuple::from_slice(t, &names).value())
}
