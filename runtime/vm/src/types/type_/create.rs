//! Making a class: what a class statement and `type(name, bases, dict)` do.

use crate::args::Args;
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, call, iter};
use crate::slots::{Call, SlotTable};
use crate::thread::Thread;
use crate::types::descriptor::{ClassMethod, GetSetDescriptor, MemberDescriptor, StaticMethod, text};
use crate::types::str::intern_name;
use crate::types::type_::layout::{self, MemberPlace, Plan};
use crate::types::type_::{attributes, lookup, mro, subclasses, update};
use crate::types::{Cell, Dict, Function, Str, Tuple, Type, ValueList, builtin, flag, instance};
use limpid_heap::{Header, Kind, Value};

/// `type.__new__(metaclass, name, bases, dict, **keywords)`
pub(super) fn type_new(t: &Thread, metaclass: Value, args: Args<'_>) -> R {
    let a = args.pos();
    if a.len() != 3 {
        raise!(t, TypeError, "type.__new__() takes exactly 3 arguments ({} given)", a.len());
    }
    let expect =
        |i: usize, what: &str| err!(t, TypeError, "type.__new__() argument {} must be {what}, not {}", i + 1, a[i].class().display_name());
    let name = a[0].downcast::<Str>().ok_or_else(|| expect(0, "str"))?;
    let bases = a[1].downcast::<Tuple>().ok_or_else(|| expect(1, "tuple"))?;
    let namespace = a[2].downcast::<Dict>().ok_or_else(|| expect(2, "dict"))?;
    // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
    let metaclass = unsafe { Ref::<Type>::from_value(metaclass) };
    for base in bases.as_slice() {
        if !base.is_instance(builtin::TYPE) && attr::get_attr_opt(t, *base, names::__mro_entries__)?.is_some() {
            raise!(t, TypeError, "type() doesn't support MRO entry resolution; use types.new_class()");
        }
    }
    let winner = calculate_metaclass(t, metaclass, bases)?;
    if winner != metaclass
        && let Some(new) = winner.slots().new
        && !std::ptr::fn_addr_eq(new, type_new as Call)
    {
        return new(t, winner.value(), args);
    }
    let class = build(t, winner, name, bases, namespace)?;
    lookup::set_names(t, class)?;
    init_subclass(t, class, args)?;
    Ok(class.value())
}

/// A class for native code: `type(name, bases, namespace)`.
pub fn new_class(t: &Thread, name: &str, bases: &[Value], namespace: Ref<Dict>) -> R<Ref<Type>> {
    let args = [Str::new(t, name).value(), Tuple::from_slice(t, bases).value(), namespace.value()];
    let class = call::call(t, builtin::TYPE.value(), &args)?;
    // SAFETY: calling `type` with three arguments makes a class.
    Ok(unsafe { Ref::from_value(class) })
}

/// The most derived of a metaclass and those of the bases.
pub(crate) fn calculate_metaclass(t: &Thread, metaclass: Ref<Type>, bases: Ref<Tuple>) -> R<Ref<Type>> {
    let mut winner = metaclass;
    for base in bases.as_slice() {
        let other = base.class();
        if winner.is_subtype(other) {
            continue;
        }
        if !other.is_subtype(winner) {
            raise!(
                t,
                TypeError,
                "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the metaclasses of all its bases"
            );
        }
        winner = other;
    }
    Ok(winner)
}

