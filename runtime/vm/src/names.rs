//! Interned strings that the runtime itself uses, at addresses known at compile time.
//!
//! `names::__init__` is the value of the interned str `"__init__"`. They are laid out at a fixed distance in the heap's immortal area,
//! made at start-up by [`create`].

#![allow(non_upper_case_globals)]

use crate::object::{Ref, header_of};
use crate::thread::Thread;
use crate::types::str::{STR_OVERHEAD, Width};
use crate::types::{NAMES_BASE, Str};
use limpid_heap::Value;

/// The distance between two names; the longest is 36 characters.
pub const NAME_SIZE: usize = 64;

macro_rules! static_names {
    ($($name:ident $(= $text:literal)?,)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[repr(usize)]
        enum Index { $($name,)* Count }

        $(#[doc = concat!("The interned str `", stringify!($name), "`.")]
        pub const $name: Value = Value::from_bits((NAMES_BASE + Index::$name as usize * NAME_SIZE) as u64);)*

        /// How many there are.
        pub const COUNT: usize = Index::Count as usize;

        /// Their texts in order.
        pub(crate) const TEXTS: [&str; COUNT] = [$(static_names!(@text $name $($text)?),)*];
    };
    (@text $name:ident $text:literal) => { $text };
    (@text $name:ident) => { stringify!($name) };
}

