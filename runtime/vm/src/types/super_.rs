//! `super`

use crate::args::{Args, GetSet, receiver};
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{attr, call};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::descriptor::bind;
use crate::types::{Cell, Str, Type, TypeDef, builtin, flag};
use limpid_bytecode::LocalKind;
use limpid_heap::{Header, Value};

/// The layout of a super object.
#[repr(C)]
pub struct Super {
    header: Header,
    /// The class after which the search begins.
    class: Slot,
    /// The object or class that attributes are bound to; NULL: unbound.
    object: Slot,
    /// The class whose MRO is searched; NULL: unbound.
    object_class: Slot,
}

crate::layout!(Super, builtin::SUPER, Slots);

/// `super`
pub static SUPER_DEF: TypeDef = TypeDef {
    doc: "super() -> same as super(__class__, <first argument>)\nsuper(type) -> unbound super object\n\
        super(type, obj) -> bound super object; requires isinstance(obj, type)\n\
        super(type, type2) -> bound super object; requires issubclass(type2, type)\n\
        Typical use to call a cooperative superclass method:\nclass C(B):\n    def meth(self, arg):\n        super().meth(arg)\n\
        This works for class methods too:\nclass C(B):\n    @classmethod\n    def cmeth(cls, arg):\n        super().cmeth(arg)\n",
    flags: flag::BASE_TYPE,
    slots: SlotTable {
        repr: Some(repr),
        new: Some(|t, class, _| {
            let empty = Super { header: header_of::<Super>(), class: Slot::NULL, object: Slot::NULL, object_class: Slot::NULL };
            // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
            Ok(t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, empty).value())
        }),
        init: Some(init),
        getattribute: Some(get_attribute),
        descr_get: Some(get),
        ..SlotTable::EMPTY
    },
    getset: &[
        GetSet::getter("__thisclass__", |_, s| Ok(receiver::<Super>(s).class.opt().unwrap_or(Value::NONE)))
            .member()
            .doc("the class invoking super()"),
        GetSet::getter("__self__", |_, s| Ok(receiver::<Super>(s).object.opt().unwrap_or(Value::NONE)))
            .member()
            .doc("the instance invoking super(); may be None"),
        GetSet::getter("__self_class__", |_, s| Ok(receiver::<Super>(s).object_class.opt().unwrap_or(Value::NONE)))
            .member()
            .doc("the type of the instance invoking super(); may be None"),
    ],
    ..TypeDef::of::<Super>("super")
};

impl Super {
    /// `super(class, object).name` without making the super object. With `as_method`: what to call and the receiver to pass, or NULL.
    pub fn lookup(t: &Thread, class: Value, object: Value, name: Value, as_method: bool) -> R<(Value, Value)> {
        let Some(start) = class.downcast::<Type>() else {
            raise!(t, TypeError, "super() argument 1 must be a type, not {}", class.class().display_name());
        };
        let searched = check(t, start, object)?;
        // `__class__` is the super object's own.
        let found = if name == names::__class__ { None } else { find_after(searched, start, name) };
        let Some(v) = found else { return Ok((missing(t, start, object, searched, name)?, Value::NULL)) };
        let kind = v.class();
        if as_method && kind.has(flag::METHOD_DESCRIPTOR) && object != searched.value() {
            return Ok((v, object));
        }
        let bound = if object == searched.value() { Value::NULL } else { object };
        Ok((bind(t, v, bound, searched.value())?, Value::NULL))
    }

    /// `super(class, object).name`
    pub fn attribute(t: &Thread, class: Ref<Type>, object: Value, name: Value) -> R {
        Super::lookup(t, class.value(), object, name, false).map(|(v, _)| v)
    }

    fn create(t: &Thread, class: Ref<Type>, object: Value, object_class: Ref<Type>) -> Ref<Super> {
        t.alloc(Super {
            header: header_of::<Super>(),
            class: Slot::new(class.value()),
            object: Slot::new(object),
            object_class: Slot::new(object_class.value()),
        })
    }
}

/// What `super(class, object).name(...)` calls, with `object`, an instance of `own`, in front of the arguments. None: something else is to be
/// done, or that depends on more than the class.
pub fn describe_method(class: Ref<Type>, own: Ref<Type>, name: Value) -> Option<Value> {
    if !own.is_subtype(class) || own.is_subtype(builtin::TYPE) || name == names::__class__ {
        return None;
    }
    find_after(own, class, name).filter(|v| v.class().has(flag::METHOD_DESCRIPTOR))
}

/// What the super object itself has under a name that the classes have not.
#[cold]
fn missing(t: &Thread, class: Ref<Type>, object: Value, searched: Ref<Type>, name: Value) -> R {
    attr::generic_get_attr(t, Super::create(t, class, object, searched).value(), name)
}

/// The first attribute of this name behind `start` in the MRO.
fn find_after(searched: Ref<Type>, start: Ref<Type>, name: Value) -> Option<Value> {
    let order = searched.mro();
    let at = order.as_slice().iter().position(|c| *c == start.value())?;
    order.as_slice()[at + 1..].iter().find_map(|c| {
        // SAFETY: an MRO consists of types.
        unsafe { Ref::<Type>::from_value(*c) }.dict().get_name(name)
    })
}

