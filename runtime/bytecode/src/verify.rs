//! Checks that a code object keeps the promises the interpreter relies on.
//!
//! - Words decode to base instructions, all cache words are zero, the last instruction does not run into the end.
//! - Opargs refer to constants, names and slots that exist.
//! - Jumps and handlers land on the first word of an instruction, those of `FOR_ITER` on `POP_ITER` and those of `SEND` on `END_SEND`.
//! - The depth of the value stack at an instruction is the same on all paths to it, never below zero, never above `stacksize`; at any
//!   instruction that can raise, the values that its handler expects are there.
//! - A generator's object is made at the start, where no jump leads back to: an instruction behind it always runs in a generator's frame, and
//!   in code that makes none never.
//! - The location table covers exactly the words; the exception table is sorted and well-formed.
//!
//! The same holds for the code objects among the constants. The compiler's tests run everything through this; the interpreter does not
//! check code at run time.

use std::collections::BTreeMap;

use crate::code::{CodeData, CodeFlags, Constant, LocalKind};
use crate::decode::{Instruction, decode};
use crate::exceptiontable::{ExceptionTable, Handler};
use crate::instructions::{Opcode, Operand};
use crate::linetable::LineTable;
use crate::operators::{BinaryOperator, CommonConstant, ComparisonArg, Intrinsic1, Intrinsic2, SpecialMethod};

/// Checks a code object and those among its constants. The error tells which promise is broken and where.
pub fn verify(code: &CodeData) -> Result<(), String> {
    Verifier::new(code).and_then(|verifier| verifier.run()).map_err(|error| format!("{}: {error}", code.qualname))?;
    code.consts.iter().try_for_each(verify_inner)
}

fn verify_inner(constant: &Constant) -> Result<(), String> {
    match constant {
        Constant::Code(code) => verify(code),
        _ => Ok(()),
    }
}

struct Verifier<'a> {
    code: &'a CodeData,
    /// By the position of their first word.
    instructions: BTreeMap<u32, Instruction>,
    handlers: Vec<Handler>,
}

