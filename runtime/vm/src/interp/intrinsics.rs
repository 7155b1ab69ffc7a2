//! Rare operations behind `CALL_INTRINSIC_1` and `CALL_INTRINSIC_2`.

use crate::interp::frame::Frame;
use crate::modules::builtins::sum;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, call, iter, number, sequence};
use crate::thread::Thread;
use crate::types::{Dict, Exception, List, Str, Tuple, coroutine, typevar};
use crate::{exc, names};
use limpid_bytecode::{CodeFlags, Intrinsic1, Intrinsic2};
use limpid_heap::Value;

/// An operation with one operand.
#[inline(never)]
pub fn unary(t: &Thread, frame: Frame, which: u32, v: Value) -> R {
    let Some(which) = Intrinsic1::from_oparg(which) else { raise!(t, SystemError, "unknown intrinsic function") };
    match which {
        Intrinsic1::Invalid => raise!(t, SystemError, "invalid intrinsic function"),
        Intrinsic1::Print => {
            let hook = crate::modules::sys_attribute(t, "displayhook")?;
            let Some(hook) = hook else { raise!(t, RuntimeError, "lost sys.displayhook") };
            call::call(t, hook, &[v])
        }
        Intrinsic1::ImportStar => import_star(t, frame, v),
        Intrinsic1::StopIterationError => stop_iteration_error(t, frame, v),
        Intrinsic1::AsyncGenWrap => Ok(coroutine::wrap_async_value(t, v)),
        Intrinsic1::UnaryPositive => number::positive(t, v),
        Intrinsic1::ListToTuple => match v.downcast::<List>() {
            Some(list) => Ok(Tuple::from_slice(t, list.snapshot(t).as_slice()).value()),
            None => Ok(iter::to_tuple(t, v)?.value()),
        },
        Intrinsic1::TypeVar => typevar::new_typevar(t, v, Value::NULL, Value::NULL),
        Intrinsic1::ParamSpec => typevar::new_param_spec(t, v),
        Intrinsic1::TypeVarTuple => typevar::new_typevar_tuple(t, v),
        Intrinsic1::SubscriptGeneric => typevar::subscript_generic(t, v),
        Intrinsic1::TypeAlias => {
            let Some(parts) = v.downcast::<Tuple>().filter(|p| p.len() == 3) else {
                raise!(t, SystemError, "malformed type alias");
            };
            typevar::new_type_alias(t, parts.get(0), parts.get(1), parts.get(2))
        }
        Intrinsic1::SumResult => Ok(sum::result(t, v)),
    }
}

/// An operation with two operands.
pub fn binary(t: &Thread, which: u32, a: Value, b: Value) -> R {
    let Some(which) = Intrinsic2::from_oparg(which) else { raise!(t, SystemError, "unknown intrinsic function") };
    match which {
        Intrinsic2::Invalid => raise!(t, SystemError, "invalid intrinsic function"),
        Intrinsic2::PrepareReraiseStar => exc::prepare_reraise_star(t, a, b),
        Intrinsic2::TypeVarWithBound => typevar::new_typevar(t, a, b, Value::NULL),
        Intrinsic2::TypeVarWithConstraints => typevar::new_typevar(t, a, Value::NULL, b),
        Intrinsic2::SetFunctionTypeParams => {
            // SAFETY: the compiler has put a function there.
            let f = unsafe { Ref::<crate::types::Function>::from_value(a) };
            f.type_params.set(t, f, b);
            Ok(a)
        }
        Intrinsic2::SetTypeParamDefault => typevar::set_default(t, a, b),
        Intrinsic2::SumAdd => sum::add(t, a, b),
    }
}

/// `from module import *`
fn import_star(t: &Thread, frame: Frame, module: Value) -> R {
    let namespace = if frame.namespace().is_null() { frame.function().globals.get() } else { frame.namespace() };
    let set = |name: Value| -> R<()> {
        let v = attr::get_attr(t, module, name)?;
        match namespace.exact::<Dict>() {
            Some(d) => d.set_item(t, name, v),
            None => sequence::set_item(t, namespace, name, v),
        }
    };
    let module_name = |t: &Thread| -> R<String> {
        match attr::get_attr_opt(t, module, names::__name__)?.and_then(|n| n.downcast::<Str>()) {
            Some(n) => Ok(n.to_string_lossy().into_owned()),
            None => raise!(t, TypeError, "__name__ must be a string"),
        }
    };
    if let Some(all) = attr::get_attr_opt(t, module, names::__all__)? {
        iter::for_each(t, all, |name| {
            if name.downcast::<Str>().is_none() {
                let m = module_name(t)?;
                raise!(t, TypeError, "Item in {m}.__all__ must be str, not {}", name.class().display_name());
            }
            set(name)
        })?;
        return Ok(Value::NONE);
    }
    let Some(dict) = attr::get_attr_opt(t, module, names::__dict__)? else {
        raise!(t, ImportError, "from-import-* object has no __dict__ and no __all__");
    };
    for name in iter::collect(t, dict)?.iter() {
        match name.downcast::<Str>() {
            Some(s) if !s.is_empty() && s.char_at(0) == '_' as u32 => {}
            Some(_) => set(name)?,
            None => {
                let m = module_name(t)?;
                raise!(t, TypeError, "Key in {m}.__dict__ must be str, not {}", name.class().display_name());
            }
        }
    }
    Ok(Value::NONE)
}

/// A StopIteration that would leave a generator becomes a RuntimeError.
fn stop_iteration_error(t: &Thread, frame: Frame, e: Value) -> R {
    let flags = frame.code().flags;
    let kind = if flags.has(CodeFlags::ASYNC_GENERATOR) {
        "async generator"
    } else if flags.has(CodeFlags::COROUTINE) {
        "coroutine"
    } else {
        "generator"
    };
    let which = if e.is_instance(exc::StopIteration) {
        "StopIteration"
    } else if flags.has(CodeFlags::ASYNC_GENERATOR) && e.is_instance(exc::StopAsyncIteration) {
        "StopAsyncIteration"
    } else {
        return Ok(e);
    };
    let text = Str::new(t, &format!("{kind} raised {which}")).value();
    let error = Exception::instantiate(t, exc::RuntimeError, &[text])?;
    Exception::set_cause(t, error, e);
    Exception::set_context(t, error, e);
    Ok(error)
}
