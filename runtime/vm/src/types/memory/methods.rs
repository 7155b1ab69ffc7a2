//! The type memoryview: its slots, methods and attributes.

use super::view::{self, Dims, Memoryview, Shown, copy_items, is_c_contiguous, tuple_of};
use super::{cast, compare, index, item, iterator, python, request};
use crate::args::{Args, FnDef, GetSet, Signature};
use crate::object::{R, Ref, ValueExt};
use crate::protocol::compare::values_equal;
use crate::protocol::sequence::search_bound;
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Bytes, List, Str, TypeDef, bytes_methods, flag, generic_alias, int};
use limpid_heap::Value;

/// memoryview
pub static MEMORYVIEW_DEF: TypeDef = TypeDef {
    doc: "memoryview(object)\n--\n\nCreate a new memoryview object which references the given object.",
    flags: flag::SEQUENCE | flag::WEAK_REFERENCES,
    slots: SlotTable {
        new: Some(new),
        repr: Some(repr),
        hash: Some(compare::hash),
        richcompare: Some(compare::rich_compare),
        iter: Some(iterator::iterator),
        buffer: Some(|t, v, flags| receiver(v).export(t, flags)),
        len: Some(len),
        getitem: Some(index::get_item),
        setitem: Some(index::set_item),
        ..SlotTable::EMPTY
    },
    methods: METHODS,
    getset: GETSET,
    ..TypeDef::of::<Memoryview>("memoryview")
};

static METHODS: &[FnDef] = &[
    FnDef::def("release", "self, /", |t, a| {
        receiver(a[0]).release(t)?;
        Ok(Value::NONE)
    })
    .doc("Release the underlying buffer exposed by the memoryview object."),
    FnDef::def("tobytes", "self, /, order='C'", to_bytes).doc(
        "Return the data in the buffer as a byte string.\n\n\
         Order can be {'C', 'F', 'A'}. When order is 'C' or 'F', the data of the\n\
         original array is converted to C or Fortran order. For contiguous views,\n\
         'A' returns an exact copy of the physical memory. In particular, in-memory\n\
         Fortran order is preserved. For non-contiguous views, the data is converted\n\
         to C first. order=None is the same as order='C'.",
    ),
    FnDef::def("hex", "self, /, sep=<unrepresentable>, bytes_per_sep=1", |t, a| {
        let view = checked(t, a[0])?;
        // Reading the arguments may run Python code, which must not release the view.
        let _export = view.export(t, request::FULL_RO)?;
        bytes_methods::hex(t, &compare::contents(view), a[1], a[2])
    })
    .doc(
        "Return the data in the buffer as a str of hexadecimal numbers.\n\n  sep\n    An optional single character or byte to separate hex bytes.\n\
         \x20 bytes_per_sep\n    How many bytes between separators.  Positive values count from the\n    right, negative values count from the left.\n\n\
         Example:\n>>> value = memoryview(b'\\xb9\\x01\\xef')\n>>> value.hex()\n'b901ef'\n>>> value.hex(':')\n'b9:01:ef'\n\
         >>> value.hex(':', 2)\n'b9:01ef'\n>>> value.hex(':', -2)\n'b901:ef'",
    ),
    FnDef::def("tolist", "self, /", to_list).doc("Return the data in the buffer as a list of elements."),
    FnDef::def("cast", "self, /, format, shape=None", cast::cast).doc("Cast a memoryview to a new format or shape."),
    FnDef::def("toreadonly", "self, /", |t, a| {
        let view = checked(t, a[0])?;
        Ok(view.derived(t, view.shown(), true).value())
    })
    .doc("Return a readonly version of the memoryview."),
    FnDef::class_def("_from_flags", "cls, /, object, flags", |t, a| view::with_flags(t, a[1], python::flags_argument(t, a[2])?))
        .doc("Create a new memoryview object which references the given object."),
    FnDef::def("count", "self, value, /", count).doc("Count the number of occurrences of a value."),
    FnDef::def("index", "self, value, start=0, stop=sys.maxsize, /", find)
        .doc("Return the index of the first occurrence of a value.\n\nRaises ValueError if the value is not present."),
    FnDef::def("__enter__", "self, /", |t, a| {
        checked(t, a[0])?;
        Ok(a[0])
    }),
    FnDef::raw("__exit__", "self, /, *exc_info", |t, args| {
        receiver(args.all()[0]).release(t)?;
        Ok(Value::NONE)
    })
    .doc("Release the underlying buffer exposed by the memoryview object."),
    FnDef::class_def("__class_getitem__", "cls, item, /", |t, a| generic_alias::class_getitem(t, a[0], a[1]))
        .doc("See PEP 585"),
];

