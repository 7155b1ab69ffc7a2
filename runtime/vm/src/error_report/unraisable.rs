//! Exceptions in places that cannot raise: finalizers, callbacks. They go to `sys.unraisablehook`.

use super::write_stderr;
use crate::exc;
use crate::modules::sys;
use crate::names;
use crate::object::{R, ValueExt};
use crate::protocol::{attr, call, text};
use crate::root::TypeCell;
use crate::thread::Thread;
use crate::types::struct_sequence::{self, StructSequenceDef};
use crate::types::{Exception, Str};
use limpid_heap::Value;

static ARGS: StructSequenceDef = StructSequenceDef {
    name: "sys.UnraisableHookArgs",
    doc: "Type used to pass arguments to sys.unraisablehook.",
    fields: &[
        ("exc_type", "Exception type"),
        ("exc_value", "Exception value"),
        ("exc_traceback", "Exception traceback"),
        ("err_msg", "Error message"),
        ("object", "Object causing the exception"),
    ],
    visible: 5,
    instantiable: true,
};

static ARGS_TYPE: TypeCell = TypeCell::new();

/// Makes the type of the hook's argument; part of making `sys`.
pub(crate) fn create_type(t: &Thread) -> R<Value> {
    let class = struct_sequence::create_type(t, &ARGS, &ARGS_TYPE)?;
    Ok(class.value())
}

/// Tells of the current exception, which happened in `object` (or NULL). There is none any more then.
pub fn unraisable(t: &Thread, object: Value) {
    report(t, Value::NONE, object);
}

/// As [`unraisable()`], with a message that ends in the object's repr: "Exception ignored while calling deallocator".
pub fn unraisable_with_message(t: &Thread, message: &str, object: Value) {
    let saved = t.take_exception();
    let message = match text::repr(t, object) {
        Ok(shown) => format!("{message} {}", shown.to_string_lossy()),
        Err(_) => {
            t.take_exception();
            message.to_owned()
        }
    };
    t.raise_value(saved);
    unraisable_without_object(t, &message);
}

/// As [`unraisable()`], with a message and no object.
pub fn unraisable_without_object(t: &Thread, message: &str) {
    let message = Str::new(t, message).value();
    report(t, message, Value::NULL);
}

fn report(t: &Thread, message: Value, object: Value) {
    let e = t.take_exception();
    if e.is_null() {
        return;
    }
    let object = object.non_null().unwrap_or(Value::NONE);
    let values = [e.class().value(), e, Exception::traceback(e), message, object];
    let Some(class) = ARGS_TYPE.opt() else {
        // sys does not exist yet, or no more.
        print(t, &values);
        return;
    };
    let outcome = struct_sequence::create(t, class, &values).and_then(|args| {
        let Some(hook) = sys::attribute(t, names::unraisablehook) else {
            print(t, &values);
            return Ok(());
        };
        sys::audit(t, "sys.unraisablehook", &[hook, args])?;
        call::call(t, hook, &[args]).map(|_| ())
    });
    if outcome.is_err() {
        // The hook itself has failed: both are shown as best as we can.
        let failure = t.take_exception();
        let message = Str::new(t, "Exception ignored in sys.unraisablehook").value();
        print(t, &[failure.class().value(), failure, Exception::traceback(failure), message, Value::NONE]);
    }
}

/// `sys.__unraisablehook__`
pub fn default_hook(t: &Thread, args: Value) -> R<()> {
    if args.class() != ARGS_TYPE.get() {
        raise!(t, TypeError, "sys.unraisablehook argument type must be UnraisableHookArgs")
    }
    let mut values = [Value::NONE; 5];
    for (value, (name, _)) in values.iter_mut().zip(ARGS.fields) {
        *value = attr::get_attr_text(t, args, name)?;
    }
    print(t, &values);
    Ok(())
}

/// Prints the five values of the hook's argument. Never raises.
fn print(t: &Thread, [class, value, traceback, message, object]: &[Value; 5]) {
    let mut head = String::new();
    let message = message.downcast::<Str>();
    if !object.is_none() {
        head += &match message {
            Some(m) => format!("{}: ", m.to_string_lossy()),
            None => "Exception ignored in: ".into(),
        };
        head += &match text::repr(t, *object) {
            Ok(shown) => shown.to_string_lossy().into_owned(),
            Err(_) => {
                t.take_exception();
                "<object repr() failed>".into()
            }
        };
        head += "\n";
    } else if let Some(m) = message {
        head += &format!("{}:\n", m.to_string_lossy());
    }
    write_stderr(t, &head);
    if value.is_instance(exc::BaseException) {
        if Exception::traceback(*value).is_none() {
            Exception::set_traceback(t, *value, *traceback);
        }
        super::display(t, *value);
    } else {
        let name = class.downcast::<crate::types::Type>().map_or_else(|| "<unknown>".into(), |c| c.display_name());
        write_stderr(t, &format!("{name}\n"));
    }
}