impl<'a> Verifier<'a> {
    fn new(code: &'a CodeData) -> Result<Verifier<'a>, String> {
        let mut instructions = BTreeMap::new();
        for instruction in decode(&code.instructions) {
            let instruction = instruction.map_err(|error| error.to_string())?;
            instructions.insert(instruction.start, instruction);
        }
        let handlers = ExceptionTable(&code.exceptiontable).handlers().collect();
        Ok(Verifier { code, instructions, handlers })
    }

    fn run(&self) -> Result<(), String> {
        self.check_slots()?;
        self.check_tables()?;
        for instruction in self.instructions.values() {
            self.check_caches(instruction)
                .and_then(|()| self.check_operand(instruction))
                .and_then(|()| self.check_target(instruction))
                .and_then(|()| self.check_not_taken(instruction))
                .and_then(|()| self.check_start(instruction))
                .map_err(|error| format!("{} at {}: {error}", instruction.opcode.name(), instruction.start))?;
        }
        self.check_stack()
    }

    fn check_slots(&self) -> Result<(), String> {
        let code = self.code;
        let slots = code.localsplusnames.len();
        if code.localspluskinds.len() != slots {
            return Err(format!("{slots} slots, but {} kinds", code.localspluskinds.len()));
        }
        let has = |flag| code.flags.has(flag) as u32;
        let (varargs, varkeywords) = (has(CodeFlags::VARARGS), has(CodeFlags::VARKEYWORDS));
        let parameters = [code.argcount, code.kwonlyargcount, varargs, varkeywords];
        let parameters: u64 = parameters.into_iter().map(u64::from).sum();
        if parameters > slots as u64 || code.posonlyargcount > code.argcount {
            return Err(format!("{parameters} parameters, but {slots} slots"));
        }
        Ok(())
    }

    fn check_tables(&self) -> Result<(), String> {
        let words = self.code.instructions.len() as u32;
        let table = LineTable { bytes: &self.code.linetable, firstlineno: self.code.firstlineno };
        let covered = table.ranges().last().map_or(0, |range| range.end);
        if covered != words {
            return Err(format!("the location table covers {covered} of {words} words"));
        }
        let mut end = 0;
        for handler in &self.handlers {
            let starts_here = |at| at == words || self.instructions.contains_key(&at);
            if handler.start < end || handler.end <= handler.start || !starts_here(handler.start) || !starts_here(handler.end) {
                return Err(format!("exception table covers {}..{}", handler.start, handler.end));
            }
            if !self.instructions.contains_key(&handler.target) {
                return Err(format!("no instruction begins at {}, the target of a handler", handler.target));
            }
            end = handler.end;
        }
        if crate::exceptiontable::encode(self.handlers.iter().copied()) != self.code.exceptiontable {
            return Err("malformed exception table".into());
        }
        Ok(())
    }

    fn check_caches(&self, instruction: &Instruction) -> Result<(), String> {
        if instruction.opcode.is_specialized() {
            return Err("specialized".into());
        }
        if instruction.opcode == Opcode::CACHE {
            return Err("a cache word where an instruction belongs".into());
        }
        let caches = instruction.at as usize + 1..instruction.end as usize;
        if self.code.instructions[caches].iter().any(|&word| word != 0) {
            return Err("cache words are not zero".into());
        }
        Ok(())
    }

    fn check_operand(&self, instruction: &Instruction) -> Result<(), String> {
        let oparg = instruction.oparg;
        let slot = |index: u32| self.code.localspluskinds.get(index as usize);
        let name = |index: u32| self.code.names.get(index as usize).is_some();
        let valid = match instruction.opcode.operand() {
            Operand::None | Operand::JumpForward | Operand::JumpBackward => true,
            Operand::Number => match instruction.opcode {
                Opcode::CALL_INTRINSIC_1 => oparg > 0 && Intrinsic1::from_oparg(oparg).is_some(),
                Opcode::CALL_INTRINSIC_2 => oparg > 0 && Intrinsic2::from_oparg(oparg).is_some(),
                Opcode::LOAD_COMMON_CONSTANT => CommonConstant::from_oparg(oparg).is_some(),
                Opcode::LOAD_SPECIAL => SpecialMethod::from_oparg(oparg).is_some(),
                Opcode::CONVERT_VALUE => (1..=3).contains(&oparg),
                Opcode::IS_OP | Opcode::CONTAINS_OP => oparg <= 1,
                Opcode::COPY | Opcode::SWAP => oparg > 0,
                Opcode::RAISE_VARARGS => oparg <= 2,
                Opcode::BUILD_SLICE => oparg == 2 || oparg == 3,
                _ => true,
            },
            Operand::Const => self.code.consts.get(oparg as usize).is_some(),
            Operand::Name => name(oparg),
            Operand::NameFlag => name(oparg >> 1),
            Operand::NameSuper => name(oparg >> 2),
            Operand::Local => slot(oparg).is_some(),
            Operand::LocalPair => oparg <= 0xFF && slot(oparg >> 4).is_some() && slot(oparg & 15).is_some(),
            Operand::Cell => slot(oparg).is_some_and(|kind| kind & (LocalKind::CELL | LocalKind::FREE) != 0),
            Operand::Operator => BinaryOperator::from_oparg(oparg).is_some(),
            Operand::Comparison => {
                let arg = ComparisonArg(oparg as u8);
                oparg <= 0xFF && arg.comparison().is_some_and(|comparison| comparison.outcomes() == arg.outcomes())
            }
        };
        if valid { Ok(()) } else { Err(format!("oparg {oparg} means nothing here")) }
    }

    fn check_target(&self, instruction: &Instruction) -> Result<(), String> {
        if !instruction.opcode.is_jump() {
            return Ok(());
        }
        let target = instruction.jump_target().and_then(|target| self.instructions.get(&target));
        let target = target.ok_or_else(|| format!("no instruction begins at its target ({:?})", instruction.jump_target()))?;
        let expected = match instruction.opcode {
            Opcode::FOR_ITER => Opcode::POP_ITER,
            Opcode::SEND => Opcode::END_SEND,
            _ => return Ok(()),
        };
        if target.opcode == expected { Ok(()) } else { Err(format!("jumps to {}", target.opcode.name())) }
    }

    /// A conditional jump that is not taken skips the instruction behind it.
    fn check_not_taken(&self, instruction: &Instruction) -> Result<(), String> {
        let conditional = matches!(
            instruction.opcode,
            Opcode::POP_JUMP_IF_FALSE | Opcode::POP_JUMP_IF_TRUE | Opcode::POP_JUMP_IF_NONE | Opcode::POP_JUMP_IF_NOT_NONE
        );
        match self.instructions.get(&instruction.end) {
            _ if !conditional => Ok(()),
            Some(next) if next.opcode == Opcode::NOT_TAKEN => Ok(()),
            _ => Err("no NOT_TAKEN follows".to_owned()),
        }
    }

    /// Before `RETURN_GENERATOR` cells are made and nothing else, and no jump leads there or to before.
    fn check_start(&self, instruction: &Instruction) -> Result<(), String> {
        if instruction.opcode != Opcode::RETURN_GENERATOR {
            return Ok(());
        }
        let is_start = |before: &Instruction| matches!(before.opcode, Opcode::COPY_FREE_VARS | Opcode::MAKE_CELL);
        if !self.instructions.range(..instruction.start).all(|(_, before)| is_start(before)) {
            return Err("not at the start".to_owned());
        }
        let leads_back = |target: u32| target <= instruction.start;
        let jumps = self.instructions.values().filter(|jump| jump.opcode.is_jump()).filter_map(|jump| jump.jump_target());
        let handlers = self.handlers.iter().map(|handler| handler.target);
        if jumps.chain(handlers).any(leads_back) { Err("something leads back to before it".to_owned()) } else { Ok(()) }
    }

    /// Follows all paths from the first instruction.
    fn check_stack(&self) -> Result<(), String> {
        let mut depths: BTreeMap<u32, u32> = BTreeMap::new();
        let mut work = vec![(0, 0)];
        while let Some((at, depth)) = work.pop() {
            match depths.insert(at, depth) {
                Some(known) if known == depth => continue,
                Some(known) => {
                    return Err(format!("depth {known} or {depth} at {at}, depending on the path"));
                }
                None => {}
            }
            let Some(instruction) = self.instructions.get(&at) else {
                return Err(format!("runs into the end at {at}"));
            };
            self.step(instruction, depth, &mut work)
                .map_err(|error| format!("{} at {at}, depth {depth}: {error}", instruction.opcode.name()))?;
        }
        Ok(())
    }

    /// Adds where an instruction leads to.
    fn step(&self, instruction: &Instruction, depth: u32, work: &mut Vec<(u32, u32)>) -> Result<(), String> {
        let oparg = i32::try_from(instruction.oparg).map_err(|_| "huge oparg")?;
        let opcode = instruction.opcode;
        let after = |(pops, pushes): (i32, i32)| {
            let kept = depth.checked_sub(pops as u32).ok_or_else(|| format!("pops {pops} values"))?;
            self.fitting(kept + pushes as u32)
        };
        let next = after(opcode.stack_effect(oparg))?;
        if !opcode.ends_flow() {
            work.push((instruction.end, next));
        }
        if let Some(target) = instruction.jump_target() {
            work.push((target, after(opcode.jump_stack_effect(oparg))?));
        }
        if let Some(handler) = ExceptionTable(&self.code.exceptiontable).find(instruction.at) {
            // COPY, SWAP and PUSH_EXC_INFO cannot raise, WITH_EXCEPT_START and GET_ANEXT only look at the stack; a generator into
            // which an exception is thrown has the value it was to receive on its stack.
            let popped = match opcode {
                Opcode::COPY
                | Opcode::SWAP
                | Opcode::PUSH_EXC_INFO
                | Opcode::WITH_EXCEPT_START
                | Opcode::GET_ANEXT
                | Opcode::YIELD_VALUE => 0,
                Opcode::RERAISE => 1,
                _ => opcode.stack_effect(oparg).0 as u32,
            };
            if depth - popped < handler.depth {
                return Err(format!("its handler expects {} values", handler.depth));
            }
            work.push((handler.target, self.fitting(handler.depth + handler.lasti as u32 + 1)?));
        }
        Ok(())
    }

    fn fitting(&self, depth: u32) -> Result<u32, String> {
        if depth > self.code.stacksize {
            return Err(format!("depth {depth} exceeds the stack size of {}", self.code.stacksize));
        }
        Ok(depth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exceptiontable::encode;
    use crate::linetable::{LineTableWriter, Location};
    use crate::testing::words;
    use Opcode::*;

    fn code(instructions: &[(Opcode, u32)]) -> CodeData {
        let instructions = words(instructions);
        let mut lines = LineTableWriter::new(1);
        lines.push(Location::line(1), instructions.len() as u32);
        CodeData {
            qualname: "f".into(),
            stacksize: 4,
            linetable: lines.finish(),
            instructions,
            consts: vec![Constant::None],
            names: vec!["n".into()],
            localsplusnames: vec!["a".into(), "c".into()],
            localspluskinds: vec![LocalKind::LOCAL, LocalKind::CELL],
            ..CodeData::default()
        }
    }

    #[track_caller]
    fn rejects(code: &CodeData, part: &str) {
        let error = verify(code).expect_err("accepted");
        assert!(error.contains(part), "{error}");
    }

    /// `for a in n: pass`
    const LOOP: [(Opcode, u32); 8] =
        [(RESUME, 0), (LOAD_NAME, 0), (GET_ITER, 0), (FOR_ITER, 3), (STORE_FAST, 0), (JUMP_BACKWARD, 5), (POP_ITER, 0), (LOAD_CONST, 0)];

    #[test]
    fn good_code_passes() {
        let mut instructions = LOOP.to_vec();
        instructions.push((RETURN_VALUE, 0));
        assert_eq!(verify(&code(&instructions)), Ok(()));
    }

    #[test]
    fn jumps_are_checked() {
        let mut instructions = LOOP.to_vec();
        instructions.push((RETURN_VALUE, 0));
        instructions[5].1 = 4;
        rejects(&code(&instructions), "no instruction begins at its target (Some(6))");
        instructions[5].1 = 20;
        rejects(&code(&instructions), "no instruction begins at its target (None)");
        instructions[5].1 = 5;
        instructions[3].1 = 4;
        rejects(&code(&instructions), "jumps to LOAD_CONST");
        rejects(&code(&LOOP), "runs into the end");
    }

    #[test]
    fn the_stack_is_checked() {
        let end = [(LOAD_CONST, 0), (RETURN_VALUE, 0)];
        let with_end = |instructions: &[(Opcode, u32)]| code(&[instructions, &end].concat());
        rejects(&with_end(&[(POP_TOP, 0)]), "pops 1 values");
        rejects(&with_end(&[(PUSH_NULL, 0); 5]), "exceeds the stack size of 4");
        let uneven = [(LOAD_FAST, 0), (POP_JUMP_IF_TRUE, 2), (NOT_TAKEN, 0), (PUSH_NULL, 0)];
        rejects(&with_end(&uneven), "depending on the path");
        // Nothing is wrong with code that is never reached.
        let dead = [(JUMP_FORWARD, 1), (POP_TOP, 0)];
        assert_eq!(verify(&with_end(&dead)), Ok(()));
    }

    #[test]
    fn handlers_are_checked() {
        let instructions = [
            (NOP, 0),
            (LOAD_NAME, 0),
            (RETURN_VALUE, 0),
            (PUSH_EXC_INFO, 0),
            (POP_TOP, 0),
            (POP_EXCEPT, 0),
            (JUMP_BACKWARD_NO_INTERRUPT, 6),
        ];
        let handled = |start, end, target, depth| {
            let mut code = code(&instructions);
            code.exceptiontable = encode([Handler { start, end, target, depth, lasti: false }]);
            code
        };
        assert_eq!(verify(&handled(1, 2, 3, 0)), Ok(()));
        rejects(&handled(1, 2, 3, 1), "its handler expects 1 values");
        rejects(&handled(1, 2, 4, 0), "pops 1 values");
        rejects(&handled(1, 2, 90, 0), "the target of a handler");
        rejects(&handled(1, 90, 3, 0), "exception table covers 1..90");
        let mut malformed = handled(1, 2, 3, 0);
        malformed.exceptiontable.push(1);
        rejects(&malformed, "malformed exception table");
    }

    #[test]
    fn words_are_checked() {
        let end = [(LOAD_CONST, 0), (RETURN_VALUE, 0)];
        let with_end = |instruction| code(&[&[instruction][..], &end].concat());
        assert_eq!(verify(&with_end((MAKE_CELL, 1))), Ok(()));
        for meaningless in [(LOAD_CONST, 1), (LOAD_NAME, 1), (LOAD_FAST, 2), (LOAD_DEREF, 0), (LOAD_SPECIAL, 4), (CALL_INTRINSIC_1, 0)] {
            rejects(&with_end(meaningless), "means nothing here");
        }
        rejects(&with_end((RESUME_CHECK, 0)), "specialized");
        rejects(&with_end((CACHE, 0)), "a cache word");
        let mut dirty = with_end((RESUME, 0));
        dirty.instructions[1] = 7;
        rejects(&dirty, "cache words are not zero");
        let mut short = with_end((NOP, 0));
        short.linetable.pop();
        rejects(&short, "the location table covers");
        let mut kinds = with_end((NOP, 0));
        kinds.localspluskinds.pop();
        rejects(&kinds, "2 slots, but 1 kinds");
    }

    #[test]
    fn generators_are_made_at_the_start() {
        let body = [(POP_TOP, 0), (LOAD_CONST, 0), (RETURN_VALUE, 0)];
        let with_start = |start: &[(Opcode, u32)]| code(&[start, &body].concat());
        assert_eq!(verify(&with_start(&[(RETURN_GENERATOR, 0)])), Ok(()));
        let late = [(LOAD_CONST, 0), (POP_TOP, 0), (RETURN_GENERATOR, 0)];
        assert!(verify(&with_start(&late)).unwrap_err().contains("not at the start"));
        let again = code(&[(RETURN_GENERATOR, 0), (POP_TOP, 0), (JUMP_BACKWARD, 3 + JUMP_BACKWARD.caches() as u32)]);
        assert!(verify(&again).unwrap_err().contains("leads back"), "{:?}", verify(&again));
    }

    #[test]
    fn inner_code_is_checked() {
        let mut outer = code(&[(LOAD_CONST, 0), (RETURN_VALUE, 0)]);
        let mut inner = code(&[(POP_TOP, 0)]);
        inner.qualname = "f.<locals>.g".into();
        outer.consts.push(Constant::Code(Box::new(inner)));
        rejects(&outer, "f.<locals>.g: POP_TOP at 0");
    }
}
