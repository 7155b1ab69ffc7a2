//! Struct sequences: tuples whose items have names as well, such as `sys.version_info` and what `os.stat` returns.
//!
//! Some fields may be hidden: they have names but are no items. They lie behind the items in the same cell.

use crate::args::{Args, FnDef, GetSet};
use crate::object::{R, Ref, Slot, ValueExt};
use crate::protocol::{iter, text};
use crate::root::TypeCell;
use crate::slots::{Call, SlotTable};
use crate::thread::Thread;
use crate::types::exceptions::Message;
use crate::types::tuple::TUPLE_OVERHEAD;
use crate::types::{Dict, Str, Tuple, Type, TypeDef, ValueList, builtin, flag};
use limpid_heap::{Kind, Value};

/// A struct sequence type, as it is declared.
pub struct StructSequenceDef {
    /// The type's name, with its module.
    pub name: &'static str,
    /// The documentation string.
    pub doc: &'static str,
    /// The fields' names and documentation; an empty name is an item without a name.
    pub fields: &'static [(&'static str, &'static str)],
    /// How many of them are items.
    pub visible: usize,
    /// May a program make instances?
    pub instantiable: bool,
}

/// How many fields a type may have.
const MAX_FIELDS: usize = 32;

/// A type's declaration with what is needed beyond a plain native type. The type refers to `native`.
#[repr(C)]
struct Declaration {
    native: TypeDef,
    sequence: &'static StructSequenceDef,
}

/// Makes the type and remembers it for native code, unless that was done before: a module that is imported afresh, or by another
/// interpreter, gets the same.
pub fn create_type(t: &Thread, def: &'static StructSequenceDef, cell: &'static TypeCell) -> R<Ref<Type>> {
    if let Some(class) = cell.opt() {
        return Ok(class);
    }
    let class = make_type(t, def)?;
    cell.set(class);
    Ok(class)
}

/// Makes the type.
pub fn make_type(t: &Thread, def: &'static StructSequenceDef) -> R<Ref<Type>> {
    make_type_with(t, def, def.instantiable.then_some(new as Call))
}

/// The same with a constructor of its own.
pub fn make_type_with(t: &Thread, def: &'static StructSequenceDef, constructor: Option<Call>) -> R<Ref<Type>> {
    let named = def.fields.iter().enumerate().filter(|(_, (name, _))| !name.is_empty());
    let getset: Vec<GetSet> = named.map(|(i, (name, doc))| GetSet { name, get: GETTERS[i], set: None, doc, member: true }).collect();
    let declaration = Box::leak(Box::new(Declaration {
        native: TypeDef {
            name: def.name,
            doc: def.doc,
            base: Some(|| builtin::TUPLE),
            flags: if def.instantiable { 0 } else { flag::DISALLOW_INSTANTIATION },
            kind: Kind::Mixed as u8,
            value_slots: 0,
            slots: SlotTable { new: constructor, repr: Some(repr), ..SlotTable::EMPTY },
            methods: METHODS,
            getset: Vec::leak(getset),
            ..TypeDef::of::<Tuple>("")
        },
        sequence: def,
    }));
    let class = Type::from_def(t, &declaration.native);
    let dict = class.dict();
    let unnamed = def.fields[..def.visible].iter().filter(|(name, _)| name.is_empty()).count();
    dict.set_text(t, "n_sequence_fields", Value::int(def.visible as i64))?;
    dict.set_text(t, "n_fields", Value::int(def.fields.len() as i64))?;
    dict.set_text(t, "n_unnamed_fields", Value::int(unnamed as i64))?;
    let mut names = ValueList::new(t);
    for (name, _) in def.fields[..def.visible].iter().filter(|(name, _)| !name.is_empty()) {
        names.push(t, crate::types::str::intern(t, name));
    }
    dict.set_name(t, crate::names::__match_args__, Tuple::from_slice(t, names.as_slice()).value())?;
    Ok(class)
}

/// A new instance: one value for each field, hidden ones included; NULL is None.
pub fn create(t: &Thread, class: Ref<Type>, values: &[Value]) -> R {
    let def = declaration_of(class);
    debug_assert_eq!(values.len(), def.fields.len());
    let attributes = if class.attrs_offset() == 0 { 0 } else { size_of::<Slot>() };
    let size = TUPLE_OVERHEAD + values.len() * size_of::<Slot>() + attributes;
    // SAFETY: room for all fields; the collector looks at all words of instances (kind Mixed).
    let tuple = unsafe { Tuple::build(t, class.instance_header(), size, &values[..def.visible])? };
    for (i, v) in values.iter().enumerate() {
        let v = v.non_null().unwrap_or(Value::NONE);
        // SAFETY: a field of the new instance.
        unsafe { field_slot(tuple, i) }.set(t, tuple, v);
    }
    class.on_new_instance(t, tuple.value());
    Ok(tuple.value())
}

/// The declaration of an instance's class or its nearest native base.
fn declaration_of(class: Ref<Type>) -> &'static StructSequenceDef {
    let native = class.native_def().expect("struct sequences are native types");
    // SAFETY: the functions of this module are slots and methods of types made by `make_type` only, whose declaration begins so.
    unsafe { (*(std::ptr::from_ref(native) as *const Declaration)).sequence }
}

