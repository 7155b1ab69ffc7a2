//! The instruction set: every instruction once, in one table.
//!
//! An instruction is one 16-bit word, the opcode in the low byte and the argument (*oparg*) in the high byte; `EXTENDED_ARG` supplies
//! eight higher bits of the next one's argument. Some are followed by *cache words* that belong to the interpreter's specializer.
//!
//! A row of the table reads
//!
//! ```text
//!     BINARY_OP [5] operator (2 => 1) = BINARY_OP_GENERIC;
//!     |          |  |         |    |    the uops it consists of, run in order
//!     |          |  |         |    values pushed
//!     |          |  |         values popped; both may use the oparg `o`
//!     |          |  what the oparg means, see `Operand`
//!     |          cache words
//!     name, CPython 3.14's where it exists there
//! ```
//!
//! and in the `specialized` part
//!
//! ```text
//!     BINARY_OP_ADD_INT of BINARY_OP = GUARD_BOTH_INT ADD_INT;
//! ```
//!
//! a form of its family with the same size, operand and stack effect. Opcode numbers follow the order of the table. Everything else that
//! knows instructions is made from it by handing a macro to [`for_each_instruction`]: opcode numbers, names, cache sizes and stack
//! effects here, handlers and dispatch tables in the interpreter, what a trace is made of in tier 2.
//!
//! Jumps are relative to the end of the instruction and its caches. A `for` loop keeps two values on the stack, the iterator and its
//! position: for an exact list, tuple or range that is the container itself and the next index (a *virtual iterator*, no object is
//! made), for everything else the iterator object and NULL. `SEND` keeps the same pair.

/// What an instruction's argument means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operand {
    /// Not used.
    None,
    /// A number: a count, a depth, a selector.
    Number,
    /// Index of a constant.
    Const,
    /// Index of a name.
    Name,
    /// Index of a name, shifted left by one; the low bit asks for a NULL (globals) or for the method pair (attributes).
    NameFlag,
    /// Index of a name, shifted left by two; bit 0 asks for the method pair, bit 1 tells `super()` with two arguments.
    NameSuper,
    /// Index of a local variable.
    Local,
    /// Two local variables, the first in the high four bits.
    LocalPair,
    /// Index of a local variable that holds a cell.
    Cell,
    /// Distance of a jump forward, in words.
    JumpForward,
    /// Distance of a jump backward, in words.
    JumpBackward,
    /// A binary operator, [`crate::BinaryOperator`].
    Operator,
    /// A comparison, [`crate::Comparison`]: operator in the bits from 5 up, bit 4 asks for a bool, bits 0-3 are the outcome mask.
    Comparison,
}

/// The byte that stands in place of an opcode where tools are told of events. It is no instruction of its own: the interpreter keeps elsewhere
/// which one it stands for.
pub const INSTRUMENTED: u8 = u8::MAX;

