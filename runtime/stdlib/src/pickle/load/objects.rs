//! What is filled, found by its name, or made by calling something.

use super::Loading;
use crate::pickle::global;
use crate::pickle::opcode as op;
use crate::pickle::unpickler;
use crate::pickle::{UNPICKLING_ERROR, fail};
use limpid_heap::Value;
use limpid_vm::args::Args;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::{attr, call, sequence};
use limpid_vm::thread::Thread;
use limpid_vm::types::str::intern_value;
use limpid_vm::types::{Dict, List, Str, Tuple, Type, ValueList, builtin, set};
use limpid_vm::{names, raise};

impl Loading {
    /// Appends what is on the stack from `at` on to what is below.
    pub(super) fn append(&mut self, t: &Thread, at: usize) -> R<()> {
        let len = self.stack.len();
        if at > len || at <= self.fence {
            return self.underflow(t);
        }
        if at == len {
            return Ok(());
        }
        let target = self.stack.get(at - 1);
        let items = &self.stack.as_slice()[at..];
        if let Some(list) = target.exact::<List>() {
            list.extend_from_slice(t, items)?;
        } else if let Some(extend) = attr::get_attr_opt(t, target, names::extend)? {
            call::call(t, extend, &[List::from_slice(t, items)?.value()])?;
        } else {
            let append = attr::get_attr(t, target, names::append)?;
            items.iter().try_for_each(|item| call::call(t, append, &[*item]).map(|_| ()))?;
        }
        self.stack.truncate(at);
        Ok(())
    }

    pub(super) fn set_items(&mut self, t: &Thread, at: usize) -> R<()> {
        let len = self.stack.len();
        if at > len || at <= self.fence {
            return self.underflow(t);
        }
        if !(len - at).is_multiple_of(2) {
            return fail(t, &UNPICKLING_ERROR, "odd number of items for SETITEMS");
        }
        let target = self.stack.get(at - 1);
        let pairs = self.stack.as_slice()[at..].chunks_exact(2);
        match target.exact::<Dict>() {
            Some(dict) if dict.is_empty() => {
                dict.reserve(t, pairs.len())?;
                pairs.into_iter().try_for_each(|pair| dict.set_item(t, pair[0], pair[1]))?;
            }
            Some(dict) => pairs.into_iter().try_for_each(|pair| dict.set_item(t, pair[0], pair[1]))?,
            None => pairs.into_iter().try_for_each(|pair| sequence::set_item(t, target, pair[0], pair[1]))?,
        }
        self.stack.truncate(at);
        Ok(())
    }

    pub(super) fn add_items(&mut self, t: &Thread, at: usize) -> R<()> {
        if at > self.stack.len() || at <= self.fence {
            return self.underflow(t);
        }
        let target = self.stack.get(at - 1);
        let items = &self.stack.as_slice()[at..];
        if target.class() == builtin::SET {
            items.iter().try_for_each(|item| set::add_value(t, target, *item).map(|_| ()))?;
        } else if !items.is_empty() {
            let add = attr::get_attr(t, target, names::add)?;
            items.iter().try_for_each(|item| call::call(t, add, &[*item]).map(|_| ()))?;
        }
        self.stack.truncate(at);
        Ok(())
    }

    pub(super) fn find_class(&mut self, t: &Thread, module: Value, name: Value) -> R {
        if self.plain {
            return unpickler::find_class(t, &[self.unpickler.value(), module, name]);
        }
        call::call_method_text(t, self.unpickler.value(), "find_class", &[module, name])
    }

    pub(super) fn persistent(&mut self, t: &Thread, id: Value) -> R<()> {
        let v = call::call_method_text(t, self.unpickler.value(), "persistent_load", &[id])?;
        self.push(t, v);
        Ok(())
    }

