//! `PickleBuffer`: an object whose memory may be pickled out of band.

use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, Signature, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::call;
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::{self, Memoryview, get_buffer_with, has_buffer};
use limpid_vm::types::{Type, TypeDef, flag};
use limpid_vm::{layout, raise};

/// The layout.
#[repr(C)]
pub struct PickleBuffer {
    header: Header,
    /// The object, NULL when it was released.
    object: Slot,
    /// A memoryview of it: so its memory stays.
    view: Slot,
}

/// `_pickle.PickleBuffer`
pub static PICKLE_BUFFER: TypeCell = TypeCell::new();
layout!(PickleBuffer, PICKLE_BUFFER.get(), Slots);

impl PickleBuffer {
    /// The view of the memory.
    pub fn view(&self, t: &Thread) -> R {
        match self.view.opt() {
            Some(view) => Ok(view),
            None => raise!(t, ValueError, "operation forbidden on released PickleBuffer object"),
        }
    }
}

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("object, /");
    args.bind(t, "PickleBuffer", &SIGNATURE, |a| {
        if !has_buffer(a[0]) {
            raise!(t, TypeError, "a bytes-like object is required, not '{}'", a[0].class().display_name())
        }
        let view = memory::of_object(t, a[0])?;
        // SAFETY: `__new__` is called with a class.
        let class = unsafe { Ref::<Type>::from_value(class) };
        Ok(t.alloc_instance(class, PickleBuffer { header: header_of::<PickleBuffer>(), object: Slot::new(a[0]), view: Slot::new(view) })
            .value())
    })
}

fn raw(t: &Thread, a: &[Value]) -> R {
    match receiver::<PickleBuffer>(a[0]).view(t)?.downcast::<Memoryview>() {
        Some(view) => view.flattened(t),
        None => Ok(Value::NONE),
    }
}

/// `_pickle.PickleBuffer`
pub static PICKLE_BUFFER_DEF: TypeDef = TypeDef {
    doc: "Wrapper for potentially out-of-band buffers",
    flags: flag::WEAK_REFERENCES,
    slots: SlotTable {
        new: Some(new),
        buffer: Some(|t, v, flags| {
            let this = receiver::<PickleBuffer>(v);
            this.view(t)?;
            get_buffer_with(t, this.object.get(), flags)
        }),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("raw", "self, /", raw).doc("Return a memoryview of the raw memory underlying this buffer."),
        FnDef::def("release", "self, /", |t, a| {
            let this = receiver::<PickleBuffer>(a[0]);
            if let Some(view) = this.view.opt() {
                this.view.set(t, this, Value::NULL);
                this.object.set(t, this, Value::NULL);
                call::call_method_text(t, view, "release", &[])?;
            }
            Ok(Value::NONE)
        })
        .doc("Release the underlying buffer controlled by the PickleBuffer object."),
    ],
    ..TypeDef::of::<PickleBuffer>("_pickle.PickleBuffer")
};