/// Hands the whole table to the macro `$callback`.
#[macro_export]
macro_rules! for_each_instruction {
    ($callback:path) => {
        $callback! {
            (o)
            base {
                // An empty word; what a cache word disassembles to.
                CACHE [0] None (0 => 0) = UNREACHABLE;
                NOP [0] None (0 => 0) = NOTHING;
                EXTENDED_ARG [0] Number (0 => 0) = EXTEND_ARG;
                // Where a frame starts or resumes: 0 at the start, 1 after yield, 2 after yield from, 3 after await; bit 2: inside an except.
                RESUME [1] Number (0 => 0) = RESUME_GENERIC;
                // Leaves the interpreter loop: the caller of an entry frame "returns" here.
                INTERPRETER_EXIT [0] None (1 => 0) = EXIT_INTERPRETER;

                // Locals, constants, the stack.
                LOAD_FAST [0] Local (0 => 1) = LOAD_LOCAL;
                LOAD_FAST_CHECK [0] Local (0 => 1) = LOAD_LOCAL_CHECK;
                LOAD_FAST_AND_CLEAR [0] Local (0 => 1) = LOAD_LOCAL_AND_CLEAR;
                LOAD_FAST_LOAD_FAST [0] LocalPair (0 => 2) = LOAD_TWO_LOCALS;
                STORE_FAST [0] Local (1 => 0) = STORE_LOCAL;
                STORE_FAST_LOAD_FAST [0] LocalPair (1 => 1) = STORE_LOAD_LOCAL;
                STORE_FAST_STORE_FAST [0] LocalPair (2 => 0) = STORE_TWO_LOCALS;
                DELETE_FAST [0] Local (0 => 0) = DELETE_LOCAL;
                // The constant itself is in the cache, filled when the code object is made.
                LOAD_CONST [4] Const (0 => 1) = LOAD_CONSTANT;
                LOAD_SMALL_INT [0] Number (0 => 1) = LOAD_SMALL;
                LOAD_COMMON_CONSTANT [0] Number (0 => 1) = LOAD_COMMON;
                POP_TOP [0] None (1 => 0) = POP;
                PUSH_NULL [0] None (0 => 1) = PUSH_NOTHING;
                COPY [0] Number (o => o + 1) = COPY_NTH;
                SWAP [0] Number (o => o) = SWAP_NTH;

                // Names.
                LOAD_NAME [0] Name (0 => 1) = LOAD_NAME_GENERIC;
                STORE_NAME [0] Name (1 => 0) = STORE_NAME_GENERIC;
                DELETE_NAME [0] Name (0 => 0) = DELETE_NAME_GENERIC;
                // Cache: counter, index, version of the globals (2), version of the builtins (2).
                LOAD_GLOBAL [6] NameFlag (0 => 1 + (o & 1)) = LOAD_GLOBAL_GENERIC;
                STORE_GLOBAL [0] Name (1 => 0) = STORE_GLOBAL_GENERIC;
                DELETE_GLOBAL [0] Name (0 => 0) = DELETE_GLOBAL_GENERIC;
                MAKE_CELL [0] Local (0 => 0) = MAKE_CELL_GENERIC;
                COPY_FREE_VARS [0] Number (0 => 0) = COPY_FREE_VARIABLES;
                LOAD_DEREF [0] Cell (0 => 1) = LOAD_CELL;
                STORE_DEREF [0] Cell (1 => 0) = STORE_CELL;
                DELETE_DEREF [0] Cell (0 => 0) = DELETE_CELL;
                LOAD_FROM_DICT_OR_DEREF [0] Cell (1 => 1) = LOAD_DICT_OR_CELL;
                LOAD_FROM_DICT_OR_GLOBALS [0] Name (1 => 1) = LOAD_DICT_OR_GLOBAL;
                LOAD_LOCALS [0] None (0 => 1) = LOAD_NAMESPACE;
                LOAD_BUILD_CLASS [0] None (0 => 1) = LOAD_CLASS_BUILDER;
                SETUP_ANNOTATIONS [0] None (0 => 0) = MAKE_ANNOTATIONS;

                // Attributes.
                // Cache: counter, shape (2), version (2), offset, descriptor (4).
                LOAD_ATTR [10] NameFlag (1 => 1 + (o & 1)) = LOAD_ATTR_GENERIC;
                // Cache: counter, shape (2), version (2), offset, new shape (2).
                STORE_ATTR [8] Name (2 => 0) = STORE_ATTR_GENERIC;
                DELETE_ATTR [0] Name (1 => 0) = DELETE_ATTR_GENERIC;
                LOAD_SUPER_ATTR [1] NameSuper (3 => 1 + (o & 1)) = LOAD_SUPER_ATTR_GENERIC;
                // 0 __enter__, 1 __exit__, 2 __aenter__, 3 __aexit__: the method and its receiver or NULL.
                // Cache: counter, shape (2), version (2), method (4).
                LOAD_SPECIAL [9] Number (1 => 2) = LOAD_SPECIAL_METHOD;

                // Operators.
                UNARY_NEGATIVE [0] None (1 => 1) = NEGATE;
                UNARY_INVERT [0] None (1 => 1) = INVERT;
                UNARY_NOT [0] None (1 => 1) = NOT_BOOL;
                TO_BOOL [3] None (1 => 1) = TO_BOOL_GENERIC;
                // Cache: counter, external function (4).
                BINARY_OP [5] Operator (2 => 1) = BINARY_OP_GENERIC;
                BINARY_SLICE [0] None (3 => 1) = LOAD_SLICE;
                STORE_SLICE [0] None (4 => 0) = STORE_SLICE_GENERIC;
                STORE_SUBSCR [1] None (3 => 0) = STORE_SUBSCR_GENERIC;
                DELETE_SUBSCR [0] None (2 => 0) = DELETE_SUBSCR_GENERIC;
                COMPARE_OP [1] Comparison (2 => 1) = COMPARE_OP_GENERIC;
                // Oparg 1 inverts.
                IS_OP [0] Number (2 => 1) = IS_SAME;
                CONTAINS_OP [1] Number (2 => 1) = CONTAINS_OP_GENERIC;

                // Building.
                BUILD_TUPLE [0] Number (o => 1) = NEW_TUPLE;
                BUILD_LIST [0] Number (o => 1) = NEW_LIST;
                BUILD_SET [0] Number (o => 1) = NEW_SET;
                BUILD_MAP [0] Number (2 * o => 1) = NEW_MAP;
                BUILD_STRING [0] Number (o => 1) = NEW_STRING;
                BUILD_SLICE [0] Number (o => 1) = NEW_SLICE;
                // Bit 0: a format specification is on the stack; bits from 2: conversion (0 none, 1 str, 2 repr, 3 ascii).
                BUILD_INTERPOLATION [0] Number (2 + (o & 1) => 1) = NEW_INTERPOLATION;
                BUILD_TEMPLATE [0] None (2 => 1) = NEW_TEMPLATE;
                LIST_APPEND [0] Number (1 => 0) = APPEND_TO_LIST;
                SET_ADD [0] Number (1 => 0) = ADD_TO_SET;
                MAP_ADD [0] Number (2 => 0) = ADD_TO_MAP;
                LIST_EXTEND [0] Number (1 => 0) = EXTEND_LIST;
                SET_UPDATE [0] Number (1 => 0) = UPDATE_SET;
                DICT_UPDATE [0] Number (1 => 0) = UPDATE_DICT;
                // Like DICT_UPDATE for the keywords of a call, whose function is `o + 2` below: duplicate keys raise TypeError.
                DICT_MERGE [0] Number (1 => 0) = MERGE_KEYWORDS;
                // 1 str, 2 repr, 3 ascii.
                CONVERT_VALUE [0] Number (1 => 1) = CONVERT;
                FORMAT_SIMPLE [0] None (1 => 1) = FORMAT_PLAIN;
                FORMAT_WITH_SPEC [0] None (2 => 1) = FORMAT_SPEC;

                // Taking apart, matching.
                UNPACK_SEQUENCE [1] Number (1 => o) = UNPACK_SEQUENCE_GENERIC;
                // Low byte: targets before the starred one, next byte: after it.
                UNPACK_EX [0] Number (1 => (o & 0xFF) + 1 + (o >> 8)) = UNPACK_STARRED;
                GET_LEN [0] None (1 => 2) = PUSH_LEN;
                MATCH_MAPPING [0] None (1 => 2) = IS_MAPPING;
                MATCH_SEQUENCE [0] None (1 => 2) = IS_SEQUENCE;
                // subject, keys => subject, keys, values or None
                MATCH_KEYS [0] None (2 => 3) = LOOK_UP_KEYS;
                // subject, class, names of keyword patterns => attributes or None; oparg: number of positional patterns
                MATCH_CLASS [0] Number (3 => 1) = LOOK_UP_ATTRIBUTES;

                // Jumps. Conditional ones carry 16 bits of branch history.
                JUMP_FORWARD [0] JumpForward (0 => 0) = JUMP_AHEAD;
                // Cache: backoff counter.
                JUMP_BACKWARD [1] JumpBackward (0 => 0) = CHECK_BREAKER JUMP_BACK;
                JUMP_BACKWARD_NO_INTERRUPT [0] JumpBackward (0 => 0) = JUMP_BACK_QUIETLY;
                POP_JUMP_IF_FALSE [1] JumpForward (1 => 0) = JUMP_IF_FALSE;
                POP_JUMP_IF_TRUE [1] JumpForward (1 => 0) = JUMP_IF_TRUE;
                POP_JUMP_IF_NONE [1] JumpForward (1 => 0) = JUMP_IF_NONE;
                POP_JUMP_IF_NOT_NONE [1] JumpForward (1 => 0) = JUMP_IF_NOT_NONE;
                // Follows every conditional jump, for instrumentation; a jump that is not taken goes on behind it.
                NOT_TAKEN [0] None (0 => 0) = NOTHING;

                // Iteration, generators, coroutines.
                // Oparg 0: iterable => iterator, position. Oparg 1 (what a generator expression is called with): iterable => exact list,
                // tuple or range unchanged, else the iterator. Oparg 2 (inside the generator expression): that => iterator, position.
                GET_ITER [1] Number (1 => 1 + (o != 1) as i32) = GET_ITER_GENERIC;
                // iterator, position => iterator, position, next; when exhausted jumps to the POP_ITER that ends the loop.
                FOR_ITER [1] JumpForward (2 => 3) = FOR_ITER_GENERIC;
                POP_ITER [0] None (2 => 0) = POP_PAIR;
                // iterable => receiver, position
                GET_YIELD_FROM_ITER [0] None (1 => 2) = GET_YIELD_FROM_ITERATOR;
                // Oparg: 0 await, 1 async with entry (__aenter__), 2 async with exit; awaitable => receiver, NULL
                GET_AWAITABLE [0] Number (1 => 2) = GET_AWAITABLE_GENERIC;
                GET_AITER [0] None (1 => 1) = GET_ASYNC_ITERATOR;
                // aiter => aiter, awaitable receiver, NULL
                GET_ANEXT [0] None (1 => 3) = GET_ASYNC_NEXT;
                // receiver, position, value => receiver, position, yielded; when it is done, jumps with the result to END_SEND.
                SEND [1] JumpForward (3 => 3) = SEND_GENERIC;
                END_SEND [0] None (3 => 1) = FINISH_SEND;
                // An exception was thrown into a frame suspended in SEND: receiver, position, sent, exception => None, NULL, value of the
                // StopIteration, or raises again.
                CLEANUP_THROW [0] None (4 => 3) = FINISH_THROW;
                // aiter, exception => (nothing) when it is StopAsyncIteration, else raises it again
                END_ASYNC_FOR [0] None (2 => 0) = FINISH_ASYNC_FOR;
                // Makes the generator, coroutine or async generator that owns this frame and returns it to the caller; pushes the first value sent.
                RETURN_GENERATOR [0] None (0 => 1) = MAKE_GENERATOR;
                // Oparg 1: from within yield from or await.
                YIELD_VALUE [0] Number (1 => 1) = YIELD_GENERIC;
                RETURN_VALUE [0] None (1 => 1) = RETURN_GENERIC;

                // Calls. callable, receiver or NULL, arguments => result
                // Cache: counter, version of the function or class (2), address of the code, the native function or `__init__` (4), size of the
                // frame, locals that are no arguments.
                CALL [9] Number (2 + o => 1) = CALL_GENERIC;
                // ... and the tuple of keyword names on top. Cache as for CALL.
                CALL_KW [9] Number (3 + o => 1) = CALL_KW_GENERIC;
                // callable, NULL, positional iterable, keyword mapping or NULL => result
                CALL_FUNCTION_EX [1] None (4 => 1) = CALL_EX_GENERIC;
                CALL_INTRINSIC_1 [0] Number (1 => 1) = CALL_INTRINSIC_UNARY;
                CALL_INTRINSIC_2 [0] Number (2 => 1) = CALL_INTRINSIC_BINARY;
                // code => function
                MAKE_FUNCTION [0] None (1 => 1) = NEW_FUNCTION;
                // value, function => function. 1 defaults, 2 keyword defaults, 4 annotations, 8 closure, 16 annotate function.
                SET_FUNCTION_ATTRIBUTE [0] Number (2 => 1) = SET_FUNCTION_FIELD;
                // The end of the frame that called __init__ in place of type.__call__.
                EXIT_INIT_CHECK [0] None (1 => 0) = CHECK_INIT_RESULT;
                // The end of an operator's method that was called in place of the operator. left, right, oparg of BINARY_OP, what it gave => result
                EXIT_OPERATOR_CHECK [0] None (4 => 1) = CHECK_OPERATOR_RESULT;

                // Exceptions.
                RAISE_VARARGS [0] Number (o => 0) = RAISE;
                // Oparg: how far below is the saved position (0: none).
                RERAISE [0] Number (1 + o => o) = RAISE_AGAIN;
                // exception => previously handled exception, exception
                PUSH_EXC_INFO [0] None (1 => 2) = PUSH_HANDLED;
                POP_EXCEPT [0] None (1 => 0) = POP_HANDLED;
                CHECK_EXC_MATCH [0] None (2 => 2) = MATCH_EXCEPTION;
                // group, type => rest or None, match or None
                CHECK_EG_MATCH [0] None (2 => 2) = MATCH_GROUP;
                // exit function, its receiver, saved position, previously handled, exception => ... , result of the exit function
                WITH_EXCEPT_START [0] None (5 => 6) = CALL_EXIT_WITH_EXCEPTION;

                // Imports. level, from-list => module
                IMPORT_NAME [0] Name (2 => 1) = IMPORT_MODULE;
                IMPORT_FROM [0] Name (1 => 2) = IMPORT_MEMBER;
            }
            specialized {
                RESUME_CHECK of RESUME = CHECK_RESUME;
                RESUME_CHECK_COUNTING of RESUME = CHECK_RESUME COUNT_CALL;
                RESUME_CHECK_JIT of RESUME = CHECK_RESUME CALL_TRACE;

                LOAD_GLOBAL_MODULE of LOAD_GLOBAL = LOAD_GLOBAL_FROM_MODULE;
                LOAD_GLOBAL_BUILTIN of LOAD_GLOBAL = LOAD_GLOBAL_FROM_BUILTINS;

                LOAD_ATTR_INSTANCE_VALUE of LOAD_ATTR = GUARD_SHAPE LOAD_SLOT;
                LOAD_ATTR_SLOT of LOAD_ATTR = GUARD_SHAPE LOAD_MEMBER;
                LOAD_ATTR_METHOD of LOAD_ATTR = GUARD_SHAPE PUSH_METHOD;
                LOAD_ATTR_METHOD_LAZY_DICT of LOAD_ATTR = GUARD_SHAPE GUARD_NO_DICT PUSH_METHOD;
                LOAD_ATTR_NONDESCRIPTOR of LOAD_ATTR = GUARD_SHAPE PUSH_CLASS_VALUE;
                LOAD_ATTR_MODULE of LOAD_ATTR = LOAD_MODULE_VALUE;
                LOAD_ATTR_CLASS of LOAD_ATTR = GUARD_CLASS PUSH_CLASS_VALUE;
                LOAD_ATTR_PROPERTY of LOAD_ATTR = GUARD_SHAPE CALL_PROPERTY;
                LOAD_ATTR_DESCRIPTOR of LOAD_ATTR = GUARD_SHAPE ASK_DESCRIPTOR;
                // Shapes vary here; the thread's cache of places knows them. The name is in the cache in place of the descriptor.
                LOAD_ATTR_POLYMORPHIC of LOAD_ATTR = LOAD_FROM_KNOWN_PLACE;

                STORE_ATTR_INSTANCE_VALUE of STORE_ATTR = GUARD_STORE_SHAPE STORE_SLOT;
                STORE_ATTR_ADD of STORE_ATTR = GUARD_STORE_SHAPE ADD_SLOT;
                STORE_ATTR_SLOT of STORE_ATTR = GUARD_STORE_SHAPE STORE_MEMBER;
                // The name is in the cache from the second word on.
                STORE_ATTR_POLYMORPHIC of STORE_ATTR = STORE_TO_KNOWN_PLACE;

                LOAD_SUPER_ATTR_METHOD of LOAD_SUPER_ATTR = LOAD_SUPER_METHOD;

                LOAD_SPECIAL_KNOWN of LOAD_SPECIAL = GUARD_SHAPE PUSH_SPECIAL;

                TO_BOOL_BOOL of TO_BOOL = GUARD_BOOL;
                TO_BOOL_INT of TO_BOOL = BOOL_OF_INT;
                TO_BOOL_NONE of TO_BOOL = BOOL_OF_NONE;
                TO_BOOL_LIST of TO_BOOL = BOOL_OF_LIST;
                TO_BOOL_STR of TO_BOOL = BOOL_OF_STR;
                TO_BOOL_ALWAYS_TRUE of TO_BOOL = BOOL_OF_PLAIN_OBJECT;

                BINARY_OP_ADD_INT of BINARY_OP = GUARD_BOTH_INT ADD_INT;
                BINARY_OP_SUBTRACT_INT of BINARY_OP = GUARD_BOTH_INT SUBTRACT_INT;
                BINARY_OP_MULTIPLY_INT of BINARY_OP = GUARD_BOTH_INT MULTIPLY_INT;
                BINARY_OP_BITS_INT of BINARY_OP = GUARD_BOTH_INT BITS_INT;
                BINARY_OP_DIVIDE_INT of BINARY_OP = GUARD_BOTH_INT DIVIDE_INT;
                BINARY_OP_ADD_FLOAT of BINARY_OP = GUARD_BOTH_FLOAT ADD_FLOAT;
                BINARY_OP_SUBTRACT_FLOAT of BINARY_OP = GUARD_BOTH_FLOAT SUBTRACT_FLOAT;
                BINARY_OP_MULTIPLY_FLOAT of BINARY_OP = GUARD_BOTH_FLOAT MULTIPLY_FLOAT;
                BINARY_OP_MIXED_FLOAT of BINARY_OP = MIXED_FLOAT;
                BINARY_OP_ADD_UNICODE of BINARY_OP = GUARD_BOTH_STR ADD_STR;
                BINARY_OP_SUBSCR_LIST_INT of BINARY_OP = LOAD_LIST_ITEM;
                BINARY_OP_SUBSCR_TUPLE_INT of BINARY_OP = LOAD_TUPLE_ITEM;
                BINARY_OP_SUBSCR_STR_INT of BINARY_OP = LOAD_STR_ITEM;
                BINARY_OP_SUBSCR_DICT of BINARY_OP = LOAD_DICT_ITEM;
                BINARY_OP_SUBSCR_GETITEM of BINARY_OP = CALL_GETITEM;
                BINARY_OP_SUBSCR_NATIVE of BINARY_OP = LOAD_NATIVE_ITEM;

                STORE_SUBSCR_LIST_INT of STORE_SUBSCR = STORE_LIST_ITEM;
                STORE_SUBSCR_DICT of STORE_SUBSCR = STORE_DICT_ITEM;
                STORE_SUBSCR_NATIVE of STORE_SUBSCR = STORE_NATIVE_ITEM;

                COMPARE_OP_INT of COMPARE_OP = GUARD_COMPARE_INT COMPARE_INT;
                COMPARE_OP_FLOAT of COMPARE_OP = COMPARE_FLOAT;
                COMPARE_OP_STR of COMPARE_OP = COMPARE_STR;

                CONTAINS_OP_SET of CONTAINS_OP = CONTAINED_IN_SET;
                CONTAINS_OP_DICT of CONTAINS_OP = CONTAINED_IN_DICT;
                CONTAINS_OP_NATIVE of CONTAINS_OP = CONTAINED_IN_NATIVE;

                UNPACK_SEQUENCE_TWO_TUPLE of UNPACK_SEQUENCE = UNPACK_PAIR;
                UNPACK_SEQUENCE_TUPLE of UNPACK_SEQUENCE = UNPACK_TUPLE;
                UNPACK_SEQUENCE_LIST of UNPACK_SEQUENCE = UNPACK_LIST;

                GET_ITER_VIRTUAL of GET_ITER = MAKE_VIRTUAL_ITERATOR;
                GET_ITER_SELF of GET_ITER = ITERATOR_IS_ITSELF;

                FOR_ITER_RANGE of FOR_ITER = NEXT_OF_RANGE;
                FOR_ITER_LIST of FOR_ITER = NEXT_OF_LIST;
                FOR_ITER_TUPLE of FOR_ITER = NEXT_OF_TUPLE;
                FOR_ITER_GEN of FOR_ITER = RESUME_FOR_GENERATOR;
                FOR_ITER_NATIVE of FOR_ITER = NEXT_OF_NATIVE;
                // With the UNPACK_SEQUENCE that follows it.
                FOR_ITER_PAIR of FOR_ITER = NEXT_PAIR;

                SEND_GEN of SEND = RESUME_SEND_GENERATOR;
                SEND_VIRTUAL of SEND = SEND_TO_VIRTUAL;
                SEND_ASYNC_GEN of SEND = RESUME_SEND_ASYNC_GENERATOR;

                // Those with a number are for callers that are no generators; it counts the arguments without the receiver.
                CALL_PY_EXACT_ARGS_0 of CALL = ENTER_FUNCTION_0;
                CALL_PY_EXACT_ARGS_1 of CALL = ENTER_FUNCTION_1;
                CALL_PY_EXACT_ARGS_2 of CALL = ENTER_FUNCTION_2;
                CALL_PY_EXACT_ARGS_3 of CALL = ENTER_FUNCTION_3;
                CALL_METHOD_EXACT_ARGS_0 of CALL = ENTER_METHOD_0;
                CALL_METHOD_EXACT_ARGS_1 of CALL = ENTER_METHOD_1;
                CALL_METHOD_EXACT_ARGS_2 of CALL = ENTER_METHOD_2;
                CALL_METHOD_EXACT_ARGS_3 of CALL = ENTER_METHOD_3;
                CALL_PY_EXACT_ARGS of CALL = GUARD_FUNCTION GUARD_FRAME PUSH_FRAME;
                CALL_PY_GENERAL of CALL = PUSH_FRAME_OF_ANY;
                CALL_BOUND_METHOD of CALL = PUSH_FRAME_OF_METHOD;
                CALL_BUILTIN_FAST of CALL = CALL_NATIVE;
                CALL_METHOD_DESCRIPTOR_FAST of CALL = CALL_NATIVE_METHOD;
                CALL_METHOD_DESCRIPTOR_RAW of CALL = CALL_RAW_METHOD;
                CALL_TYPE_1 of CALL = CALL_TYPE_OF;
                CALL_STR_1 of CALL = CALL_STR_OF;
                CALL_TUPLE_1 of CALL = CALL_TUPLE_OF;
                CALL_LEN of CALL = CALL_LEN_OF;
                CALL_ISINSTANCE of CALL = CALL_ISINSTANCE_OF;
                CALL_LIST_APPEND of CALL = CALL_APPEND;
                CALL_ALLOC_AND_ENTER_INIT of CALL = ALLOCATE_AND_CALL_INIT;
                CALL_BUILTIN_CLASS of CALL = CALL_NATIVE_CLASS;
                CALL_NON_PY_GENERAL of CALL = CALL_ANYTHING;

                CALL_KW_PY of CALL_KW = CALL_KW_FUNCTION;
                CALL_KW_NON_PY of CALL_KW = CALL_KW_ANYTHING;

                // Cache: the number of the executor.
                JUMP_BACKWARD_JIT of JUMP_BACKWARD = CHECK_BREAKER JUMP_INTO_TRACE;
            }
        }
    };
}

