//! What instances of a class made in Python look like in memory.
//!
//! ```text
//!  0               base's size      basic size
//! +---------------+----------------+--------+--------+-- --+--------+
//! | native part   | __slots__      | dict   | slot 0 | ... | last   |   attributes are added by this class or a base written in Python
//! +---------------+----------------+--------+--------+-- --+--------+
//! | native part with a dict word   | __slots__       |                   exceptions, functions, modules, ...: dict mode only
//! +--------------------------------+-----------------+------+------+
//! | contents of any length                           | __slots__ | dict |   str, int, bytes, tuple: counted from the end
//! +--------------------------------------------------+-----------+------+
//! ```

use crate::object::{R, Ref, ValueExt};
use crate::shape::Shape;
use crate::thread::Thread;
use crate::types::{Str, Tuple, Type, builtin, instance};
use limpid_heap::{Header, Kind, Value};

/// Instances that can have attributes get room for so many, whatever the class says.
const FEWEST_SLOTS: usize = 2;

/// Is it one of the native types whose instances differ in size, or derived from one?
pub fn is_variable(class: Ref<Type>) -> bool {
    [builtin::INT, builtin::STR, builtin::BYTES, builtin::TUPLE].iter().any(|v| class.is_subtype(*v))
}

/// Has the class more in its native part and its members than its base?
fn extends(class: Ref<Type>, base: Ref<Type>) -> bool {
    let members = class.members.opt().and_then(|m| m.downcast::<Tuple>()).is_some_and(|m| !m.is_empty());
    class.basic_size != base.basic_size || members
}

/// The class along the chain of bases that determines the layout.
pub fn solid_base(class: Ref<Type>) -> Ref<Type> {
    let mut class = class;
    while let Some(base) = class.base() {
        if extends(class, base) {
            return class;
        }
        class = base;
    }
    class
}

/// The base whose layout the new class extends.
pub(super) fn best_base(t: &Thread, bases: Ref<Tuple>) -> R<Ref<Type>> {
    let mut best: Option<(Ref<Type>, Ref<Type>)> = None;
    for base in bases.as_slice() {
        let Some(base) = base.downcast::<Type>() else { raise!(t, TypeError, "bases must be types") };
        if !base.has(crate::types::flag::BASE_TYPE) {
            raise!(t, TypeError, "type '{}' is not an acceptable base type", base.display_name());
        }
        let solid = solid_base(base);
        match best {
            Some((_, winner)) if winner.is_subtype(solid) => {}
            Some((_, winner)) if !solid.is_subtype(winner) => {
                raise!(t, TypeError, "multiple bases have instance lay-out conflict")
            }
            _ => best = Some((base, solid)),
        }
    }
    Ok(best.map_or(builtin::OBJECT, |(base, _)| base))
}

/// What a class statement says about the layout of its instances.
pub(super) struct Plan {
    /// The base whose layout is extended.
    pub(super) base: Ref<Type>,
    /// How many members `__slots__` adds.
    pub(super) members: usize,
    /// Do instances get attributes of their own here?
    pub(super) add_dict: bool,
    /// How many attributes methods of the class assign, as the compiler has counted.
    pub(super) static_attributes: usize,
}

impl Plan {
    /// Bytes of native part and members.
    pub(super) fn basic_size(&self) -> usize {
        let base = self.base.basic_size as usize;
        if is_variable(self.base) { base } else { base + self.members * size_of::<Value>() }
    }

    /// How instances are traced.
    pub(super) fn kind(&self) -> u8 {
        let base = self.base;
        let inline = if self.has_inline_slots() { 1 + self.capacity() } else { 0 };
        let extends = self.members > 0 || self.add_dict || inline > 0;
        if base.kind >= Kind::FirstCustom as u8 || !extends {
            return base.kind;
        }
        // All words of the base's layout are counted if it has nothing but values.
        let whole = base.kind == Kind::Slots as u8 && base.value_slots as usize == base.basic_size as usize / 8 - 1;
        let empty = base.basic_size as usize == size_of::<Header>();
        let words = self.basic_size() / 8 - 1 + inline;
        if (whole || empty) && !is_variable(base) && words <= u8::MAX as usize { Kind::Slots as u8 } else { Kind::Mixed as u8 }
    }

