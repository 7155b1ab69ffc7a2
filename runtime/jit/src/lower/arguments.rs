//! Calls of Python functions whose arguments are not just the operands in their order: keywords, defaults, bound methods, instances.

use super::attributes::observed_shape;
use super::binding::Binding;
use super::calls::DEEPEST;
use super::state::Place;
use super::{Abort, Lowering};
use crate::cells;
use crate::ir::{Id, Op, Ty};
use limpid_bytecode::{BinaryOperator, Opcode};
use limpid_heap::{Kind, ShapeRef, Value};
use limpid_vm::interp::frame::init_pc;
use limpid_vm::object::{Ref, ValueExt};
use limpid_vm::protocol::attr::{self, LoadKind};
use limpid_vm::shape::Shape;
use limpid_vm::tier2::recorder::{Instruction, Observed, WATCHED};
use limpid_vm::types::builtin::shapes;
use limpid_vm::types::tuple::TUPLE_OVERHEAD;
use limpid_vm::types::{Code, Dict, Function, Method, Tuple, Type, flag};
use std::mem::offset_of;
use std::sync::atomic::Ordering::Acquire;

/// `f(*args)` with more is called by the instruction's body.
const MOST_UNPACKED: usize = 8;

impl Lowering<'_> {
    /// A call that has entered a frame. False: nothing was lowered.
    pub(super) fn call_with_arguments(&mut self, step: &Instruction, next: &Instruction) -> Result<bool, Abort> {
        match step.op {
            op if op.family() == Opcode::CALL && step.shim == init_pc() => self.instantiate(step, next, &[]),
            Opcode::CALL_PY_GENERAL | Opcode::CALL_BOUND_METHOD | Opcode::CALL_NON_PY_GENERAL => self.call_any(step, next, &[]),
            Opcode::LOAD_ATTR_PROPERTY if step.oparg & 1 == 0 => self.call_property(step, next),
            op if op.family() == Opcode::BINARY_OP && step.oparg == BinaryOperator::Subscript as u32 => self.call_getitem(step, next),
            _ if !step.shim.is_null() && step.shim != init_pc() => self.call_special(step, next),
            op if op.family() == Opcode::CALL_KW => {
                let names = self.peek(1)?;
                let Some((Ty::Value, bits)) = self.constant_of(names) else { return Ok(false) };
                // SAFETY: constants of the trace are alive.
                let Some(names) = Value::from_bits(bits as u64).exact::<Tuple>() else { return Ok(false) };
                match op {
                    _ if step.shim == init_pc() => self.instantiate(step, next, names.as_slice()),
                    Opcode::CALL_KW_PY => self.call_any(step, next, names.as_slice()),
                    _ => Ok(false),
                }
            }
            Opcode::CALL_FUNCTION_EX => self.call_unpacked(step, next),
            _ => Ok(false),
        }
    }

    fn call_any(&mut self, step: &Instruction, next: &Instruction, keywords: &[Value]) -> Result<bool, Abort> {
        let (Some(function), Some(code)) = (next.function, next.code) else { return Ok(false) };
        let version = function.version.load(Acquire);
        // The names of keywords are on top.
        let (n, above) = (step.oparg as usize, (step.op == Opcode::CALL_KW_PY) as usize);
        let (callable, receiver) = (self.peek(n + 2 + above)?, self.peek(n + 1 + above)?);
        let Some(with_receiver) = self.is_there(receiver, n + above, step) else { return Ok(false) };
        // What has left the trace before here, as no dict could be made for the keywords, is not tried again.
        let has_failed = self.at_start && self.needs_python;
        if version == 0 || function.code() != code || self.ty(callable) != Ty::Value || has_failed {
            return Ok(false);
        }
        let observed = step.operands.get(n + 1 + above).copied();
        let is_function = |bits| Value::from_bits(bits).exact::<Function>().is_some();
        let shape = match observed {
            // The method was not made: its function and its receiver are here.
            _ if self.constant_of(callable).is_some_and(|(_, bits)| is_function(bits as u64)) => shapes::FUNCTION,
            Some(Observed::Cell(shape)) => ShapeRef(shape),
            None if step.op == Opcode::CALL_BOUND_METHOD => shapes::METHOD,
            None if step.op == Opcode::CALL_PY_GENERAL || step.op == Opcode::CALL_KW_PY => shapes::FUNCTION,
            _ => return Ok(false),
        };
        let is_method = shape == shapes::METHOD;
        // An object whose `__call__` is the function.
        let is_instance = !is_method && shape != shapes::FUNCTION;
        if (is_method || is_instance) && with_receiver {
            return Ok(false);
        }
        let mut given = Vec::with_capacity(n + 1);
        for k in (1 + above..=n + above).rev() {
            given.push(self.peek(k)?);
        }
        let first = (with_receiver || is_method || is_instance) as usize;
        let Some(binding) = Binding::of(function, first, &given, keywords) else { return Ok(false) };
        if with_receiver {
            if self.ty(receiver) == Ty::Value {
                self.guard_is_not(receiver, 0);
            }
        } else {
            let receiver = self.value(receiver);
            self.guard_is(receiver, 0);
        }
        let (callable, receiver) = if is_method {
            let method = self.guard_shape(callable, shapes::METHOD)?;
            let function = self.load(method, offset_of!(Method, function), Ty::Value);
            (function, self.load(method, offset_of!(Method, receiver), Ty::Value))
        } else if is_instance {
            if self.guard_class(callable, observed)?.is_none() {
                return Ok(false);
            }
            (self.value_constant(function.value()), callable)
        } else {
            (callable, receiver)
        };
        let callable = self.guard_shape(callable, shapes::FUNCTION)?;
        self.guard_version(callable, offset_of!(Function, version), version);
        let receiver = (first == 1).then_some(receiver);
        let places = self.bind(callable, function, receiver, binding)?;
        self.drop_n(n + 2 + above);
        self.enter_function(Some(callable), code, next, places, step.following() as u64)?;
        Ok(true)
    }

    /// `f(*args)` of a function, perhaps with a dict of keywords that is empty.
    fn call_unpacked(&mut self, step: &Instruction, next: &Instruction) -> Result<bool, Abort> {
        let (Some(function), Some(code)) = (next.function, next.code) else { return Ok(false) };
        let version = function.version.load(Acquire);
        let [seen_keywords, seen_args, _, seen_callable] = step.operands;
        let (Some(args), true) = (step.subject.exact::<Tuple>(), seen_args == Observed::Cell(shapes::TUPLE.0)) else { return Ok(false) };
        let is_known = version != 0 && function.code() == code && seen_callable == Observed::Cell(shapes::FUNCTION.0);
        // What has left the trace before here, as the dict was not empty, is not tried again.
        if !is_known || self.at_start || args.len() > MOST_UNPACKED {
            return Ok(false);
        }
        let (callable, tuple, keywords) = (self.peek(4)?, self.peek(2)?, self.peek(1)?);
        let given = match self.tuples.get(&tuple).cloned() {
            Some(items) => items,
            None => {
                let tuple = self.guard_shape(tuple, shapes::TUPLE)?;
                let len = self.load_fixed(tuple, Tuple::LEN, Ty::Word);
                self.guard_is(len, args.len() as u64);
                // Not in front of the loop, where the length was not compared yet.
                (0..args.len()).map(|i| self.load(tuple, TUPLE_OVERHEAD + i * 8, Ty::Value)).collect()
            }
        };
        let Some(binding) = Binding::of(function, 0, &given, &[]) else { return Ok(false) };
        match seen_keywords {
            Observed::Null => self.guard_is(keywords, 0),
            Observed::Cell(shape) if ShapeRef(shape) == shapes::DICT => {
                let keywords = self.guard_shape(keywords, shapes::DICT)?;
                let table = self.load(keywords, Dict::TABLE, Ty::Value);
                self.guard_is(table, 0);
            }
            _ => return Ok(false),
        }
        let callable = self.guard_shape(callable, shapes::FUNCTION)?;
        self.guard_version(callable, offset_of!(Function, version), version);
        let places = self.bind(callable, function, None, binding)?;
        self.drop_n(4);
        self.enter_function(Some(callable), code, next, places, step.following() as u64)?;
        Ok(true)
    }

    /// Is there a receiver in a call's operand that `above` others lie on? None: that is not known.
    fn is_there(&self, receiver: Id, above: usize, step: &Instruction) -> Option<bool> {
        match self.constant_of(receiver) {
            Some((Ty::Value, bits)) => Some(bits != 0),
            Some(_) => Some(true),
            None if above < WATCHED => Some(step.operands[above] != Observed::Null),
            None => None,
        }
    }

    /// The value's class is as it was while the trace was recorded, and so are its methods; the value, or None: that cannot be told.
    pub(super) fn guard_class(&mut self, v: Id, observed: Option<Observed>) -> Result<Option<Id>, Abort> {
        Ok(match observed {
            Some(Observed::Cell(shape)) => {
                // SAFETY: the recording keeps the shapes of such instructions alive.
                let version = unsafe { Ref::<Shape>::from_shape_ref(ShapeRef(shape)) }.assign_version();
                Some(self.guard_shape_version(v, ShapeRef(shape), version.unwrap_or(0))?)
            }
            Some(Observed::Int | Observed::Negative) => Some(self.int(v)?),
            Some(Observed::Float) => Some(self.float(v)?),
            _ => None,
        })
    }

    /// A property whose getter is written in Python.
    fn call_property(&mut self, step: &Instruction, next: &Instruction) -> Result<bool, Abort> {
        let Some((function, code)) = function_of(next, 1) else { return Ok(false) };
        let (Some((shape, version)), Some(code_of_caller)) = (observed_shape(step), step.code) else { return Ok(false) };
        match attr::describe_load(shape.class(), shape, code_of_caller.name_at((step.oparg >> 1) as usize)) {
            LoadKind::Property(getter) if getter == function.value() => {}
            _ => return Ok(false),
        }
        let object = self.peek(1)?;
        let object = self.guard_shape_version(object, shape.shape_ref(), version)?;
        let function = self.constant_function(function);
        self.drop_n(1);
        self.enter_function(Some(function), code, next, vec![Place::of(object)], step.following() as u64)?;
        Ok(true)
    }

    /// `a[b]` where `a` has a `__getitem__` written in Python.
    fn call_getitem(&mut self, step: &Instruction, next: &Instruction) -> Result<bool, Abort> {
        let Some((function, code)) = function_of(next, 2) else { return Ok(false) };
        let (a, b) = (self.peek(2)?, self.peek(1)?);
        if self.guard_class(a, Some(step.operands[1]))?.is_none() {
            return Ok(false);
        }
        let function = self.constant_function(function);
        self.drop_n(2);
        self.enter_function(Some(function), code, next, vec![Place::of(a), Place::of(b)], step.following() as u64)?;
        Ok(true)
    }

    /// A function as a constant, as it is now.
    pub(super) fn constant_function(&mut self, function: Ref<Function>) -> Id {
        let constant = self.value_constant(function.value());
        self.guard_version(constant, offset_of!(Function, version), function.version.load(Acquire));
        constant
    }

    /// What [`Op::NewInstance`] is told of the class that is called, which has the version that was seen. How many attributes its instances
    /// have room for may change, and the shape that they begin with changes with it.
    fn header_of_instances(&mut self, step: &Instruction, class: Id, version: u32) -> i64 {
        let Some(seen) = step.subject.downcast::<Type>() else { return 0 };
        let header = seen.instance_header();
        if seen.version() != version || seen.has(flag::HAS_FINALIZER) || header.kind() != Kind::Slots as u8 {
            return 0;
        }
        let shape = self.load(class, offset_of!(Type, shape), Ty::Value);
        self.guard_is(shape, header.shape().ptr::<u8>() as u64);
        cells::with_class(header, seen.instance_size()) as i64
    }

    /// A class is called whose `__init__` is written in Python: the instance is made, and the frames are as for a call.
    fn instantiate(&mut self, step: &Instruction, next: &Instruction, keywords: &[Value]) -> Result<bool, Abort> {
        let (Some(init), Some(code)) = (next.function, next.code) else { return Ok(false) };
        let (n, above) = (step.oparg as usize, (step.op.family() == Opcode::CALL_KW) as usize);
        let version = init.version.load(Acquire);
        // What has left the trace before here, as no dict could be made for the keywords, is not tried again.
        let has_failed = self.at_start && self.needs_python;
        if version == 0 || init.code() != code || has_failed || self.frames.len() + 2 > DEEPEST {
            return Ok(false);
        }
        let (class, null) = (self.peek(n + 2 + above)?, self.peek(n + 1 + above)?);
        let mut given = Vec::with_capacity(n);
        for k in (1 + above..=n + above).rev() {
            given.push(self.peek(k)?);
        }
        let Some(binding) = Binding::of(init, 1, &given, keywords) else { return Ok(false) };
        let (class, class_version) = if step.op == Opcode::CALL_ALLOC_AND_ENTER_INIT && step.cache64(4) == init.value().bits() {
            let class = self.guard_shape(class, shapes::TYPE)?;
            self.guard_version(class, Type::VERSION, step.cache32(2));
            (class, step.cache32(2))
        } else {
            let Some(known) = step.subject.downcast::<Type>() else { return Ok(false) };
            let Some(version) = known.assign_version() else { return Ok(false) };
            let class = self.value(class);
            self.guard_is(class, known.value().bits());
            let class = self.value_constant(known.value());
            // The metaclass may get a `__call__`.
            if self.guard_class(class, Some(Observed::of(known.value())))?.is_none() {
                return Ok(false);
            }
            self.guard_version(class, Type::VERSION, version);
            (class, version)
        };
        let null = self.value(null);
        self.guard_is(null, 0);
        let function = self.value_constant(init.value());
        self.guard_version(function, offset_of!(Function, version), version);
        let header = self.header_of_instances(step, class, class_version);
        let (fp, sp) = self.registers();
        let instance = self.emit_with(Op::NewInstance, Ty::Value, &[class, fp, sp], header, None);
        self.guarded_not_null(instance);
        if header != 0 {
            self.has_shape(instance, ShapeRef(header as u32));
        }
        let places = self.bind(function, init, Some(instance), binding)?;
        self.drop_n(n + 2 + above);
        self.push_shim(vec![Place::of(instance)], next, step.following() as u64);
        self.enter_function(Some(function), code, next, places, init_pc() as u64)?;
        Ok(true)
    }
}

/// The function that was entered, if it takes `n` arguments and no others.
pub(super) fn function_of(next: &Instruction, n: u32) -> Option<(Ref<Function>, Ref<Code>)> {
    let (function, code) = (next.function?, next.code?);
    let takes_them = code.is_positional() && code.argcount == n && function.code() == code && function.version.load(Acquire) != 0;
    takes_them.then_some((function, code))
}
