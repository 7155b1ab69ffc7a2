//! Calls.

use limpid_bytecode::{CommonConstant, Constant, Intrinsic1, Opcode};
use ruff_python_ast::name::Name;
use ruff_python_ast::{Arguments, Expr, ExprAttribute, ExprCall, ExprName, Keyword};
use rustc_hash::FxHashSet;

use super::expressions::{Display, MANY, pop_jump};
use super::{Compiler, Result};
use crate::ir::{BlockId, Location, Op};
use crate::symtable::NameScope;

impl<'a> Compiler<'a> {
    pub(super) fn call(&mut self, node: &'a ExprCall, location: Location) -> Result {
        self.check_keywords(&node.arguments.keywords)?;
        if self.method_call(node)? {
            return Ok(());
        }
        self.check_callable(&node.func);
        self.expr(&node.func)?;
        let end = self.new_block();
        let inlined = self.inlined_call(node, end)?;
        let callable = self.location(&*node.func);
        self.emit(Opcode::PUSH_NULL, callable);
        self.call_arguments(&node.arguments, 0, None, location)?;
        if inlined {
            self.use_block(end);
        }
        Ok(())
    }

    fn check_keywords(&self, keywords: &[Keyword]) -> Result {
        let mut seen = FxHashSet::default();
        for keyword in keywords {
            if let Some(name) = &keyword.arg
                && !seen.insert(name.as_str())
            {
                return Err(self.error(keyword.range, format!("keyword argument repeated: {name}")));
            }
        }
        Ok(())
    }

    /// `x.f(...)` looks the method up without making a bound method.
    fn method_call(&mut self, node: &'a ExprCall) -> Result<bool> {
        let (Expr::Attribute(method), arguments) = (&*node.func, &node.arguments) else {
            return Ok(false);
        };
        let imported = method.value.as_name_expr().is_some_and(|name| self.is_imported(&name.id));
        let unpacks = arguments.args.iter().any(Expr::is_starred_expr) || arguments.keywords.iter().any(|keyword| keyword.arg.is_none());
        let values = arguments.args.len() + arguments.keywords.len() + usize::from(!arguments.keywords.is_empty());
        if imported || unpacks || values >= MANY {
            return Ok(false);
        }
        if !self.super_attribute(method, true)? {
            self.expr(&method.value)?;
            let location = self.attribute_location(method, self.location(method));
            let index = self.attribute_index(method);
            self.emit_arg(Opcode::LOAD_ATTR, index << 1 | 1, location);
        }
        let location = self.attribute_location(method, self.location(node));
        self.plain_arguments(arguments, 0, None, location)?;
        Ok(true)
    }

    /// Emits arguments and the call; `pushed` arguments, the callable and its receiver are on the stack.
    pub(super) fn call_arguments(&mut self, arguments: &'a Arguments, pushed: u32, injected: Option<&Name>, location: Location) -> Result {
        let (args, keywords) = (&arguments.args, &arguments.keywords);
        let unpacks = args.iter().any(Expr::is_starred_expr) || keywords.iter().any(|keyword| keyword.arg.is_none());
        let many = args.len() + keywords.len() * 2 > MANY;
        if !unpacks && !many {
            return self.plain_arguments(arguments, pushed, injected, location);
        }
        match &args[..] {
            [Expr::Starred(only)] if pushed == 0 && injected.is_none() => self.expr(&only.value)?,
            args => self.display(Display::TUPLE, args, pushed, injected, location)?,
        }
        self.keyword_mapping(keywords, location)?;
        self.emit(Opcode::CALL_FUNCTION_EX, location);
        Ok(())
    }

    fn plain_arguments(&mut self, arguments: &'a Arguments, pushed: u32, injected: Option<&Name>, location: Location) -> Result {
        let (args, keywords) = (&arguments.args, &arguments.keywords);
        match &args[..] {
            [Expr::Generator(only)] => self.generator_argument(only, arguments.range)?,
            args => self.exprs(args)?,
        }
        if let Some(name) = injected {
            self.load_name(name, location);
        }
        let count = pushed + (args.len() + keywords.len() + usize::from(injected.is_some())) as u32;
        if keywords.is_empty() {
            self.emit_arg(Opcode::CALL, count, location);
            return Ok(());
        }
        self.exprs(keywords.iter().map(|keyword| &keyword.value))?;
        let name = |keyword: &Keyword| {
            let name = keyword.arg.as_ref().expect("no ** among plain arguments");
            Constant::Str(name.id.as_bytes().into())
        };
        let names = Constant::Tuple(keywords.iter().map(name).collect());
        self.load_const(names, location);
        self.emit_arg(Opcode::CALL_KW, count, location);
        Ok(())
    }

    /// Pushes the dict of keyword arguments, or NULL if there are none.
    fn keyword_mapping(&mut self, keywords: &'a [Keyword], location: Location) -> Result {
        if keywords.is_empty() {
            self.emit(Opcode::PUSH_NULL, location);
            return Ok(());
        }
        let mut built = false;
        for stretch in keywords.chunk_by(|a, b| a.arg.is_some() && b.arg.is_some()) {
            if stretch[0].arg.is_some() {
                self.named_keywords(stretch, location)?;
                if built {
                    self.emit_arg(Opcode::DICT_MERGE, 1, location);
                }
                built = true;
                continue;
            }
            for keyword in stretch {
                if !built {
                    self.emit_arg(Opcode::BUILD_MAP, 0, location);
                    built = true;
                }
                self.expr(&keyword.value)?;
                self.emit_arg(Opcode::DICT_MERGE, 1, location);
            }
        }
        Ok(())
    }

