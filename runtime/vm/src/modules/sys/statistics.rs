//! `sys._stats_on` and its like: counting what the interpreter does, switched while it runs.

use crate::args::FnDef;
use crate::object::R;
use crate::stats;
use crate::thread::Thread;
use limpid_heap::Value;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("_stats_on", "", |t, _| {
        stats::switch(t, true);
        Ok(Value::NONE)
    })
    .doc("Turns the counting of statistics on."),
    FnDef::def("_stats_off", "", |t, _| {
        stats::switch(t, false);
        Ok(Value::NONE)
    })
    .doc("Turns the counting of statistics off; what was counted stays."),
    FnDef::def("_stats_clear", "", |t, _| {
        stats::clear(t);
        Ok(Value::NONE)
    })
    .doc("Forgets the statistics."),
    FnDef::def("_stats_dump", "", stats_dump)
        .doc("Writes the statistics to a new file and forgets them; false if nothing was ever counted."),
];

fn stats_dump(t: &Thread, _: &[Value]) -> R {
    if !stats::was_on(t) {
        return Ok(Value::FALSE);
    }
    match stats::write_as_told(t, None) {
        Ok(()) => Ok(Value::TRUE),
        Err((place, error)) => raise!(t, OSError, "the statistics cannot be written to {}: {error}", place.display()),
    }
}
