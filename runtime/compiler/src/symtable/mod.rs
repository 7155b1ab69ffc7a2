//! Symbol tables: what each name means in each scope of a program.
//!
//! Two passes. [`build()`] walks the tree once, opens a scope for each module, class, function, comprehension, annotation block, type
//! alias, type parameter list and type variable, and notes how each name is used there. `analyze` then decides from the outside in
//! which scope a name belongs to (local, cell, free, global), and merges comprehensions into the scope they are inlined in (PEP 709).
//!
//! The code generator finds a scope again by the syntax node that opened it, see [`ScopeKey`].

mod analyze;
mod annotations;
mod build;
mod expressions;
mod mangle;
mod report;
mod statements;

pub(crate) use build::{Program, build, has_docstring};
pub(crate) use mangle::mangle;
pub use report::{Block, BlockKind};

use indexmap::IndexMap;
use ruff_python_ast::name::Name;
use ruff_text_size::TextRange;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

/// The names of a scope, in the order of their first appearance.
pub(crate) type Symbols = IndexMap<Name, Symbol, FxBuildHasher>;

/// What kind of block a scope belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ScopeKind {
    /// The whole program.
    Module,
    /// A class body.
    Class,
    /// A function, lambda or comprehension.
    Function,
    /// The annotations of a module, class or function.
    Annotation,
    /// The bound, constraints or default of a type parameter.
    TypeVariable,
    /// The value of a `type` statement.
    TypeAlias,
    /// The type parameter list of a generic function, class or alias.
    TypeParameters,
}

impl ScopeKind {
    /// Do names in it live in fast locals and cells?
    pub(crate) fn is_function_like(self) -> bool {
        !matches!(self, ScopeKind::Module | ScopeKind::Class)
    }
}

/// Which comprehension a function scope is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ComprehensionKind {
    List,
    Set,
    Dict,
    Generator,
}

/// Where the value of a name is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NameScope {
    /// A local variable of this scope.
    Local,
    /// Declared `global`.
    GlobalExplicit,
    /// Not bound in any enclosing function.
    GlobalImplicit,
    /// A variable of an enclosing function.
    Free,
    /// A local variable that inner functions refer to.
    Cell,
}

/// How a name is used in a scope, and where its value is found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Symbol {
    /// Bits of [`usage`].
    pub(crate) usage: u32,
    /// Set by the analysis; `None` for names that are only mentioned by the symbol table itself.
    pub(crate) scope: Option<NameScope>,
}

impl Symbol {
    /// Does it have one of these [`usage`] bits?
    pub(crate) fn is(self, bits: u32) -> bool {
        self.usage & bits != 0
    }
}

/// The ways a name can be used; CPython's numbers, which the `symtable` module shows.
pub(crate) mod usage {
    /// In a `global` statement.
    pub(crate) const GLOBAL: u32 = 1;
    /// Assigned.
    pub(crate) const LOCAL: u32 = 2;
    /// A parameter.
    pub(crate) const PARAMETER: u32 = 4;
    /// In a `nonlocal` statement.
    pub(crate) const NONLOCAL: u32 = 8;
    /// Read.
    pub(crate) const USE: u32 = 16;
    /// Free in a method, and also bound in the class body.
    pub(crate) const FREE_CLASS: u32 = 64;
    /// Bound by an import.
    pub(crate) const IMPORT: u32 = 128;
    /// Annotated.
    pub(crate) const ANNOTATED: u32 = 256;
    /// An iteration variable of a comprehension.
    pub(crate) const COMPREHENSION_ITERATOR: u32 = 512;
    /// A type parameter.
    pub(crate) const TYPE_PARAMETER: u32 = 1024;
    /// A cell of a comprehension that is inlined here.
    pub(crate) const COMPREHENSION_CELL: u32 = 2048;
    /// Bound in one way or other.
    pub(crate) const BOUND: u32 = LOCAL | PARAMETER | IMPORT | TYPE_PARAMETER;
}

/// Index of a scope in its table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct ScopeId(u32);

/// A `global` or `nonlocal` declaration, for the errors found by the analysis.
#[derive(Clone, Debug)]
pub(crate) struct Directive {
    pub(crate) name: Name,
    pub(crate) range: TextRange,
}

