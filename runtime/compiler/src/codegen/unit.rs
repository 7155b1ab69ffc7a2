//! The state of one code object while it is made.

use indexmap::{IndexMap, IndexSet};
use limpid_bytecode::{CodeData, CodeFlags, Constant, Opcode};
use ruff_python_ast::name::Name;
use ruff_python_ast::{Parameters, StmtAnnAssign};
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::frames::Frame;
use super::{Compiler, Context, Result};
use crate::assemble::{self, Layout};
use crate::consts::ConstantPool;
use crate::ir::{BlockId, Graph, HandlerId, Location, Op};
use crate::symtable::{NameScope, Scope, ScopeId, ScopeKind, Symbol, usage};

pub(super) type NameSet = IndexSet<Name, FxBuildHasher>;

/// What a code object is made from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum UnitKind {
    Module,
    Class,
    Function,
    AsyncFunction,
    Lambda,
    Comprehension,
    TypeParameters,
    /// An annotate function, or the function that evaluates an alias, a bound or a default.
    Annotations,
}

/// An annotation of a module or class, compiled when its body is done.
#[derive(Clone, Copy)]
pub(super) struct DeferredAnnotation<'a> {
    pub(super) statement: &'a StmtAnnAssign,
    /// Its number among those that may not be executed.
    pub(super) conditional: Option<u32>,
}

pub(super) struct Unit<'a> {
    pub(super) scope: ScopeId,
    pub(super) kind: UnitKind,
    pub(super) name: Name,
    pub(super) qualname: String,
    /// The innermost class, whose name mangles private names.
    pub(super) class: Option<Name>,
    pub(super) firstlineno: u32,
    pub(super) argcount: u32,
    pub(super) posonlyargcount: u32,
    pub(super) kwonlyargcount: u32,
    pub(super) varargs: bool,
    pub(super) varkeywords: bool,

    pub(super) graph: Graph,
    /// Where instructions are emitted.
    pub(super) current: BlockId,
    /// The handler in force there.
    pub(super) handler: Option<HandlerId>,
    /// Statements that are being compiled, outermost first.
    pub(super) frames: Vec<Frame<'a>>,

    pub(super) consts: ConstantPool,
    pub(super) names: NameSet,
    pub(super) varnames: NameSet,
    pub(super) cellvars: NameSet,
    pub(super) freevars: NameSet,
    /// Variables of inlined comprehensions in a module or class, which live in fast slots: is the comprehension being compiled?
    pub(super) hidden: IndexMap<Name, bool, FxBuildHasher>,
    /// Scopes of names that are different inside the inlined comprehension being compiled.
    pub(super) overrides: FxHashMap<Name, Option<NameScope>>,
    pub(super) in_inlined_comprehension: bool,

    pub(super) annotations: Vec<DeferredAnnotation<'a>>,
    pub(super) conditional_annotations: u32,
    /// How many statements around may keep an annotation from being executed.
    pub(super) conditional_depth: u32,
    /// Where a module defines its annotate function.
    pub(super) annotate_block: Option<BlockId>,
    /// Names assigned as `self.name` in the methods of this class.
    pub(super) static_attributes: NameSet,
}

