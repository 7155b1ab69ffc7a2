//! Calls of native functions and methods that run no Python code, given such arguments: machine code calls them itself.

use super::form::is_plain;
use super::known::{free_arguments, is_bound, is_harmless, is_known, lock_uop, method_body, native_body};
use super::{Abort, Lowering};
use crate::helpers::{self, NativeFunction};
use crate::ir::{Id, Op, Ty};
use limpid_bytecode::{BinaryOperator, Intrinsic2, Opcode};
use limpid_heap::{ShapeRef, Value};
use limpid_vm::modules::builtins::sum;
use limpid_vm::object::{Ref, ValueExt};
use limpid_vm::shape::Shape;
use limpid_vm::tier2::recorder::{Instruction, Observed, WATCHED};
use limpid_vm::types::builtin::{self, shapes};
use limpid_vm::types::{BuiltinFunction, MethodDescriptor, Type, flag};

impl Lowering<'_> {
    /// As [`straight`](Lowering::straight). What has left the trace before here is not tried again.
    pub(super) fn natives(&mut self, step: &Instruction, form: Opcode) -> Result<bool, Abort> {
        let n = step.oparg as usize;
        if self.at_start && self.needs_python {
            return Ok(false);
        }
        match form {
            Opcode::CALL_BUILTIN_FAST | Opcode::CALL_METHOD_DESCRIPTOR_FAST if n < WATCHED => {}
            Opcode::CALL_BUILTIN_CLASS if n < WATCHED => return self.native_class(step),
            Opcode::CALL_INTRINSIC_2 if n == Intrinsic2::SumAdd as usize => return self.add_to_sum(step),
            _ => return Ok(self.numbers(step, form)? || self.operations(step, form)?),
        }
        let callable = step.subject;
        // How many parameters there are is in the cache, if that is this one's.
        let cached = callable.exact::<BuiltinFunction>().map_or(callable.bits(), |f| std::ptr::from_ref(f.def()) as u64);
        if cached != step.cache64(4) {
            return Ok(false);
        }
        let receiver = match step.operands[n] {
            Observed::Cell(shape) => Some(ShapeRef(shape)),
            _ => None,
        };
        let of_int = form == Opcode::CALL_METHOD_DESCRIPTOR_FAST && is_int(step.operands[n]);
        let known = match (form, receiver) {
            (Opcode::CALL_BUILTIN_FAST, None) => callable
                .exact::<BuiltinFunction>()
                .filter(|f| is_known(f) || is_bound(f))
                .and_then(|f| Some((f.def(), native_body(f.def())?))),
            (Opcode::CALL_METHOD_DESCRIPTOR_FAST, Some(shapes::DICT)) if is_get(callable) => return self.get_of_dict(step),
            (Opcode::CALL_METHOD_DESCRIPTOR_FAST, Some(shapes::DICT)) if changes_entry(callable) => return self.change_dict(step),
            (Opcode::CALL_METHOD_DESCRIPTOR_FAST, Some(shapes::SET)) if n == 1 => return self.change_set(step),
            (Opcode::CALL_METHOD_DESCRIPTOR_FAST, _) if receiver.is_some() || of_int => {
                callable.exact::<MethodDescriptor>().and_then(|d| Some((d.def(), method_body(d.class(), d.def(), n)?)))
            }
            _ => None,
        };
        let Some((def, body)) = known else { return Ok(false) };
        let owner = callable.exact::<MethodDescriptor>().map(|d| d.class());
        let op = owner.and_then(|class| lock_uop(class, def, n)).unwrap_or(Op::CallNative);
        let free = free_arguments(def);
        if !step.operands[free.min(n)..n].iter().all(|observed| is_harmless(def, *observed)) {
            return Ok(false);
        }
        let bound = callable.exact::<BuiltinFunction>().filter(|f| is_bound(f)).map(|f| f.receiver.get());
        let function = self.peek(n + 2)?;
        if bound.is_none() {
            self.guard_is(function, callable.bits());
        }
        let first = self.peek(n + 1)?;
        let mut args = Vec::with_capacity(n + 3);
        match receiver {
            Some(shape) => args.push(self.guard_shape(first, shape)?),
            None if of_int => {
                self.int(first)?;
                args.push(self.value(first));
            }
            None => {
                let first = self.value(first);
                self.guard_is(first, 0);
                if bound.is_some() {
                    // Its receiver takes its place. Such methods come and go, so that this one tells nothing about the next.
                    args.push(self.value(function));
                }
            }
        }
        for k in (1..=n).rev() {
            let v = self.peek(k)?;
            if k > free {
                self.guard_simple(v, step.operands[k - 1])?;
            }
            args.push(self.value(v));
        }
        let null = self.constant(Ty::Value, 0);
        args.resize(args.len().max(step.cache(8) as usize), null);
        if bound.is_some() && args.len() > helpers::MOST_OF_BOUND {
            return Ok(false);
        }
        let v = if bound.is_some() {
            args.insert(0, self.word_constant(std::ptr::from_ref(def) as u64));
            self.call_native(helpers::call_bound, args)
        } else {
            self.call_native_by(op, body, args)
        };
        if owner.or(bound.map(|object| object.class())) == Some(builtin::LIST) {
            self.forget_loads();
        }
        self.replace(n + 2, v);
        Ok(true)
    }

    /// Operators and slices of builtin types.
    fn operations(&mut self, step: &Instruction, form: Opcode) -> Result<bool, Abort> {
        let [a, b, c, ..] = step.operands;
        if form == Opcode::BINARY_OP && step.oparg == BinaryOperator::Subscript as u32 && b == Observed::Cell(shapes::LIST.0) {
            return self.slice_of_list(step);
        }
        let is_bound = |bound: Observed| matches!(bound, Observed::Int | Observed::Negative | Observed::None);
        let is_sequence = |v: Observed| [shapes::LIST, shapes::TUPLE, shapes::STR].iter().any(|shape| v == Observed::Cell(shape.0));
        let list = Observed::Cell(shapes::LIST.0);
        let (function, count, fills): (NativeFunction, usize, bool) = match form {
            Opcode::BINARY_SLICE if is_bound(a) && is_bound(b) && is_sequence(c) => (helpers::get_slice, 3, false),
            Opcode::STORE_SLICE if is_bound(a) && is_bound(b) && c == list && step.operands[3] == list => (helpers::set_slice, 4, true),
            Opcode::BINARY_OP if step.oparg == BinaryOperator::Add as u32 && a == list && b == list => (helpers::concat, 2, false),
            Opcode::BINARY_OP if step.oparg == BinaryOperator::Subscript as u32 && is_int(a) && has_plain_items(b) => {
                (helpers::get_item, 2, false)
            }
            Opcode::BINARY_OP if step.oparg != BinaryOperator::Subscript as u32 && is_any_int(a) && is_any_int(b) => {
                return self.operation_on_ints(step);
            }
            Opcode::GET_ITER if step.oparg != 2 && iterates_natively(a) => {
                let v = self.peek(1)?;
                let Some(v) = self.guard_class(v, Some(a))? else { return Ok(false) };
                let it = self.call_native(helpers::get_iterator, vec![v]);
                self.replace(1, it);
                if step.oparg != 1 {
                    let null = self.constant(Ty::Value, 0);
                    self.push(null);
                }
                return Ok(true);
            }
            Opcode::STORE_SUBSCR if is_int(a) && has_plain_items(b) && (is_int(c) || c == Observed::Float) => (helpers::set_item, 3, false),
            _ => return Ok(false),
        };
        let mut args = Vec::with_capacity(count + 2);
        for k in (1..=count).rev() {
            let v = self.peek(k)?;
            match step.operands[k - 1] {
                Observed::Cell(shape) => self.guard_shape(v, ShapeRef(shape)).map(|_| ())?,
                observed => self.guard_simple(v, observed)?,
            }
            args.push(self.value(v));
        }
        let v = self.call_native(function, args);
        if fills {
            self.forget_loads();
        }
        if count > 2 && form != Opcode::BINARY_SLICE {
            self.drop_n(count);
        } else {
            self.replace(count, v);
        }
        Ok(true)
    }

    /// An operator of ints, not both of which are inline.
    fn operation_on_ints(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let mut args = vec![self.constant(Ty::Value, Value::int(step.oparg as i64).bits() as i64)];
        for k in [2, 1] {
            let v = self.peek(k)?;
            args.push(match step.operands[k - 1] {
                Observed::Cell(shape) => self.guard_shape(v, ShapeRef(shape))?,
                observed => {
                    self.guard_simple(v, observed)?;
                    self.value(v)
                }
            });
        }
        let v = self.call_native(helpers::operate_on_ints, args);
        self.replace(2, v);
        Ok(true)
    }

    /// A list's items that a slice names which has just been made.
    fn slice_of_list(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let (list, key) = (self.peek(2)?, self.peek(1)?);
        let Some(made) = self.slice.take().filter(|made| made.slice == key && made.next == step.start) else { return Ok(false) };
        if !made.seen.iter().all(|part| is_int(*part) || *part == Observed::None) {
            return Ok(false);
        }
        // What leaves here makes the slice first.
        (self.before, self.exit) = (made.before, None);
        let mut args = vec![self.guard_shape(list, shapes::LIST)?];
        for (part, seen) in made.parts.iter().zip(made.seen.iter().rev()) {
            self.guard_simple(*part, *seen)?;
            args.push(self.value(*part));
        }
        let v = self.call_native(helpers::get_slice_with_step, args);
        self.has_shape(v, shapes::LIST);
        self.replace(2, v);
        Ok(true)
    }

    /// A call of a builtin class.
    fn native_class(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let n = step.oparg as usize;
        let class = Value::from_bits(step.cache64(4));
        let args = &step.operands[..n];
        let all_ints = args.iter().all(|observed| matches!(observed, Observed::Int | Observed::Negative));
        let (function, shape): (NativeFunction, Option<ShapeRef>) = match n {
            1..=3 if class == builtin::RANGE.value() && all_ints => (helpers::make_range, Some(shapes::RANGE)),
            1 if class == builtin::INT.value() && is_simple(args[0]) => (helpers::make_int, None),
            1 if class == builtin::FLOAT.value() && is_simple(args[0]) => (helpers::make_float, None),
            _ => return Ok(false),
        };
        if step.operands[n] != Observed::Null {
            return Ok(false);
        }
        let v = self.call_with_simple(step, class.bits(), function)?;
        if let Some(shape) = shape {
            self.has_shape(v, shape);
            self.small_ranges.insert(v);
        }
        self.replace(n + 2, v);
        Ok(true)
    }

    pub(super) fn call_native(&mut self, function: NativeFunction, args: Vec<Id>) -> Id {
        self.call_native_by(Op::CallNative, function, args)
    }

    fn call_native_by(&mut self, op: Op, function: NativeFunction, mut args: Vec<Id>) -> Id {
        let exit = self.exit();
        let (fp, sp) = self.registers();
        args.extend([fp, sp]);
        let v = self.emit_with(op, Ty::Value, &args, function as usize as i64, Some(exit));
        self.guarded_not_null(v);
        v
    }

    /// `dict.get`
    fn get_of_dict(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let n = step.oparg as usize;
        if !(1..=2).contains(&n) || !is_plain(step.operands[n - 1]) {
            return Ok(false);
        }
        let function = self.peek(n + 2)?;
        self.guard_is(function, step.cache64(4));
        let (dict, key) = (self.peek(n + 1)?, self.peek(n)?);
        let dict = self.guard_shape(dict, shapes::DICT)?;
        let default = if n == 2 { self.peek(1)? } else { self.constant(Ty::Value, Value::NONE.bits() as i64) };
        let (key, default) = (self.value(key), self.value(default));
        let v = self.emit(Op::DictGet, Ty::Value, &[dict, key, default], 0);
        self.guarded_not_null(v);
        self.replace(n + 2, v);
        Ok(true)
    }

    /// `dict.setdefault` and `dict.pop`
    fn change_dict(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let n = step.oparg as usize;
        let Some(method) = step.subject.exact::<MethodDescriptor>() else { return Ok(false) };
        if !(1..=2).contains(&n) || !is_plain(step.operands[n - 1]) {
            return Ok(false);
        }
        let (callable, dict) = (self.peek(n + 2)?, self.peek(n + 1)?);
        self.guard_is(callable, step.subject.bits());
        let mut args = vec![self.guard_shape(dict, shapes::DICT)?];
        for k in (1..=n).rev() {
            let v = self.peek(k)?;
            args.push(self.value(v));
        }
        let function: NativeFunction = if method.def().name == "pop" {
            helpers::pop_from_dict
        } else {
            if n == 1 {
                args.push(self.constant(Ty::Value, Value::NONE.bits() as i64));
            }
            helpers::set_default
        };
        let v = self.call_native(function, args);
        self.forget_loads();
        self.replace(n + 2, v);
        Ok(true)
    }

    /// The next item of `sum(x for ...)`.
    fn add_to_sum(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let [item, so_far, ..] = step.operands;
        if is_int(item) && is_int(so_far) {
            return self.int_operation(Op::AddInt);
        }
        let accumulator = sum::accumulator_shape();
        if so_far != Observed::Cell(accumulator.0) || !is_int(item) && item != Observed::Float {
            return Ok(false);
        }
        let (so_far, v) = (self.peek(2)?, self.peek(1)?);
        let so_far = self.guard_shape(so_far, accumulator)?;
        self.guard_simple(v, item)?;
        let v = self.value(v);
        let sum = self.call_native(helpers::sum_add, vec![so_far, v]);
        self.replace(2, sum);
        Ok(true)
    }

    /// `set.add` and `set.discard`
    fn change_set(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let Some(method) = step.subject.exact::<MethodDescriptor>() else { return Ok(false) };
        let function: NativeFunction = match method.def().name {
            "add" => helpers::add_to_set,
            "discard" => helpers::discard_from_set,
            _ => return Ok(false),
        };
        if !is_plain(step.operands[0]) {
            return Ok(false);
        }
        let (callable, set, key) = (self.peek(3)?, self.peek(2)?, self.peek(1)?);
        self.guard_is(callable, step.subject.bits());
        let (set, key) = (self.guard_shape(set, shapes::SET)?, self.value(key));
        self.call_native(function, vec![set, key]);
        let none = self.constant(Ty::Value, Value::NONE.bits() as i64);
        self.replace(3, none);
        Ok(true)
    }

    /// Calls a function instead of a callable (these bits) without a receiver, whose arguments are all simple.
    pub(super) fn call_with_simple(&mut self, step: &Instruction, callable: u64, function: NativeFunction) -> Result<Id, Abort> {
        let n = step.oparg as usize;
        let (called, null) = (self.peek(n + 2)?, self.peek(n + 1)?);
        self.guard_is(called, callable);
        let null = self.value(null);
        self.guard_is(null, 0);
        let mut values = Vec::with_capacity(n + 2);
        for k in (1..=n).rev() {
            let v = self.peek(k)?;
            self.guard_simple(v, step.operands[k - 1])?;
            values.push(self.value(v));
        }
        Ok(self.call_native(function, values))
    }

    /// The value is of the kind that was observed.
    pub(super) fn guard_simple(&mut self, v: Id, observed: Observed) -> Result<(), Abort> {
        match observed {
            Observed::Int | Observed::Negative => self.int(v).map(|_| ()),
            Observed::Float => self.float(v).map(|_| ()),
            Observed::Bool => self.boolean(v).map(|_| ()),
            Observed::None => {
                let v = self.value(v);
                self.guard_is(v, Value::NONE.bits());
                Ok(())
            }
            Observed::Cell(shape) => self.guard_shape(v, ShapeRef(shape)).map(|_| ()),
            Observed::Null | Observed::Special => Err(Abort::Contradiction),
        }
    }
}

