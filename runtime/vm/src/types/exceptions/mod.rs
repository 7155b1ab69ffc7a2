//! What exceptions are made of and how they behave.
//!
//! Every exception begins with the layout [`Exception`]; classes with fields of their own (OSError, SyntaxError, ...) add them behind it,
//! one file each. The last word is the attribute dict, where the type's `attrs_offset` points. All words are values, and NULL means
//! "not given": a zeroed cell is a valid exception.
//!
//! Which class behaves how is said in the list of [`crate::exc`]; the constants named there are declared in this folder.

use crate::args::Args;
use crate::exc;
use crate::object::{Layout, R, Ref, Slot, ValueExt};
use crate::thread::Thread;
use crate::types::{Tuple, Type, TypeDef, flag};
use limpid_heap::{Header, Value};

mod base;
mod except_star;
mod group;
mod import_error;
mod key_error;
mod message;
mod name_error;
mod os_error;
mod stop;
mod syntax_error;
pub mod unicode;

pub use except_star::{match_group, prep_reraise_star};
pub use group::{ExceptionGroup, given_exception_matches, is_exception_class};
pub use import_error::ImportError;
pub use message::Message;
pub use name_error::{AttributeError, NameError};
pub use os_error::{OsError, raise_os_error, raise_os_error_with_names, strerror};
pub use stop::{StopIteration, SystemExit};
pub use syntax_error::SyntaxError;
pub use unicode::{UnicodeError, raise_decode_error, raise_encode_error};

pub(crate) use base::{DEF as BASE, PLAIN};
pub(crate) use group::{DEF as GROUP, SUBCLASS as GROUP_SUBCLASS};
pub(crate) use import_error::{DEF as IMPORT_ERROR, SUBCLASS as IMPORT_ERROR_SUBCLASS};
pub(crate) use key_error::DEF as KEY_ERROR;
pub(crate) use name_error::{ATTRIBUTE_ERROR, DEF as NAME_ERROR, SUBCLASS as NAME_ERROR_SUBCLASS};
pub(crate) use os_error::{DEF as OS_ERROR, SUBCLASS as OS_ERROR_SUBCLASS};
pub(crate) use stop::{STOP_ITERATION, SYSTEM_EXIT};
pub(crate) use syntax_error::{DEF as SYNTAX_ERROR, SUBCLASS as SYNTAX_ERROR_SUBCLASS};
pub(crate) use unicode::{DECODE as UNICODE_DECODE_ERROR, ENCODE as UNICODE_ENCODE_ERROR, TRANSLATE as UNICODE_TRANSLATE_ERROR};

/// What every exception begins with.
#[repr(C)]
pub struct Exception {
    header: Header,
    args: Slot,
    traceback: Slot,
    context: Slot,
    cause: Slot,
    /// Bits of [`flags`], an int; NULL is 0.
    flags: Slot,
}

crate::layout!(Exception, exc::BaseException, Slots);

mod flags {
    /// `__suppress_context__`.
    pub(super) const SUPPRESS_CONTEXT: i64 = 1;
    /// The frame that raises it is in its traceback already.
    pub(super) const RERAISED: i64 = 2;
}

/// An exception's fields.
fn of(e: Value) -> Ref<Exception> {
    crate::args::receiver(e)
}

/// The declaration of a class whose instances begin with the layout `T` and end with a dict word.
const fn def<T: Layout>() -> TypeDef {
    TypeDef {
        flags: flag::BASE_TYPE | flag::EXCEPTION_SUBCLASS,
        size: size_of::<T>() + size_of::<Slot>(),
        value_slots: T::SLOTS + 1,
        dict_offset: size_of::<T>(),
        ..TypeDef::of::<T>("")
    }
}

/// A field as an attribute: None while it is empty; deleting empties it.
macro_rules! member {
    ($layout:ty, $field:ident) => {
        member!($layout, $field, stringify!($field))
    };
    ($layout:ty, $field:ident, $name:expr) => {
        $crate::args::GetSet::property(
            $name,
            |_, e| Ok($crate::types::exceptions::or_none($crate::args::receiver::<$layout>(e).$field.get())),
            |t, e, v| {
                let e = $crate::args::receiver::<$layout>(e);
                e.$field.set(t, e, v);
                Ok(())
            },
        )
        .member()
    };
}
use member;

/// The value, or None for NULL.
fn or_none(v: Value) -> Value {
    v.non_null().unwrap_or(Value::NONE)
}

/// The value, or NULL for None.
fn null_for_none(v: Value) -> Value {
    if v.is_none() { Value::NULL } else { v }
}

/// The type of an argument as messages about arguments name it.
fn argument_type(v: Value) -> String {
    if v.is_none() { "None".into() } else { v.class().display_name() }
}