    fn named_keywords(&mut self, keywords: &'a [Keyword], location: Location) -> Result {
        let many = keywords.len() * 2 > MANY;
        if many {
            self.emit_arg(Opcode::BUILD_MAP, 0, location);
        }
        for keyword in keywords {
            let name = keyword.arg.as_ref().expect("the stretch has names");
            let name = Constant::Str(name.id.as_bytes().into());
            self.load_const(name, location);
            self.expr(&keyword.value)?;
            if many {
                self.emit_arg(Opcode::MAP_ADD, 1, location);
            }
        }
        if !many {
            self.emit_arg(Opcode::BUILD_MAP, keywords.len() as u32, location);
        }
        Ok(())
    }

    /// `super().name` and `super(class, self).name` without making the super object, if that is what the attribute is.
    pub(super) fn super_attribute(&mut self, node: &'a ExprAttribute, method: bool) -> Result<bool> {
        let Expr::Call(call) = &*node.value else {
            return Ok(false);
        };
        let Expr::Name(function) = &*call.func else {
            return Ok(false);
        };
        if !self.is_plain_super(function, &call.arguments) {
            return Ok(false);
        }
        let function_location = self.location(function);
        self.load_name(&function.id, function_location);
        let explicit = !call.arguments.args.is_empty();
        if explicit {
            self.exprs(&call.arguments.args)?;
        } else {
            self.load_name(&Name::new_static("__class__"), function_location);
            let first = self.unit.varnames[0].clone();
            self.load_name(&first, function_location);
        }
        let location = self.location(node);
        let index = self.attribute_index(node);
        let flags = u32::from(method) | u32::from(explicit) << 1;
        self.emit_arg(Opcode::LOAD_SUPER_ATTR, index << 2 | flags, location);
        // The attribute's line comes after the call of `super` that is part of the instruction.
        let location = self.attribute_location(node, location);
        self.emit(Opcode::NOP, location);
        Ok(true)
    }

    /// Is it a call of the builtin `super` that needs nothing unusual?
    fn is_plain_super(&self, function: &ExprName, arguments: &Arguments) -> bool {
        if function.id != "super" || !arguments.keywords.is_empty() {
            return false;
        }
        // The name must be the global one, and nothing in the module may bind that.
        let in_module = self.context.symbols[crate::symtable::SymbolTable::TOP].scope_of("super");
        if self.scope_of(&function.id) != Some(NameScope::GlobalImplicit)
            || matches!(in_module, Some(NameScope::Local | NameScope::GlobalExplicit))
        {
            return false;
        }
        match &arguments.args[..] {
            // The class cell and the first parameter.
            [] => self.unit.argcount > 0 && self.scope_of(&Name::new_static("__class__")) == Some(NameScope::Free),
            [class, object] => !class.is_starred_expr() && !object.is_starred_expr(),
            _ => false,
        }
    }

    /// `all`, `any`, `list`, `set` and `tuple` of a generator expression run it in place, if the names mean the builtins. The callable is on the stack.
    ///
    /// Returns whether that has been emitted; then the result is on the stack in `end`.
    fn inlined_call(&mut self, node: &'a ExprCall, end: BlockId) -> Result<bool> {
        let (Expr::Name(function), [Expr::Generator(generator)], []) =
            (&*node.func, &node.arguments.args[..], &node.arguments.keywords[..])
        else {
            return Ok(false);
        };
        let (builtin, goes_on) = match function.id.as_str() {
            "all" => (CommonConstant::All, Some(true)),
            "any" => (CommonConstant::Any, Some(false)),
            "tuple" => (CommonConstant::Tuple, None),
            "list" => (CommonConstant::List, None),
            "set" => (CommonConstant::Set, None),
            _ => return Ok(false),
        };
        let location = self.location(function);
        let ordinary = self.new_block();
        let exhausted = self.new_block();
        self.emit_arg(Opcode::COPY, 1, location);
        self.emit_arg(Opcode::LOAD_COMMON_CONSTANT, builtin as u32, location);
        self.emit_arg(Opcode::IS_OP, 0, location);
        self.emit_jump(Opcode::POP_JUMP_IF_FALSE, ordinary, location);
        self.emit(Opcode::POP_TOP, location);
        let (build, add) = match builtin {
            CommonConstant::Set => (Opcode::BUILD_SET, Opcode::SET_ADD),
            _ => (Opcode::BUILD_LIST, Opcode::LIST_APPEND),
        };
        if goes_on.is_none() {
            self.emit_arg(build, 0, location);
        }
        self.generator_argument(generator, node.arguments.range)?;
        self.emit(Opcode::PUSH_NULL, location);
        let start = self.next_block();
        self.emit_jump(Opcode::FOR_ITER, exhausted, location);
        match goes_on {
            None => {
                self.emit_arg(add, 3, location);
                self.emit_jump(Op::Jump, start, location);
            }
            Some(condition) => {
                self.emit(Opcode::TO_BOOL, location);
                self.emit_jump(pop_jump(condition), start, location);
                self.emit(Opcode::POP_ITER, Location::NONE);
                self.load_const(Constant::Bool(!condition), location);
                self.emit_jump(Op::Jump, end, location);
            }
        }
        self.use_block(exhausted);
        self.emit(Opcode::POP_ITER, Location::NONE);
        match goes_on {
            None if matches!(builtin, CommonConstant::Tuple) => {
                self.emit_arg(Opcode::CALL_INTRINSIC_1, Intrinsic1::ListToTuple as u32, location);
            }
            None => {}
            Some(condition) => self.load_const(Constant::Bool(condition), location),
        }
        self.emit_jump(Op::Jump, end, location);
        self.use_block(ordinary);
        Ok(true)
    }
}
