//! Syntax trees as plain data, and their conversion to and from Python objects, which follows the [table](super::asdl).

use super::asdl::{Count, Field, FieldType, Kind, Places};
use super::classes::Classes;
use limpid_bytecode::Constant;
use limpid_heap::Value;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{attr, isinstance, number, text};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::str::codec::utf8::push_char;
use limpid_vm::types::{Bytes, List, Str, Tuple, builtin, code, complex, instance, int, set, type_};

/// A node.
pub(super) struct Node {
    pub kind: Kind,
    /// The fields in the table's order.
    pub fields: Vec<Item>,
    /// First line, column, last line, column after the end; lines from 1, columns in bytes from 0.
    pub place: [i32; 4],
}

/// What a field or a list holds.
pub(super) enum Item {
    None,
    Node(Box<Node>),
    /// An identifier or a string, as WTF-8.
    Text(Box<[u8]>),
    Int(i64),
    Constant(Constant),
    List(Vec<Item>),
}

impl From<Node> for Item {
    fn from(node: Node) -> Item {
        Item::Node(Box::new(node))
    }
}

impl From<&str> for Item {
    fn from(text: &str) -> Item {
        Item::Text(text.as_bytes().into())
    }
}

impl Node {
    /// A field.
    pub fn get(&self, name: &str) -> &Item {
        &self.fields[self.kind.field(name)]
    }

    /// A field that holds a node.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.get(name).node()
    }

    /// The items of a field that holds a list.
    pub fn list(&self, name: &str) -> &[Item] {
        match self.get(name) {
            Item::List(items) => items,
            _ => &[],
        }
    }

    /// The nodes of a field that holds a list.
    pub fn nodes(&self, name: &str) -> impl Iterator<Item = &Node> {
        self.list(name).iter().filter_map(Item::node)
    }

    /// A field that holds text; lone surrogates are replaced.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).text()
    }

    /// A field that holds a number.
    pub fn int(&self, name: &str) -> i64 {
        match self.get(name) {
            Item::Int(i) => *i,
            _ => 0,
        }
    }
}

impl Item {
    /// The node.
    pub fn node(&self) -> Option<&Node> {
        match self {
            Item::Node(node) => Some(node),
            _ => None,
        }
    }

    /// The text; lone surrogates are replaced.
    pub fn text(&self) -> Option<String> {
        match self {
            Item::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        }
    }
}

// ---- to objects ----

/// The object of a node.
pub(super) fn to_object(t: &Thread, classes: &Classes, node: &Node) -> R {
    t.check_stack(" during ast construction")?;
    if let Some(single) = classes.singleton(node.kind) {
        return Ok(single);
    }
    let object = type_::alloc_instance(t, classes.kind(node.kind))?;
    for (name, item) in classes.field_names(node.kind).iter().zip(&node.fields) {
        let v = item_to_object(t, classes, item)?;
        instance::set(t, object, *name, v)?;
    }
    if node.kind.class().places != Places::None {
        for (name, number) in classes.place_names().iter().zip(node.place) {
            instance::set(t, object, *name, Value::int(number as i64))?;
        }
    }
    Ok(object)
}

fn item_to_object(t: &Thread, classes: &Classes, item: &Item) -> R {
    match item {
        Item::None => Ok(Value::NONE),
        Item::Node(node) => to_object(t, classes, node),
        Item::Text(text) => {
            let text = Str::from_wtf8(t, text)?;
            limpid_vm::types::str::intern_value(t, text.value())
        }
        Item::Int(i) => Ok(int::from_i64(t, *i)),
        Item::Constant(constant) => code::constant(t, constant),
        Item::List(items) => {
            let list = List::new(t);
            for item in items {
                list.append(t, item_to_object(t, classes, item)?)?;
            }
            Ok(list.value())
        }
    }
}

// ---- from objects ----

/// The kind of an object that is to be a node of some type; None if it is none.
fn kind_of(t: &Thread, classes: &Classes, v: Value, of: FieldType) -> R<Option<Kind>> {
    let is = |kind: Kind| isinstance::is_instance(t, v, classes.kind(kind).value());
    match of {
        FieldType::Product(kind) => Ok(Some(kind)),
        FieldType::Sum(sum) => {
            // Most objects are of the class itself.
            if let Some(kind) = sum.kinds().find(|kind| classes.kind(*kind) == v.class()) {
                return Ok(Some(kind));
            }
            for kind in sum.kinds() {
                if is(kind)? {
                    return Ok(Some(kind));
                }
            }
            Ok(None)
        }
        _ => Ok(None),
    }
}

/// The node of an object that is to be of some type.
pub(super) fn from_object(t: &Thread, classes: &Classes, v: Value, of: FieldType) -> R<Node> {
    let (name, places) = match of {
        FieldType::Sum(sum) => (sum.name(), sum.places()),
        FieldType::Product(kind) => (kind.name(), kind.class().places),
        _ => unreachable!("only these are nodes"),
    };
    t.check_stack(&format!(" while traversing '{name}' node"))?;
    let place = if places == Places::None { [0; 4] } else { place_of(t, classes, v, name)? };
    let Some(kind) = kind_of(t, classes, v, of)? else {
        let shown = text::repr(t, v)?;
        raise!(t, TypeError, "expected some sort of {name}, but got {}", shown.to_string_lossy())
    };
    let mut fields = Vec::with_capacity(kind.class().fields.len());
    for (field, name) in kind.class().fields.iter().zip(classes.field_names(kind)) {
        let found = attr::get_attr_opt(t, v, *name)?;
        fields.push(field_from_object(t, classes, kind, field, found)?);
    }
    Ok(Node { kind, fields, place })
}

