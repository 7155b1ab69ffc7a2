//! Code objects as text, for people and for snapshot tests.
//!
//! ```text
//! <module> (stack 3)
//!    0      RESUME 0
//!    1      LOAD_NAME f
//!           PUSH_NULL
//!           CALL 0
//!           POP_TOP
//!    2  L1: JUMP_BACKWARD L1
//! handlers
//!   L1..L2 -> L3, depth 1, lasti
//! ```
//!
//! The text names what an oparg refers to and tells positions by labels only, so that it changes when the meaning of the code does. A line
//! number stands at the first instruction of each run of instructions from one line, `-` for instructions without. Code objects among the
//! constants follow the one they belong to. Malformed code is shown as far as it goes.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter, Write};

use crate::code::{CodeData, CodeFlags, Constant};
use crate::decode::{Instruction, decode};
use crate::exceptiontable::ExceptionTable;
use crate::instructions::{Opcode, Operand};
use crate::linetable::LineTable;
use crate::operators::{BinaryOperator, CommonConstant, Comparison, ComparisonArg, Intrinsic1, Intrinsic2, SpecialMethod};

/// The text of a code object and of those among its constants.
pub fn disassemble(code: &CodeData) -> String {
    let mut text = String::new();
    write_code(&mut text, code).expect("writing to a String does not fail");
    text
}

fn write_code(out: &mut String, code: &CodeData) -> fmt::Result {
    write_heading(out, code)?;
    write_instructions(out, code)?;
    code.consts.iter().try_for_each(|constant| write_inner(out, constant))
}

fn write_inner(out: &mut String, constant: &Constant) -> fmt::Result {
    if let Constant::Code(inner) = constant {
        out.push('\n');
        write_code(out, inner)?;
    }
    Ok(())
}

fn write_heading(out: &mut String, code: &CodeData) -> fmt::Result {
    write!(out, "{} (stack {}", code.qualname, code.stacksize)?;
    let counts = [("args", code.argcount), ("positional-only", code.posonlyargcount), ("keyword-only", code.kwonlyargcount)];
    for (what, count) in counts {
        if count != 0 {
            write!(out, ", {what} {count}")?;
        }
    }
    const FLAGS: [(u32, &str); 10] = [
        (CodeFlags::OPTIMIZED, "optimized"),
        (CodeFlags::VARARGS, "*args"),
        (CodeFlags::VARKEYWORDS, "**kwargs"),
        (CodeFlags::NESTED, "nested"),
        (CodeFlags::GENERATOR, "generator"),
        (CodeFlags::COROUTINE, "coroutine"),
        (CodeFlags::ITERABLE_COROUTINE, "iterable coroutine"),
        (CodeFlags::ASYNC_GENERATOR, "async generator"),
        (CodeFlags::HAS_DOCSTRING, "docstring"),
        (CodeFlags::METHOD, "method"),
    ];
    for (flag, name) in FLAGS {
        if code.flags.has(flag) {
            write!(out, ", {name}")?;
        }
    }
    out.push_str(")\n");
    Ok(())
}

/// The positions that something refers to, numbered in their order.
struct Labels(BTreeMap<u32, usize>);

impl Labels {
    fn new(code: &CodeData) -> Labels {
        let mut labels = BTreeMap::new();
        for instruction in decode(&code.instructions).map_while(Result::ok) {
            labels.extend(instruction.jump_target().map(|target| (target, 0)));
        }
        for handler in ExceptionTable(&code.exceptiontable).handlers() {
            labels.extend([handler.start, handler.end, handler.target].map(|at| (at, 0)));
        }
        for (number, label) in labels.values_mut().enumerate() {
            *label = number + 1;
        }
        Labels(labels)
    }

    fn name(&self, at: u32) -> String {
        self.0.get(&at).map_or_else(|| format!("<{at}>"), |number| format!("L{number}"))
    }
}

