//! The selectors that an instruction's oparg carries: operators, comparisons, intrinsic functions, common constants, special methods.
//!
//! Numbers, names and bit layouts are CPython 3.14's, because `dis` shows them.

/// An enum whose members are numbered from zero and have a text each.
macro_rules! selector {
    ($(#[$meta:meta])* $name:ident, $text:ident: $text_doc:literal { $($(#[$member_meta:meta])* $member:ident = $member_text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum $name { $($(#[$member_meta])* $member,)* }

        impl $name {
            /// All of them in the order of their numbers.
            pub const ALL: &[$name] = &[$($name::$member,)*];

            /// The one with this number.
            pub const fn from_oparg(oparg: u32) -> Option<$name> {
                if (oparg as usize) < Self::ALL.len() { Some(Self::ALL[oparg as usize]) } else { None }
            }

            #[doc = $text_doc]
            pub const fn $text(self) -> &'static str {
                [$($member_text,)*][self as usize]
            }
        }
    };
}

selector! {
    /// What `BINARY_OP` does. The in-place forms follow the plain ones in the same order.
    BinaryOperator, symbol: "How it is written: `+`, `+=`, `[]`." {
        /// `a + b`
        Add = "+",
        /// `a & b`
        And = "&",
        /// `a // b`
        FloorDivide = "//",
        /// `a << b`
        LeftShift = "<<",
        /// `a @ b`
        MatrixMultiply = "@",
        /// `a * b`
        Multiply = "*",
        /// `a % b`
        Remainder = "%",
        /// `a | b`
        Or = "|",
        /// `a ** b`
        Power = "**",
        /// `a >> b`
        RightShift = ">>",
        /// `a - b`
        Subtract = "-",
        /// `a / b`
        TrueDivide = "/",
        /// `a ^ b`
        Xor = "^",
        /// `a += b`
        InplaceAdd = "+=",
        /// `a &= b`
        InplaceAnd = "&=",
        /// `a //= b`
        InplaceFloorDivide = "//=",
        /// `a <<= b`
        InplaceLeftShift = "<<=",
        /// `a @= b`
        InplaceMatrixMultiply = "@=",
        /// `a *= b`
        InplaceMultiply = "*=",
        /// `a %= b`
        InplaceRemainder = "%=",
        /// `a |= b`
        InplaceOr = "|=",
        /// `a **= b`
        InplacePower = "**=",
        /// `a >>= b`
        InplaceRightShift = ">>=",
        /// `a -= b`
        InplaceSubtract = "-=",
        /// `a /= b`
        InplaceTrueDivide = "/=",
        /// `a ^= b`
        InplaceXor = "^=",
        /// `a[b]`
        Subscript = "[]",
    }
}

impl BinaryOperator {
    /// Is it one of the augmented assignments?
    pub const fn is_inplace(self) -> bool {
        (Self::InplaceAdd as u8) <= (self as u8) && (self as u8) <= (Self::InplaceXor as u8)
    }

    /// `+` for `+=`, and so on; any other operator itself.
    pub const fn plain(self) -> BinaryOperator {
        if self.is_inplace() { Self::ALL[self as usize - Self::InplaceAdd as usize] } else { self }
    }

    /// `+=` for `+`, and so on; `None` for `[]`.
    pub const fn inplace(self) -> Option<BinaryOperator> {
        match self {
            Self::Subscript => None,
            _ if self.is_inplace() => Some(self),
            _ => Some(Self::ALL[self as usize + Self::InplaceAdd as usize]),
        }
    }

    /// The name CPython's C code gives it; `_opcode.get_nb_ops()` shows it.
    pub const fn c_name(self) -> &'static str {
        const NAMES: [&str; BinaryOperator::ALL.len()] = [
            "NB_ADD",
            "NB_AND",
            "NB_FLOOR_DIVIDE",
            "NB_LSHIFT",
            "NB_MATRIX_MULTIPLY",
            "NB_MULTIPLY",
            "NB_REMAINDER",
            "NB_OR",
            "NB_POWER",
            "NB_RSHIFT",
            "NB_SUBTRACT",
            "NB_TRUE_DIVIDE",
            "NB_XOR",
            "NB_INPLACE_ADD",
            "NB_INPLACE_AND",
            "NB_INPLACE_FLOOR_DIVIDE",
            "NB_INPLACE_LSHIFT",
            "NB_INPLACE_MATRIX_MULTIPLY",
            "NB_INPLACE_MULTIPLY",
            "NB_INPLACE_REMAINDER",
            "NB_INPLACE_OR",
            "NB_INPLACE_POWER",
            "NB_INPLACE_RSHIFT",
            "NB_INPLACE_SUBTRACT",
            "NB_INPLACE_TRUE_DIVIDE",
            "NB_INPLACE_XOR",
            "NB_SUBSCR",
        ];
        NAMES[self as usize]
    }
}

