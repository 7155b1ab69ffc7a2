//! `__import__`

use crate::args::FnDef;
use crate::modules::import;
use crate::object::{R, ValueExt};
use crate::protocol::number;
use crate::thread::Thread;
use crate::types::int;
use limpid_heap::Value;

pub(super) const FUNCTIONS: &[FnDef] = &[FnDef::def("__import__", "name, globals=None, locals=None, fromlist=(), level=0", import_).doc(
    "Import a module.\n\nBecause this function is meant for use by the Python\ninterpreter and not for general use, it is better to \
         use\nimportlib.import_module() to programmatically import a module.\n\nThe globals argument is only used to determine the \
         context;\nthey are not modified.  The locals argument is unused.  The fromlist\nshould be a list of names to emulate ``from \
         name import ...``, or an\nempty list to emulate ``import name``.\nWhen importing a module from a package, note that \
         __import__('A.B', ...)\nreturns package A when fromlist is empty, but its submodule B when\nfromlist is not empty.  The level \
         argument is used to determine whether to\nperform absolute or relative imports: 0 is absolute, while a positive number\nis the \
         number of parent directories to search relative to the current module.",
)];

fn import_(t: &Thread, a: &[Value]) -> R {
    let level = match a[4].non_null() {
        Some(v) => {
            let index = number::index(t, v)?;
            i64::from(int::to_i32(t, index)?)
        }
        None => 0,
    };
    import::import_module_level(t, a[0], a[1], a[3], level)
}
