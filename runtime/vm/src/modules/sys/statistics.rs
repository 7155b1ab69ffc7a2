//! `sys._stats_on` and its like: counting what the interpreter does, switched while it runs.

use crate::args::FnDef;
use crate::object::R;
use crate::stats;
use crate::thread::Thread;
use crate::types::Str;
use crate::types::exceptions::raise_os_error_with_names;
use limpid_heap::Value;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("_stats_on", "", |t, _| {
        stats::switch(t, true);
        Ok(Value::NONE)
    })
    .doc("Turns on stats gathering (stats gathering is off by default)."),
    FnDef::def("_stats_off", "", |t, _| {
        stats::switch(t, false);
        Ok(Value::NONE)
    })
    .doc("Turns off stats gathering (stats gathering is off by default)."),
    FnDef::def("_stats_clear", "", |t, _| {
        stats::clear(t);
        Ok(Value::NONE)
    })
    .doc("Clears the stats."),
    FnDef::def("_stats_dump", "", dump)
        .doc("Dump stats to file, and clears the stats.\n\nReturn False if no statistics were not dumped because stats gathering was off."),
];

fn dump(t: &Thread, _: &[Value]) -> R {
    if stats::block(t).is_none() {
        return Ok(Value::FALSE);
    }
    if let Err((place, error)) = stats::write(t) {
        let place = Str::new(t, &place.to_string_lossy()).value();
        return Err(raise_os_error_with_names(t, &error, place, Value::NULL));
    }
    stats::clear(t);
    Ok(Value::TRUE)
}