fn write_instructions(out: &mut String, code: &CodeData) -> fmt::Result {
    let labels = Labels::new(code);
    let lines = LineTable { bytes: &code.linetable, firstlineno: code.firstlineno };
    let mut lines = lines.lines().peekable();
    let mut shown_line = None;
    for instruction in decode(&code.instructions) {
        let instruction = match instruction {
            Ok(instruction) => instruction,
            Err(error) => {
                writeln!(out, "           <{error}>")?;
                break;
            }
        };
        while lines.next_if(|range| range.end <= instruction.at).is_some() {}
        let line = lines.peek().map_or(-1, |range| range.line);
        match line {
            _ if shown_line == Some(line) => out.push_str("    "),
            -1 => out.push_str("   -"),
            _ => write!(out, "{line:4}")?,
        }
        shown_line = Some(line);
        let label = match labels.0.get(&instruction.start) {
            Some(number) => format!("L{number}:"),
            None => String::new(),
        };
        writeln!(out, " {label:>5} {}", InstructionText { code, labels: &labels, instruction })?;
    }
    let end = code.instructions.len() as u32;
    if labels.0.contains_key(&end) {
        writeln!(out, "     {:>5}", format!("{}:", labels.name(end)))?;
    }
    let mut handlers = ExceptionTable(&code.exceptiontable).handlers().peekable();
    if handlers.peek().is_some() {
        out.push_str("handlers\n");
    }
    for handler in handlers {
        let [start, end, target] = [handler.start, handler.end, handler.target].map(|at| labels.name(at));
        let lasti = if handler.lasti { ", lasti" } else { "" };
        writeln!(out, "  {start}..{end} -> {target}, depth {}{lasti}", handler.depth)?;
    }
    Ok(())
}

struct InstructionText<'a> {
    code: &'a CodeData,
    labels: &'a Labels,
    instruction: Instruction,
}

impl Display for InstructionText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Instruction { opcode, oparg, .. } = self.instruction;
        f.write_str(opcode.name())?;
        let local = |index: u32| entry(&self.code.localsplusnames, index);
        let name = |index: u32| entry(&self.code.names, index);
        match opcode.operand() {
            Operand::None => Ok(()),
            Operand::Number => match selector_text(opcode.family(), oparg) {
                Some(text) => write!(f, " {text}"),
                None => write!(f, " {oparg}"),
            },
            Operand::Const => match self.code.consts.get(oparg as usize) {
                Some(constant) => write!(f, " {constant}"),
                None => write!(f, " <constant {oparg}>"),
            },
            Operand::Name => write!(f, " {}", name(oparg)),
            Operand::NameFlag => {
                let null = match (oparg & 1, opcode.family()) {
                    (0, _) => "",
                    (_, Opcode::LOAD_GLOBAL) => " + NULL",
                    _ => " + NULL|self",
                };
                write!(f, " {}{null}", name(oparg >> 1))
            }
            Operand::NameSuper => {
                let null = if oparg & 1 == 0 { "" } else { " + NULL|self" };
                let arguments = if oparg & 2 == 0 { "" } else { ", two arguments" };
                write!(f, " {}{null}{arguments}", name(oparg >> 2))
            }
            Operand::Local | Operand::Cell => write!(f, " {}", local(oparg)),
            Operand::LocalPair => write!(f, " {}, {}", local(oparg >> 4), local(oparg & 15)),
            Operand::JumpForward | Operand::JumpBackward => match self.instruction.jump_target() {
                Some(target) => write!(f, " {}", self.labels.name(target)),
                None => write!(f, " <{oparg} back>"),
            },
            Operand::Operator => write!(f, " {}", BinaryOperator::from_oparg(oparg).map_or("?", BinaryOperator::symbol)),
            Operand::Comparison => {
                let arg = ComparisonArg(oparg as u8);
                let symbol = arg.comparison().map_or("?", Comparison::symbol);
                if arg.to_bool() { write!(f, " bool({symbol})") } else { write!(f, " {symbol}") }
            }
        }
    }
}

fn entry(names: &[String], index: u32) -> String {
    names.get(index as usize).cloned().unwrap_or_else(|| format!("<{index}>"))
}