static GETSET: &[GetSet] = &[
    GetSet::getter("obj", |t, v| Ok(checked(t, v)?.owner())).doc("The underlying object of the memoryview."),
    GetSet::getter("nbytes", |t, v| Ok(int::from_usize(t, checked(t, v)?.byte_count())))
        .doc("The amount of space in bytes that the array would use in\n a contiguous representation."),
    GetSet::getter("readonly", |t, v| Ok(Value::bool(checked(t, v)?.is_readonly())))
        .doc("A bool indicating whether the memory is read only."),
    GetSet::getter("itemsize", |t, v| Ok(int::from_usize(t, checked(t, v)?.itemsize())))
        .doc("The size in bytes of each element of the memoryview."),
    GetSet::getter("format", |t, v| match checked(t, v)?.format() {
        Value::NULL => Ok(Str::try_new(t, "B")?.value()),
        format => Ok(format),
    })
    .doc("A string containing the format (in struct module style)\n for each element in the view."),
    GetSet::getter("ndim", |t, v| Ok(int::from_usize(t, checked(t, v)?.dimensions())))
        .doc("An integer indicating how many dimensions of a multi-dimensional\n array the memory represents."),
    GetSet::getter("shape", |t, v| Ok(tuple_of(t, checked(t, v)?.dims().shape.iter().map(|n| *n as i64))))
        .doc("A tuple of ndim integers giving the shape of the memory\n as an N-dimensional array."),
    GetSet::getter("strides", |t, v| Ok(tuple_of(t, checked(t, v)?.dims().strides.iter().map(|n| *n as i64))))
        .doc("A tuple of ndim integers giving the size in bytes to access\n each element for each dimension of the array."),
    GetSet::getter("suboffsets", |t, v| {
        checked(t, v)?;
        Ok(t.empty_tuple())
    })
    .doc("A tuple of integers used internally for PIL-style arrays."),
    GetSet::getter("c_contiguous", |t, v| Ok(Value::bool(checked(t, v)?.is_c_contiguous())))
        .doc("A bool indicating whether the memory is C contiguous."),
    GetSet::getter("f_contiguous", |t, v| Ok(Value::bool(checked(t, v)?.is_f_contiguous())))
        .doc("A bool indicating whether the memory is Fortran contiguous."),
    GetSet::getter("contiguous", |t, v| {
        let view = checked(t, v)?;
        Ok(Value::bool(view.is_c_contiguous() || view.is_f_contiguous()))
    })
    .doc("A bool indicating whether the memory is contiguous."),
];

#[inline(always)]
fn receiver(v: Value) -> Ref<Memoryview> {
    crate::args::receiver(v)
}

/// The receiver, which must not be released.
fn checked(t: &Thread, v: Value) -> R<Ref<Memoryview>> {
    let view = receiver(v);
    view.check(t)?;
    Ok(view)
}

static SIGNATURE: Signature = Signature::parse("object");

fn new(t: &Thread, _: Value, args: Args<'_>) -> R {
    args.bind(t, "memoryview", &SIGNATURE, |a| view::of_object(t, a[0]))
}