selector! {
    /// A rich comparison.
    Comparison, symbol: "How it is written: `<`." {
        /// `a < b`
        Less = "<",
        /// `a <= b`
        LessEqual = "<=",
        /// `a == b`
        Equal = "==",
        /// `a != b`
        NotEqual = "!=",
        /// `a > b`
        Greater = ">",
        /// `a >= b`
        GreaterEqual = ">=",
    }
}

/// The oparg of `COMPARE_OP`:
///
/// ```text
///     7      5   4    3       2         1      0
///    | operator | bool | equal | greater | less | unordered |
/// ```
///
/// The low four bits tell for which outcomes the comparison holds, so that a specialized form need not look at the operator. The bool
/// bit asks for the truth value of the result, in front of a conditional jump.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ComparisonArg(pub u8);

impl ComparisonArg {
    /// The outcome of operands that have no order, such as NaN.
    pub const UNORDERED: u8 = 1;
    /// The left operand is the smaller one.
    pub const LESS: u8 = 2;
    /// The left operand is the greater one.
    pub const GREATER: u8 = 4;
    /// Both are equal.
    pub const EQUAL: u8 = 8;
    /// Asks for a bool.
    pub const BOOL: u8 = 16;

    const OUTCOMES: u8 = 15;
    const OPERATOR_SHIFT: u8 = 5;

    /// The oparg for a comparison, with or without the request for a bool.
    pub const fn new(comparison: Comparison, to_bool: bool) -> ComparisonArg {
        let operator = (comparison as u8) << Self::OPERATOR_SHIFT;
        ComparisonArg(operator | if to_bool { Self::BOOL } else { 0 } | comparison.outcomes())
    }

    /// Which comparison it is.
    pub const fn comparison(self) -> Option<Comparison> {
        Comparison::from_oparg((self.0 >> Self::OPERATOR_SHIFT) as u32)
    }

    /// Is a bool asked for?
    pub const fn to_bool(self) -> bool {
        self.0 & Self::BOOL != 0
    }

    /// The outcomes for which it holds.
    pub const fn outcomes(self) -> u8 {
        self.0 & Self::OUTCOMES
    }
}

impl Comparison {
    /// The outcomes for which it holds, bits of [`ComparisonArg`].
    pub const fn outcomes(self) -> u8 {
        match self {
            Comparison::Less => ComparisonArg::LESS,
            Comparison::LessEqual => ComparisonArg::LESS | ComparisonArg::EQUAL,
            Comparison::Equal => ComparisonArg::EQUAL,
            Comparison::NotEqual => ComparisonArg::UNORDERED | ComparisonArg::LESS | ComparisonArg::GREATER,
            Comparison::Greater => ComparisonArg::GREATER,
            Comparison::GreaterEqual => ComparisonArg::GREATER | ComparisonArg::EQUAL,
        }
    }

    /// The one that says the same with the operands swapped: `a < b` is `b > a`.
    pub const fn swapped(self) -> Comparison {
        match self {
            Comparison::Less => Comparison::Greater,
            Comparison::LessEqual => Comparison::GreaterEqual,
            Comparison::Equal => Comparison::Equal,
            Comparison::NotEqual => Comparison::NotEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterEqual => Comparison::LessEqual,
        }
    }
}

selector! {
    /// What `CALL_INTRINSIC_1` does with the value on top of the stack.
    Intrinsic1, name: "Its name in `dis`." {
        /// Never emitted: zero is not a function.
        Invalid = "INTRINSIC_1_INVALID",
        /// `sys.displayhook(value)`, for the REPL.
        Print = "INTRINSIC_PRINT",
        /// `from module import *`.
        ImportStar = "INTRINSIC_IMPORT_STAR",
        /// A StopIteration that leaves a generator becomes RuntimeError.
        StopIterationError = "INTRINSIC_STOPITERATION_ERROR",
        /// Wraps what an async generator yields.
        AsyncGenWrap = "INTRINSIC_ASYNC_GEN_WRAP",
        /// `+value`
        UnaryPositive = "INTRINSIC_UNARY_POSITIVE",
        /// `(*a, *b)`
        ListToTuple = "INTRINSIC_LIST_TO_TUPLE",
        /// name => type variable
        TypeVar = "INTRINSIC_TYPEVAR",
        /// name => parameter specification
        ParamSpec = "INTRINSIC_PARAMSPEC",
        /// name => type variable tuple
        TypeVarTuple = "INTRINSIC_TYPEVARTUPLE",
        /// type parameters => `Generic[...]`
        SubscriptGeneric = "INTRINSIC_SUBSCRIPT_GENERIC",
        /// (name, type parameters, value function) => alias
        TypeAlias = "INTRINSIC_TYPEALIAS",
        /// what all items come to => their sum, for `sum(x for ...)`
        SumResult = "INTRINSIC_SUM_RESULT",
    }
}

