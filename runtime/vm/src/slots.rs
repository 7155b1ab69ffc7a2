//! Type slots: the native functions behind `__add__`, `__call__`, `__getattribute__`, ...
//!
//! Each type has a table of them, [`SlotTable`]. Native types fill it in Rust, and each filled slot shows up in the type's dict as a slot
//! wrapper. For classes written in Python a slot is filled with a function that looks the special method up and calls it; it is kept up
//! to date when the class or a base changes ([`crate::types::type_`]). Everything that performs an operation goes through the slot,
//! usually by the functions of [`crate::protocol`].
//!
//! The one list of slots is [`for_each_slot`]: name of the field, its signature, and the special methods it stands for.

use crate::args::Args;
use crate::object::R;
use crate::thread::Thread;
use limpid_heap::Value;

/// Comparison operators in CPython's numbering.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Compare {
    /// `<`
    Lt = 0,
    /// `<=`
    Le = 1,
    /// `==`
    Eq = 2,
    /// `!=`
    Ne = 3,
    /// `>`
    Gt = 4,
    /// `>=`
    Ge = 5,
}

impl Compare {
    /// The operator with this number (0 to 5).
    pub const fn from_number(n: u8) -> Compare {
        match n {
            0 => Compare::Lt,
            1 => Compare::Le,
            2 => Compare::Eq,
            3 => Compare::Ne,
            4 => Compare::Gt,
            _ => Compare::Ge,
        }
    }

    /// The operator with its operands exchanged: `a < b` is `b > a`.
    pub const fn swapped(self) -> Compare {
        match self {
            Compare::Lt => Compare::Gt,
            Compare::Le => Compare::Ge,
            Compare::Gt => Compare::Lt,
            Compare::Ge => Compare::Le,
            same => same,
        }
    }

    /// How it is written.
    pub const fn symbol(self) -> &'static str {
        ["<", "<=", "==", "!=", ">", ">="][self as usize]
    }

    /// What it says of an ordering.
    pub fn holds(self, o: std::cmp::Ordering) -> bool {
        match self {
            Compare::Lt => o.is_lt(),
            Compare::Le => o.is_le(),
            Compare::Eq => o.is_eq(),
            Compare::Ne => o.is_ne(),
            Compare::Gt => o.is_gt(),
            Compare::Ge => o.is_ge(),
        }
    }
}

/// `repr(x)`, `-x`, `iter(x)`, `await`: one operand.
pub type Unary = fn(&Thread, Value) -> R;
/// `x + y`: called with the operands in their written order for either operand's type; NotImplemented when it is not its business.
pub type Binary = fn(&Thread, Value, Value) -> R;
/// `pow(x, y, z)`; `z` is None when not given.
pub type Ternary = fn(&Thread, Value, Value, Value) -> R;
/// `hash(x)`.
pub type Hash = fn(&Thread, Value) -> R<i64>;
/// `len(x)`.
pub type Len = fn(&Thread, Value) -> R<usize>;
/// `bool(x)`.
pub type Inquiry = fn(&Thread, Value) -> R<bool>;
/// `y in x`.
pub type Contains = fn(&Thread, Value, Value) -> R<bool>;
/// `x[y] = z`, `x.y = z`, `descriptor.__set__(object, value)`; NULL as the last argument deletes.
pub type SetItem = fn(&Thread, Value, Value, Value) -> R<()>;
/// `x < y`.
pub type RichCompare = fn(&Thread, Value, Value, Compare) -> R;
/// `descriptor.__get__(object, type)`; NULL for what is not given.
pub type DescrGet = fn(&Thread, Value, Value, Value) -> R;
/// `next(x)`: NULL when exhausted.
pub type Next = fn(&Thread, Value) -> R;
/// `x(...)` and `T.__new__(T, ...)`.
pub type Call = for<'a> fn(&Thread, Value, Args<'a>) -> R;
/// `x.__init__(...)`.
pub type Init = for<'a> fn(&Thread, Value, Args<'a>) -> R<()>;
/// `__del__`.
pub type Finalize = fn(&Thread, Value) -> R<()>;
/// `__buffer__`: flags.
pub type GetBuffer = fn(&Thread, Value, u32) -> R<crate::types::memory::Buffer>;

