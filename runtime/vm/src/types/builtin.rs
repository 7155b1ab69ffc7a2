//! The list of the builtin types, and where they lie.
//!
//! Shapes, type objects and names of the runtime itself are immortal cells, made at start-up in a fixed order, so their addresses are
//! constants: `builtin::LIST` is the type `list`, `builtin::shapes::LIST` the shape of an exact list.
//!
//! ```text
//!  IMMORTAL_BASE    TYPES_BASE         NAMES_BASE
//! +----------------+------------------+------------------+--
//! | root shapes    | type objects     | names            | what start-up adds
//! +----------------+------------------+------------------+--
//! ```
//!
//! The exception classes follow the others in both areas; [`crate::exc`] lists them.

use crate::exc;
use crate::object::{Raised, Ref};
use crate::shape::{SHAPE_SIZE, Shape};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::type_::native;
use crate::types::{Exception, TYPE_SIZE, Tuple, Type, TypeDef};
use limpid_heap::{GRANULE, HEAP_BASE, Header, IMMORTAL_BASE, Kind, ShapeRef, immortal_alloc};
use std::sync::atomic::{AtomicBool, Ordering};

/// Hands the list of builtin types to a macro, as `NAME => module::DEF;` with the path below `crate::types`. Bases come first.
#[macro_export]
macro_rules! for_each_builtin_type {
    ($callback:path) => {
        $callback! {
            OBJECT => object::OBJECT_DEF;
            TYPE => type_::TYPE_DEF;
            INT => int::INT_DEF;
            BOOL => bool::BOOL_DEF;
            FLOAT => float::FLOAT_DEF;
            COMPLEX => complex::COMPLEX_DEF;
            STR => str::STR_DEF;
            BYTES => bytes::BYTES_DEF;
            BYTEARRAY => bytearray::BYTEARRAY_DEF;
            MEMORYVIEW => memory::MEMORYVIEW_DEF;
            MANAGED_BUFFER => memory::MANAGED_BUFFER_DEF;
            LIST => list::LIST_DEF;
            TUPLE => tuple::TUPLE_DEF;
            DICT => dict::DICT_DEF;
            SET => set::SET_DEF;
            FROZENSET => set::FROZENSET_DEF;
            RANGE => range::RANGE_DEF;
            SLICE => slice::SLICE_DEF;
            NONE_TYPE => singletons::NONE_TYPE_DEF;
            ELLIPSIS_TYPE => singletons::ELLIPSIS_TYPE_DEF;
            NOT_IMPLEMENTED_TYPE => singletons::NOT_IMPLEMENTED_TYPE_DEF;
            PROPERTY => descriptor::property::PROPERTY_DEF;
            CLASSMETHOD => descriptor::wrappers::CLASSMETHOD_DEF;
            STATICMETHOD => descriptor::wrappers::STATICMETHOD_DEF;
            SUPER => super_::SUPER_DEF;
            FUNCTION => function::FUNCTION_DEF;
            METHOD => method::METHOD_DEF;
            BUILTIN_FUNCTION => builtin_function::BUILTIN_FUNCTION_DEF;
            METHOD_DESCRIPTOR => descriptor::method::METHOD_DESCRIPTOR_DEF;
            CLASSMETHOD_DESCRIPTOR => descriptor::method::CLASSMETHOD_DESCRIPTOR_DEF;
            WRAPPER_DESCRIPTOR => descriptor::slot_wrapper::WRAPPER_DESCRIPTOR_DEF;
            METHOD_WRAPPER => descriptor::slot_wrapper::METHOD_WRAPPER_DEF;
            GETSET_DESCRIPTOR => descriptor::getset::GETSET_DESCRIPTOR_DEF;
            MEMBER_DESCRIPTOR => descriptor::member::MEMBER_DESCRIPTOR_DEF;
            MODULE => module::MODULE_DEF;
            MAPPING_PROXY => mapping_proxy::MAPPING_PROXY_DEF;
            SIMPLE_NAMESPACE => simple_namespace::SIMPLE_NAMESPACE_DEF;
            CODE => code_methods::CODE_DEF;
            FRAME => frame::FRAME_DEF;
            TRACEBACK => traceback::TRACEBACK_DEF;
            CELL => cell::CELL_DEF;
            GENERATOR => coroutine::GENERATOR_DEF;
            COROUTINE => coroutine::COROUTINE_DEF;
            COROUTINE_WRAPPER => coroutine::COROUTINE_WRAPPER_DEF;
            ASYNC_GENERATOR => async_gen::ASYNC_GENERATOR_DEF;
            ASYNC_GEN_ASEND => async_gen::ASYNC_GEN_ASEND_DEF;
            ASYNC_GEN_ATHROW => async_gen::ASYNC_GEN_ATHROW_DEF;
            ASYNC_GEN_WRAPPED_VALUE => async_gen::ASYNC_GEN_WRAPPED_VALUE_DEF;
            ANEXT_AWAITABLE => async_gen::ANEXT_AWAITABLE_DEF;
            LIST_ITERATOR => iterators::LIST_ITERATOR_DEF;
            LIST_REVERSE_ITERATOR => iterators::LIST_REVERSE_ITERATOR_DEF;
            TUPLE_ITERATOR => iterators::TUPLE_ITERATOR_DEF;
            STR_ITERATOR => str::STR_ITERATOR_DEF;
            STR_ASCII_ITERATOR => str::STR_ASCII_ITERATOR_DEF;
            BYTES_ITERATOR => bytes_methods::BYTES_ITERATOR_DEF;
            BYTEARRAY_ITERATOR => bytes_methods::BYTEARRAY_ITERATOR_DEF;
            MEMORY_ITERATOR => memory::MEMORY_ITERATOR_DEF;
            RANGE_ITERATOR => range::RANGE_ITERATOR_DEF;
            LONG_RANGE_ITERATOR => range::LONG_RANGE_ITERATOR_DEF;
            DICT_KEYS => dict::DICT_KEYS_DEF;
            DICT_VALUES => dict::DICT_VALUES_DEF;
            DICT_ITEMS => dict::DICT_ITEMS_DEF;
            DICT_KEY_ITERATOR => dict::DICT_KEY_ITERATOR_DEF;
            DICT_VALUE_ITERATOR => dict::DICT_VALUE_ITERATOR_DEF;
            DICT_ITEM_ITERATOR => dict::DICT_ITEM_ITERATOR_DEF;
            DICT_REVERSE_KEY_ITERATOR => dict::DICT_REVERSE_KEY_ITERATOR_DEF;
            DICT_REVERSE_VALUE_ITERATOR => dict::DICT_REVERSE_VALUE_ITERATOR_DEF;
            DICT_REVERSE_ITEM_ITERATOR => dict::DICT_REVERSE_ITEM_ITERATOR_DEF;
            SET_ITERATOR => set::SET_ITERATOR_DEF;
            SEQUENCE_ITERATOR => iterators::SEQUENCE_ITERATOR_DEF;
            CALLABLE_ITERATOR => iterators::CALLABLE_ITERATOR_DEF;
            ENUMERATE => iterators::ENUMERATE_DEF;
            FILTER => iterators::FILTER_DEF;
            MAP => iterators::MAP_DEF;
            ZIP => iterators::ZIP_DEF;
            REVERSED => iterators::REVERSED_DEF;
            GENERIC_ALIAS => generic_alias::GENERIC_ALIAS_DEF;
            UNION => union::UNION_DEF;
            TYPE_VAR => typevar::TYPE_VAR_DEF;
            PARAM_SPEC => typevar::PARAM_SPEC_DEF;
            PARAM_SPEC_ARGS => typevar::PARAM_SPEC_ARGS_DEF;
            PARAM_SPEC_KWARGS => typevar::PARAM_SPEC_KWARGS_DEF;
            TYPE_VAR_TUPLE => typevar::TYPE_VAR_TUPLE_DEF;
            TYPE_ALIAS => typevar::TYPE_ALIAS_DEF;
            GENERIC => typevar::GENERIC_DEF;
            NO_DEFAULT => typevar::NO_DEFAULT_DEF;
            TEMPLATE => template::TEMPLATE_DEF;
            TEMPLATE_ITERATOR => template::TEMPLATE_ITERATOR_DEF;
            INTERPOLATION => template::INTERPOLATION_DEF;
            WEAKREF => weakref::WEAKREF_DEF;
            WEAK_PROXY => weakref::WEAK_PROXY_DEF;
            WEAK_CALLABLE_PROXY => weakref::WEAK_CALLABLE_PROXY_DEF;
            FRAME_LOCALS_PROXY => frame_locals::FRAME_LOCALS_PROXY_DEF;
            LINE_ITERATOR => code_methods::LINE_ITERATOR_DEF;
            GENERIC_ALIAS_ITERATOR => iterators::GENERIC_ALIAS_ITERATOR_DEF;
            POSITIONS_ITERATOR => code_methods::POSITIONS_ITERATOR_DEF;
            CONTEXT => context::CONTEXT_DEF;
            CONTEXT_VAR => context::CONTEXT_VAR_DEF;
            CONTEXT_TOKEN => context::CONTEXT_TOKEN_DEF;
        }
    };
}

