//! Code generation: from the syntax tree and its symbol table to a graph of instructions for each code object.
//!
//! One [`Unit`] is open for each code object being made; the innermost is `Compiler::unit`. Instructions are folded as they are emitted
//! ([`emit`]): an operator whose operands are constants never reaches the graph. What needs to see the flow of control is left to
//! [`crate::ir::passes`].

mod annotations;
mod assignments;
mod calls;
mod classes;
mod comprehensions;
mod emit;
mod exceptions;
mod expressions;
mod fold;
mod frames;
mod functions;
mod imports;
mod in_place;
mod iteration;
pub(crate) mod literals;
mod loops;
mod names;
mod patterns;
mod percent;
mod statements;
mod strings;
mod type_params;
mod unit;
mod warnings;

use limpid_bytecode::{CodeData, Opcode};
use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::TextRange;

use crate::error::{SyntaxError, SyntaxWarning};
use crate::source::Source;
use crate::symtable::{Program, SymbolTable};
use unit::{Unit, UnitKind};

pub(crate) type Result<T = ()> = std::result::Result<T, SyntaxError>;

/// What the whole program is compiled with.
pub(crate) struct Context<'a> {
    pub(crate) source: &'a Source<'a>,
    pub(crate) symbols: &'a SymbolTable,
    pub(crate) filename: &'a str,
    /// Flags of `__future__` imports, for every code object.
    pub(crate) future_flags: u32,
    /// Those imports, by their addresses.
    pub(crate) future_imports: Vec<usize>,
    pub(crate) optimize: u8,
    /// Expression statements of the program print their value.
    pub(crate) interactive: bool,
}

/// A `finally` clause is compiled twice, one within another four times, and so on: something has to end that.
const MIN_BUDGET: usize = 1 << 20;
/// More than any other statement takes for each of its characters.
const INSTRUCTIONS_PER_OFFSET: usize = 16;

/// Compiles a program.
pub(crate) fn generate<'a>(program: Program<'a>, context: Context<'a>, warnings: &mut Vec<SyntaxWarning>) -> Result<CodeData> {
    let budget = MIN_BUDGET + INSTRUCTIONS_PER_OFFSET * context.source.length();
    let unit = Unit::new(&context, SymbolTable::TOP, UnitKind::Module, "<module>".into(), 1, None, "<module>".into());
    let mut compiler = Compiler { context, unit, outer: Vec::new(), warnings: Vec::new(), emitted: 0, budget };
    let code = compiler.program(program);
    warnings.append(&mut compiler.warnings);
    code
}

struct Compiler<'a> {
    context: Context<'a>,
    /// The code object being made.
    unit: Unit<'a>,
    /// Those around it, innermost last.
    outer: Vec<Unit<'a>>,
    warnings: Vec<SyntaxWarning>,
    /// Instructions emitted so far in all code objects.
    emitted: usize,
    /// How many may be.
    budget: usize,
}

impl<'a> Compiler<'a> {
    fn program(&mut self, program: Program<'a>) -> Result<CodeData> {
        self.begin_code();
        match program {
            Program::Body(body) => {
                let location = body.first().map_or(crate::ir::Location::line(1), |first| self.location(first));
                self.module_body(body, location)?;
                self.end_with_none();
            }
            Program::Expression(expr) => {
                let location = self.location(expr);
                self.expr(expr)?;
                self.emit(Opcode::RETURN_VALUE, location);
            }
        }
        self.finish_unit()
    }

    fn error(&self, range: TextRange, message: impl Into<String>) -> SyntaxError {
        self.context.source.error(range, message)
    }

    fn location(&self, node: &impl ruff_text_size::Ranged) -> crate::ir::Location {
        self.context.source.location(node)
    }

    fn expr(&mut self, expr: &'a Expr) -> Result {
        crate::nesting::with_stack(|| self.expression(expr))
    }

    fn exprs(&mut self, exprs: impl IntoIterator<Item = &'a Expr>) -> Result {
        exprs.into_iter().try_for_each(|expr| self.expr(expr))
    }

    fn body(&mut self, body: &'a [Stmt]) -> Result {
        for statement in body {
            if self.emitted > self.budget {
                return Err(crate::parse::recursion_error(self.context.source));
            }
            crate::nesting::with_stack(|| self.statement(statement))?;
        }
        Ok(())
    }
}
