//! The abstract grammar: every class of nodes once, with its fields. Classes, their documentation, and the conversion between objects and
//! [`Node`](super::tree::Node)s in both directions are made from this table.

use std::sync::LazyLock;

/// The classes that others derive from.
macro_rules! sums {
    ($($sum:ident $name:literal $places:ident;)*) => {
        /// A class of which the grammar has several alternatives: `expr`.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(super) enum Sum { $($sum),* }

        /// All of them: name, and whether nodes have a place in the text.
        pub(super) const SUMS: &[(Sum, &str, Places)] = &[$((Sum::$sum, $name, Places::$places)),*];
    };
}

/// What a node knows of its place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Places {
    /// Nothing.
    None,
    /// Where it begins and ends.
    Whole,
    /// Where it begins, and perhaps where it ends.
    OptionalEnd,
}

sums! {
    Mod "mod" None;
    Stmt "stmt" OptionalEnd;
    Expr "expr" OptionalEnd;
    ExprContext "expr_context" None;
    BoolOp "boolop" None;
    Operator "operator" None;
    UnaryOp "unaryop" None;
    CmpOp "cmpop" None;
    ExceptHandler "excepthandler" OptionalEnd;
    Pattern "pattern" Whole;
    TypeIgnore "type_ignore" None;
    TypeParam "type_param" Whole;
}

/// One row a class: `Kind "name" base "fields"`; the base is a sum, or says what places a class without one has.
macro_rules! kinds {
    ($($kind:ident $name:literal $base:expr, $fields:literal;)*) => {
        /// A concrete class of nodes.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub(super) enum Kind { $($kind),* }

        impl Kind {
            /// All of them, in the order of their numbers.
            pub const ALL: &[Kind] = &[$(Kind::$kind),*];
        }

        static ROWS: &[(Kind, &str, Base, &str)] = &[$((Kind::$kind, $name, $base, $fields)),*];
    };
}

/// What a class derives from.
#[derive(Clone, Copy)]
enum Base {
    Of(Sum),
    /// AST itself.
    Product(Places),
}

const MOD: Base = Base::Of(Sum::Mod);
const STMT: Base = Base::Of(Sum::Stmt);
const EXPR: Base = Base::Of(Sum::Expr);
const CONTEXT: Base = Base::Of(Sum::ExprContext);
const BOOL_OP: Base = Base::Of(Sum::BoolOp);
const OPERATOR: Base = Base::Of(Sum::Operator);
const UNARY_OP: Base = Base::Of(Sum::UnaryOp);
const CMP_OP: Base = Base::Of(Sum::CmpOp);
const HANDLER: Base = Base::Of(Sum::ExceptHandler);
const PATTERN: Base = Base::Of(Sum::Pattern);
const TYPE_IGNORE: Base = Base::Of(Sum::TypeIgnore);
const TYPE_PARAM: Base = Base::Of(Sum::TypeParam);
const PLAIN: Base = Base::Product(Places::None);
const PLACED: Base = Base::Product(Places::OptionalEnd);