/// What a number stands for that selects something.
fn selector_text(opcode: Opcode, oparg: u32) -> Option<&'static str> {
    let one_of = |texts: &'static [&'static str]| texts.get(oparg as usize).copied();
    match opcode {
        Opcode::CALL_INTRINSIC_1 => Intrinsic1::from_oparg(oparg).map(Intrinsic1::name),
        Opcode::CALL_INTRINSIC_2 => Intrinsic2::from_oparg(oparg).map(Intrinsic2::name),
        Opcode::LOAD_COMMON_CONSTANT => CommonConstant::from_oparg(oparg).map(CommonConstant::name),
        Opcode::LOAD_SPECIAL => SpecialMethod::from_oparg(oparg).map(SpecialMethod::name),
        Opcode::CONVERT_VALUE => one_of(&["0", "str", "repr", "ascii"]),
        Opcode::IS_OP => one_of(&["is", "is not"]),
        Opcode::CONTAINS_OP => one_of(&["in", "not in"]),
        Opcode::SET_FUNCTION_ATTRIBUTE => match oparg {
            1 => Some("defaults"),
            2 => Some("kwdefaults"),
            4 => Some("annotations"),
            8 => Some("closure"),
            16 => Some("annotate"),
            _ => None,
        },
        _ => None,
    }
}

/// As Python writes it, but for ints beyond 64 bits (hexadecimal) and code objects (their name).
impl Display for Constant {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Constant::None => f.write_str("None"),
            Constant::Bool(true) => f.write_str("True"),
            Constant::Bool(false) => f.write_str("False"),
            Constant::Ellipsis => f.write_str("..."),
            Constant::Int(int) => write!(f, "{int}"),
            Constant::BigInt { negative, digits } => {
                f.write_str(if *negative { "-0x" } else { "0x" })?;
                let (last, rest) = digits.split_last().unwrap_or((&0, &[]));
                write!(f, "{last:x}")?;
                rest.iter().rev().try_for_each(|digit| write!(f, "{digit:016x}"))
            }
            Constant::Float(float) => write!(f, "{float:?}"),
            Constant::Complex(real, imaginary) => write!(f, "({real:?}{imaginary:+?}j)"),
            Constant::Str(text) => write_quoted(f, text, Quoted::Text),
            Constant::Bytes(bytes) => {
                f.write_char('b')?;
                write_quoted(f, bytes, Quoted::Bytes)
            }
            Constant::Tuple(items) => {
                f.write_char('(')?;
                write_list(f, items)?;
                f.write_str(if items.len() == 1 { ",)" } else { ")" })
            }
            Constant::FrozenSet(items) => {
                f.write_str("frozenset({")?;
                write_list(f, items)?;
                f.write_str("})")
            }
            Constant::Slice(parts) => {
                f.write_str("slice(")?;
                write_list(f, &parts[..])?;
                f.write_char(')')
            }
            Constant::Code(code) => write!(f, "<code {}>", code.qualname),
        }
    }
}

fn write_list(f: &mut Formatter<'_>, items: &[Constant]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(f, "{comma}{item}")?;
    }
    Ok(())
}

#[derive(PartialEq)]
enum Quoted {
    Text,
    Bytes,
}