fn build(t: &Thread, metaclass: Ref<Type>, name: Ref<Str>, bases: Ref<Tuple>, namespace: Ref<Dict>) -> R<Ref<Type>> {
    let bases = if bases.is_empty() { Tuple::from_slice(t, &[builtin::OBJECT.value()]) } else { bases };
    let base = layout::best_base(t, bases)?;
    attributes::check_class_name(t, name)?;
    // Another order than the dict's own, as an OrderedDict may have, is the namespace's.
    let dict = Dict::new(t);
    dict.merge_mapping(t, namespace.value(), true)?;
    let mut position = 0;
    while let Some((key, _)) = dict.next_entry(&mut position) {
        if !key.is_instance(builtin::STR) {
            let text = format!("non-string key in the __dict__ of class {}", name.to_string_lossy());
            crate::modules::warnings::warn(t, crate::exc::RuntimeWarning, &text, 1)?;
            break;
        }
    }
    let slots = declared_slots(t, name, base, bases, dict)?;
    let plan = Plan {
        base,
        members: slots.members.len(),
        add_dict: slots.add_dict,
        static_attributes: dict.get_name(names::__static_attributes__).and_then(|v| v.downcast::<Tuple>()).map_or(0, |names| names.len()),
    };
    let header = Header::new(metaclass.root_shape(), Kind::Mixed, 0);
    let mut flags = flag::HEAP_TYPE | flag::BASE_TYPE | base.flags() & flag::INHERITED;
    if slots.add_weakref {
        flags |= flag::WEAK_REFERENCES;
    }
    let raw = Type::new_raw(header, base.def, SlotTable::EMPTY, flags, plan.kind(), plan.value_slots(), plan.basic_size());
    let class = t.alloc_cell(raw);
    class.name.set(t, class, name.value());
    // `mro()` of a metaclass can get hold of the class before it has an order.
    class.mro.set(t, class, Tuple::from_slice(t, &[]).value());
    class.dict.set(t, class, dict.value());
    class.base.set(t, class, base.value());
    class.bases.set(t, class, bases.value());
    plan.apply(t, class);
    set_qualname(t, class, dict, name)?;
    set_defaults(t, dict)?;
    add_members(t, class, &plan, slots.members)?;
    if slots.add_dict && dict.get_name(names::__dict__).is_none() {
        let descriptor = GetSetDescriptor::new(t, class, names::__dict__, &instance::DICT);
        dict.set_name(t, names::__dict__, descriptor.value())?;
    }
    if slots.add_weakref && dict.get_name(names::__weakref__).is_none() {
        let descriptor = GetSetDescriptor::new(t, class, names::__weakref__, &instance::WEAKREF);
        dict.set_name(t, names::__weakref__, descriptor.value())?;
    }
    // After the members, one of which it may be.
    if dict.get_name(names::__doc__).is_none() {
        dict.set_name(t, names::__doc__, Value::NONE)?;
    }
    take_cell(t, dict, names::__classcell__, class.value())?;
    take_cell(t, dict, names::__classdictcell__, dict.value())?;
    let order = mro::compute(t, class)?;
    class.mro.set(t, class, order.value());
    inherit_pattern_flags(class);
    update::fill(t, class);
    for base in bases.as_slice() {
        // SAFETY: `best_base` has checked that bases are types.
        subclasses::add(t, unsafe { Ref::from_value(*base) }, class);
    }
    Ok(class)
}

/// Flags that come from any class along the MRO, not only from the base that determines the layout.
fn inherit_pattern_flags(class: Ref<Type>) {
    for c in class.mro().as_slice() {
        // SAFETY: an MRO consists of types.
        let c = unsafe { Ref::<Type>::from_value(*c) };
        let kind = c.flags() & (flag::SEQUENCE | flag::MAPPING);
        if kind != 0 {
            class.change_flags(kind, 0);
            break;
        }
    }
}

fn set_qualname(t: &Thread, class: Ref<Type>, dict: Ref<Dict>, name: Ref<Str>) -> R<()> {
    let qualname = match dict.remove(t, names::__qualname__)? {
        Some(v) if !v.is_instance(builtin::STR) => {
            raise!(t, TypeError, "type __qualname__ must be a str, not {}", v.class().display_name())
        }
        Some(v) => v,
        None => name.value(),
    };
    class.qualname.set(t, class, qualname);
    Ok(())
}

/// Adds what every namespace has, and wraps the functions that are class or static methods without saying so.
fn set_defaults(t: &Thread, dict: Ref<Dict>) -> R<()> {
    if dict.get_name(names::__module__).is_none()
        && let Some(frame) = t.current_frame()
        && let Some(module) = frame.function().globals.get().downcast::<Dict>().and_then(|g| g.get_name(names::__name__))
    {
        dict.set_name(t, names::__module__, module)?;
    }
    if let Some(f) = dict.get_name(names::__new__).filter(|f| f.exact::<Function>().is_some()) {
        dict.set_name(t, names::__new__, StaticMethod::new(t, f).value())?;
    }
    for name in [names::__init_subclass__, names::__class_getitem__] {
        if let Some(f) = dict.get_name(name).filter(|f| f.exact::<Function>().is_some()) {
            dict.set_name(t, name, ClassMethod::new(t, f).value())?;
        }
    }
    if dict.get_name(names::__eq__).is_some() && dict.get_name(names::__hash__).is_none() {
        dict.set_name(t, names::__hash__, Value::NONE)?;
    }
    Ok(())
}

/// Fills a cell that the class statement has left in the namespace for its nested functions.
fn take_cell(t: &Thread, dict: Ref<Dict>, name: Value, content: Value) -> R<()> {
    let Some(v) = dict.remove(t, name)? else { return Ok(()) };
    let Some(cell) = v.exact::<Cell>() else {
        let kind = crate::protocol::text::repr(t, v.class().value())?;
        raise!(t, TypeError, "{} must be a nonlocal cell, not {}", text(name), kind.to_string_lossy());
    };
    cell.set(t, content);
    Ok(())
}

/// What a class says about the members of its instances.
struct Declared {
    /// The names of `__slots__`, mangled, interned and sorted.
    members: ValueList,
    add_dict: bool,
    add_weakref: bool,
}

