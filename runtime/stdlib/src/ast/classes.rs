//! The classes of nodes, made from the [table](super::asdl), and what they inherit from `AST`.

use super::asdl::{Count, FieldType, Kind, Places, SUMS, Sum};
use limpid_heap::Value;
use limpid_vm::args::{Args, FnDef};
use limpid_vm::modules::warnings;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{attr, call, iter, sequence, text};
use limpid_vm::root::Root;
use limpid_vm::thread::Thread;
use limpid_vm::types::descriptor::MethodDescriptor;
use limpid_vm::types::generic_alias::GenericAlias;
use limpid_vm::types::repr::{ReprGuard, ReprText};
use limpid_vm::types::str::intern;
use limpid_vm::types::union::Union;
use limpid_vm::types::{Dict, List, Set, Str, Tuple, Type, ValueList, builtin, generic_alias, instance, type_, union};
use limpid_vm::{names, raise};

/// Three tuples: the classes by [`Kind`], those by [`Sum`], and the names of the fields by kind; then AST, and the instances of the classes
/// without fields by kind (None for others).
static STATE: Root = Root::new();

/// The classes and what belongs to them.
#[derive(Clone, Copy)]
pub(super) struct Classes {
    kinds: Ref<Tuple>,
    sums: Ref<Tuple>,
    fields: Ref<Tuple>,
    ast: Ref<Type>,
    singletons: Ref<Tuple>,
    places: Ref<Tuple>,
}

impl Classes {
    /// The classes, made when they are first asked for.
    pub fn get(t: &Thread) -> R<Classes> {
        let state = match STATE.opt() {
            Some(state) => state,
            None => {
                let made = create(t)?;
                // Another thread may have been faster.
                STATE.opt().unwrap_or_else(|| {
                    STATE.set(made);
                    made
                })
            }
        };
        Ok(Classes::in_state(state))
    }

    fn in_state(state: Value) -> Classes {
        // SAFETY: `create` made it of tuples and a class.
        unsafe {
            let state = Ref::<Tuple>::from_value(state);
            Classes {
                kinds: Ref::from_value(state.get(0)),
                sums: Ref::from_value(state.get(1)),
                fields: Ref::from_value(state.get(2)),
                ast: Ref::from_value(state.get(3)),
                singletons: Ref::from_value(state.get(4)),
                places: Ref::from_value(state.get(5)),
            }
        }
    }

    /// The classes, if they have been made.
    pub fn known() -> Option<Classes> {
        STATE.opt().map(Classes::in_state)
    }

    /// `AST`
    pub fn ast(&self) -> Ref<Type> {
        self.ast
    }

    /// A class.
    pub fn kind(&self, kind: Kind) -> Ref<Type> {
        // SAFETY: the tuple holds classes.
        unsafe { Ref::from_value(self.kinds.get(kind as usize)) }
    }

    /// A class that others derive from.
    pub fn sum(&self, sum: Sum) -> Ref<Type> {
        // SAFETY: the tuple holds classes.
        unsafe { Ref::from_value(self.sums.get(sum as usize)) }
    }

    /// The names of a class's fields.
    pub fn field_names(&self, kind: Kind) -> &'static [Value] {
        // SAFETY: the tuple holds tuples.
        unsafe { Ref::<Tuple>::from_value(self.fields.get(kind as usize)) }.as_slice()
    }

    /// `lineno`, `col_offset`, `end_lineno`, `end_col_offset`
    pub fn place_names(&self) -> &'static [Value] {
        self.places.as_slice()
    }

    /// The one instance of a class without fields and places.
    pub fn singleton(&self, kind: Kind) -> Option<Value> {
        Some(self.singletons.get(kind as usize)).filter(|v| !v.is_none())
    }
}

const PLACE_NAMES: [&str; 4] = ["lineno", "col_offset", "end_lineno", "end_col_offset"];

fn name_tuple<'n>(t: &Thread, names: impl Iterator<Item = &'n str>) -> Value {
    let mut list = ValueList::with_capacity(t, 8);
    names.for_each(|name| list.push(t, intern(t, name)));
    Tuple::from_slice(t, list.as_slice()).value()
}