fn place_of(t: &Thread, classes: &Classes, v: Value, name: &str) -> R<[i32; 4]> {
    let mut place = [0; 4];
    for (i, attribute) in classes.place_names().iter().enumerate() {
        let is_end = i >= 2;
        place[i] = match attr::get_attr_opt(t, v, *attribute)? {
            None | Some(Value::NONE) if is_end => place[i - 2],
            Some(v) => int_from_object(t, v)? as i32,
            None => {
                let attribute = text::str_of(t, *attribute)?;
                raise!(t, TypeError, "required field \"{}\" missing from {name}", attribute.to_string_lossy())
            }
        };
    }
    Ok(place)
}

fn int_from_object(t: &Thread, v: Value) -> R<i64> {
    if !int::is_int(v) {
        let shown = text::repr(t, v)?;
        raise!(t, ValueError, "invalid integer value: {}", shown.to_string_lossy())
    }
    Ok(number::index_i32(t, v)? as i64)
}

fn field_from_object(t: &Thread, classes: &Classes, kind: Kind, field: &Field, found: Option<Value>) -> R<Item> {
    match (field.count, found) {
        (Count::Optional, None | Some(Value::NONE)) => Ok(Item::None),
        (Count::List | Count::ListWithGaps, None) => Ok(Item::List(vec![])),
        (_, None) => raise!(t, TypeError, "required field \"{}\" missing from {}", field.name, kind.name()),
        (Count::List | Count::ListWithGaps, Some(v)) => {
            let Some(list) = v.downcast::<List>() else {
                raise!(t, TypeError, "{} field \"{}\" must be a list, not a {}", kind.name(), field.name, v.class().display_name())
            };
            let n = list.len();
            let mut items = Vec::with_capacity(n);
            for i in 0..n {
                let Some(item) = list.get(i) else { break };
                items.push(item_from_object(t, classes, field.of, item)?);
                if list.len() != n {
                    raise!(t, RuntimeError, "{} field \"{}\" changed size during iteration", kind.name(), field.name)
                }
            }
            Ok(Item::List(items))
        }
        (count, Some(v)) => {
            let item = item_from_object(t, classes, field.of, v)?;
            if matches!(item, Item::None) && count == Count::One {
                raise!(t, ValueError, "field '{}' is required for {}", field.name, kind.name())
            }
            Ok(item)
        }
    }
}

/// None may stand for any node; whether it may stand there is checked later.
fn item_from_object(t: &Thread, classes: &Classes, of: FieldType, v: Value) -> R<Item> {
    match of {
        FieldType::Sum(_) | FieldType::Product(_) if v.is_none() => Ok(Item::None),
        FieldType::Sum(_) | FieldType::Product(_) => Ok(from_object(t, classes, v, of)?.into()),
        FieldType::Identifier if v.is_none() => Ok(Item::None),
        FieldType::Identifier | FieldType::String => match v.exact::<Str>() {
            Some(s) => Ok(Item::Text(wtf8(s))),
            None if of == FieldType::String && v.exact::<Bytes>().is_some() => Ok(Item::None),
            None if of == FieldType::String => raise!(t, TypeError, "AST string must be of type str"),
            None => raise!(t, TypeError, "AST identifier must be of type str"),
        },
        FieldType::Int => Ok(Item::Int(int_from_object(t, v)?)),
        FieldType::Constant => Ok(Item::Constant(constant_from_object(t, v)?)),
    }
}

fn wtf8(s: Ref<Str>) -> Box<[u8]> {
    let mut out = Vec::with_capacity(s.len());
    s.code_points().for_each(|c| push_char(&mut out, c));
    out.into()
}

/// The constant that an object is.
fn constant_from_object(t: &Thread, v: Value) -> R<Constant> {
    t.check_stack(" during compilation")?;
    let class = v.class();
    if v.is_none() {
        return Ok(Constant::None);
    }
    if v == Value::ELLIPSIS {
        return Ok(Constant::Ellipsis);
    }
    if v == Value::TRUE || v == Value::FALSE {
        return Ok(Constant::Bool(v == Value::TRUE));
    }
    if int::is_exact(v) {
        if let Some(i) = int::as_i64_opt(v) {
            return Ok(Constant::Int(i));
        }
        let mut scratch = 0;
        let parts = int::parts(v, &mut scratch);
        return Ok(Constant::BigInt { negative: parts.negative, digits: parts.digits.into() });
    }
    if v.is_float() {
        return Ok(Constant::Float(v.as_float()));
    }
    if class == builtin::COMPLEX
        && let Some((re, im)) = complex::as_parts(v)
    {
        return Ok(Constant::Complex(re, im));
    }
    if let Some(s) = v.exact::<Str>() {
        return Ok(Constant::Str(wtf8(s)));
    }
    if let Some(b) = v.exact::<Bytes>() {
        return Ok(Constant::Bytes(b.as_slice().into()));
    }
    if let Some(items) = v.exact::<Tuple>() {
        let items: R<Vec<Constant>> = items.as_slice().iter().map(|item| constant_from_object(t, *item)).collect();
        return Ok(Constant::Tuple(items?.into()));
    }
    if class == builtin::FROZENSET
        && let Some(items) = set::as_set(v)
    {
        let items: R<Vec<Constant>> = items.entries().map(|(item, _)| constant_from_object(t, item)).collect();
        return Ok(Constant::FrozenSet(items?.into()));
    }
    raise!(t, TypeError, "got an invalid type in Constant: {}", class.display_name())
}
