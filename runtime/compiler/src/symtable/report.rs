//! A symbol table as plain data, for the module `symtable`.

use super::{NameScope, ScopeId, ScopeKind, SymbolTable};

/// What a block is; the numbers are those of `_symtable`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum BlockKind {
    /// A function, lambda or comprehension.
    Function = 0,
    /// A class body.
    Class = 1,
    /// The whole program.
    Module = 2,
    /// Annotations.
    Annotation = 3,
    /// The value of a `type` statement.
    TypeAlias = 4,
    /// A type parameter list.
    TypeParameters = 5,
    /// Bound, constraints or default of a type parameter.
    TypeVariable = 6,
}

/// The names of a block and the blocks in it.
#[derive(Debug)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// Of what: the name of the function, `top` for the module.
    pub name: String,
    /// Where it begins; 0 for the module.
    pub line: u32,
    /// Is it in a function?
    pub nested: bool,
    /// The names, with CPython's flags; where the value is found is in the bits from [`Block::SCOPE_SHIFT`] on.
    pub symbols: Vec<(String, u32)>,
    /// The names of parameters.
    pub parameters: Vec<String>,
    /// The blocks in it.
    pub children: Vec<Block>,
}

impl Block {
    /// See [`Block::symbols`].
    pub const SCOPE_SHIFT: u32 = 12;

    pub(crate) fn of(table: &SymbolTable, id: ScopeId) -> Block {
        let scope = &table[id];
        let kind = match scope.kind {
            ScopeKind::Module => BlockKind::Module,
            ScopeKind::Class => BlockKind::Class,
            ScopeKind::Function => BlockKind::Function,
            ScopeKind::Annotation => BlockKind::Annotation,
            ScopeKind::TypeVariable => BlockKind::TypeVariable,
            ScopeKind::TypeAlias => BlockKind::TypeAlias,
            ScopeKind::TypeParameters => BlockKind::TypeParameters,
        };
        let flags = |symbol: &super::Symbol| symbol.usage | symbol.scope.map_or(0, number) << Block::SCOPE_SHIFT;
        Block {
            kind,
            name: scope.name.to_string(),
            line: scope.line,
            nested: scope.nested,
            symbols: scope.symbols.iter().map(|(name, symbol)| (name.to_string(), flags(symbol))).collect(),
            parameters: scope.parameters.iter().map(ToString::to_string).collect(),
            children: scope.children.iter().map(|child| crate::nesting::with_stack(|| Block::of(table, *child))).collect(),
        }
    }
}

/// CPython's numbers.
fn number(scope: NameScope) -> u32 {
    match scope {
        NameScope::Local => 1,
        NameScope::GlobalExplicit => 2,
        NameScope::GlobalImplicit => 3,
        NameScope::Free => 4,
        NameScope::Cell => 5,
    }
}