fn create(t: &Thread) -> R {
    let empty = t.empty_tuple();
    let places = name_tuple(t, PLACE_NAMES.into_iter());
    let ast = class(t, "AST", builtin::OBJECT, empty, Value::NONE)?;
    attr::set_attr(t, ast.value(), intern(t, "_attributes"), empty)?;
    for method in METHODS {
        let name = intern(t, method.name);
        attr::set_attr(t, ast.value(), name, MethodDescriptor::new(t, ast, name, method).value())?;
    }
    let mut sums = ValueList::with_capacity(t, SUMS.len());
    for (sum, name, has_places) in SUMS {
        let made = class(t, name, ast, empty, Str::new(t, &sum.production()).value())?;
        set_places(t, made, *has_places, places)?;
        sums.push(t, made.value());
    }
    let mut kinds = ValueList::with_capacity(t, Kind::ALL.len());
    let mut fields = ValueList::with_capacity(t, Kind::ALL.len());
    let mut singletons = ValueList::with_capacity(t, Kind::ALL.len());
    for kind in Kind::ALL {
        let of = kind.class();
        // SAFETY: the list holds classes.
        let base = of.sum.map_or(ast, |sum| unsafe { Ref::from_value(sums.as_slice()[sum as usize]) });
        let names = name_tuple(t, of.fields.iter().map(|field| field.name));
        let made = class(t, of.name, base, names, Str::new(t, &of.production).value())?;
        if of.sum.is_none() {
            set_places(t, made, of.places, places)?;
        }
        for (field, name) in of.fields.iter().zip(names.downcast::<Tuple>().into_iter().flat_map(|names| names.as_slice())) {
            if field.count == Count::Optional {
                attr::set_attr(t, made.value(), *name, Value::NONE)?;
            }
        }
        kinds.push(t, made.value());
        fields.push(t, names);
        let is_single = of.fields.is_empty() && of.places == Places::None && of.sum != Some(Sum::Mod);
        singletons.push(t, if is_single { type_::alloc_instance(t, made)? } else { Value::NONE });
    }
    let tuple = |list: &ValueList| Tuple::from_slice(t, list.as_slice()).value();
    let state = [tuple(&kinds), tuple(&sums), tuple(&fields), ast.value(), tuple(&singletons), places];
    for kind in Kind::ALL {
        set_field_types(t, *kind, kinds.as_slice(), sums.as_slice(), fields.as_slice())?;
    }
    Ok(Tuple::from_slice(t, &state).value())
}

fn class(t: &Thread, name: &str, base: Ref<Type>, fields: Value, doc: Value) -> R<Ref<Type>> {
    let namespace = Dict::new(t);
    namespace.set_text(t, "_fields", fields)?;
    namespace.set_text(t, "__match_args__", fields)?;
    namespace.set_text(t, "__module__", Str::new(t, "ast").value())?;
    namespace.set_text(t, "__doc__", doc)?;
    type_::new_class(t, name, &[base.value()], namespace)
}

fn set_places(t: &Thread, class: Ref<Type>, places: Places, names: Value) -> R<()> {
    let attributes = if places == Places::None { t.empty_tuple() } else { names };
    attr::set_attr(t, class.value(), intern(t, "_attributes"), attributes)?;
    if places == Places::OptionalEnd {
        for name in ["end_lineno", "end_col_offset"] {
            attr::set_attr(t, class.value(), intern(t, name), Value::NONE)?;
        }
    }
    Ok(())
}

fn set_field_types(t: &Thread, kind: Kind, kinds: &[Value], sums: &[Value], fields: &[Value]) -> R<()> {
    let types = Dict::new(t);
    // SAFETY: the list holds tuples.
    let names = unsafe { Ref::<Tuple>::from_value(fields[kind as usize]) };
    for (field, name) in kind.class().fields.iter().zip(names.as_slice()) {
        let of = match field.of {
            FieldType::Identifier | FieldType::String => builtin::STR.value(),
            FieldType::Int => builtin::INT.value(),
            FieldType::Constant => builtin::OBJECT.value(),
            FieldType::Sum(sum) => sums[sum as usize],
            FieldType::Product(kind) => kinds[kind as usize],
        };
        let list_of = |item: Value| generic_alias::new(t, builtin::LIST.value(), item, false);
        let of = match field.count {
            Count::One => of,
            Count::Optional => union::or_any(t, of, Value::NONE)?,
            Count::List | Count::ListWithGaps => list_of(of),
        };
        types.set_name(t, *name, of)?;
    }
    attr::set_attr(t, kinds[kind as usize], intern(t, "_field_types"), types.value())?;
    attr::set_attr(t, kinds[kind as usize], names::__annotations__, types.value())
}

static METHODS: &[FnDef] = &[
    FnDef::raw("__init__", "self, /, *args, **kwargs", init).doc("Initialize self.  See help(type(self)) for accurate signature."),
    FnDef::def("__repr__", "self, /", |t, a| node_repr(t, a[0], REPR_DEPTH)).doc("Return repr(self)."),
    FnDef::def("__reduce__", "self, /", reduce),
    FnDef::raw("__replace__", "self, /, **fields", replace).doc("Return a copy of the AST node with new values for the specified fields."),
];