/// Hands the list of slots to a macro: `field: Signature "special methods"...;` A binary operator's two methods are the forward and the
/// reflected one.
#[macro_export]
macro_rules! for_each_slot {
    ($callback:path) => {
        $callback! {
            repr: Unary "__repr__";
            str: Unary "__str__";
            hash: Hash "__hash__";
            call: Call "__call__";
            new: Call "__new__";
            init: Init "__init__";
            finalize: Finalize "__del__";
            getattribute: Binary "__getattribute__" "__getattr__";
            setattr: SetItem "__setattr__" "__delattr__";
            richcompare: RichCompare "__lt__" "__le__" "__eq__" "__ne__" "__gt__" "__ge__";
            iter: Unary "__iter__";
            next: Next "__next__";
            await_: Unary "__await__";
            aiter: Unary "__aiter__";
            anext: Unary "__anext__";
            descr_get: DescrGet "__get__";
            descr_set: SetItem "__set__" "__delete__";
            buffer: GetBuffer "__buffer__" "__release_buffer__";
            len: Len "__len__";
            getitem: Binary "__getitem__";
            // What iteration by index yields, where that is not `x[i]`: CPython's sq_item beside mp_subscript.
            item: Binary "__getitem__";
            setitem: SetItem "__setitem__" "__delitem__";
            contains: Contains "__contains__";
            bool: Inquiry "__bool__";
            neg: Unary "__neg__";
            pos: Unary "__pos__";
            abs: Unary "__abs__";
            invert: Unary "__invert__";
            int: Unary "__int__";
            float: Unary "__float__";
            index: Unary "__index__";
            add: Binary "__add__" "__radd__";
            sub: Binary "__sub__" "__rsub__";
            mul: Binary "__mul__" "__rmul__";
            matmul: Binary "__matmul__" "__rmatmul__";
            truediv: Binary "__truediv__" "__rtruediv__";
            floordiv: Binary "__floordiv__" "__rfloordiv__";
            mod_: Binary "__mod__" "__rmod__";
            divmod: Binary "__divmod__" "__rdivmod__";
            pow: Ternary "__pow__" "__rpow__";
            lshift: Binary "__lshift__" "__rlshift__";
            rshift: Binary "__rshift__" "__rrshift__";
            and: Binary "__and__" "__rand__";
            xor: Binary "__xor__" "__rxor__";
            or: Binary "__or__" "__ror__";
            iadd: Binary "__iadd__";
            isub: Binary "__isub__";
            imul: Binary "__imul__";
            imatmul: Binary "__imatmul__";
            itruediv: Binary "__itruediv__";
            ifloordiv: Binary "__ifloordiv__";
            imod: Binary "__imod__";
            ipow: Ternary "__ipow__";
            ilshift: Binary "__ilshift__";
            irshift: Binary "__irshift__";
            iand: Binary "__iand__";
            ixor: Binary "__ixor__";
            ior: Binary "__ior__";
            // Sequence forms: asked after the numeric ones, as CPython's sq_concat and sq_repeat are.
            concat: Binary "__add__";
            repeat: Binary "__mul__" "__rmul__";
            iconcat: Binary "__iadd__";
            irepeat: Binary "__imul__";
        }
    };
}

macro_rules! define_slot_table {
    ($($field:ident: $signature:ident $($method:literal)+;)*) => {
        /// The slots of a type; see the module's page.
        #[derive(Clone, Copy)]
        pub struct SlotTable {
            $(#[doc = concat!("Behind ", $("`", $method, "` "),+)] pub $field: Option<$signature>,)*
        }

        impl SlotTable {
            /// No slot filled: `SlotTable { repr: Some(f), ..SlotTable::EMPTY }`.
            pub const EMPTY: SlotTable = SlotTable { $($field: None,)* };

            /// Takes over every slot that is empty here and filled in `base`.
            pub fn inherit(&mut self, base: &SlotTable) {
                $(if self.$field.is_none() { self.$field = base.$field; })*
            }
        }

        /// A slot's place in the table, for what handles slots by number.
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum SlotId { $($field,)* }

        /// Every slot with the special methods it stands for.
        pub const SLOT_METHODS: &[(SlotId, &[&str])] = &[$((SlotId::$field, &[$($method),+]),)*];
    };
}
for_each_slot!(define_slot_table);
