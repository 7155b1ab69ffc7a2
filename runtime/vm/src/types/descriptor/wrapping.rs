//! Calling a slot as a special method: `(1).__add__(2)`. One function for each signature a slot can have.

#![allow(non_snake_case)]

use super::text;
use crate::args::Args;
use crate::object::{R, Ref, ValueExt};
use crate::slots::{self, Compare, SlotId, SlotTable};
use crate::thread::Thread;
use crate::types::{Type, int, type_};
use limpid_heap::Value;

/// A slot to call, and as which of its special methods.
#[derive(Clone, Copy)]
pub(super) struct Target {
    /// The type whose table has the slot.
    pub(super) owner: Ref<Type>,
    pub(super) slot: SlotId,
    /// The index of the method in [`slots::SLOT_METHODS`].
    pub(super) which: usize,
    /// The method's name.
    pub(super) name: Value,
}

macro_rules! define_invoke {
    ($($field:ident: $signature:ident $($method:literal)+;)*) => {
        /// `receiver.method(...)`; the receiver is an instance of the owner.
        pub(super) fn invoke(t: &Thread, target: Target, receiver: Value, args: Args<'_>) -> R {
            let table: &SlotTable = target.owner.slots();
            match target.slot {
                $(SlotId::$field => match table.$field {
                    Some(f) => $signature(t, target, f, receiver, args),
                    None => Ok(Value::NOT_IMPLEMENTED),
                },)*
            }
        }
    };
}
crate::for_each_slot!(define_invoke);

/// The positional arguments, between `min` and `max` of them.
fn between<'a>(t: &Thread, target: Target, args: &Args<'a>, min: usize, max: usize) -> R<&'a [Value]> {
    if args.keyword_count() != 0 {
        raise!(t, TypeError, "wrapper {}() takes no keyword arguments", text(target.name));
    }
    let pos = args.pos();
    if (min..=max).contains(&pos.len()) {
        return Ok(pos);
    }
    if min == max {
        raise!(t, TypeError, "expected {max} argument{}, got {}", if max == 1 { "" } else { "s" }, pos.len());
    }
    let (word, n) = if pos.len() < min { ("at least", min) } else { ("at most", max) };
    raise!(t, TypeError, "expected {word} {n} argument{}, got {}", if n == 1 { "" } else { "s" }, pos.len())
}

fn none_to_null(v: Value) -> Value {
    if v.is_none() { Value::NULL } else { v }
}

fn Unary(t: &Thread, target: Target, f: slots::Unary, receiver: Value, args: Args<'_>) -> R {
    between(t, target, &args, 0, 0)?;
    f(t, receiver)
}

fn Binary(t: &Thread, target: Target, f: slots::Binary, receiver: Value, args: Args<'_>) -> R {
    let other = between(t, target, &args, 1, 1)?[0];
    // A sequence is the first operand of its repetition in either order.
    if target.which == 1 && target.slot != SlotId::repeat { f(t, other, receiver) } else { f(t, receiver, other) }
}

fn Ternary(t: &Thread, target: Target, f: slots::Ternary, receiver: Value, args: Args<'_>) -> R {
    if args.keyword_count() == 0 && !(1..=2).contains(&args.pos().len()) {
        raise!(t, TypeError, "expected 1 or 2 arguments, got {}", args.pos().len());
    }
    let a = between(t, target, &args, 1, 2)?;
    let third = a.get(1).copied().unwrap_or(Value::NONE);
    if target.which == 1 { f(t, a[0], receiver, third) } else { f(t, receiver, a[0], third) }
}

fn Hash(t: &Thread, target: Target, f: slots::Hash, receiver: Value, args: Args<'_>) -> R {
    between(t, target, &args, 0, 0)?;
    Ok(int::from_i64(t, f(t, receiver)?))
}

fn Len(t: &Thread, target: Target, f: slots::Len, receiver: Value, args: Args<'_>) -> R {
    between(t, target, &args, 0, 0)?;
    Ok(int::from_usize(t, f(t, receiver)?))
}

fn Inquiry(t: &Thread, target: Target, f: slots::Inquiry, receiver: Value, args: Args<'_>) -> R {
    between(t, target, &args, 0, 0)?;
    f(t, receiver).map(Value::bool)
}

fn Contains(t: &Thread, target: Target, f: slots::Contains, receiver: Value, args: Args<'_>) -> R {
    f(t, receiver, between(t, target, &args, 1, 1)?[0]).map(Value::bool)
}

fn SetItem(t: &Thread, target: Target, f: slots::SetItem, receiver: Value, args: Args<'_>) -> R {
    if target.slot == SlotId::setattr {
        check_setattr(t, target, f, receiver)?;
    }
    match target.which {
        0 => {
            let a = between(t, target, &args, 2, 2)?;
            f(t, receiver, a[0], a[1])?;
        }
        // Of a descriptor's two methods the second one names the object only.
        _ => f(t, receiver, between(t, target, &args, 1, 1)?[0], Value::NULL)?,
    }
    Ok(Value::NONE)
}

/// `object.__setattr__` must not get around the `__setattr__` of a native type derived from object.
fn check_setattr(t: &Thread, target: Target, f: slots::SetItem, receiver: Value) -> R<()> {
    let mut class = receiver.class();
    while let Some(base) = class.base()
        && type_::is_python_setattr(class)
    {
        class = base;
    }
    if class.slots().setattr.is_some_and(|own| std::ptr::fn_addr_eq(own, f)) {
        return Ok(());
    }
    raise!(t, TypeError, "can't apply this {} to {} object", text(target.name), class.display_name())
}

fn RichCompare(t: &Thread, target: Target, f: slots::RichCompare, receiver: Value, args: Args<'_>) -> R {
    f(t, receiver, between(t, target, &args, 1, 1)?[0], Compare::from_number(target.which as u8))
}

fn DescrGet(t: &Thread, target: Target, f: slots::DescrGet, receiver: Value, args: Args<'_>) -> R {
    let a = between(t, target, &args, 1, 2)?;
    let object = none_to_null(a[0]);
    let class = a.get(1).map_or(Value::NULL, |c| none_to_null(*c));
    if object.is_null() && class.is_null() {
        raise!(t, TypeError, "__get__(None, None) is invalid");
    }
    f(t, receiver, object, class)
}

fn Next(t: &Thread, target: Target, f: slots::Next, receiver: Value, args: Args<'_>) -> R {
    between(t, target, &args, 0, 0)?;
    crate::protocol::iter::next_or_stop(t, f, receiver)
}

fn Call(t: &Thread, _target: Target, f: slots::Call, receiver: Value, args: Args<'_>) -> R {
    f(t, receiver, args)
}

fn Init(t: &Thread, _target: Target, f: slots::Init, receiver: Value, args: Args<'_>) -> R {
    f(t, receiver, args).map(|()| Value::NONE)
}

fn Finalize(t: &Thread, target: Target, f: slots::Finalize, receiver: Value, args: Args<'_>) -> R {
    between(t, target, &args, 0, 0)?;
    f(t, receiver).map(|()| Value::NONE)
}

fn GetBuffer(t: &Thread, target: Target, _f: slots::GetBuffer, receiver: Value, args: Args<'_>) -> R {
    crate::types::memory::buffer_method(t, receiver, between(t, target, &args, 1, 1)?[0])
}