static_names! {
    empty = "",
    __abs__, __add__, __aenter__, __aexit__, __aiter__, __all__, __and__, __anext__, __annotate__, __annotate_func__, __annotations__,
    __annotations_cache__, __args__, __await__, __bases__, __bool__, __buffer__, __build_class__, __builtins__, __bytes__, __cached__,
    __call__, __cause__, __ceil__, __class__, __class_getitem__, __classcell__, __classdict__, __classdictcell__, __closure__, __code__,
    __complex__, __conditional_annotations__, __contains__, __context__, __copy__, __ctypes_from_outparam__, __debug__, __deepcopy__,
    __defaults__, __del__, __delattr__, __delete__, __delitem__, __dict__, __dictoffset__, __dir__, __divmod__, __doc__, __enter__,
    __eq__, __exit__, __file__, __firstlineno__, __float__, __floor__, __floordiv__, __format__, __fspath__, __func__, __future__,
    __ge__, __get__, __getattr__, __getattribute__, __getinitargs__, __getitem__, __getnewargs__, __getnewargs_ex__, __getstate__,
    __globals__, __gt__, __hash__, __iadd__, __iand__, __ifloordiv__, __ilshift__, __imatmul__, __imod__, __import__, __imul__,
    __index__, __init__, __init_subclass__, __initializing__, __instancecheck__, __int__, __invert__, __ior__, __ipow__, __irshift__,
    __isabstractmethod__, __isub__, __iter__, __itruediv__, __ixor__, __kwdefaults__, __le__, __len__, __length_hint__, __loader__,
    __lshift__, __lt__, __main__, __match_args__, __matmul__, __missing__, __mod__, __module__, __mro_entries__, __mro__, __mul__,
    __name__, __ne__, __neg__, __new__, __newobj__, __newobj_ex__, __next__, __notes__, __objclass__, __or__, __orig_bases__,
    __orig_class__, __origin__, __package__, __parameters__, __path__, __pos__, __pow__, __prepare__, __qualname__, __radd__, __rand__,
    __rdivmod__, __reduce__, __reduce_ex__, __release_buffer__, __repr__, __reversed__, __rfloordiv__, __rlshift__, __rmatmul__,
    __rmod__, __rmul__, __ror__, __round__, __rpow__, __rrshift__, __rshift__, __rsub__, __rtruediv__, __rxor__, __self__,
    __self_class__, __set__, __set_name__, __setattr__, __setitem__, __setstate__, __sizeof__, __slots__, __spec__,
    __static_attributes__, __str__, __sub__, __subclasscheck__, __subclasshook__, __text_signature__, __thisclass__, __traceback__,
    __truediv__, __trunc__, __type_params__, __typing_is_unpacked_typevartuple__, __typing_prepare_subst__, __typing_subst__,
    __typing_unpacked_tuple_args__, __unpacked__, __value__, __warningregistry__, __weakref__, __wrapped__, __xor__, __abstractmethods__,
    _abc_impl, _fix_up_module, _find_and_load, _handle_fromlist, _initializing, _install_external_importers, _lock_unlock_module,
    _blksize, _finalizing, _handles, _uninitialized_submodules, _slotnames, _fields, _attributes, _field_types,
    add, append, args, c_call, c_exception, c_return, call, exception, opcode, argv, ascii = "ASCII", athrow, asend, big, buffer, builtins, bytes, clear, close, code, copy, copyreg, decode, default, dict, difference_update,
    dot = ".", comma_space = ", ", space = " ", newline = "\n", encode, encoding, end, errno, errors, excepthook, exceptions, extend, false_ = "False",
    fget, fset, fdel, file, filename, fileno, filename2, flush, fromkeys, get, getattr, getvalue, group, importlib,
    intersection, io, isatty, items, iter, join, key, keys, last_exc, last_traceback, last_type, last_value, len, lineno, line, little, lambda = "<lambda>", listcomp = "<listcomp>", genexpr = "<genexpr>",
    locals, mode, module = "<module>", modules, mro, msg, name, name_from, namespace, none = "None", obj, offset, end_lineno, end_offset, open, partial, path, peek, pop, print_file_and_line,
    posix, read, read1, readable, readall, readinto, readline, readlines, reload, repr, replace, reset, result, return_ = "return", reversed, round, seek,
    seekable, self_ = "self", send, sep, signed, size, sort, stderr, stdin, stdout, strict, start, step, stop, surrogateescape, surrogatepass, sys, tell, text, throw, true_ = "True", truncate, type_ = "type",
    unraisablehook, update, utf_8 = "utf-8", value, values, warn, warnings, writable, write, zip, displayhook, ps1, ps2, breakpointhook, meta_path, path_hooks, path_importer_cache,
    __stdin__, __stdout__, __stderr__, __displayhook__, __excepthook__, __unraisablehook__, underscore = "_", dot_locals = ".<locals>", dot_zero = ".0",
    tb_frame, tb_next, tb_lineno, tb_lasti, f_back, gi_frame, cr_frame, threading, _shutdown, origin, cached, parent, loader, submodule_search_locations, has_location,
    __firstiter__ = "firstiter", finalizer, hasattr, index, count, real, imag, numerator, denominator, conjugate, from_bytes, to_bytes, is_integer, as_integer_ratio, bit_length, bit_count,
    __defaults_factory__ = "default_factory", fold, tzinfo, maxlen, typing, Generic, collections_abc = "collections.abc", annotationlib, call_annotate_function, Format, VALUE, FORWARDREF, STRING, VALUE_WITH_FAKE_GLOBALS,
    string_file = "<string>", metaclass, _asyncio_future_blocking, _loop, add_done_callback, call_exception_handler, call_soon, cancel, context, done, get_debug, get_loop,
    is_running, dst, fromutc, isoformat, timetuple, tzname, utcoffset,
}

/// Makes them, in the heap's immortal area.
pub(crate) fn create(t: &Thread) {
    for (i, spelling) in TEXTS.iter().enumerate() {
        debug_assert!(spelling.is_ascii() && STR_OVERHEAD + spelling.len() < NAME_SIZE);
        let p = limpid_heap::immortal_alloc(NAME_SIZE, header_of::<Str>()).as_ptr() as *mut Str;
        debug_assert_eq!(p as usize, NAMES_BASE + i * NAME_SIZE);
        // SAFETY: a new, zeroed cell with room for the text.
        let made = unsafe {
            Str::init_meta(p, Width::Ascii, spelling.len());
            let made = Ref::from_ptr(p);
            std::ptr::copy_nonoverlapping(spelling.as_ptr(), made.data_ptr(), spelling.len());
            made
        };
        t.runtime().interned.intern(made);
    }
}