macro_rules! define_builtin_types {
    ($($name:ident => $($path:ident)::+;)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[repr(usize)]
        enum Index { $($name,)* Count }

        $(#[doc = concat!("The type object of [`", stringify!($($path)::+), "`](crate::types).")]
        pub const $name: Ref<Type> = type_at(Index::$name as usize);)*

        /// How many there are, exceptions apart.
        pub const COUNT: usize = Index::Count as usize;

        /// The shapes of exact instances.
        pub mod shapes {
            use super::{Index, shape_at};
            use limpid_heap::ShapeRef;

            $(#[doc = concat!("The shape of exact instances of `builtin::", stringify!($name), "`.")]
            pub const $name: ShapeRef = shape_at(Index::$name as usize);)*
        }

        static DEFS: [&TypeDef; COUNT] = [$(&crate::types::$($path)::+,)*];
    };
}
for_each_builtin_type!(define_builtin_types);

/// With the exceptions.
const TOTAL: usize = COUNT + exc::COUNT;
const TYPES_BASE: usize = IMMORTAL_BASE + TOTAL * SHAPE_SIZE;
/// Where the names of [`crate::names`] start.
pub const NAMES_BASE: usize = TYPES_BASE + TOTAL * TYPE_SIZE;

const _: () = assert!(SHAPE_SIZE.is_multiple_of(GRANULE) && TYPE_SIZE.is_multiple_of(GRANULE));