macro_rules! define_opcodes {
    (($o:ident)
     base { $($name:ident [$caches:literal] $operand:ident ($pops:expr => $pushes:expr) = $($uop:ident)+;)* }
     specialized { $($special:ident of $family:ident = $($special_uop:ident)+;)* }) => {
        /// An instruction's number. Specialized forms follow the base instructions.
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum Opcode { $($name,)* $($special,)* }

        use Opcode::*;

        /// How many base instructions there are: the opcodes from this number on are specialized forms.
        pub const BASE_COUNT: usize = [$($name),*].len();
        /// How many instructions there are.
        pub const OPCODE_COUNT: usize = BASE_COUNT + [$($special),*].len();
        const _: () = assert!(OPCODE_COUNT <= INSTRUMENTED as usize);

        const ALL: [Opcode; OPCODE_COUNT] = [$($name,)* $($special,)*];
        const NAMES: [&str; OPCODE_COUNT] = [$(stringify!($name),)* $(stringify!($special),)*];
        const FAMILIES: [Opcode; OPCODE_COUNT] = [$($name,)* $($family,)*];
        const CACHES: [u8; OPCODE_COUNT] = {
            const BASE: [u8; BASE_COUNT] = [$($caches),*];
            [$(BASE[$name as usize],)* $(BASE[$family as usize],)*]
        };
        const OPERANDS: [Operand; BASE_COUNT] = [$(Operand::$operand),*];

        impl Opcode {
            /// How many values the instruction pops and pushes, for an oparg.
            pub fn stack_effect(self, $o: i32) -> (i32, i32) {
                match self.family() {
                    $(#[allow(clippy::identity_op)] $name => ($pops, $pushes),)*
                    _ => unreachable!("a family is a base instruction"),
                }
            }
        }
    };
}
for_each_instruction!(define_opcodes);

/// The number of cache words after the instruction with this number; 0 if there is none.
#[inline]
pub const fn caches_after(opcode: u8) -> usize {
    if (opcode as usize) < OPCODE_COUNT { CACHES[opcode as usize] as usize } else { 0 }
}

impl Opcode {
    /// The instruction with this number, if there is one.
    #[inline]
    pub const fn from_u8(byte: u8) -> Option<Opcode> {
        if (byte as usize) < OPCODE_COUNT { Some(ALL[byte as usize]) } else { None }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        NAMES[self as usize]
    }

    /// The base instruction it is a form of; a base instruction is its own family.
    #[inline]
    pub const fn family(self) -> Opcode {
        FAMILIES[self as usize]
    }

    /// Is it a specialized form?
    pub const fn is_specialized(self) -> bool {
        self as usize >= BASE_COUNT
    }

    /// The number of cache words after it.
    #[inline]
    pub const fn caches(self) -> usize {
        CACHES[self as usize] as usize
    }

    /// What its oparg means.
    pub const fn operand(self) -> Operand {
        OPERANDS[FAMILIES[self as usize] as usize]
    }

    /// All instructions in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Opcode> {
        ALL.into_iter()
    }
}