/// The class whose MRO is searched for `super(class, object)`.
fn check(t: &Thread, class: Ref<Type>, object: Value) -> R<Ref<Type>> {
    if let Some(c) = object.downcast::<Type>().filter(|c| c.is_subtype(class)) {
        return Ok(c);
    }
    let own = object.class();
    if own.is_subtype(class) {
        return Ok(own);
    }
    if let Some(said) = attr::get_attr_opt(t, object, names::__class__)?.and_then(|c| c.downcast::<Type>())
        && said != own
        && said.is_subtype(class)
    {
        return Ok(said);
    }
    let (kind, name) = match object.downcast::<Type>() {
        Some(c) => ("type", c.display_name()),
        None => ("instance of", own.display_name()),
    };
    raise!(t, TypeError, "super(type, obj): obj ({kind} {name}) is not an instance or subtype of type ({}).", class.display_name())
}

fn init(t: &Thread, s: Value, args: Args<'_>) -> R<()> {
    args.no_keywords(t, "super")?;
    let (class, object) = match args.pos() {
        [] => from_frame(t)?,
        [class] => (type_argument(t, *class)?, Value::NULL),
        [class, object] => (type_argument(t, *class)?, if object.is_none() { Value::NULL } else { *object }),
        more => raise!(t, TypeError, "super() expected at most 2 arguments, got {}", more.len()),
    };
    let searched = if object.is_null() { Value::NULL } else { check(t, class, object)?.value() };
    let s = receiver::<Super>(s);
    s.class.set(t, s, class.value());
    s.object.set(t, s, object);
    s.object_class.set(t, s, searched);
    Ok(())
}

fn type_argument(t: &Thread, class: Value) -> R<Ref<Type>> {
    match class.downcast::<Type>() {
        Some(class) => Ok(class),
        None => raise!(t, TypeError, "super() argument 1 must be a type, not {}", class.class().display_name()),
    }
}

/// What `super()` means in the running function: its class cell and its first argument.
fn from_frame(t: &Thread) -> R<(Ref<Type>, Value)> {
    let Some(frame) = t.current_frame() else { raise!(t, RuntimeError, "super(): no current frame") };
    let code = frame.code();
    if code.argcount == 0 {
        raise!(t, RuntimeError, "super(): no arguments");
    }
    let mut object = frame.local(0);
    // The first argument may have become a cell.
    if !object.is_null()
        && code.local_kind(0) & LocalKind::CELL != 0
        && let Some(cell) = object.exact::<Cell>()
    {
        object = cell.get();
    }
    if object.is_null() {
        raise!(t, RuntimeError, "super(): arg[0] deleted");
    }
    let free = (code.nlocalsplus - code.nfree) as usize..code.nlocalsplus as usize;
    for i in free {
        if code.local_name(i) != names::__class__ {
            continue;
        }
        let Some(cell) = frame.local(i).non_null().and_then(|c| c.exact::<Cell>()) else {
            raise!(t, RuntimeError, "super(): bad __class__ cell");
        };
        let Some(class) = cell.get().non_null() else { raise!(t, RuntimeError, "super(): empty __class__ cell") };
        let Some(class) = class.downcast::<Type>() else {
            raise!(t, RuntimeError, "super(): __class__ is not a type ({})", class.class().display_name());
        };
        return Ok((class, object));
    }
    raise!(t, RuntimeError, "super(): __class__ cell not found")
}

fn get_attribute(t: &Thread, s: Value, name: Value) -> R {
    let this = receiver::<Super>(s);
    let (Some(searched), Some(class)) = (this.object_class.opt(), this.class.opt()) else {
        return attr::generic_get_attr(t, s, name);
    };
    if name == names::__class__ || !name.is_instance(builtin::STR) {
        return attr::generic_get_attr(t, s, name);
    }
    // SAFETY: both fields refer to types when they are set.
    let (searched, class) = unsafe { (Ref::<Type>::from_value(searched), Ref::<Type>::from_value(class)) };
    match find_after(searched, class, name) {
        Some(v) => {
            let object = this.object.get();
            let bound = if object == searched.value() { Value::NULL } else { object };
            bind(t, v, bound, searched.value())
        }
        None => attr::generic_get_attr(t, s, name),
    }
}

/// An unbound super object as a class attribute binds to the instance.
fn get(t: &Thread, s: Value, object: Value, _class: Value) -> R {
    let this = receiver::<Super>(s);
    let Some(class) = this.class.opt() else { return Ok(s) };
    if object.is_null() || object.is_none() || this.object.opt().is_some() {
        return Ok(s);
    }
    if s.class() != builtin::SUPER {
        return call::call(t, s.class().value(), &[class, object]);
    }
    // SAFETY: the field refers to a type.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let searched = check(t, class, object)?;
    Ok(Super::create(t, class, object, searched).value())
}

fn repr(t: &Thread, s: Value) -> R {
    let this = receiver::<Super>(s);
    let name = |v: Option<Value>| v.and_then(|c| c.downcast::<Type>()).map_or("NULL".to_string(), |c| c.display_name());
    let class = format!("<class '{}'>", name(this.class.opt()));
    let text = match this.object_class.opt() {
        Some(searched) => format!("<super: {class}, <{} object>>", name(Some(searched))),
        None => format!("<super: {class}, NULL>"),
    };
    Ok(Str::new(t, &text).value())
}
