//! What is found by its name, and what is made by calling something: the results of `__reduce__`.

use super::{Saving, name_of, noting};
use crate::pickle::global;
use crate::pickle::opcode as op;
use crate::pickle::{PICKLING_ERROR, fail};
use limpid_heap::Value;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{attr, call, iter, text};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytes, Dict, Str, Tuple, Type, ValueList, builtin, int};
use limpid_vm::{exc, names, raise};

impl Saving {
    pub(super) fn save_type(&mut self, t: &Thread, v: Value) -> R<()> {
        let singleton = [(builtin::NONE_TYPE, Value::NONE), (builtin::ELLIPSIS_TYPE, Value::ELLIPSIS)]
            .into_iter()
            .chain([(builtin::NOT_IMPLEMENTED_TYPE, Value::NOT_IMPLEMENTED)])
            .find(|(class, _)| class.value() == v);
        match singleton {
            Some((_, object)) => {
                let args = Tuple::from_slice(t, &[object]).value();
                self.save_reduced(t, Tuple::from_slice(t, &[builtin::TYPE.value(), args]).value(), Some(v))
            }
            None => self.save_global(t, v, None),
        }
    }

    pub(super) fn save_global(&mut self, t: &Thread, v: Value, name: Option<Value>) -> R<()> {
        let name = match name {
            Some(name) => Some(name),
            None => attr::get_attr_opt(t, v, names::__qualname__)?,
        };
        let name = match name {
            Some(name) => name,
            None => attr::get_attr(t, v, names::__name__)?,
        };
        let Some(name) = name.downcast::<Str>() else {
            return fail(t, &PICKLING_ERROR, &format!("Can't pickle {}: its name is not a string", text::repr(t, v)?.to_string_lossy()));
        };
        let module = global::module_of(t, v, name)?;
        if self.protocol >= 2 {
            let key = Tuple::from_slice(t, &[module.value(), name.value()]).value();
            if let Some(code) = global::entry(t, global::EXTENSION_REGISTRY.get(t)?, key)? {
                return self.save_extension(t, v, code);
            }
        }
        if self.protocol >= 4 {
            self.save(t, module.value())?;
            self.save(t, name.value())?;
            self.out.instruction(op::STACK_GLOBAL);
        } else {
            let path = global::split(t, name)?;
            let getattr = if path.len() == 1 { Value::NULL } else { global::GETATTR.get(t)? };
            for _ in path.iter().skip(1) {
                self.save(t, getattr)?;
                if self.protocol < 2 {
                    self.out.instruction(op::MARK);
                }
            }
            self.save_toplevel(t, module, path.get(0))?;
            for name in path.iter().skip(1) {
                self.save(t, name)?;
                self.out.write(&[if self.protocol < 2 { op::TUPLE } else { op::TUPLE2 }, op::REDUCE]);
            }
        }
        self.memoize(t, v);
        Ok(())
    }

    fn save_extension(&mut self, t: &Thread, v: Value, code: Value) -> R<()> {
        if !int::is_exact(code) {
            let what = text::repr(t, v)?;
            let class = code.class().display_name();
            return fail(t, &PICKLING_ERROR, &format!("Can't pickle {}: extension code {class} isn't an integer", what.to_string_lossy()));
        }
        match int::as_i64_opt(code) {
            Some(n @ 1..=0xFF) => self.out.write(&[op::EXT1, n as u8]),
            Some(n @ 0x100..=0xFFFF) => {
                self.out.instruction(op::EXT2);
                self.out.write(&(n as u16).to_le_bytes());
            }
            Some(n @ 0x10000..=0x7FFF_FFFF) => {
                self.out.instruction(op::EXT4);
                self.out.write(&(n as i32).to_le_bytes());
            }
            _ => raise!(t, RuntimeError, "extension code {} is out of range", text::repr(t, code)?.to_string_lossy()),
        }
        Ok(())
    }

