//! What `keys()`, `values()` and `items()` of an ordered dict give: a dict's views that iterate in the ordered dict's way.

use super::iterator::{OrderedDictIterator, What};
use super::{End, OrderedDict, dict_of};
use limpid_heap::Value;
use limpid_vm::args::{FnDef, receiver};
use limpid_vm::object::{R, Ref};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::dict::{self, DictItems, DictKeys, DictValues};
use limpid_vm::types::{TypeDef, builtin, flag};

/// `odict_keys`
pub static KEYS: TypeCell = TypeCell::new();
/// `odict_values`
pub static VALUES: TypeCell = TypeCell::new();
/// `odict_items`
pub static ITEMS: TypeCell = TypeCell::new();

/// An iterator over what a view shows.
fn iterate(t: &Thread, view: Value, what: What, from: End) -> R {
    let dict = receiver::<OrderedDict>(dict::dict_of(view).value());
    Ok(OrderedDictIterator::new(t, dict, what, from).value())
}

macro_rules! views {
    ($($make:ident, $cell:ident, $def:ident, $name:literal, $layout:ident, $base:ident, $what:ident;)*) => {
        $(
            /// A new view.
            pub(super) fn $make(t: &Thread, dict: Ref<OrderedDict>) -> Value {
                dict::view_of_class(t, dict_of(dict), $cell.get())
            }

            #[doc = concat!("The type `", $name, "`.")]
            pub static $def: TypeDef = TypeDef {
                base: Some(|| builtin::$base),
                flags: flag::DISALLOW_INSTANTIATION,
                slots: SlotTable { iter: Some(|t, v| iterate(t, v, What::$what, End::First)), ..SlotTable::EMPTY },
                methods: &[FnDef::def("__reversed__", "self, /", |t, a| iterate(t, a[0], What::$what, End::Last))],
                ..TypeDef::of::<$layout>($name)
            };
        )*
    };
}

views! {
    keys, KEYS, KEYS_DEF, "odict_keys", DictKeys, DICT_KEYS, Keys;
    values, VALUES, VALUES_DEF, "odict_values", DictValues, DICT_VALUES, Values;
    items, ITEMS, ITEMS_DEF, "odict_items", DictItems, DICT_ITEMS, Items;
}