    pub(super) fn extension<const WIDTH: usize>(&mut self, t: &Thread) -> R<()> {
        let code = self.number::<WIDTH>(t)?;
        let code = if WIDTH == 4 { code as u32 as i32 as i64 } else { code as i64 };
        if code <= 0 {
            return fail(t, &UNPICKLING_ERROR, "EXT specifies code <= 0");
        }
        let key = Value::int(code);
        let cache = global::EXTENSION_CACHE.get(t)?;
        if let Some(v) = global::entry(t, cache, key)? {
            self.push(t, v);
            return Ok(());
        }
        let Some(pair) = global::entry(t, global::INVERTED_REGISTRY.get(t)?, key)? else {
            raise!(t, ValueError, "unregistered extension code {code}");
        };
        let names = pair.downcast::<Tuple>().filter(|p| p.len() == 2 && p.as_slice().iter().all(|v| v.downcast::<Str>().is_some()));
        let Some(names) = names else { raise!(t, ValueError, "_inverted_registry[{code}] isn't a 2-tuple of strings") };
        let v = self.find_class(t, names.get(0), names.get(1))?;
        sequence::set_item(t, cache, key, v)?;
        self.push(t, v);
        Ok(())
    }

    pub(super) fn new_object(&mut self, t: &Thread, code: u8) -> R<()> {
        let (what, keywords) = if code == op::NEWOBJ_EX { ("NEWOBJ_EX", Some(self.pop(t)?)) } else { ("NEWOBJ", None) };
        let args = self.pop(t)?;
        let class = self.pop(t)?;
        let wrong = |role: &str, kind: &str, v: Value| -> R<()> {
            let got = v.class().display_name();
            fail(t, &UNPICKLING_ERROR, &format!("{what} {role} argument must be a {kind}, not {got}"))
        };
        let Some(type_) = class.downcast::<Type>() else { return wrong("class", "type", class) };
        let Some(positional) = args.downcast::<Tuple>() else { return wrong("args", "tuple", args) };
        let named = match keywords {
            None => None,
            Some(v) => match v.downcast::<Dict>() {
                Some(dict) => Some(dict).filter(|d| !d.is_empty()),
                None => return wrong("kwargs", "dict", v),
            },
        };
        let v = match (type_.slots().new, named) {
            (Some(new), None) => new(t, class, Args::positional(positional.as_slice()))?,
            _ => {
                let new = attr::get_attr(t, class, names::__new__)?;
                let mut all = ValueList::from_slice(t, &[class]);
                positional.as_slice().iter().for_each(|v| all.push(t, *v));
                call::call_unpacked(t, new, Tuple::from_slice(t, all.as_slice()), named)?
            }
        };
        self.push(t, v);
        Ok(())
    }

    pub(super) fn build(&mut self, t: &Thread) -> R<()> {
        if self.stack.len() < self.fence + 2 {
            return self.underflow(t);
        }
        let state = self.pop(t)?;
        let object = self.top(t)?;
        if let Some(f) = attr::get_attr_opt(t, object, names::__setstate__)? {
            call::call(t, f, &[state])?;
            return Ok(());
        }
        let (state, slots) = match state.downcast::<Tuple>().filter(|p| p.len() == 2) {
            Some(pair) => (pair.get(0), pair.get(1)),
            None => (state, Value::NONE),
        };
        if !state.is_none() {
            let Some(state) = state.downcast::<Dict>() else { return fail(t, &UNPICKLING_ERROR, "state is not a dictionary") };
            let target = attr::get_attr(t, object, names::__dict__)?;
            for (key, v) in state.iter() {
                let key = if key.exact::<Str>().is_some() { intern_value(t, key)? } else { key };
                sequence::set_item(t, target, key, v)?;
            }
        }
        if !slots.is_none() {
            let Some(slots) = slots.downcast::<Dict>() else {
                return fail(t, &UNPICKLING_ERROR, "slot state is not a dictionary");
            };
            for (key, v) in slots.iter() {
                attr::set_attr(t, object, key, v)?;
            }
        }
        Ok(())
    }
}

/// An instance as protocol 0 makes them: without `__init__` when there are no arguments.
pub(super) fn instantiate(t: &Thread, class: Value, args: &[Value]) -> R {
    let bare = args.is_empty() && class.downcast::<Type>().is_some() && attr::get_attr_opt(t, class, names::__getinitargs__)?.is_none();
    if bare { call::call_method(t, class, names::__new__, &[class]) } else { call::call(t, class, args) }
}