selector! {
    /// What `CALL_INTRINSIC_2` does with the two values on top of the stack.
    Intrinsic2, name: "Its name in `dis`." {
        /// Never emitted: zero is not a function.
        Invalid = "INTRINSIC_2_INVALID",
        /// exception, list of what the `except*` clauses raised => what to raise or None
        PrepareReraiseStar = "INTRINSIC_PREP_RERAISE_STAR",
        /// name, bound function => type variable
        TypeVarWithBound = "INTRINSIC_TYPEVAR_WITH_BOUND",
        /// name, constraints function => type variable
        TypeVarWithConstraints = "INTRINSIC_TYPEVAR_WITH_CONSTRAINTS",
        /// function, type parameters => function
        SetFunctionTypeParams = "INTRINSIC_SET_FUNCTION_TYPE_PARAMS",
        /// type parameter, default function => type parameter
        SetTypeParamDefault = "INTRINSIC_SET_TYPEPARAM_DEFAULT",
        /// what the items so far come to, item => what they come to with it, for `sum(x for ...)`
        SumAdd = "INTRINSIC_SUM_ADD",
    }
}

selector! {
    /// What `LOAD_COMMON_CONSTANT` loads.
    CommonConstant, name: "The name of the builtin." {
        /// For `assert`.
        AssertionError = "AssertionError",
        /// For annotate functions.
        NotImplementedError = "NotImplementedError",
        /// For `tuple(x for ...)`.
        Tuple = "tuple",
        /// For `all(x for ...)`.
        All = "all",
        /// For `any(x for ...)`.
        Any = "any",
        /// For `list(x for ...)`.
        List = "list",
        /// For `set(x for ...)`.
        Set = "set",
        /// For `max(x for ...)`.
        Max = "max",
        /// For `min(x for ...)`.
        Min = "min",
        /// For `sorted(x for ...)`.
        Sorted = "sorted",
        /// For `sum(x for ...)`.
        Sum = "sum",
    }
}

selector! {
    /// The method that `LOAD_SPECIAL` looks up in the type of the value.
    SpecialMethod, name: "The name of the method." {
        /// For `with`.
        Enter = "__enter__",
        /// For `with`.
        Exit = "__exit__",
        /// For `async with`.
        AsyncEnter = "__aenter__",
        /// For `async with`.
        AsyncExit = "__aexit__",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_have_the_published_numbers() {
        assert_eq!(BinaryOperator::Subscript as u8, 26);
        assert_eq!(BinaryOperator::InplaceAdd as u8, 13);
        assert_eq!(BinaryOperator::from_oparg(27), None);
        for &operator in BinaryOperator::ALL {
            assert_eq!(BinaryOperator::from_oparg(operator as u32), Some(operator));
            if let Some(inplace) = operator.inplace() {
                assert_eq!(inplace.symbol(), format!("{}=", operator.plain().symbol()));
                assert_eq!(inplace.c_name(), operator.plain().c_name().replace("NB_", "NB_INPLACE_"));
                assert_eq!(inplace.plain(), operator.plain());
            }
        }
        assert_eq!(BinaryOperator::Subscript.plain(), BinaryOperator::Subscript);
    }

    #[test]
    fn comparison_opargs_have_the_published_layout() {
        assert_eq!(ComparisonArg::new(Comparison::Less, false).0, 2);
        assert_eq!(ComparisonArg::new(Comparison::Equal, true).0, 88);
        assert_eq!(ComparisonArg::new(Comparison::GreaterEqual, false).0, 172);
        for &comparison in Comparison::ALL {
            for to_bool in [false, true] {
                let arg = ComparisonArg::new(comparison, to_bool);
                assert_eq!((arg.comparison(), arg.to_bool()), (Some(comparison), to_bool));
                assert_eq!(arg.outcomes(), comparison.outcomes());
            }
            assert_eq!(comparison.swapped().swapped(), comparison);
        }
        assert_eq!(ComparisonArg(0xFF).comparison(), None);
    }

    #[test]
    fn intrinsics_have_the_published_numbers() {
        assert_eq!(Intrinsic1::TypeAlias as u8, 11);
        assert_eq!(Intrinsic2::SetTypeParamDefault as u8, 5);
        assert_eq!(CommonConstant::Any as u8, 4);
        assert_eq!(SpecialMethod::AsyncExit as u8, 3);
    }
}
