//! Arguments to parameters: which one gets what when a function is called, as the interpreter binds them.

use super::state::Place;
use super::{Abort, Lowering};
use crate::helpers;
use crate::ir::{Id, Layout, Op, Ty};
use limpid_bytecode::CodeFlags;
use limpid_heap::Value;
use limpid_vm::object::{Ref, ValueExt};
use limpid_vm::types::builtin::shapes;
use limpid_vm::types::dict::table::Table;
use limpid_vm::types::tuple::TUPLE_OVERHEAD;
use limpid_vm::types::{Dict, Function, Str, Tuple};
use std::mem::offset_of;

/// What a parameter gets.
#[derive(Clone, Copy)]
enum Argument {
    Given(Id),
    /// The default with this number.
    Default(usize),
    /// The keyword-only default with this name.
    KeywordDefault(Value),
}

/// What all parameters get.
pub(super) struct Binding {
    /// Those with names of their own, behind a receiver.
    named: Vec<Argument>,
    /// `*args`, if the function takes that.
    rest: Option<Vec<Id>>,
    /// `**kwargs`, likewise.
    keywords: Option<Vec<(Value, Id)>>,
}

impl Binding {
    /// What the parameters from number `first` on get, of values the last of which have names; None: that is an error, or something special.
    pub fn of(function: Ref<Function>, first: usize, given: &[Id], names: &[Value]) -> Option<Binding> {
        let code = function.code();
        let (count, total) = (code.argcount as usize, (code.argcount + code.kwonlyargcount) as usize);
        let (positional, named) = given.split_at(given.len().checked_sub(names.len())?);
        let room = count.checked_sub(first)?;
        let mut rest = code.flags.has(CodeFlags::VARARGS).then(Vec::new);
        let mut keywords = code.flags.has(CodeFlags::VARKEYWORDS).then(Vec::new);
        let mut arguments: Vec<Option<Argument>> = vec![None; total - first];
        for (i, id) in positional.iter().enumerate() {
            if i < room {
                arguments[i] = Some(Argument::Given(*id));
            } else {
                rest.as_mut()?.push(*id);
            }
        }
        for (name, id) in names.iter().zip(named) {
            // Names are interned.
            match (code.posonlyargcount as usize..total).find(|i| code.local_name(*i) == *name) {
                Some(parameter) => {
                    if arguments[parameter.checked_sub(first)?].replace(Argument::Given(*id)).is_some() {
                        return None;
                    }
                }
                None => keywords.as_mut()?.push((*name, *id)),
            }
        }
        let defaults = function.defaults.get().exact::<Tuple>().map_or(0, |defaults| defaults.len());
        let without = count.checked_sub(defaults)?;
        let fill = |(i, argument): (usize, Option<Argument>)| {
            let parameter = i + first;
            argument.or_else(|| match parameter.checked_sub(without)? {
                i if parameter < count => Some(Argument::Default(i)),
                _ => keyword_default(function, code.local_name(parameter)).map(|_| Argument::KeywordDefault(code.local_name(parameter))),
            })
        };
        let named = arguments.into_iter().enumerate().map(fill).collect::<Option<Vec<_>>>()?;
        Some(Binding { named, rest, keywords })
    }
}

/// The version that certifies the names of a function's keyword-only defaults, and the number of one of them.
fn keyword_default(function: Ref<Function>, name: Value) -> Option<(u32, usize)> {
    let table = function.kwdefaults.get().exact::<Dict>()?.table()?;
    // The version first, as it has to certify what is found.
    let version = table.assign_version()?;
    Some((version, table.find_str(name.exact::<Str>()?)?))
}

impl Lowering<'_> {
    /// The variables of a frame of the function, which the trace expects the callable to be.
    pub(super) fn bind(
        &mut self,
        callable: Id,
        function: Ref<Function>,
        receiver: Option<Id>,
        binding: Binding,
    ) -> Result<Vec<Place>, Abort> {
        let mut places = Vec::with_capacity(function.code().frame_values());
        places.extend(receiver.map(Place::of));
        for argument in binding.named {
            places.push(Place::of(match argument {
                Argument::Given(id) => id,
                Argument::Default(i) => self.default(callable, function, i)?,
                Argument::KeywordDefault(name) => self.keyword_default(callable, function, name)?,
            }));
        }
        if let Some(items) = binding.rest {
            let rest = self.tuple_of(items);
            places.push(Place::of(rest));
        }
        if let Some(keywords) = binding.keywords {
            let mut operands = Vec::with_capacity(2 * keywords.len() + 2);
            for (name, id) in keywords {
                operands.extend([self.value_constant(name), self.value(id)]);
            }
            let dict = self.call_native(helpers::make_dict, operands);
            self.has_shape(dict, shapes::DICT);
            places.push(Place::of(dict));
        }
        Ok(places)
    }

    /// Makes a tuple.
    pub(super) fn tuple_of(&mut self, items: Vec<Id>) -> Id {
        if items.is_empty() {
            return self.value_constant(self.thread.empty_tuple());
        }
        if let Some(layout) = Layout::of_tuples(items.len()) {
            return self.make(layout, items);
        }
        let tuple = self.sequence_of(Op::BuildTuple, shapes::TUPLE, &items);
        self.tuples.insert(tuple, items);
        tuple
    }

    /// Default `i` of a function. Functions of the same version may have others, but as many.
    fn default(&mut self, callable: Id, function: Ref<Function>, i: usize) -> Result<Id, Abort> {
        let count = function.defaults.get().exact::<Tuple>().ok_or(Abort::Lost)?.len();
        let defaults = self.load(callable, offset_of!(Function, defaults), Ty::Value);
        self.guard_is_not(defaults, 0);
        let len = self.load(defaults, Tuple::LEN, Ty::Word);
        self.guard_is(len, count as u64);
        Ok(self.load(defaults, TUPLE_OVERHEAD + i * 8, Ty::Value))
    }

    /// The default of a keyword-only parameter. The dict that it is in may change at any time.
    fn keyword_default(&mut self, callable: Id, function: Ref<Function>, name: Value) -> Result<Id, Abort> {
        let (version, index) = keyword_default(function, name).ok_or(Abort::Stale)?;
        let defaults = self.load(callable, offset_of!(Function, kwdefaults), Ty::Value);
        self.guard_is_not(defaults, 0);
        let table = self.table_of_version(defaults, version)?;
        let v = self.load(table, Table::value_offset(index), Ty::Value);
        self.guard_is_not(v, 0);
        Ok(v)
    }
}