    /// A name in a module as two lines, for protocols below 4.
    fn save_toplevel(&mut self, t: &Thread, module: Ref<Str>, mut name: Value) -> R<()> {
        let mut module = module.value();
        if self.fix_imports {
            let key = Tuple::from_slice(t, &[module, name]).value();
            if let Some(old) = global::entry(t, global::REVERSE_NAME_MAPPING.get(t)?, key)? {
                if let Some(pair) = old.downcast::<Tuple>().filter(|p| p.len() == 2) {
                    (module, name) = (pair.get(0), pair.get(1));
                }
            } else if let Some(old) = global::entry(t, global::REVERSE_IMPORT_MAPPING.get(t)?, module)? {
                module = old;
            }
        }
        self.out.instruction(op::GLOBAL);
        for (v, kind) in [(module, "module"), (name, "global")] {
            let encoding = Str::new(t, if self.protocol >= 3 { "utf-8" } else { "ascii" }).value();
            let line = match call::call_method(t, v, names::encode, &[encoding]) {
                Ok(line) => line,
                Err(raised) => {
                    if !t.exception_is(exc::UnicodeEncodeError) {
                        return Err(raised);
                    }
                    let context = t.take_exception();
                    let message = format!(
                        "can't pickle {kind} identifier {} using pickle protocol {}",
                        text::repr(t, v)?.to_string_lossy(),
                        self.protocol
                    );
                    let raised = t.raise(PICKLING_ERROR.get(), &message);
                    let e = t.take_exception();
                    attr::set_attr(t, e, names::__context__, context)?;
                    t.raise_value(e);
                    return Err(raised);
                }
            };
            if let Some(bytes) = line.downcast::<Bytes>() {
                self.out.write(bytes.contents());
                self.out.write(b"\n");
            }
        }
        Ok(())
    }

    // ---- what `__reduce__` has given ----

    pub(super) fn save_reduced(&mut self, t: &Thread, reduced: Value, object: Option<Value>) -> R<()> {
        let Some(parts) = reduced.downcast::<Tuple>() else {
            return fail(t, &PICKLING_ERROR, &format!("__reduce__ must return a string or tuple, not {}", name_of(t, reduced)?));
        };
        if !(2..=6).contains(&parts.len()) {
            return fail(t, &PICKLING_ERROR, "tuple returned by __reduce__ must contain 2 through 6 elements");
        }
        let part = |i: usize| parts.as_slice().get(i).copied().filter(|v| !v.is_none());
        let wrong = |which: &str, what: &str, v: Value| -> R<()> {
            let got = name_of(t, v)?;
            fail(t, &PICKLING_ERROR, &format!("{which} item of the tuple returned by __reduce__ must be {what}, not {got}"))
        };
        let (function, args) = (parts.get(0), parts.get(1));
        if !call::is_callable(function) {
            return wrong("first", "callable", function);
        }
        let Some(arguments) = args.downcast::<Tuple>() else { return wrong("second", "a tuple", args) };
        for (i, which) in [(3, "fourth"), (4, "fifth")] {
            if let Some(v) = part(i).filter(|v| !iter::is_iterator(*v)) {
                return wrong(which, "an iterator", v);
            }
        }
        if let Some(v) = part(5).filter(|v| !call::is_callable(*v)) {
            return wrong("sixth", "callable", v);
        }
        let subject = object.unwrap_or(reduced);
        let name =
            if self.protocol >= 2 { attr::get_attr_opt(t, function, names::__name__)?.and_then(|n| n.downcast::<Str>()) } else { None };
        if name.is_some_and(|n| n.eq_str("__newobj_ex__")) {
            self.save_newobj_ex(t, arguments, subject)?;
        } else if name.is_some_and(|n| n.eq_str("__newobj__")) {
            self.save_newobj(t, arguments, object, subject)?;
        } else {
            let saved = self.save(t, function);
            noting(t, saved, subject, "reconstructor")?;
            let saved = self.save(t, args);
            noting(t, saved, subject, "reconstructor arguments")?;
            self.out.instruction(op::REDUCE);
        }
        if let Some(v) = object {
            // An object that contains itself was saved on the way.
            match self.place(v) {
                Some(place) => {
                    self.out.instruction(op::POP);
                    self.get(place);
                }
                None => self.memoize(t, v),
            }
        }
        if let Some(items) = part(3) {
            self.append_all(t, subject, &mut |t| iter::next(t, items))?;
        }
        if let Some(items) = part(4) {
            self.set_all(t, subject, &mut |t| {
                let item = iter::next(t, items)?;
                if item.is_null() {
                    return Ok(None);
                }
                match item.downcast::<Tuple>().filter(|p| p.len() == 2) {
                    Some(pair) => Ok(Some((pair.get(0), pair.get(1)))),
                    None => raise!(t, TypeError, "dict items iterator must return 2-tuples"),
                }
            })?;
        }
        let Some(state) = part(2) else { return Ok(()) };
        let Some(setter) = part(5) else {
            let saved = self.save(t, state);
            noting(t, saved, subject, "state")?;
            self.out.instruction(op::BUILD);
            return Ok(());
        };
        let saved = self.save(t, setter);
        noting(t, saved, subject, "state setter")?;
        self.save(t, subject)?;
        let saved = self.save(t, state);
        noting(t, saved, subject, "state")?;
        self.out.write(&[op::TUPLE2, op::REDUCE, op::POP]);
        Ok(())
    }

