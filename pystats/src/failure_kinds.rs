//! Why an instruction could not be specialized, by the number that dumps contain.
//!
//! Numbers and names are those of CPython 3.15, so that either runtime's tools read either runtime's dumps. The reasons of
//! [`common`] hold for any instruction and are below 9; from 9 on each group of instructions has its own.

macro_rules! failure_kinds {
    ($( $(#[$doc:meta])* $group:ident { $( $name:ident = $number:literal; )* } )*) => {
        $(
            $(#[$doc])*
            #[allow(missing_docs, reason = "the names are all there is to say")]
            pub mod $group {
                $( pub const $name: usize = $number; )*

                pub(super) const NAMES: &[(usize, &str)] = &[ $( ($number, stringify!($name)) ),* ];
            }
        )*

        const GROUPS: &[(&str, &[(usize, &str)])] = &[ $( (stringify!($group), $group::NAMES) ),* ];
    };
}

failure_kinds! {
    /// Any instruction.
    common {
        OTHER = 0;
        NO_DICT = 1;
        OVERRIDDEN = 2;
        OUT_OF_VERSIONS = 3;
        OUT_OF_RANGE = 4;
        EXPECTED_ERROR = 5;
        WRONG_NUMBER_ARGUMENTS = 6;
        CODE_COMPLEX_PARAMETERS = 7;
        CODE_NOT_OPTIMIZED = 8;
    }

    /// `LOAD_GLOBAL`.
    load_global {
        NON_DICT = 17;
        NON_STRING_OR_SPLIT = 18;
    }

    /// `LOAD_SUPER_ATTR`.
    super_attr {
        BAD_CLASS = 9;
        SHADOWED = 10;
    }

    /// `LOAD_ATTR` and `STORE_ATTR`.
    attr {
        OVERRIDING_DESCRIPTOR = 9;
        NON_OVERRIDING_DESCRIPTOR = 10;
        NOT_DESCRIPTOR = 11;
        METHOD = 12;
        MUTABLE_CLASS = 13;
        PROPERTY = 14;
        NON_OBJECT_SLOT = 15;
        READ_ONLY = 16;
        AUDITED_SLOT = 17;
        NOT_MANAGED_DICT = 18;
        NON_STRING = 19;
        MODULE_ATTR_NOT_FOUND = 20;
        SHADOWED = 21;
        BUILTIN_CLASS_METHOD = 22;
        CLASS_METHOD_OBJ = 23;
        OBJECT_SLOT = 24;
        INSTANCE_ATTRIBUTE = 26;
        METACLASS_ATTRIBUTE = 27;
        PROPERTY_NOT_PY_FUNCTION = 28;
        NOT_IN_KEYS = 29;
        NOT_IN_DICT = 30;
        CLASS_ATTR_SIMPLE = 31;
        CLASS_ATTR_DESCRIPTOR = 32;
        BUILTIN_CLASS_METHOD_OBJ = 33;
        METACLASS_OVERRIDDEN = 34;
        SPLIT_DICT = 35;
        DESCR_NOT_DEFERRED = 36;
    }

    /// `STORE_SUBSCR` and, before 3.14, `BINARY_SUBSCR`.
    subscr {
        ARRAY_INT = 9;
        ARRAY_SLICE = 10;
        LIST_SLICE = 11;
        BUFFER_INT = 12;
        BUFFER_SLICE = 13;
        BYTEARRAY_INT = 18;
        BYTEARRAY_SLICE = 19;
        PY_SIMPLE = 20;
        PY_OTHER = 21;
        DICT_SUBCLASS_NO_OVERRIDE = 22;
        NOT_HEAP_TYPE = 23;
    }

    /// `BINARY_OP`.
    binary_op {
        ADD_DIFFERENT_TYPES = 9;
        ADD_OTHER = 10;
        AND_DIFFERENT_TYPES = 11;
        AND_INT = 12;
        AND_OTHER = 13;
        FLOOR_DIVIDE = 14;
        LSHIFT = 15;
        MATRIX_MULTIPLY = 16;
        MULTIPLY_DIFFERENT_TYPES = 17;
        MULTIPLY_OTHER = 18;
        OR = 19;
        POWER = 20;
        REMAINDER = 21;
        RSHIFT = 22;
        SUBTRACT_DIFFERENT_TYPES = 23;
        SUBTRACT_OTHER = 24;
        TRUE_DIVIDE_DIFFERENT_TYPES = 25;
        TRUE_DIVIDE_FLOAT = 26;
        TRUE_DIVIDE_OTHER = 27;
        XOR = 28;
        OR_INT = 29;
        OR_DIFFERENT_TYPES = 30;
        XOR_INT = 31;
        XOR_DIFFERENT_TYPES = 32;
        SUBSCR = 33;
        SUBSCR_LIST_SLICE = 34;
        SUBSCR_TUPLE_SLICE = 35;
        SUBSCR_STRING_SLICE = 36;
        SUBSCR_NOT_HEAP_TYPE = 37;
        SUBSCR_OTHER_SLICE = 38;
        SUBSCR_MAPPINGPROXY = 39;
        SUBSCR_RE_MATCH = 40;
        SUBSCR_ARRAY = 41;
        SUBSCR_DEQUE = 42;
        SUBSCR_ENUMDICT = 43;
        SUBSCR_STACKSUMMARY = 44;
        SUBSCR_DEFAULTDICT = 45;
        SUBSCR_COUNTER = 46;
        SUBSCR_ORDEREDDICT = 47;
        SUBSCR_BYTES = 48;
        SUBSCR_STRUCTTIME = 49;
        SUBSCR_RANGE = 50;
    }

    /// `CALL` and `CALL_KW`.
    call {
        INSTANCE_METHOD = 11;
        CMETHOD = 12;
        CFUNC_VARARGS = 13;
        CFUNC_VARARGS_KEYWORDS = 14;
        CFUNC_NOARGS = 15;
        CFUNC_METHOD_FASTCALL_KEYWORDS = 16;
        METH_DESCR_VARARGS = 17;
        METH_DESCR_VARARGS_KEYWORDS = 18;
        METH_DESCR_METHOD_FASTCALL_KEYWORDS = 19;
        BAD_CALL_FLAGS = 20;
        INIT_NOT_PYTHON = 21;
        PEP_523 = 22;
        BOUND_METHOD = 23;
        CLASS_MUTABLE = 26;
        METHOD_WRAPPER = 28;
        OPERATOR_WRAPPER = 29;
        INIT_NOT_SIMPLE = 30;
        METACLASS = 31;
        INIT_NOT_INLINE_VALUES = 32;
    }

    /// `COMPARE_OP`.
    compare_op {
        DIFFERENT_TYPES = 12;
        STRING = 13;
        BIG_INT = 14;
        BYTES = 15;
        TUPLE = 16;
        LIST = 17;
        SET = 18;
        BOOL = 19;
        BASEOBJECT = 20;
        FLOAT_LONG = 21;
        LONG_FLOAT = 22;
    }

    /// `FOR_ITER`, `GET_ITER` and `SEND`.
    iter {
        GENERATOR = 10;
        COROUTINE = 11;
        ASYNC_GENERATOR = 12;
        LIST = 13;
        TUPLE = 14;
        SET = 15;
        STRING = 16;
        BYTES = 17;
        RANGE = 18;
        ITERTOOLS = 19;
        DICT_KEYS = 20;
        DICT_ITEMS = 21;
        DICT_VALUES = 22;
        ENUMERATE = 23;
        MAP = 24;
        ZIP = 25;
        SEQ_ITER = 26;
        REVERSED_LIST = 27;
        CALLABLE = 28;
        ASCII_STRING = 29;
        ASYNC_GENERATOR_SEND = 30;
        SELF = 31;
    }

    /// `UNPACK_SEQUENCE`.
    unpack_sequence {
        ITERATOR = 9;
        SEQUENCE = 10;
    }

    /// `TO_BOOL`.
    to_bool {
        BYTEARRAY = 9;
        BYTES = 10;
        DICT = 11;
        FLOAT = 12;
        MAPPING = 13;
        MEMORY_VIEW = 14;
        NUMBER = 15;
        SEQUENCE = 16;
        SET = 17;
        TUPLE = 18;
    }

    /// `CONTAINS_OP`.
    contains_op {
        STR = 9;
        TUPLE = 10;
        LIST = 11;
        USER_CLASS = 12;
    }
}

/// Which numbers a dump uses; they differ little.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// CPython 3.12.
    V3_12,
    /// CPython 3.13.
    V3_13,
    /// CPython 3.14 and later, and Limpid.
    V3_14,
}

/// Where older versions differ: up to which one, group, number, name.
const EARLIER: &[(Version, &str, usize, &str)] = &[
    (Version::V3_12, "subscr", 13, "STRING_INT"),
    (Version::V3_12, "call", 21, "PYTHON_CLASS"),
    (Version::V3_12, "call", 27, "KWNAMES"),
    (Version::V3_13, "attr", 19, "NON_STRING_OR_SPLIT"),
    (Version::V3_13, "attr", 25, "HAS_MANAGED_DICT"),
    (Version::V3_13, "subscr", 12, "TUPLE_SLICE"),
    (Version::V3_13, "subscr", 14, "STRING_SLICE"),
    (Version::V3_13, "subscr", 15, "BUFFER_INT"),
    (Version::V3_13, "subscr", 16, "BUFFER_SLICE"),
    (Version::V3_13, "subscr", 17, "SEQUENCE_INT"),
    (Version::V3_13, "call", 24, "STR"),
    (Version::V3_13, "call", 25, "CLASS_NO_VECTORCALL"),
];

/// What a number means for an opcode, in words.
pub fn describe(version: Version, opcode: &str, number: usize) -> String {
    let group = if number < 9 { "common" } else { group(opcode) };
    let earlier =
        EARLIER.iter().find(|&&(until, name, kind, _)| version <= until && name == group && kind == number).map(|&(.., name)| name);
    let now = || {
        let (_, names) = GROUPS.iter().find(|&&(name, _)| name == group)?;
        names.iter().find(|&&(kind, _)| kind == number).map(|&(_, name)| name)
    };
    match earlier.or_else(now) {
        Some(name) => name.replace('_', " ").to_lowercase(),
        None => format!("kind {number}"),
    }
}

/// The group of reasons an opcode uses.
fn group(opcode: &str) -> &'static str {
    match opcode {
        "LOAD_SUPER_ATTR" => "super_attr",
        "LOAD_ATTR" | "LOAD_METHOD" | "STORE_ATTR" => "attr",
        "BINARY_SUBSCR" | "STORE_SUBSCR" => "subscr",
        "CALL" | "CALL_KW" => "call",
        "FOR_ITER" | "GET_ITER" | "SEND" => "iter",
        "LOAD_GLOBAL" => "load_global",
        "BINARY_OP" => "binary_op",
        "COMPARE_OP" => "compare_op",
        "UNPACK_SEQUENCE" => "unpack_sequence",
        "TO_BOOL" => "to_bool",
        "CONTAINS_OP" => "contains_op",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_mean_the_same_thing_once() {
        for (group, names) in GROUPS {
            for (index, (number, name)) in names.iter().enumerate() {
                assert!(*number < crate::model::FAILURE_KINDS, "{group} {name}");
                assert_eq!(*group == "common", *number < 9, "{group} {name}");
                let others = &names[..index];
                assert!(!others.iter().any(|(other, _)| other == number), "{group} {number}");
                assert!(!others.iter().any(|(_, other)| other == name), "{group} {name}");
            }
        }
    }

    #[test]
    fn words() {
        use Version::*;
        assert_eq!(describe(V3_14, "LOAD_ATTR", attr::NOT_IN_KEYS), "not in keys");
        assert_eq!(describe(V3_14, "LOAD_ATTR", 1), "no dict");
        assert_eq!(describe(V3_14, "CALL_KW", 21), "init not python");
        assert_eq!(describe(V3_12, "CALL", 21), "python class");
        assert_eq!(describe(V3_13, "CALL", 21), "init not python");
        assert_eq!(describe(V3_13, "STORE_SUBSCR", 12), "tuple slice");
        assert_eq!(describe(V3_14, "STORE_SUBSCR", 12), "buffer int");
        assert_eq!(describe(V3_14, "BINARY_SLICE", 12), "kind 12");
        assert_eq!(describe(V3_14, "SEND", 63), "kind 63");
    }
}