/// The builtin type with this number in the list.
pub const fn type_at(index: usize) -> Ref<Type> {
    // SAFETY: `init` makes a type there before any other code of the runtime runs.
    unsafe { Ref::from_ptr((TYPES_BASE + index * TYPE_SIZE) as *mut Type) }
}

/// The shape of exact instances of the builtin type with this number in the list.
pub const fn shape_at(index: usize) -> ShapeRef {
    ShapeRef(((IMMORTAL_BASE - HEAP_BASE + index * SHAPE_SIZE) / GRANULE) as u32)
}

static READY: AtomicBool = AtomicBool::new(false);

/// Do the builtin types exist?
#[inline(always)]
pub fn is_ready() -> bool {
    READY.load(Ordering::Relaxed)
}

fn defs() -> impl Iterator<Item = (usize, &'static TypeDef)> {
    DEFS.iter().chain(&exc::DEFS).copied().enumerate()
}

/// Makes the builtin types and the static names: the first thing that happens in the heap.
pub fn init(t: &Thread) {
    for (i, def) in defs() {
        let p = immortal_alloc(SHAPE_SIZE, Shape::header()).as_ptr() as *mut Shape;
        debug_assert_eq!(ShapeRef::of(p), shape_at(i));
        let shape = if def.dict_offset != 0 { Shape::dict_root(type_at(i)) } else { Shape::root(type_at(i), 0) };
        // SAFETY: a new cell of this size; the type it refers to is made below, before anything reads it.
        unsafe { p.write(shape) };
    }
    let header = || Header::new(shapes::TYPE, Kind::Mixed, 0);
    for (i, def) in defs() {
        let p = immortal_alloc(TYPE_SIZE, header()).as_ptr() as *mut Type;
        debug_assert_eq!(p, type_at(i).ptr());
        // SAFETY: a new cell of this size.
        unsafe { p.write(Type::new_raw(header(), Some(def), SlotTable::EMPTY, 0, def.kind, def.value_slots, def.size)) };
        // SAFETY: the shape was made above.
        native::set_root_shape(t, type_at(i), unsafe { Ref::from_shape_ref(shape_at(i)) });
    }
    crate::names::create(t);
    for (i, def) in defs() {
        native::make_ready(t, type_at(i), def);
    }
    exc::complete(t);
    let runtime = t.runtime();
    let set_up = (|| {
        runtime.empty_tuple.set(Tuple::try_from_slice(t, &[])?.value());
        READY.store(true, Ordering::Release);
        crate::runtime::create_characters(t)?;
        runtime.memory_error.set(Exception::instantiate(t, exc::MemoryError, &[])?);
        Ok::<(), Raised>(())
    })();
    assert!(set_up.is_ok(), "there is memory for the builtin types");
}