fn declared_slots(t: &Thread, class_name: Ref<Str>, base: Ref<Type>, bases: Ref<Tuple>, dict: Ref<Dict>) -> R<Declared> {
    let may_add_dict = base.attrs_offset() == 0 && !base.has(flag::TYPE_SUBCLASS);
    let may_add_weakref = !base.has(flag::WEAK_REFERENCES);
    let mut declared = Declared { members: ValueList::new(t), add_dict: may_add_dict, add_weakref: may_add_weakref };
    let Some(slots) = dict.get_name(names::__slots__) else { return Ok(declared) };
    (declared.add_dict, declared.add_weakref) = (false, false);
    let slots = if slots.is_instance(builtin::STR) { Tuple::from_slice(t, &[slots]) } else { iter::to_tuple(t, slots)? };
    let sized_differently = base.is_subtype(builtin::INT) || base.is_subtype(builtin::BYTES) || base.is_subtype(builtin::TUPLE);
    if !slots.is_empty() && (sized_differently || base.has(flag::TYPE_SUBCLASS)) {
        raise!(t, TypeError, "nonempty __slots__ not supported for subtype of '{}'", base.display_name());
    }
    let class_text = class_name.to_string_lossy().into_owned();
    for item in slots.as_slice() {
        let Some(name) = item.downcast::<Str>() else {
            raise!(t, TypeError, "__slots__ items must be strings, not '{}'", item.class().display_name());
        };
        if !is_identifier(name) {
            raise!(t, TypeError, "__slots__ must be identifiers");
        }
        let plain = intern_name(t, *item)?;
        if plain == names::__dict__ {
            if !may_add_dict || declared.add_dict {
                raise!(t, TypeError, "__dict__ slot disallowed: we already got one");
            }
            declared.add_dict = true;
        } else if plain == names::__weakref__ {
            if !may_add_weakref || declared.add_weakref {
                raise!(t, TypeError, "__weakref__ slot disallowed: we already got one");
            }
            declared.add_weakref = true;
        } else {
            let mangled = layout::mangle(t, &class_text, name);
            let allowed = [names::__qualname__, names::__classcell__, names::__classdictcell__];
            if dict.get_name(mangled).is_some() && !allowed.contains(&mangled) {
                let shown = crate::protocol::text::repr(t, mangled)?;
                raise!(t, ValueError, "{} in __slots__ conflicts with class variable", shown.to_string_lossy());
            }
            declared.members.push(t, mangled);
        }
    }
    declared.members = sorted(t, declared.members);
    // Other bases may have what `__slots__` has not asked for.
    for other in bases.as_slice() {
        // SAFETY: `best_base` has checked that bases are types.
        let other = unsafe { Ref::<Type>::from_value(*other) };
        declared.add_dict |= may_add_dict && other.attrs_offset() != 0;
        declared.add_weakref |= may_add_weakref && other.has(flag::WEAK_REFERENCES);
    }
    Ok(declared)
}

fn is_identifier(name: Ref<Str>) -> bool {
    use crate::types::str::unicode::{is_identifier_continue, is_identifier_start};
    let mut chars = name.code_points();
    chars.next().is_some_and(is_identifier_start) && chars.all(is_identifier_continue)
}

/// Names in alphabetical order.
fn sorted(t: &Thread, names: ValueList) -> ValueList {
    let mut order: Vec<(String, usize)> = names.iter().enumerate().map(|(i, name)| (text(name), i)).collect();
    order.sort();
    let mut out = ValueList::with_capacity(t, names.len());
    order.iter().for_each(|(_, i)| out.push(t, names.get(*i)));
    out
}

fn add_members(t: &Thread, class: Ref<Type>, plan: &Plan, members: ValueList) -> R<()> {
    let mut descriptors = ValueList::with_capacity(t, members.len());
    for (i, name) in members.iter().enumerate() {
        let descriptor = match plan.member_place(i) {
            MemberPlace::Offset(offset) => MemberDescriptor::at(t, class, name, offset),
            MemberPlace::FromEnd(distance) => MemberDescriptor::from_end(t, class, name, distance),
        };
        class.dict().set_default(t, name, descriptor.value())?;
        descriptors.push(t, descriptor.value());
    }
    if !descriptors.is_empty() {
        class.members.set(t, class, Tuple::from_slice(t, descriptors.as_slice()).value());
    }
    Ok(())
}

/// `super(cls, cls).__init_subclass__(**keywords)`
fn init_subclass(t: &Thread, class: Ref<Type>, args: Args<'_>) -> R<()> {
    let method = crate::types::Super::attribute(t, class, class.value(), names::__init_subclass__)?;
    call::call_args(t, method, Args::with_keywords(&args.all()[args.pos().len()..], args.names())).map(|_| ())
}
