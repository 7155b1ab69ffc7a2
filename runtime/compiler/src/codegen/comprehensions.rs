//! Comprehensions and generator expressions.
//!
//! List, set and dict comprehensions are compiled into the function around them: their variables get slots of the frame, whose former
//! values wait on the stack meanwhile. Generator expressions are functions of one argument, the outermost iterable.

use limpid_bytecode::{Constant, Opcode};
use ruff_python_ast::name::Name;
use ruff_python_ast::{Comprehension, Expr, ExprDictComp, ExprGenerator, ExprListComp, ExprSetComp};
use ruff_text_size::{Ranged, TextRange};

use super::frames::{Frame, FrameKind};
use super::functions::FunctionParts;
use super::unit::UnitKind;
use super::{Compiler, Result};
use crate::ir::{BlockId, HandlerId, Location, Op};
use crate::symtable::{NameScope, ScopeId, ScopeKey, ScopeKind, ScopeRole, usage};

/// What a comprehension makes of its elements.
#[derive(Clone, Copy)]
enum Element<'a> {
    List(&'a Expr),
    Set(&'a Expr),
    Dict(&'a Expr, &'a Expr),
    Generator(&'a Expr),
}

/// A comprehension.
#[derive(Clone, Copy)]
struct Parts<'a> {
    element: Element<'a>,
    generators: &'a [Comprehension],
    scope: ScopeId,
    range: TextRange,
    location: Location,
}

/// What has to be put back at the end of an inlined comprehension.
struct Inlined {
    overrides: Vec<(Name, Option<Option<NameScope>>)>,
    hidden: Vec<Name>,
    /// Variables whose former values wait on the stack.
    saved: Vec<Name>,
    /// The handler that puts them back, and the one around.
    cleanup: Option<(BlockId, Option<HandlerId>)>,
}

impl<'a> Compiler<'a> {
    pub(super) fn list_comprehension(&mut self, node: &'a ExprListComp) -> Result {
        let parts = self.parts(node, Element::List(&node.elt), &node.generators);
        self.comprehension(parts)
    }

    pub(super) fn set_comprehension(&mut self, node: &'a ExprSetComp) -> Result {
        let parts = self.parts(node, Element::Set(&node.elt), &node.generators);
        self.comprehension(parts)
    }

    pub(super) fn dict_comprehension(&mut self, node: &'a ExprDictComp) -> Result {
        let Some(key) = &node.key else {
            return Err(self.error(node.range, "dict unpacking cannot be used in dict comprehension"));
        };
        let parts = self.parts(node, Element::Dict(key, &node.value), &node.generators);
        self.comprehension(parts)
    }

    pub(super) fn generator_expression(&mut self, node: &'a ExprGenerator) -> Result {
        let parts = self.parts(node, Element::Generator(&node.elt), &node.generators);
        self.comprehension(parts)
    }

    /// A generator expression that is the only argument of a call has the call's parentheses.
    pub(super) fn generator_argument(&mut self, node: &'a ExprGenerator, parentheses: TextRange) -> Result {
        let mut parts = self.parts(node, Element::Generator(&node.elt), &node.generators);
        if !node.parenthesized {
            parts.range = parentheses;
            parts.location = self.location(&parentheses);
        }
        self.comprehension(parts)
    }

    fn parts(&self, node: &'a impl Ranged, element: Element<'a>, generators: &'a [Comprehension]) -> Parts<'a> {
        let scope = self.context.symbols.lookup(ScopeKey::new(node, ScopeRole::Body));
        Parts { element, generators, scope, range: node.range(), location: self.location(node) }
    }

    fn comprehension(&mut self, parts: Parts<'a>) -> Result {
        let inlined = self.context.symbols[parts.scope].inlined;
        if inlined { self.inlined_comprehension(parts) } else { self.comprehension_function(parts) }
    }

    fn inlined_comprehension(&mut self, parts: Parts<'a>) -> Result {
        let location = parts.location;
        self.expr(&parts.generators[0].iter)?;
        let outer_inlined = std::mem::replace(&mut self.unit.in_inlined_comprehension, true);
        let inlined = self.save_variables(&parts, outer_inlined)?;
        let build = match parts.element {
            Element::List(_) => Opcode::BUILD_LIST,
            Element::Set(_) => Opcode::BUILD_SET,
            Element::Dict(..) | Element::Generator(_) => Opcode::BUILD_MAP,
        };
        self.emit_arg(build, 0, location);
        self.emit_arg(Opcode::SWAP, 2, location);
        self.comprehension_loop(&parts, 0, 0)?;
        self.restore_variables(inlined, location);
        self.unit.in_inlined_comprehension = outer_inlined;
        Ok(())
    }

    /// Makes room for the variables of an inlined comprehension. The outermost iterable stays on top of the stack.
    fn save_variables(&mut self, parts: &Parts<'a>, nested: bool) -> Result<Inlined> {
        let symbols = self.context.symbols;
        let function_like = self.scope().kind.is_function_like();
        let in_class = self.scope().kind == ScopeKind::Class && !nested;
        let mut inlined = Inlined { overrides: Vec::new(), hidden: Vec::new(), saved: Vec::new(), cleanup: None };
        for (name, symbol) in &symbols[parts.scope].symbols {
            if symbol.is(usage::PARAMETER) {
                continue;
            }
            let is_variable = symbol.is(usage::LOCAL) && !symbol.is(usage::NONLOCAL);
            if is_variable && !function_like && self.unit.hidden.get(name) != Some(&true) {
                self.unit.hidden.insert(name.clone(), true);
                inlined.hidden.push(name.clone());
            }
            let outside = self.scope_of(name);
            if symbol.scope != outside && symbol.scope != Some(NameScope::Free) || in_class {
                let before = self.unit.overrides.insert(name.clone(), symbol.scope);
                inlined.overrides.push((name.clone(), before));
            }
            if is_variable {
                let index = self.local_index(name);
                self.emit_arg(Opcode::LOAD_FAST_AND_CLEAR, index, parts.location);
                if symbol.scope == Some(NameScope::Cell) {
                    let index = self.cell_index(name);
                    self.emit_arg(Opcode::MAKE_CELL, index, parts.location);
                }
                inlined.saved.push(name.clone());
            }
        }
        if !inlined.saved.is_empty() {
            self.emit_arg(Opcode::SWAP, inlined.saved.len() as u32 + 1, parts.location);
            let cleanup = self.new_block();
            let outer = self.setup(Op::SetupFinally, cleanup, parts.location);
            inlined.cleanup = Some((cleanup, outer));
            self.push_frame(Frame::new(FrameKind::Comprehension, cleanup, outer), parts.range)?;
        }
        Ok(inlined)
    }

    /// Puts the variables back. The result stays on top of the stack.
    fn restore_variables(&mut self, inlined: Inlined, location: Location) {
        if let Some((cleanup, outer)) = inlined.cleanup {
            self.pop_frame();
            let end = self.new_block();
            self.restore_handler(outer);
            self.emit_jump(Op::Jump, end, Location::NONE);
            // An exception: the incomplete result is below it.
            self.use_block(cleanup);
            self.emit_arg(Opcode::SWAP, 2, Location::NONE);
            self.emit(Opcode::POP_TOP, Location::NONE);
            self.restore_slots(&inlined.saved, Location::NONE);
            self.emit_arg(Opcode::RERAISE, 0, Location::NONE);
            self.use_block(end);
            self.restore_slots(&inlined.saved, location);
        }
        for (name, before) in inlined.overrides.into_iter().rev() {
            match before {
                Some(before) => self.unit.overrides.insert(name, before),
                None => self.unit.overrides.remove(&name),
            };
        }
        for name in inlined.hidden {
            self.unit.hidden.insert(name, false);
        }
    }

    fn restore_slots(&mut self, saved: &[Name], location: Location) {
        self.emit_arg(Opcode::SWAP, saved.len() as u32 + 1, location);
        for name in saved.iter().rev() {
            self.restore_fast(name, location);
        }
    }

    fn comprehension_function(&mut self, parts: Parts<'a>) -> Result {
        let location = parts.location;
        let scope = &self.context.symbols[parts.scope];
        let is_generator = matches!(parts.element, Element::Generator(_));
        let outermost = &parts.generators[0];
        let line = self.context.source.line(parts.range.start());
        self.enter(parts.scope, UnitKind::Comprehension, scope.name.clone(), line, self.unit.class.clone(), None);
        self.unit.argcount = 1;
        let build = match parts.element {
            Element::List(_) => Some(Opcode::BUILD_LIST),
            Element::Set(_) => Some(Opcode::BUILD_SET),
            Element::Dict(..) => Some(Opcode::BUILD_MAP),
            Element::Generator(_) => None,
        };
        if let Some(build) = build {
            self.emit_arg(build, 0, location);
        }
        let iterable = self.location(&outermost.iter);
        self.emit_arg(Opcode::LOAD_FAST, 0, iterable);
        self.comprehension_loop(&parts, 0, 0)?;
        if is_generator {
            self.end_with_none();
        } else {
            self.emit(Opcode::RETURN_VALUE, location);
            self.end_generator();
        }
        let is_async = self.scope().coroutine;
        let code = self.leave()?;

        self.make_function(code, FunctionParts::default(), location);
        self.expr(&outermost.iter)?;
        if outermost.is_async {
            self.emit(Opcode::GET_AITER, iterable);
        } else {
            self.emit_arg(Opcode::GET_ITER, 1, iterable);
        }
        self.emit_arg(Opcode::CALL, 0, location);
        if is_async && !is_generator {
            self.emit_arg(Opcode::GET_AWAITABLE, 0, location);
            self.load_const(Constant::None, location);
            self.yield_from(true, location);
        }
        Ok(())
    }

    /// The loop of one `for` clause and all within. `depth` values of outer loops lie between the result and this one's iterable.
    ///
    /// The outermost iterable is on the stack: in an inlined comprehension as it is, else as `GET_ITER 1` has left it.
    fn comprehension_loop(&mut self, parts: &Parts<'a>, index: usize, depth: u32) -> Result {
        crate::nesting::with_stack(|| {
            let generator = &parts.generators[index];
            if generator.is_async {
                self.async_comprehension_loop(parts, index, depth)
            } else {
                self.sync_comprehension_loop(parts, index, depth)
            }
        })
    }

    fn sync_comprehension_loop(&mut self, parts: &Parts<'a>, index: usize, depth: u32) -> Result {
        let generator = &parts.generators[index];
        let location = self.location(&generator.iter);
        let next = self.new_block();
        if index > 0
            && let Some(only) = only_element(&generator.iter)
        {
            // `for y in [f(x)]` is an assignment.
            self.expr(only)?;
            self.comprehension_body(parts, index, depth, next)?;
            self.use_block(next);
            return Ok(());
        }
        if index > 0 {
            self.expr(&generator.iter)?;
        }
        let prepared = index == 0 && !self.context.symbols[parts.scope].inlined;
        self.emit_arg(Opcode::GET_ITER, if prepared { 2 } else { 0 }, location);
        let exhausted = self.new_block();
        let start = self.next_block();
        self.emit_jump(Opcode::FOR_ITER, exhausted, location);
        self.comprehension_body(parts, index, depth + 2, next)?;
        self.use_block(next);
        self.emit_jump(Op::Jump, start, self.element_location(parts));
        self.use_block(exhausted);
        self.emit(Opcode::POP_ITER, Location::NONE);
        Ok(())
    }

    fn async_comprehension_loop(&mut self, parts: &Parts<'a>, index: usize, depth: u32) -> Result {
        let generator = &parts.generators[index];
        let location = self.location(&generator.iter);
        let next = self.new_block();
        let exhausted = self.new_block();
        let inlined = self.context.symbols[parts.scope].inlined;
        if index > 0 {
            self.expr(&generator.iter)?;
        }
        if index > 0 || inlined {
            self.emit(Opcode::GET_AITER, location);
        }
        let start = self.next_block();
        let outer = self.setup(Op::SetupFinally, exhausted, parts.location);
        self.emit(Opcode::GET_ANEXT, parts.location);
        self.load_const(Constant::None, parts.location);
        self.yield_from(true, parts.location);
        self.restore_handler(outer);
        self.comprehension_body(parts, index, depth + 1, next)?;
        self.use_block(next);
        self.emit_jump(Op::Jump, start, self.element_location(parts));
        self.use_block(exhausted);
        self.emit(Opcode::END_ASYNC_FOR, location);
        Ok(())
    }

    /// Target, conditions and what follows; the next value is on the stack.
    fn comprehension_body(&mut self, parts: &Parts<'a>, index: usize, depth: u32, next: BlockId) -> Result {
        let generator = &parts.generators[index];
        self.expr(&generator.target)?;
        for condition in &generator.ifs {
            self.jump_if(condition, next, false, parts.location)?;
        }
        if index + 1 < parts.generators.len() {
            return self.comprehension_loop(parts, index + 1, depth);
        }
        let location = self.element_location(parts);
        match parts.element {
            Element::List(element) => {
                self.expr(element)?;
                self.emit_arg(Opcode::LIST_APPEND, depth + 1, location);
            }
            Element::Set(element) => {
                self.expr(element)?;
                self.emit_arg(Opcode::SET_ADD, depth + 1, location);
            }
            Element::Dict(key, value) => {
                self.expr(key)?;
                self.expr(value)?;
                self.emit_arg(Opcode::MAP_ADD, depth + 1, location);
            }
            Element::Generator(element) => {
                self.expr(element)?;
                self.yield_value(location);
                self.emit(Opcode::POP_TOP, location);
            }
        }
        Ok(())
    }

    fn element_location(&self, parts: &Parts<'a>) -> Location {
        match parts.element {
            Element::List(element) | Element::Set(element) | Element::Generator(element) => self.location(element),
            Element::Dict(key, value) => {
                let Location { end_line, end_column, .. } = self.location(value);
                Location { end_line, end_column, ..self.location(key) }
            }
        }
    }
}

/// The element of a list or tuple of one.
fn only_element(expr: &Expr) -> Option<&Expr> {
    let elements = match expr {
        Expr::List(list) => &list.elts,
        Expr::Tuple(tuple) => &tuple.elts,
        _ => return None,
    };
    match &elements[..] {
        [only] if !only.is_starred_expr() => Some(only),
        _ => None,
    }
}
