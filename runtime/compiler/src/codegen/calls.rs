//! Calls.

use limpid_bytecode::{Constant, Opcode};
use ruff_python_ast::name::Name;
use ruff_python_ast::{Arguments, Expr, ExprAttribute, ExprCall, ExprName, Keyword};
use rustc_hash::FxHashSet;

use super::expressions::{Display, MANY};
use super::in_place::joined_generator;
use super::{Compiler, Result};
use crate::ir::Location;
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
        let inlined = self.call_in_place(node, end)?;
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
        if let Some(generator) = joined_generator(method, arguments).filter(|generator| !self.is_async_generator(generator)) {
            self.list_in_place(generator, arguments.range, location)?;
            self.emit_arg(Opcode::CALL, 1, location);
            return Ok(true);
        }
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
}