impl Exception {
    /// A new instance of an exception class without running its constructor: no arguments, all fields empty.
    pub fn allocate(t: &Thread, class: Ref<Type>) -> Ref<Exception> {
        debug_assert!(class.is_subtype(exc::BaseException));
        let cell = t.mutator.alloc_any(class.instance_size(), class.instance_header());
        // SAFETY: a new cell of an exception class; all zero means all empty.
        let e = unsafe { Ref::<Exception>::from_ptr(cell.as_ptr() as *mut Exception) };
        e.args.set(t, e, t.empty_tuple());
        class.on_new_instance(t, e.value());
        e
    }

    /// `class(*args)`. For the builtin classes this runs no Python code.
    pub fn instantiate(t: &Thread, class: Ref<Type>, args: &[Value]) -> R {
        if !exc::is_builtin(class) {
            return crate::protocol::call::call(t, class.value(), args);
        }
        let args = Args::positional(args);
        let e = match class.slots().new {
            Some(new) => new(t, class.value(), args)?,
            None => Exception::allocate(t, class).value(),
        };
        if let Some(init) = e.class().slots().init {
            init(t, e, args)?;
        }
        Ok(e)
    }

    /// Makes the exception being handled the context of `exc`, which is about to be raised, without creating a cycle.
    pub fn attach_context(t: &Thread, exc: Value) {
        let handled = t.handled_exception();
        let (Some(e), Some(first)) = (exc.downcast::<Exception>(), handled.downcast::<Exception>()) else { return };
        if e == first {
            return;
        }
        // The chain may be a cycle already: a second pointer follows at half the speed.
        let (mut at, mut slow, mut advance_slow) = (first, first, false);
        while let Some(context) = at.context_ref() {
            if context == e {
                at.context.set(t, at, Value::NULL);
                break;
            }
            at = context;
            if at == slow {
                break;
            }
            if advance_slow && let Some(next) = slow.context_ref() {
                slow = next;
            }
            advance_slow = !advance_slow;
        }
        e.context.set(t, e, handled);
    }

    /// `args`.
    pub fn args(&self) -> Ref<Tuple> {
        // SAFETY: the field is a tuple, set by `allocate`.
        unsafe { Ref::from_value(self.args.get()) }
    }

    fn context_ref(&self) -> Option<Ref<Exception>> {
        // SAFETY: the field is an exception or NULL.
        self.context.opt().map(|v| unsafe { Ref::from_value(v) })
    }

    /// `e.__traceback__`: a traceback, or None.
    pub fn traceback(e: Value) -> Value {
        or_none(of(e).traceback.get())
    }

    /// `e.__context__`: an exception, or None.
    pub fn context(e: Value) -> Value {
        or_none(of(e).context.get())
    }

    /// `e.__cause__`: an exception, or None.
    pub fn cause(e: Value) -> Value {
        or_none(of(e).cause.get())
    }

    /// `e.__suppress_context__`.
    pub fn suppress_context(e: Value) -> bool {
        of(e).has(flags::SUPPRESS_CONTEXT)
    }

    /// Replaces `e.__traceback__`: a traceback, or None.
    pub fn set_traceback(t: &Thread, e: Value, traceback: Value) {
        of(e).traceback.set(t, of(e), null_for_none(traceback));
    }

    /// Replaces `e.__context__`: an exception, or None.
    pub fn set_context(t: &Thread, e: Value, context: Value) {
        of(e).context.set(t, of(e), null_for_none(context));
    }

    /// Replaces `e.__cause__` (an exception, or None), which hides the context.
    pub fn set_cause(t: &Thread, e: Value, cause: Value) {
        of(e).cause.set(t, of(e), null_for_none(cause));
        of(e).set_flag(t, flags::SUPPRESS_CONTEXT, true);
    }

    /// Replaces `e.__suppress_context__`.
    pub fn set_suppress_context(t: &Thread, e: Value, suppress: bool) {
        of(e).set_flag(t, flags::SUPPRESS_CONTEXT, suppress);
    }

    /// The exception goes on its way from where it was caught: that frame is in the traceback already.
    pub fn mark_reraised(t: &Thread, e: Value) {
        of(e).set_flag(t, flags::RERAISED, true);
    }

    /// Was it marked by [`Exception::mark_reraised`]? The mark is gone then.
    pub(crate) fn take_reraised(t: &Thread, e: Value) -> bool {
        let marked = of(e).has(flags::RERAISED);
        if marked {
            of(e).set_flag(t, flags::RERAISED, false);
        }
        marked
    }

    fn has(&self, flag: i64) -> bool {
        self.flags.opt().is_some_and(|f| f.as_int() & flag != 0)
    }
}

impl Ref<Exception> {
    /// Replaces `args`.
    pub fn set_args(self, t: &Thread, args: Ref<Tuple>) {
        self.args.set(t, self, args.value());
    }

    fn set_flag(self, t: &Thread, flag: i64, on: bool) {
        let old = self.flags.opt().map_or(0, |f| f.as_int());
        self.flags.set(t, self, Value::int(if on { old | flag } else { old & !flag }));
    }
}
