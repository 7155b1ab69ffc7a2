//! `member_descriptor`: a member that a class declares in `__slots__`, or a plain field of a native type.

use super::{NAME, OBJCLASS, QUALNAME, REDUCE, base_layout, check_receiver, doc_value, repr, text};
use crate::args::{GetSet, receiver};
use crate::object::{R, Raised, Ref, Slot, ValueExt, header_of};
use crate::protocol::attr;
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::dict::full_name;
use crate::types::{Type, TypeDef, builtin, instance};
use limpid_heap::{Header, Value, cell_size};

/// Where a member is.
#[derive(Clone, Copy)]
enum Place {
    /// At this offset from the start of the object.
    Offset(u16),
    /// So many bytes before the end of the object: in classes derived from types of variable size.
    FromEnd(u16),
    /// A field of a native type, by functions.
    Native(&'static GetSet),
}

/// The layout of a member descriptor.
#[repr(C)]
pub struct MemberDescriptor {
    header: Header,
    owner: Slot,
    name: Slot,
    place: Place,
}

base_layout!(MemberDescriptor, builtin::MEMBER_DESCRIPTOR);

/// `types.MemberDescriptorType`
pub static MEMBER_DESCRIPTOR_DEF: TypeDef = TypeDef {
    slots: SlotTable { repr: Some(|t, d| repr(t, d, "member")), descr_get: Some(get), descr_set: Some(set), ..SlotTable::EMPTY },
    methods: &[REDUCE],
    getset: &[OBJCLASS, NAME, QUALNAME, GetSet::getter("__doc__", doc)],
    ..TypeDef::of::<MemberDescriptor>("member_descriptor")
};

impl MemberDescriptor {
    fn create(t: &Thread, owner: Ref<Type>, name: Value, place: Place) -> Ref<MemberDescriptor> {
        t.alloc(MemberDescriptor { header: header_of::<MemberDescriptor>(), owner: Slot::new(owner.value()), name: Slot::new(name), place })
    }

    /// A member at an offset of the object.
    pub(crate) fn at(t: &Thread, owner: Ref<Type>, name: Value, offset: usize) -> Ref<MemberDescriptor> {
        MemberDescriptor::create(t, owner, name, Place::Offset(offset as u16))
    }

    /// A member so many bytes before the end of the object.
    pub(crate) fn from_end(t: &Thread, owner: Ref<Type>, name: Value, distance: usize) -> Ref<MemberDescriptor> {
        MemberDescriptor::create(t, owner, name, Place::FromEnd(distance as u16))
    }

    /// A field of a native type.
    pub(crate) fn native(t: &Thread, owner: Ref<Type>, name: Value, def: &'static GetSet) -> Ref<MemberDescriptor> {
        MemberDescriptor::create(t, owner, name, Place::Native(def))
    }

    /// The class that declares it.
    pub fn owner(&self) -> Ref<Type> {
        // SAFETY: the field always refers to a type.
        unsafe { Ref::from_value(self.owner.get()) }
    }

    /// Its name, interned.
    pub fn name(&self) -> Value {
        self.name.get()
    }

    /// The offset of its word, if that is the same in all objects.
    pub fn fixed_offset(&self) -> Option<u16> {
        match self.place {
            Place::Offset(offset) => Some(offset),
            _ => None,
        }
    }
}

fn word<'a>(object: Value, place: Place) -> Option<&'a Slot> {
    let offset = match place {
        Place::Offset(offset) => offset as usize,
        Place::FromEnd(distance) => cell_size(object) - distance as usize,
        Place::Native(_) => return None,
    };
    // SAFETY: the receiver was checked, so its layout has a value word there.
    Some(unsafe { instance::word(object, offset) })
}

fn get(t: &Thread, descriptor: Value, object: Value, _class: Value) -> R {
    if object.is_null() {
        return Ok(descriptor);
    }
    check_receiver(t, descriptor, object)?;
    let d = receiver::<MemberDescriptor>(descriptor);
    match (word(object, d.place), d.place) {
        (Some(word), _) => word.opt().ok_or_else(|| raise_unset(t, object, d.name.get())),
        (None, Place::Native(def)) => (def.get)(t, object),
        (None, _) => Err(raise_unset(t, object, d.name.get())),
    }
}

/// AttributeError for a member of `__slots__` that is not set.
#[cold]
fn raise_unset(t: &Thread, object: Value, name: Value) -> Raised {
    let message = format!("'{}' object has no attribute '{}'", full_name(object.class()), text(name));
    attr::raise_attribute_error(t, &message, object, name)
}

fn set(t: &Thread, descriptor: Value, object: Value, value: Value) -> R<()> {
    check_receiver(t, descriptor, object)?;
    let d = receiver::<MemberDescriptor>(descriptor);
    let Some(word) = word(object, d.place) else {
        return match d.place {
            Place::Native(GetSet { set: Some(set), .. }) => set(t, object, value),
            _ => raise!(t, AttributeError, "readonly attribute"),
        };
    };
    if value.is_null() {
        let taken = word.take().ok_or_else(|| attr::raise_attribute_error(t, &text(d.name.get()), object, d.name.get()));
        return taken.map(|_| ());
    }
    // SAFETY: the word lies in the object.
    word.set(t, unsafe { Ref::<u8>::from_value(object) }, value);
    Ok(())
}

fn doc(t: &Thread, descriptor: Value) -> R {
    Ok(match receiver::<MemberDescriptor>(descriptor).place {
        Place::Native(def) => doc_value(t, def.doc),
        _ => Value::NONE,
    })
}