/// How deep a repr goes.
const REPR_DEPTH: u32 = 3;

fn class_attribute(t: &Thread, node: Value, name: &str) -> R<Option<Value>> {
    attr::get_attr_opt(t, node.class().value(), intern(t, name))
}

/// An attribute of a node's class that is a sequence, as a list.
fn class_names(t: &Thread, node: Value, name: &str) -> R<ValueList> {
    match class_attribute(t, node, name)? {
        Some(names) => iter::collect(t, names),
        None => Ok(ValueList::with_capacity(t, 0)),
    }
}

fn init(t: &Thread, args: Args<'_>) -> R {
    let (node, given) = match args.pos() {
        [node, given @ ..] => (*node, given),
        [] => raise!(t, TypeError, "descriptor '__init__' of 'ast.AST' object needs an argument"),
    };
    let class = node.class().display_name();
    let fields = class_names(t, node, "_fields")?;
    let fields = fields.as_slice();
    if given.len() > fields.len() {
        let s = if fields.len() == 1 { "" } else { "s" };
        raise!(t, TypeError, "{class} constructor takes at most {} positional argument{s}", fields.len())
    }
    let remaining = Set::new(t);
    for name in fields {
        remaining.add(t, *name)?;
    }
    for (name, v) in fields.iter().zip(given) {
        attr::set_attr(t, node, *name, *v)?;
        remaining.discard(t, *name)?;
    }
    let attributes = if args.keyword_count() > 0 { Some(class_names(t, node, "_attributes")?) } else { None };
    for (key, v) in args.keywords() {
        let is_in = |names: &[Value]| -> R<bool> {
            for name in names {
                if limpid_vm::protocol::compare::values_equal(t, *name, key)? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        if is_in(fields)? {
            if !remaining.discard(t, key)? {
                let key = text::repr(t, key)?;
                raise!(t, TypeError, "{class} got multiple values for argument {}", key.to_string_lossy())
            }
        } else if !is_in(attributes.as_ref().map_or(&[], |a| a.as_slice()))? {
            let key = text::repr(t, key)?;
            let message = format!(
                "{class}.__init__ got an unexpected keyword argument {}. Support for arbitrary keyword arguments is deprecated and will be \
                 removed in Python 3.15.",
                key.to_string_lossy()
            );
            warnings::deprecated(t, &message)?;
        }
        attr::set_attr(t, node, key, v)?;
    }
    if !remaining.is_empty() {
        for name in fields {
            if remaining.contains(t, *name)? {
                set_default(t, node, *name)?;
            }
        }
    }
    Ok(Value::NONE)
}

/// A field that the constructor was not given.
fn set_default(t: &Thread, node: Value, name: Value) -> R<()> {
    let Some(types) = class_attribute(t, node, "_field_types")?.and_then(|types| types.downcast::<Dict>()) else { return Ok(()) };
    let class = node.class().display_name();
    let shown = || -> R<String> { Ok(text::str_of(t, name)?.to_string_lossy().into_owned()) };
    let Some(of) = types.get(t, name)? else {
        let name = text::repr(t, name)?;
        let name = name.to_string_lossy();
        let message = format!("Field {name} is missing from {class}._field_types. This will become an error in Python 3.15.");
        return warnings::deprecated(t, &message);
    };
    if of.exact::<Union>().is_some() {
        // The class has None.
        return Ok(());
    }
    if of.exact::<GenericAlias>().is_some() {
        return attr::set_attr(t, node, name, List::new(t).value());
    }
    let classes = Classes::get(t)?;
    if of == classes.sum(Sum::ExprContext).value() {
        return attr::set_attr(t, node, name, classes.singleton(Kind::Load).unwrap_or(Value::NONE));
    }
    let message =
        format!("{class}.__init__ missing 1 required positional argument: '{}'. This will become an error in Python 3.15.", shown()?);
    warnings::deprecated(t, &message)
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let node = a[0];
    let state = instance::snapshot(t, node)?.unwrap_or_else(|| Dict::new(t));
    // Fields are given to the constructor, lest it complain; the state sets them for good.
    let mut given = 0;
    for name in class_names(t, node, "_fields")?.as_slice() {
        if state.get(t, *name)?.is_none() {
            break;
        }
        given += 1;
    }
    let mut placeholders = ValueList::with_capacity(t, given);
    (0..given).for_each(|_| placeholders.push(t, Value::NONE));
    let placeholders = Tuple::from_slice(t, placeholders.as_slice()).value();
    Ok(Tuple::from_slice(t, &[node.class().value(), placeholders, state.value()]).value())
}

fn replace(t: &Thread, args: Args<'_>) -> R {
    let [node] = *args.pos() else { raise!(t, TypeError, "__replace__() takes no positional arguments") };
    let class = node.class().display_name();
    let own = instance::snapshot(t, node)?.unwrap_or_else(|| Dict::new(t));
    let fields = class_names(t, node, "_fields")?;
    let attributes = class_names(t, node, "_attributes")?;
    let expected = Set::new(t);
    for name in fields.as_slice().iter().chain(attributes.as_slice()) {
        expected.add(t, *name)?;
    }
    for (key, _) in args.keywords() {
        if !expected.discard(t, key)? {
            let key = text::repr(t, key)?;
            raise!(t, TypeError, "{class}.__replace__ got an unexpected keyword argument {}.", key.to_string_lossy())
        }
    }
    for (key, _) in own.iter() {
        expected.discard(t, key)?;
    }
    for name in attributes.as_slice() {
        expected.discard(t, *name)?;
    }
    if let Some(types) = class_attribute(t, node, "_field_types")?.and_then(|types| types.downcast::<Dict>()) {
        for (name, of) in types.iter() {
            if of.exact::<Union>().is_some() {
                expected.discard(t, name)?;
            }
        }
    }
    if !expected.is_empty() {
        let mut missing = Vec::new();
        for (name, _) in expected.entries() {
            missing.push(text::repr(t, name)?.to_string_lossy().into_owned());
        }
        missing.sort();
        let s = if missing.len() == 1 { "" } else { "s" };
        raise!(t, TypeError, "{class}.__replace__ missing {} keyword argument{s}: {}.", missing.len(), missing.join(", "))
    }
    let wanted = Dict::new(t);
    for name in fields.as_slice().iter().chain(attributes.as_slice()) {
        if let Some(v) = own.get(t, *name)? {
            wanted.set_item(t, *name, v)?;
        }
    }
    for (key, v) in args.keywords() {
        wanted.set_item(t, key, v)?;
    }
    let (mut keys, mut values) = (ValueList::with_capacity(t, wanted.len()), ValueList::with_capacity(t, wanted.len()));
    for (key, v) in wanted.iter() {
        keys.push(t, key);
        values.push(t, v);
    }
    let keys = Tuple::from_slice(t, keys.as_slice()).value();
    call::call_args(t, node.class().value(), Args::with_keywords(values.as_slice(), keys))
}

fn is_node(t: &Thread, v: Value) -> R<bool> {
    Ok(v.is_instance(Classes::get(t)?.ast()))
}

fn node_repr(t: &Thread, node: Value, depth: u32) -> R {
    let class = node.class().display_name();
    let abbreviated = || Ok(Str::new(t, &format!("{class}(...)")).value());
    if depth == 0 {
        return abbreviated();
    }
    let Some(_guard) = ReprGuard::enter(t, node) else { return abbreviated() };
    let mut out = ReprText::new(&format!("{class}("));
    for (i, name) in class_names(t, node, "_fields")?.as_slice().iter().enumerate() {
        let v = attr::get_attr(t, node, *name)?;
        if i > 0 {
            out.text(", ");
        }
        out.str(text::str_of(t, *name)?);
        out.text("=");
        if v.downcast::<List>().is_some() || v.downcast::<Tuple>().is_some() {
            list_repr(t, &mut out, v, depth)?;
        } else {
            item_repr(t, &mut out, v, depth)?;
        }
    }
    out.text(")");
    out.finish(t)
}

fn item_repr(t: &Thread, out: &mut ReprText, v: Value, depth: u32) -> R<()> {
    if !is_node(t, v)? {
        return out.repr(t, v);
    }
    // SAFETY: a repr is a str.
    out.str(unsafe { Ref::from_value(node_repr(t, v, depth - 1)?) });
    Ok(())
}

/// The first and the last item.
fn list_repr(t: &Thread, out: &mut ReprText, list: Value, depth: u32) -> R<()> {
    let n = sequence::len(t, list)?;
    if n == 0 {
        return out.repr(t, list);
    }
    let is_list = list.downcast::<List>().is_some();
    out.text(if is_list { "[" } else { "(" });
    item_repr(t, out, sequence::get_item(t, list, Value::int(0))?, depth)?;
    if n > 2 {
        out.text(", ...");
    }
    if n > 1 {
        out.text(", ");
        item_repr(t, out, sequence::get_item(t, list, Value::int(n as i64 - 1))?, depth)?;
    }
    out.text(if is_list { "]" } else { ")" });
    Ok(())
}