    /// The number of values in native part and members, for further derived classes.
    pub(super) fn value_slots(&self) -> u8 {
        u8::try_from(self.basic_size() / 8 - 1).unwrap_or(u8::MAX)
    }

    /// Do instances keep their attributes in slots behind the members?
    fn has_inline_slots(&self) -> bool {
        (self.add_dict || self.base.attrs_offset() != 0) && !is_variable(self.base) && !self.inherits_native_dict()
    }

    /// How many attributes instances will probably have.
    fn expected_attributes(&self) -> usize {
        (self.base.expected_attributes() + self.static_attributes).max(FEWEST_SLOTS)
    }

    /// Inline slots of new instances: others than the methods of the class set attributes, too.
    fn capacity(&self) -> usize {
        let expected = self.expected_attributes();
        instance::inline_capacity(self.basic_size(), expected + expected / 4)
    }

    /// Where member `i` is in an instance: its distance from the end of the object if its place differs, else from the start.
    pub(super) fn member_place(&self, i: usize) -> MemberPlace {
        let word = size_of::<Value>();
        if is_variable(self.base) {
            // The last word is the dict's.
            MemberPlace::FromEnd((tail_members(self.base) + i + 2) * word)
        } else {
            MemberPlace::Offset(self.base.basic_size as usize + i * word)
        }
    }

    fn inherits_native_dict(&self) -> bool {
        let offset = self.base.attrs_offset();
        offset != 0 && offset != Type::VARIABLE && offset < self.base.basic_size as usize
    }

    /// Gives the class its shapes and sizes.
    pub(super) fn apply(&self, t: &Thread, class: Ref<Type>) {
        let inherited = self.base.attrs_offset();
        let has_attrs = self.add_dict || inherited != 0;
        let mut capacity = 0;
        if is_variable(self.base) {
            let members = tail_members(self.base) + self.members;
            if has_attrs || members > 0 {
                class.set_tail_words(members + 1);
            }
            if has_attrs {
                class.set_native_attrs(Type::VARIABLE);
            }
        } else if self.inherits_native_dict() {
            class.set_native_attrs(inherited);
        } else if has_attrs {
            capacity = self.capacity();
            class.set_attrs(self.basic_size(), capacity);
            class.set_expected_attributes(self.expected_attributes());
        }
        let dict_only = has_attrs && capacity == 0;
        let shape = if dict_only { Shape::new_dict_mode(t, class) } else { Shape::new_root(t, class, capacity) };
        class.shape.set(t, class, shape.value());
        if has_attrs {
            let dict_shape = if dict_only { shape } else { Shape::new_dict_mode(t, class) };
            class.dict_shape.set(t, class, dict_shape.value());
        }
    }
}

/// Where a member of `__slots__` is.
pub(super) enum MemberPlace {
    /// So many bytes from the start of the object.
    Offset(usize),
    /// So many bytes before its end.
    FromEnd(usize),
}

/// How many members classes derived from a type of variable size have declared so far.
fn tail_members(class: Ref<Type>) -> usize {
    (class.tail_size() / size_of::<Value>()).saturating_sub(1)
}

/// The name of a private member as it is stored: `__x` in class `C` is `_C__x`.
pub(super) fn mangle(t: &Thread, class_name: &str, name: Ref<Str>) -> Value {
    let text = name.to_string_lossy();
    let class = class_name.trim_start_matches('_');
    if !text.starts_with("__") || text.ends_with("__") || text.contains('.') || class.is_empty() {
        return crate::types::str::intern(t, &text);
    }
    crate::types::str::intern(t, &format!("_{class}{text}"))
}
