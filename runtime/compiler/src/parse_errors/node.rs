//! What the error parser remembers of an expression: enough to name it and to tell whether one may assign to it.

use super::token::Token;

/// A line and a column in bytes, as in [`Token`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: i32,
}

/// From the beginning of one thing to the end of another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    pub(super) start: Place,
    pub(super) end: Place,
}

impl Span {
    /// From here to the end of the other.
    pub(super) fn to(self, other: Span) -> Span {
        Span { end: other.end, ..self }
    }

    /// From the beginning of the other to the end of this.
    pub(super) fn after(self, other: Span) -> Span {
        other.to(self)
    }
}

impl From<Token> for Span {
    fn from(token: Token) -> Span {
        Span { start: Place { line: token.line, column: token.column }, end: Place { line: token.end_line, column: token.end_column } }
    }
}

/// The kind of an expression or pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Attribute,
    Subscript,
    Starred,
    Name,
    List,
    Tuple,
    Lambda,
    Call,
    /// Unary, binary and boolean operators.
    Operation,
    Generator,
    Yield,
    Await,
    ListComprehension,
    SetComprehension,
    DictComprehension,
    Dict,
    Set,
    FString,
    TString,
    None,
    False,
    True,
    Ellipsis,
    Literal,
    Comparison {
        /// Is its first operator `in`?
        first_is_in: bool,
    },
    Conditional,
    Named,
    /// The arguments of a call; the children are the positional ones.
    Arguments {
        /// Is there a `**` among them?
        unpacks_mapping: bool,
    },
    /// Whatever has no name of its own in messages.
    Other,
}

impl Kind {
    /// What messages call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Attribute => "attribute",
            Kind::Subscript => "subscript",
            Kind::Starred => "starred",
            Kind::Name => "name",
            Kind::List => "list",
            Kind::Tuple => "tuple",
            Kind::Lambda => "lambda",
            Kind::Call => "function call",
            Kind::Operation => "expression",
            Kind::Generator => "generator expression",
            Kind::Yield => "yield expression",
            Kind::Await => "await expression",
            Kind::ListComprehension => "list comprehension",
            Kind::SetComprehension => "set comprehension",
            Kind::DictComprehension => "dict comprehension",
            Kind::Dict => "dict literal",
            Kind::Set => "set display",
            Kind::FString => "f-string expression",
            Kind::TString => "t-string expression",
            Kind::None => "None",
            Kind::False => "False",
            Kind::True => "True",
            Kind::Ellipsis => "ellipsis",
            Kind::Literal => "literal",
            Kind::Comparison { .. } => "comparison",
            Kind::Conditional => "conditional expression",
            Kind::Named => "named expression",
            Kind::Arguments { .. } | Kind::Other => "expression",
        }
    }
}

/// The number of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Node(pub(super) u32);

/// A node.
#[derive(Clone, Debug)]
pub(super) struct NodeData {
    pub(super) kind: Kind,
    pub(super) span: Span,
    /// The number of its first token.
    pub(super) first: usize,
    pub(super) children: Box<[Node]>,
}

/// For what a target is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TargetUse {
    Assignment,
    Deletion,
    Loop,
}

/// All nodes of a text.
#[derive(Default)]
pub(super) struct Nodes(Vec<NodeData>);

impl Nodes {
    pub(super) fn add(&mut self, kind: Kind, span: Span, first: usize, children: &[Node]) -> Node {
        self.0.push(NodeData { kind, span, first, children: children.into() });
        Node(self.0.len() as u32 - 1)
    }

    pub(super) fn get(&self, node: Node) -> &NodeData {
        &self.0[node.0 as usize]
    }

    /// The first part of a target that cannot be one.
    pub(super) fn invalid_target(&self, node: Node, target_use: TargetUse) -> Option<Node> {
        let data = self.get(node);
        match data.kind {
            Kind::List | Kind::Tuple => data.children.iter().find_map(|&child| self.invalid_target(child, target_use)),
            Kind::Starred if target_use == TargetUse::Deletion => Some(node),
            Kind::Starred => self.invalid_target(data.children[0], target_use),
            // `for a in b` reads like a comparison.
            Kind::Comparison { first_is_in } if target_use == TargetUse::Loop => {
                if first_is_in {
                    self.invalid_target(data.children[0], target_use)
                } else {
                    None
                }
            }
            Kind::Name | Kind::Subscript | Kind::Attribute => None,
            _ => Some(node),
        }
    }
}