fn write_quoted(f: &mut Formatter<'_>, bytes: &[u8], kind: Quoted) -> fmt::Result {
    f.write_char('\'')?;
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\'' | '\\' => write!(f, "\\{character}")?,
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                '\r' => f.write_str("\\r")?,
                ' '..='~' => f.write_char(character)?,
                _ if kind == Quoted::Text && !character.is_control() => f.write_char(character)?,
                _ => {
                    let mut buffer = [0; 4];
                    character.encode_utf8(&mut buffer).bytes().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
                }
            }
        }
        chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
    }
    f.write_char('\'')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exceptiontable::{Handler, encode};
    use crate::linetable::{LineTableWriter, Location};
    use crate::operators::SpecialMethod;
    use crate::testing::words;

    fn sample() -> CodeData {
        use Opcode::*;
        let instructions = words(&[
            (RESUME, 0),
            (LOAD_GLOBAL, 1),
            (LOAD_FAST_LOAD_FAST, 0x01),
            (COMPARE_OP, ComparisonArg::new(Comparison::Less, true).0 as u32),
            (POP_JUMP_IF_FALSE, 0x103),
            (LOAD_CONST, 1),
            (LOAD_SPECIAL, SpecialMethod::Exit as u32),
            (NOP, 0),
            (BINARY_OP, BinaryOperator::InplaceAdd as u32),
            (JUMP_BACKWARD, 24),
            (CALL_INTRINSIC_1, 99),
            (LOAD_NAME, 7),
        ]);
        let mut lines = LineTableWriter::new(3);
        lines.push(Location::line(3), 9);
        lines.push(Location::line(5), 11);
        lines.push(Location::NONE, 12);
        let inner = CodeData { qualname: "f.<locals>.g".into(), ..CodeData::default() };
        CodeData {
            qualname: "f".into(),
            firstlineno: 3,
            stacksize: 4,
            argcount: 2,
            flags: CodeFlags(CodeFlags::OPTIMIZED | CodeFlags::VARARGS),
            exceptiontable: encode([Handler { start: 2, end: 15, target: 20, depth: 1, lasti: true }]),
            linetable: lines.finish(),
            instructions,
            consts: vec![Constant::Code(Box::new(inner)), Constant::Str("it's".as_bytes().into())],
            names: vec!["print".into()],
            localsplusnames: vec!["a".into(), "b".into()],
            ..CodeData::default()
        }
    }

    #[test]
    fn disassembly_names_what_opargs_refer_to() {
        let expected = "\
f (stack 4, args 2, optimized, *args)
   3       RESUME 0
       L1: LOAD_GLOBAL print + NULL
   5       LOAD_FAST_LOAD_FAST a, b
           COMPARE_OP bool(<)
           POP_JUMP_IF_FALSE L4
       L2: LOAD_CONST 'it\\'s'
   -   L3: LOAD_SPECIAL __exit__
           NOP
           BINARY_OP +=
           JUMP_BACKWARD L2
           CALL_INTRINSIC_1 99
           LOAD_NAME <7>
handlers
  L1..L2 -> L3, depth 1, lasti

f.<locals>.g (stack 0)
";
        assert_eq!(disassemble(&sample()), expected);
    }

    #[test]
    fn malformed_code_is_shown_as_far_as_it_goes() {
        let mut code = sample();
        code.instructions = vec![words(&[(Opcode::NOP, 0)])[0], 0xFF];
        code.exceptiontable.clear();
        code.consts.clear();
        let text = disassemble(&code);
        assert!(text.ends_with("   3       NOP\n           <no instruction has the number 255 (at 1)>\n"), "{text}");
    }

    #[test]
    fn constants_are_written_as_python_does() {
        let one = || Constant::Int(1);
        let shown = [
            (Constant::None, "None"),
            (Constant::Ellipsis, "..."),
            (Constant::Float(0.5), "0.5"),
            (Constant::Complex(0.0, -2.0), "(0.0-2.0j)"),
            (Constant::Str("a\n\u{e9}\u{7f}".as_bytes().into()), "'a\\né\\x7f'"),
            (Constant::Str((*b"\xED\xA0\x80").into()), "'\\xed\\xa0\\x80'"),
            (Constant::Bytes((*b"\x00\xff\xc3\xa9'").into()), "b'\\x00\\xff\\xc3\\xa9\\''"),
            (Constant::Tuple(Box::new([])), "()"),
            (Constant::Tuple(Box::new([one()])), "(1,)"),
            (Constant::FrozenSet(Box::new([one(), Constant::Bool(true)])), "frozenset({1, True})"),
            (Constant::Slice(Box::new([one(), Constant::None, one()])), "slice(1, None, 1)"),
            (Constant::BigInt { negative: true, digits: Box::new([1, 0xAB]) }, "-0xab0000000000000001"),
        ];
        for (constant, text) in shown {
            assert_eq!(constant.to_string(), text);
        }
    }
}