impl<'a> Unit<'a> {
    pub(super) fn new(
        context: &Context<'a>,
        scope: ScopeId,
        kind: UnitKind,
        name: Name,
        firstlineno: u32,
        class: Option<Name>,
        qualname: String,
    ) -> Unit<'a> {
        let symbols = &context.symbols[scope];
        let mut cellvars = names_of(symbols, NameScope::Cell, usage::COMPREHENSION_CELL);
        let class_cells = [
            (symbols.needs_class_closure, "__class__"),
            (symbols.needs_classdict, "__classdict__"),
            (symbols.has_conditional_annotations && symbols.kind == ScopeKind::Class, "__conditional_annotations__"),
        ];
        cellvars.extend(class_cells.iter().filter(|(needed, _)| *needed).map(|(_, name)| Name::new_static(name)));
        Unit {
            scope,
            kind,
            name,
            qualname,
            class,
            firstlineno,
            argcount: 0,
            posonlyargcount: 0,
            kwonlyargcount: 0,
            varargs: false,
            varkeywords: false,
            graph: Graph::new(),
            current: Graph::ENTRY,
            handler: None,
            frames: Vec::new(),
            consts: ConstantPool::default(),
            names: NameSet::default(),
            varnames: symbols.parameters.iter().cloned().collect(),
            cellvars,
            freevars: names_of(symbols, NameScope::Free, usage::FREE_CLASS),
            hidden: IndexMap::default(),
            overrides: FxHashMap::default(),
            in_inlined_comprehension: false,
            annotations: Vec::new(),
            conditional_annotations: 0,
            conditional_depth: 0,
            annotate_block: None,
            static_attributes: NameSet::default(),
        }
    }

    pub(super) fn set_parameters(&mut self, parameters: &Parameters) {
        self.posonlyargcount = parameters.posonlyargs.len() as u32;
        self.argcount = self.posonlyargcount + parameters.args.len() as u32;
        self.kwonlyargcount = parameters.kwonlyargs.len() as u32;
        self.varargs = parameters.vararg.is_some();
        self.varkeywords = parameters.kwarg.is_some();
    }
}

/// The names with a scope or usage, sorted.
fn names_of(scope: &Scope, place: NameScope, bits: u32) -> NameSet {
    let matching = |symbol: &Symbol| symbol.scope == Some(place) || symbol.is(bits);
    let mut names: NameSet = scope.symbols.iter().filter(|(_, symbol)| matching(symbol)).map(|(name, _)| name.clone()).collect();
    names.sort();
    names
}

