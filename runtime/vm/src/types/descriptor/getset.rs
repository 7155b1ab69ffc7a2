//! `getset_descriptor`: a computed attribute of a native type.

use super::{NAME, OBJCLASS, QUALNAME, base_layout, check_receiver, doc_value, repr};
use crate::args::{GetSet, receiver};
use crate::object::{R, Ref, Slot, header_of};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Type, TypeDef, builtin};
use limpid_heap::{Header, Value};

/// The layout of a getset descriptor.
#[repr(C)]
pub struct GetSetDescriptor {
    header: Header,
    owner: Slot,
    name: Slot,
    def: &'static GetSet,
}

base_layout!(GetSetDescriptor, builtin::GETSET_DESCRIPTOR);

/// `types.GetSetDescriptorType`
pub static GETSET_DESCRIPTOR_DEF: TypeDef = TypeDef {
    slots: SlotTable { repr: Some(|t, d| repr(t, d, "attribute")), descr_get: Some(get), descr_set: Some(set), ..SlotTable::EMPTY },
    getset: &[OBJCLASS, NAME, QUALNAME, GetSet::getter("__doc__", |t, d| Ok(doc_value(t, receiver::<GetSetDescriptor>(d).def.doc)))],
    ..TypeDef::of::<GetSetDescriptor>("getset_descriptor")
};

impl GetSetDescriptor {
    /// The descriptor of a native type's attribute.
    pub fn new(t: &Thread, owner: Ref<Type>, name: Value, def: &'static GetSet) -> Ref<GetSetDescriptor> {
        t.alloc(GetSetDescriptor { header: header_of::<GetSetDescriptor>(), owner: Slot::new(owner.value()), name: Slot::new(name), def })
    }
}

fn get(t: &Thread, descriptor: Value, object: Value, _class: Value) -> R {
    if object.is_null() {
        return Ok(descriptor);
    }
    check_receiver(t, descriptor, object)?;
    (receiver::<GetSetDescriptor>(descriptor).def.get)(t, object)
}

fn set(t: &Thread, descriptor: Value, object: Value, value: Value) -> R<()> {
    check_receiver(t, descriptor, object)?;
    match receiver::<GetSetDescriptor>(descriptor).def.set {
        Some(set) => set(t, object, value),
        None => {
            let d = super::base(descriptor);
            raise!(t, AttributeError, "attribute '{}' of '{}' objects is not writable", d.name_text(), d.owner().display_name())
        }
    }
}