/// # Safety
/// The object is a struct sequence with more than `i` fields.
unsafe fn field_slot<'a>(object: Ref<Tuple>, i: usize) -> &'a Slot {
    // SAFETY: by contract; fields follow the tuple's head.
    unsafe { &*(object.ptr().cast::<u8>().add(TUPLE_OVERHEAD + i * size_of::<Slot>()) as *const Slot) }
}

fn field(object: Value, i: usize) -> Value {
    // SAFETY: called with instances of the module's types and numbers of their fields.
    unsafe { field_slot(Ref::from_value(object), i) }.get()
}

fn get<const I: usize>(_: &Thread, object: Value) -> R {
    Ok(field(object, I))
}

macro_rules! getters {
    ($($i:literal)*) => {
        /// The getter of each field.
        static GETTERS: [fn(&Thread, Value) -> R; MAX_FIELDS] = [$(get::<$i>,)*];
    };
}
getters!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);

const METHODS: &[FnDef] = &[
    FnDef::def("__reduce__", "self, /", reduce),
    FnDef::raw("__replace__", "self, /, **changes", replace)
        .doc("Return a copy of the structure with new values for the specified fields."),
];

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let def = declaration_of(class);
    static SIGNATURE: crate::args::Signature = crate::args::Signature::parse("sequence, dict={}");
    args.bind(t, def.name, &SIGNATURE, |a| {
        let dict = match a[1].non_null() {
            None => None,
            Some(d) => match d.downcast::<Dict>() {
                Some(d) => Some(d),
                None => raise!(t, TypeError, "{}() takes a dict as second arg, if any", def.name),
            },
        };
        let given = match iter::collect(t, a[0]) {
            Ok(given) => given,
            Err(raised) => {
                if t.exception_is(crate::exc::TypeError) {
                    t.take_exception();
                    raise!(t, TypeError, "constructor requires a sequence")
                }
                return Err(raised);
            }
        };
        let (min, max, n) = (def.visible, def.fields.len(), given.len());
        if n < min || n > max {
            let how = match n {
                _ if min == max => "a",
                n if n < min => "an at least",
                _ => "an at most",
            };
            let bound = if n > max { max } else { min };
            raise!(t, TypeError, "{}() takes {how} {bound}-sequence ({n}-sequence given)", def.name)
        }
        let mut values = [Value::NULL; MAX_FIELDS];
        given.iter().enumerate().for_each(|(i, v)| values[i] = v);
        if let Some(dict) = dict {
            let mut found = 0;
            for (i, (name, _)) in def.fields.iter().enumerate().skip(n) {
                if let Some(v) = dict.get_text(t, name) {
                    values[i] = v;
                    found += 1;
                }
            }
            if dict.len() > found {
                raise!(t, TypeError, "{}() got duplicate or unexpected field name(s)", def.name)
            }
        }
        create(t, class, &values[..max])
    })
}

fn repr(t: &Thread, object: Value) -> R {
    t.check_stack("")?;
    let def = declaration_of(object.class());
    let name = if object.class().has(flag::HEAP_TYPE) && object.class().native_def().is_some_and(|n| n.name != def.name) {
        object.class().display_name()
    } else {
        def.name.to_owned()
    };
    let mut message = Message::new(&name).text("(");
    for (i, (name, _)) in def.fields[..def.visible].iter().enumerate() {
        if i > 0 {
            message = message.text(", ");
        }
        let repr = text::repr(t, field(object, i))?;
        message = message.text(name).text("=").add(repr);
    }
    Ok(message.text(")").finish(t)?.value())
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let def = declaration_of(a[0].class());
    let mut items = ValueList::new(t);
    (0..def.visible).for_each(|i| items.push(t, field(a[0], i)));
    let hidden = Dict::new(t);
    for (i, (name, _)) in def.fields.iter().enumerate().skip(def.visible) {
        hidden.set_text(t, name, field(a[0], i))?;
    }
    let args = Tuple::from_slice(t, &[Tuple::from_slice(t, items.as_slice()).value(), hidden.value()]);
    Ok(Tuple::from_slice(t, &[a[0].class().value(), args.value()]).value())
}

fn replace(t: &Thread, args: Args<'_>) -> R {
    let [object] = args.pos() else {
        raise!(t, TypeError, "__replace__() takes no positional arguments ({} given)", args.pos().len().saturating_sub(1))
    };
    let def = declaration_of(object.class());
    if def.fields[..def.visible].iter().any(|(name, _)| name.is_empty()) {
        raise!(t, TypeError, "__replace__() is not supported for {} because it has unnamed field(s)", def.name)
    }
    let mut values = [Value::NULL; MAX_FIELDS];
    (0..def.fields.len()).for_each(|i| values[i] = field(*object, i));
    let mut unknown = ValueList::new(t);
    for (name, value) in args.keywords() {
        let place = name.downcast::<Str>().and_then(|s| def.fields.iter().position(|(field, _)| s.eq_str(field)));
        match place {
            Some(i) => values[i] = value,
            None => unknown.push(t, name),
        }
    }
    if !unknown.is_empty() {
        let names = crate::types::List::from_slice(t, unknown.as_slice())?;
        raise!(t, TypeError, "Got unexpected field name(s): {}", text::repr(t, names.value())?.to_string_lossy())
    }
    create(t, object.class(), &values[..def.fields.len()])
}
