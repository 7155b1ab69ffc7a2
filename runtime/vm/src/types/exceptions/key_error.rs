//! KeyError: its text is the repr of the key, so that an empty or blank key can be seen.

use super::{Exception, base};
use crate::args::receiver;
use crate::object::R;
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::TypeDef;
use limpid_heap::Value;

pub(crate) const DEF: TypeDef = TypeDef { slots: SlotTable { str: Some(str_of), ..base::PLAIN.slots }, ..base::PLAIN };

fn str_of(t: &Thread, e: Value) -> R {
    match receiver::<Exception>(e).args().as_slice() {
        [key] => Ok(crate::protocol::text::repr(t, *key)?.value()),
        _ => base::str_of(t, e),
    }
}