fn changes_entry(callable: Value) -> bool {
    callable.exact::<MethodDescriptor>().is_some_and(|d| matches!(d.def().name, "pop" | "setdefault"))
}

fn is_get(callable: Value) -> bool {
    callable.exact::<MethodDescriptor>().is_some_and(|d| d.def().name == "get")
}

pub(super) fn is_int(observed: Observed) -> bool {
    matches!(observed, Observed::Int | Observed::Negative)
}

/// Is it an int, be it a large one?
fn is_any_int(observed: Observed) -> bool {
    is_int(observed) || observed == Observed::Cell(shapes::INT.0)
}

/// Has it the `__iter__` of a builtin container, without being one whose iterator is no object?
fn iterates_natively(observed: Observed) -> bool {
    let Observed::Cell(shape) = observed else { return false };
    // SAFETY: the recording keeps the shapes of such instructions alive.
    let class = unsafe { Ref::<Shape>::from_shape_ref(ShapeRef(shape)) }.class();
    let is_of =
        |base: Ref<Type>| class.slots().iter.zip(base.slots().iter).is_some_and(|(own, of_base)| std::ptr::fn_addr_eq(own, of_base));
    ![builtin::LIST, builtin::TUPLE, builtin::RANGE].contains(&class)
        && [builtin::LIST, builtin::TUPLE, builtin::DICT, builtin::SET, builtin::FROZENSET, builtin::STR].into_iter().any(is_of)
}

/// Is it of a native type whose items are had by ints without Python code?
fn has_plain_items(observed: Observed) -> bool {
    let Observed::Cell(shape) = observed else { return false };
    // SAFETY: the recording keeps the shapes of such instructions alive.
    let class = unsafe { Ref::<Shape>::from_shape_ref(ShapeRef(shape)) }.class();
    class.has(flag::PLAIN_ITEMS)
}

/// Is it a number, a string, None: what runs no Python code whatever is asked of it?
pub(super) fn is_simple(observed: Observed) -> bool {
    match observed {
        Observed::Cell(shape) => ShapeRef(shape) == shapes::STR,
        Observed::Null | Observed::Special => false,
        _ => true,
    }
}