    fn save_newobj(&mut self, t: &Thread, args: Ref<Tuple>, object: Option<Value>, subject: Value) -> R<()> {
        let Some((class, rest)) = args.as_slice().split_first() else {
            return fail(t, &PICKLING_ERROR, "__newobj__ expected at least 1 argument, got 0");
        };
        if class.downcast::<Type>().is_none() {
            return fail(t, &PICKLING_ERROR, &format!("first argument to __newobj__() must be a class, not {}", name_of(t, *class)?));
        }
        if let Some(v) = object {
            let own = attr::get_attr(t, v, names::__class__)?;
            if own != *class {
                let (own, class) = (text::repr(t, own)?, text::repr(t, *class)?);
                let message = format!("first argument to __newobj__() must be {}, not {}", own.to_string_lossy(), class.to_string_lossy());
                return fail(t, &PICKLING_ERROR, &message);
            }
        }
        let saved = self.save(t, *class);
        noting(t, saved, subject, "class")?;
        let saved = self.save(t, Tuple::from_slice(t, rest).value());
        noting(t, saved, subject, "__new__ arguments")?;
        self.out.instruction(op::NEWOBJ);
        Ok(())
    }

    fn save_newobj_ex(&mut self, t: &Thread, args: Ref<Tuple>, subject: Value) -> R<()> {
        let [class, positional, keywords] = *args.as_slice() else {
            return fail(t, &PICKLING_ERROR, &format!("__newobj_ex__ expected 3 arguments, got {}", args.len()));
        };
        if class.downcast::<Type>().is_none() {
            return fail(t, &PICKLING_ERROR, &format!("first argument to __newobj_ex__() must be a class, not {}", name_of(t, class)?));
        }
        let Some(given) = positional.downcast::<Tuple>() else {
            return fail(
                t,
                &PICKLING_ERROR,
                &format!("second argument to __newobj_ex__() must be a tuple, not {}", name_of(t, positional)?),
            );
        };
        let Some(named) = keywords.downcast::<Dict>() else {
            return fail(t, &PICKLING_ERROR, &format!("third argument to __newobj_ex__() must be a dict, not {}", name_of(t, keywords)?));
        };
        if self.protocol >= 4 {
            let saved = self.save(t, class);
            noting(t, saved, subject, "class")?;
            for part in [positional, keywords] {
                let saved = self.save(t, part);
                noting(t, saved, subject, "__new__ arguments")?;
            }
            self.out.instruction(op::NEWOBJ_EX);
            return Ok(());
        }
        let partial = global::PARTIAL.get(t)?;
        let mut all = ValueList::new(t);
        all.push(t, attr::get_attr(t, class, names::__new__)?);
        all.push(t, class);
        given.as_slice().iter().for_each(|v| all.push(t, *v));
        let function = call::call_unpacked(t, partial, Tuple::from_slice(t, all.as_slice()), Some(named))?;
        let saved = self.save(t, function);
        noting(t, saved, subject, "reconstructor")?;
        self.save(t, t.empty_tuple())?;
        self.out.instruction(op::REDUCE);
        Ok(())
    }
}