fn repr(t: &Thread, v: Value) -> R {
    let state = if receiver(v).is_released() { "released " } else { "" };
    Ok(Str::try_new(t, &format!("<{state}memory at {:#x}>", v.bits()))?.value())
}

fn len(t: &Thread, v: Value) -> R<usize> {
    let view = checked(t, v)?;
    if view.dimensions() == 0 {
        raise!(t, TypeError, "0-dim memory has no length")
    }
    Ok(view.len())
}

fn to_bytes(t: &Thread, a: &[Value]) -> R {
    let view = checked(t, a[0])?;
    let order = match a[1].non_null() {
        None | Some(Value::NONE) => "C".to_owned(),
        Some(v) => match v.downcast::<Str>() {
            Some(s) => s.to_string_lossy().into_owned(),
            None => raise!(t, TypeError, "tobytes() argument 'order' must be str or None, not {}", v.class().display_name()),
        },
    };
    let fortran = match order.as_str() {
        "C" => false,
        "F" => true,
        "A" => view.is_f_contiguous() && !view.is_c_contiguous(),
        _ => raise!(t, ValueError, "order must be 'C', 'F' or 'A'"),
    };
    if !fortran {
        if view.is_c_contiguous() {
            return Ok(Bytes::from_slice(t, view.bytes())?.value());
        }
        return Ok(Bytes::from_slice(t, &compare::contents(view))?.value());
    }
    // The first index runs fastest: the last one of the dimensions the other way round.
    let mut dims = view.dims();
    dims.shape.reverse();
    dims.strides.reverse();
    let mut out = Vec::with_capacity(view.byte_count());
    // SAFETY: the dimensions describe the lent memory.
    unsafe { copy_items(view.data(), &dims.shape, &dims.strides, view.itemsize(), &mut |item| out.extend_from_slice(item)) };
    debug_assert!(!view.is_f_contiguous() || is_c_contiguous(&dims.shape, &dims.strides, view.itemsize()));
    Ok(Bytes::from_slice(t, &out)?.value())
}

fn to_list(t: &Thread, a: &[Value]) -> R {
    let view = checked(t, a[0])?;
    let code = view.code(t)?;
    list_of(t, code, &view.shown(), 0, view.data())
}

/// The items from dimension `depth` on: an item behind the last one.
fn list_of(t: &Thread, code: u8, shown: &Shown, depth: usize, ptr: *mut u8) -> R {
    let Dims { shape, strides } = &shown.dims;
    if depth == shape.len() {
        // SAFETY: an item that the view describes.
        return unsafe { item::unpack(t, code, ptr) };
    }
    let list = List::with_capacity(t, shape[depth])?;
    for i in 0..shape[depth] {
        // SAFETY: inside the memory that the view describes.
        let at = unsafe { ptr.offset(i as isize * strides[depth]) };
        let item = list_of(t, code, shown, depth + 1, at)?;
        list.append_locked(t, item)?;
    }
    Ok(list.value())
}

fn count(t: &Thread, a: &[Value]) -> R {
    iterator::iterator(t, a[0])?;
    let mut n = 0;
    let len = receiver(a[0]).len();
    for i in 0..len {
        n += values_equal(t, index::nth(t, receiver(a[0]), i)?, a[1])? as usize;
    }
    Ok(int::from_usize(t, n))
}

fn find(t: &Thread, a: &[Value]) -> R {
    let view = checked(t, a[0])?;
    match view.dimensions() {
        0 => raise!(t, TypeError, "invalid lookup on 0-dim memory"),
        1 => {}
        _ => raise!(t, NotImplementedError, "multi-dimensional lookup is not implemented"),
    }
    let len = view.len();
    let start = search_bound(t, a[2], 0, len)?;
    let stop = search_bound(t, a[3], len as isize, len)?;
    for i in start..stop.min(len) {
        if values_equal(t, index::nth(t, view, i)?, a[1])? {
            return Ok(int::from_usize(t, i));
        }
    }
    raise!(t, ValueError, "memoryview.index(x): x not found")
}