kinds! {
    Module "Module" MOD, "stmt* body, type_ignore* type_ignores";
    Interactive "Interactive" MOD, "stmt* body";
    Expression "Expression" MOD, "expr body";
    FunctionType "FunctionType" MOD, "expr* argtypes, expr returns";

    FunctionDef "FunctionDef" STMT, "identifier name, arguments args, stmt* body, expr* decorator_list, expr? returns, string? type_comment, type_param* type_params";
    AsyncFunctionDef "AsyncFunctionDef" STMT, "identifier name, arguments args, stmt* body, expr* decorator_list, expr? returns, string? type_comment, type_param* type_params";
    ClassDef "ClassDef" STMT, "identifier name, expr* bases, keyword* keywords, stmt* body, expr* decorator_list, type_param* type_params";
    Return "Return" STMT, "expr? value";
    Delete "Delete" STMT, "expr* targets";
    Assign "Assign" STMT, "expr* targets, expr value, string? type_comment";
    TypeAlias "TypeAlias" STMT, "expr name, type_param* type_params, expr value";
    AugAssign "AugAssign" STMT, "expr target, operator op, expr value";
    AnnAssign "AnnAssign" STMT, "expr target, expr annotation, expr? value, int simple";
    For "For" STMT, "expr target, expr iter, stmt* body, stmt* orelse, string? type_comment";
    AsyncFor "AsyncFor" STMT, "expr target, expr iter, stmt* body, stmt* orelse, string? type_comment";
    While "While" STMT, "expr test, stmt* body, stmt* orelse";
    If "If" STMT, "expr test, stmt* body, stmt* orelse";
    With "With" STMT, "withitem* items, stmt* body, string? type_comment";
    AsyncWith "AsyncWith" STMT, "withitem* items, stmt* body, string? type_comment";
    Match "Match" STMT, "expr subject, match_case* cases";
    Raise "Raise" STMT, "expr? exc, expr? cause";
    Try "Try" STMT, "stmt* body, excepthandler* handlers, stmt* orelse, stmt* finalbody";
    TryStar "TryStar" STMT, "stmt* body, excepthandler* handlers, stmt* orelse, stmt* finalbody";
    Assert "Assert" STMT, "expr test, expr? msg";
    Import "Import" STMT, "alias* names";
    ImportFrom "ImportFrom" STMT, "identifier? module, alias* names, int? level";
    Global "Global" STMT, "identifier* names";
    Nonlocal "Nonlocal" STMT, "identifier* names";
    Expr "Expr" STMT, "expr value";
    Pass "Pass" STMT, "";
    Break "Break" STMT, "";
    Continue "Continue" STMT, "";

    BoolOp "BoolOp" EXPR, "boolop op, expr* values";
    NamedExpr "NamedExpr" EXPR, "expr target, expr value";
    BinOp "BinOp" EXPR, "expr left, operator op, expr right";
    UnaryOp "UnaryOp" EXPR, "unaryop op, expr operand";
    Lambda "Lambda" EXPR, "arguments args, expr body";
    IfExp "IfExp" EXPR, "expr test, expr body, expr orelse";
    Dict "Dict" EXPR, "expr?* keys, expr* values";
    Set "Set" EXPR, "expr* elts";
    ListComp "ListComp" EXPR, "expr elt, comprehension* generators";
    SetComp "SetComp" EXPR, "expr elt, comprehension* generators";
    DictComp "DictComp" EXPR, "expr key, expr value, comprehension* generators";
    GeneratorExp "GeneratorExp" EXPR, "expr elt, comprehension* generators";
    Await "Await" EXPR, "expr value";
    Yield "Yield" EXPR, "expr? value";
    YieldFrom "YieldFrom" EXPR, "expr value";
    Compare "Compare" EXPR, "expr left, cmpop* ops, expr* comparators";
    Call "Call" EXPR, "expr func, expr* args, keyword* keywords";
    FormattedValue "FormattedValue" EXPR, "expr value, int conversion, expr? format_spec";
    Interpolation "Interpolation" EXPR, "expr value, constant str, int conversion, expr? format_spec";
    JoinedStr "JoinedStr" EXPR, "expr* values";
    TemplateStr "TemplateStr" EXPR, "expr* values";
    Constant "Constant" EXPR, "constant value, string? kind";
    Attribute "Attribute" EXPR, "expr value, identifier attr, expr_context ctx";
    Subscript "Subscript" EXPR, "expr value, expr slice, expr_context ctx";
    Starred "Starred" EXPR, "expr value, expr_context ctx";
    Name "Name" EXPR, "identifier id, expr_context ctx";
    List "List" EXPR, "expr* elts, expr_context ctx";
    Tuple "Tuple" EXPR, "expr* elts, expr_context ctx";
    Slice "Slice" EXPR, "expr? lower, expr? upper, expr? step";

    Load "Load" CONTEXT, "";
    Store "Store" CONTEXT, "";
    Del "Del" CONTEXT, "";

    And "And" BOOL_OP, "";
    Or "Or" BOOL_OP, "";

    Add "Add" OPERATOR, "";
    Sub "Sub" OPERATOR, "";
    Mult "Mult" OPERATOR, "";
    MatMult "MatMult" OPERATOR, "";
    Div "Div" OPERATOR, "";
    Mod "Mod" OPERATOR, "";
    Pow "Pow" OPERATOR, "";
    LShift "LShift" OPERATOR, "";
    RShift "RShift" OPERATOR, "";
    BitOr "BitOr" OPERATOR, "";
    BitXor "BitXor" OPERATOR, "";
    BitAnd "BitAnd" OPERATOR, "";
    FloorDiv "FloorDiv" OPERATOR, "";

    Invert "Invert" UNARY_OP, "";
    Not "Not" UNARY_OP, "";
    UAdd "UAdd" UNARY_OP, "";
    USub "USub" UNARY_OP, "";

    Eq "Eq" CMP_OP, "";
    NotEq "NotEq" CMP_OP, "";
    Lt "Lt" CMP_OP, "";
    LtE "LtE" CMP_OP, "";
    Gt "Gt" CMP_OP, "";
    GtE "GtE" CMP_OP, "";
    Is "Is" CMP_OP, "";
    IsNot "IsNot" CMP_OP, "";
    In "In" CMP_OP, "";
    NotIn "NotIn" CMP_OP, "";

    Comprehension "comprehension" PLAIN, "expr target, expr iter, expr* ifs, int is_async";
    ExceptHandler "ExceptHandler" HANDLER, "expr? type, identifier? name, stmt* body";
    Arguments "arguments" PLAIN, "arg* posonlyargs, arg* args, arg? vararg, arg* kwonlyargs, expr?* kw_defaults, arg? kwarg, expr* defaults";
    Arg "arg" PLACED, "identifier arg, expr? annotation, string? type_comment";
    Keyword "keyword" PLACED, "identifier? arg, expr value";
    Alias "alias" PLACED, "identifier name, identifier? asname";
    WithItem "withitem" PLAIN, "expr context_expr, expr? optional_vars";
    MatchCase "match_case" PLAIN, "pattern pattern, expr? guard, stmt* body";

    MatchValue "MatchValue" PATTERN, "expr value";
    MatchSingleton "MatchSingleton" PATTERN, "constant value";
    MatchSequence "MatchSequence" PATTERN, "pattern* patterns";
    MatchMapping "MatchMapping" PATTERN, "expr* keys, pattern* patterns, identifier? rest";
    MatchClass "MatchClass" PATTERN, "expr cls, pattern* patterns, identifier* kwd_attrs, pattern* kwd_patterns";
    MatchStar "MatchStar" PATTERN, "identifier? name";
    MatchAs "MatchAs" PATTERN, "pattern? pattern, identifier? name";
    MatchOr "MatchOr" PATTERN, "pattern* patterns";

    TypeIgnore "TypeIgnore" TYPE_IGNORE, "int lineno, string tag";

    TypeVar "TypeVar" TYPE_PARAM, "identifier name, expr? bound, expr? default_value";
    ParamSpec "ParamSpec" TYPE_PARAM, "identifier name, expr? default_value";
    TypeVarTuple "TypeVarTuple" TYPE_PARAM, "identifier name, expr? default_value";
}

