//! StopIteration with the value of its iterator, and SystemExit with the exit status.

use super::{Exception, base, def, member};
use crate::args::{Args, receiver};
use crate::exc;
use crate::object::{R, Ref, Slot};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Tuple, TypeDef};
use limpid_heap::Value;

/// The layout of StopIteration.
#[repr(C)]
pub struct StopIteration {
    base: Exception,
    /// `value`, or NULL for None.
    pub value: Slot,
}

crate::layout!(StopIteration, exc::StopIteration, Slots);

/// The layout of SystemExit.
#[repr(C)]
pub struct SystemExit {
    base: Exception,
    /// `code`, or NULL for None.
    pub code: Slot,
}

crate::layout!(SystemExit, exc::SystemExit, Slots);

pub(crate) const STOP_ITERATION: TypeDef = TypeDef {
    slots: SlotTable { new: Some(base::new), init: Some(init_stop_iteration), ..SlotTable::EMPTY },
    getset: &[member!(StopIteration, value).doc("generator return value")],
    ..def::<StopIteration>()
};

pub(crate) const SYSTEM_EXIT: TypeDef = TypeDef {
    slots: SlotTable { new: Some(base::new), init: Some(init_system_exit), ..SlotTable::EMPTY },
    getset: &[member!(SystemExit, code).doc("exception code")],
    ..def::<SystemExit>()
};

impl StopIteration {
    /// A new StopIteration with this value.
    pub fn with_value(t: &Thread, value: Value) -> Ref<StopIteration> {
        let e = Exception::allocate(t, exc::StopIteration);
        if !value.is_none() {
            e.set_args(t, Tuple::from_slice(t, &[value]));
        }
        // SAFETY: `allocate` gave it the class's layout.
        let e = unsafe { e.cast::<StopIteration>() };
        e.value.set(t, e, value);
        e
    }
}

fn init_stop_iteration(t: &Thread, e: Value, args: Args<'_>) -> R<()> {
    base::init(t, e, args)?;
    let e = receiver::<StopIteration>(e);
    e.value.set(t, e, args.pos().first().copied().unwrap_or(Value::NONE));
    Ok(())
}

fn init_system_exit(t: &Thread, e: Value, args: Args<'_>) -> R<()> {
    base::init(t, e, args)?;
    let e = receiver::<SystemExit>(e);
    match args.pos() {
        [] => {}
        [code] => e.code.set(t, e, *code),
        _ => e.code.set(t, e, e.base.args.get()),
    }
    Ok(())
}