impl<'a> Compiler<'a> {
    pub(super) fn scope(&self) -> &'a Scope {
        &self.context.symbols[self.unit.scope]
    }

    pub(super) fn mangle(&self, name: &Name) -> Name {
        self.scope().mangle(self.unit.class.as_ref(), name)
    }

    /// Begins a code object. `owner` is the function whose annotations it evaluates, if that is what it does.
    pub(super) fn enter(
        &mut self,
        scope: ScopeId,
        kind: UnitKind,
        name: Name,
        firstlineno: u32,
        class: Option<Name>,
        owner: Option<&Name>,
    ) {
        let qualname = self.qualname(kind, &name, owner);
        let unit = Unit::new(&self.context, scope, kind, name, firstlineno, class, qualname);
        self.outer.push(std::mem::replace(&mut self.unit, unit));
        self.begin_code();
    }

    /// Ends the code object and goes back to the one around it.
    pub(super) fn leave(&mut self) -> Result<CodeData> {
        let outer = self.outer.pop().expect("the module is not left");
        let unit = std::mem::replace(&mut self.unit, outer);
        assemble_unit(&self.context, unit)
    }

    /// Ends the code object of the program.
    pub(super) fn finish_unit(&mut self) -> Result<CodeData> {
        let placeholder = Unit::new(&self.context, self.unit.scope, UnitKind::Module, Name::empty(), 1, None, String::new());
        let unit = std::mem::replace(&mut self.unit, placeholder);
        assemble_unit(&self.context, unit)
    }

    fn qualname(&self, kind: UnitKind, name: &Name, owner: Option<&Name>) -> String {
        let name = match owner {
            Some(owner) => format!("{owner}.{name}"),
            None => name.to_string(),
        };
        let mut enclosing = std::iter::once(&self.unit).chain(self.outer.iter().rev());
        let not_type_parameters = |unit: &&Unit| unit.kind != UnitKind::TypeParameters;
        let parent = enclosing.find(not_type_parameters).expect("the module encloses everything");
        if parent.kind == UnitKind::Module {
            return name;
        }
        if matches!(kind, UnitKind::Function | UnitKind::AsyncFunction | UnitKind::Class) {
            let scope = &self.context.symbols[parent.scope];
            let mangled = scope.mangle(parent.class.as_ref(), &Name::new(&name));
            if scope.scope_of(&mangled) == Some(NameScope::GlobalExplicit) {
                return name;
            }
        }
        match parent.kind {
            UnitKind::Function | UnitKind::AsyncFunction | UnitKind::Lambda => {
                format!("{}.<locals>.{name}", parent.qualname)
            }
            _ => format!("{}.{name}", parent.qualname),
        }
    }

    /// What every code object begins with.
    pub(super) fn begin_code(&mut self) {
        let is_module = self.unit.kind == UnitKind::Module;
        if !is_module && self.is_generator() {
            let handler = self.new_block();
            self.setup(Op::SetupCleanup, handler, Location::NONE);
            let location = Location { column: 0, end_column: 0, ..Location::line(self.unit.firstlineno as i32) };
            self.emit_arg(Opcode::RESUME, 0, location);
            self.unit.frames.push(Frame::stop_iteration(handler));
            return;
        }
        let line = if is_module { 0 } else { self.unit.firstlineno as i32 };
        let location = Location { column: 0, end_column: 0, ..Location::line(line) };
        self.emit_arg(Opcode::RESUME, 0, location);
        if is_module && self.scope().has_conditional_annotations {
            // The annotate function is made first: the module may be looked at while it runs.
            let block = self.next_block();
            self.unit.annotate_block = Some(block);
            self.next_block();
        }
    }

    /// Is the code object a generator, coroutine or async generator?
    pub(super) fn is_generator(&self) -> bool {
        self.scope().generator || self.scope().coroutine
    }

    /// Returns None if control gets to the end, and closes the body of a generator.
    pub(super) fn end_with_none(&mut self) {
        self.load_const(Constant::None, Location::NONE);
        self.emit(Opcode::RETURN_VALUE, Location::NONE);
        self.end_generator();
    }

    /// A StopIteration must not leave a generator.
    pub(super) fn end_generator(&mut self) {
        if let Some(Frame { kind: super::frames::FrameKind::StopIteration, block, .. }) = self.unit.frames.first() {
            let handler = *block;
            self.unit.frames.clear();
            self.unit.handler = None;
            self.use_block(handler);
            let intrinsic = limpid_bytecode::Intrinsic1::StopIterationError as u32;
            self.emit_arg(Opcode::CALL_INTRINSIC_1, intrinsic, Location::NONE);
            self.emit_arg(Opcode::RERAISE, 1, Location::NONE);
        }
    }
}

fn assemble_unit(context: &Context, unit: Unit) -> Result<CodeData> {
    let scope = &context.symbols[unit.scope];
    let mut flags = context.future_flags;
    let mut set = |condition: bool, flag: u32| flags |= if condition { flag } else { 0 };
    if scope.kind.is_function_like() {
        set(true, CodeFlags::OPTIMIZED | CodeFlags::NEWLOCALS);
        set(scope.nested, CodeFlags::NESTED);
        set(scope.generator && !scope.coroutine, CodeFlags::GENERATOR);
        set(scope.generator && scope.coroutine, CodeFlags::ASYNC_GENERATOR);
        set(unit.varargs, CodeFlags::VARARGS);
        set(unit.varkeywords, CodeFlags::VARKEYWORDS);
        set(scope.has_docstring && context.optimize < 2, CodeFlags::HAS_DOCSTRING);
        set(scope.method, CodeFlags::METHOD);
    }
    set(scope.coroutine && !scope.generator, CodeFlags::COROUTINE);
    Ok(assemble::assemble(Layout {
        graph: unit.graph,
        consts: unit.consts,
        names: unit.names,
        varnames: unit.varnames,
        cellvars: unit.cellvars,
        freevars: unit.freevars,
        hidden: unit.hidden.into_keys().collect(),
        name: unit.name.to_string(),
        qualname: unit.qualname,
        filename: context.filename.to_owned(),
        firstlineno: unit.firstlineno,
        flags: CodeFlags(flags),
        argcount: unit.argcount,
        posonlyargcount: unit.posonlyargcount,
        kwonlyargcount: unit.kwonlyargcount,
    }))
}