/// What a field holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldType {
    Identifier,
    String,
    Int,
    Constant,
    /// A node of a sum.
    Sum(Sum),
    /// A node of a class of its own.
    Product(Kind),
}

/// How many a field holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    One,
    Optional,
    List,
    /// A list in which None may stand for a node.
    ListWithGaps,
}

/// A field of a class.
pub(super) struct Field {
    pub name: &'static str,
    pub of: FieldType,
    pub count: Count,
}

/// A class of nodes.
pub(super) struct Class {
    pub name: &'static str,
    pub sum: Option<Sum>,
    pub places: Places,
    pub fields: Vec<Field>,
    /// As the grammar has it; the documentation of the class.
    pub production: String,
}

static CLASSES: LazyLock<Vec<Class>> = LazyLock::new(|| {
    let class = |&(_, name, base, fields): &(Kind, &'static str, Base, &'static str)| {
        let (sum, places) = match base {
            Base::Of(sum) => (Some(sum), sum.places()),
            Base::Product(places) => (None, places),
        };
        let production = if fields.is_empty() { name.to_owned() } else { format!("{name}({})", fields.replace("?*", "*")) };
        let fields = fields.split(", ").filter(|field| !field.is_empty()).map(field).collect();
        Class { name, sum, places, fields, production }
    };
    ROWS.iter().map(class).collect()
});

fn field(text: &'static str) -> Field {
    let (of, name) = text.split_once(' ').expect("a type and a name");
    let (of, count) = if let Some(of) = of.strip_suffix("?*") {
        (of, Count::ListWithGaps)
    } else if let Some(of) = of.strip_suffix('*') {
        (of, Count::List)
    } else if let Some(of) = of.strip_suffix('?') {
        (of, Count::Optional)
    } else {
        (of, Count::One)
    };
    let of = match of {
        "identifier" => FieldType::Identifier,
        "string" => FieldType::String,
        "int" => FieldType::Int,
        "constant" => FieldType::Constant,
        _ => match SUMS.iter().find(|(_, name, _)| *name == of) {
            Some((sum, ..)) => FieldType::Sum(*sum),
            None => {
                let row = ROWS.iter().find(|(_, name, ..)| *name == of).expect("the grammar has it");
                FieldType::Product(row.0)
            }
        },
    };
    Field { name, of, count }
}

impl Kind {
    /// What the grammar says of it.
    pub fn class(self) -> &'static Class {
        &CLASSES[self as usize]
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.class().name
    }

    /// The number of a field. Only names of fields that there are may be asked for.
    pub fn field(self, name: &str) -> usize {
        self.class().fields.iter().position(|field| field.name == name).expect("a field of the class")
    }
}

impl Sum {
    /// Its name.
    pub fn name(self) -> &'static str {
        SUMS[self as usize].1
    }

    /// What its nodes know of their places.
    pub fn places(self) -> Places {
        SUMS[self as usize].2
    }

    /// Its alternatives.
    pub fn kinds(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.iter().copied().filter(move |kind| kind.class().sum == Some(self))
    }

    /// As the grammar has it; the documentation of the class.
    pub fn production(self) -> String {
        let name = self.name();
        let has_fields = self.kinds().any(|kind| !kind.class().fields.is_empty());
        let separator = if has_fields { format!("\n{} | ", " ".repeat(name.len())) } else { " | ".to_owned() };
        let alternatives: Vec<&str> = self.kinds().map(|kind| kind.class().production.as_str()).collect();
        format!("{name} = {}", alternatives.join(&separator))
    }
}