/// One block of the program.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) kind: ScopeKind,
    pub(crate) name: Name,
    /// Where it begins; 0 for the module.
    pub(crate) line: u32,
    pub(crate) parent: Option<ScopeId>,
    pub(crate) children: Vec<ScopeId>,
    pub(crate) symbols: Symbols,
    /// Parameters in the order of the frame's slots.
    pub(crate) parameters: Vec<Name>,
    pub(crate) directives: Vec<Directive>,
    /// Inside a function.
    pub(crate) nested: bool,
    /// Defined directly in a class body.
    pub(crate) method: bool,
    pub(crate) generator: bool,
    /// `async def`, or a comprehension with `async for` or `await`.
    pub(crate) coroutine: bool,
    pub(crate) comprehension: Option<ComprehensionKind>,
    /// The comprehension is compiled into its parent.
    pub(crate) inlined: bool,
    pub(crate) has_docstring: bool,
    /// The body of a class is visible in it (annotations, type parameters and aliases in a class).
    pub(crate) sees_class_scope: bool,
    /// A class that must make a `__class__` cell.
    pub(crate) needs_class_closure: bool,
    /// A class that must make a `__classdict__` cell.
    pub(crate) needs_classdict: bool,
    /// Which annotations were executed is known only at run time.
    pub(crate) has_conditional_annotations: bool,
    /// It has annotations.
    pub(crate) annotations_used: bool,
    /// The scope of a module's, class's or function's annotations.
    pub(crate) annotation_block: Option<ScopeId>,
    /// In a generic class's type parameter list: the names that are mangled. `None`: all.
    pub(crate) mangled_names: Option<FxHashSet<Name>>,
    /// What a type variable's scope is called in errors.
    description: &'static str,
    /// How deep in the iterable expressions of comprehensions the walk is.
    comprehension_iterables: u32,
    /// The walk is in the target of a comprehension.
    in_comprehension_target: bool,
    /// The walk is in an annotation that is never evaluated.
    in_unevaluated_annotation: bool,
    /// The walk is in an `if`, a loop, ...
    in_conditional_block: bool,
}

impl Scope {
    fn new(kind: ScopeKind, name: Name, parent: Option<ScopeId>) -> Scope {
        Scope {
            kind,
            name,
            line: 0,
            parent,
            children: Vec::new(),
            symbols: Symbols::default(),
            parameters: Vec::new(),
            directives: Vec::new(),
            nested: false,
            method: false,
            generator: false,
            coroutine: false,
            comprehension: None,
            inlined: false,
            has_docstring: false,
            sees_class_scope: false,
            needs_class_closure: false,
            needs_classdict: false,
            has_conditional_annotations: false,
            annotations_used: false,
            annotation_block: None,
            mangled_names: None,
            description: "",
            comprehension_iterables: 0,
            in_comprehension_target: false,
            in_unevaluated_annotation: false,
            in_conditional_block: false,
        }
    }

    /// The [`usage`] bits of a name; 0 if it does not occur.
    pub(crate) fn usage(&self, name: &str) -> u32 {
        self.symbols.get(name).map_or(0, |symbol| symbol.usage)
    }

    /// Where the value of a name is found.
    pub(crate) fn scope_of(&self, name: &str) -> Option<NameScope> {
        self.symbols.get(name)?.scope
    }
}

/// Which of the scopes that a syntax node opens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum ScopeRole {
    /// The body of a function, class, comprehension or alias.
    Body,
    /// A type parameter list.
    TypeParameters,
    /// Annotations of a function.
    Annotations,
    /// Bound or constraints of a type parameter.
    Bound,
    /// Default of a type parameter.
    Default,
}

/// Identifies a scope by the address of the node that opened it: nodes do not move while they are compiled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct ScopeKey(usize, ScopeRole);

impl ScopeKey {
    /// The scope a node opens in a role.
    pub(crate) fn new<T>(node: &T, role: ScopeRole) -> ScopeKey {
        ScopeKey(std::ptr::from_ref(node).addr(), role)
    }
}

/// All scopes of a program.
#[derive(Debug)]
pub(crate) struct SymbolTable {
    scopes: Vec<Scope>,
    keys: FxHashMap<ScopeKey, ScopeId>,
}

impl SymbolTable {
    /// The scope of the whole program.
    pub(crate) const TOP: ScopeId = ScopeId(0);

    /// The scope that a node opened.
    ///
    /// # Panics
    ///
    /// If the node opened none: the passes disagree about the tree.
    pub(crate) fn lookup(&self, key: ScopeKey) -> ScopeId {
        self.keys[&key]
    }

    fn add(&mut self, scope: Scope) -> ScopeId {
        let id = ScopeId(self.scopes.len() as u32);
        self.scopes.push(scope);
        id
    }
}

impl std::ops::Index<ScopeId> for SymbolTable {
    type Output = Scope;

    fn index(&self, id: ScopeId) -> &Scope {
        &self.scopes[id.0 as usize]
    }
}

impl std::ops::IndexMut<ScopeId> for SymbolTable {
    fn index_mut(&mut self, id: ScopeId) -> &mut Scope {
        &mut self.scopes[id.0 as usize]
    }
}
