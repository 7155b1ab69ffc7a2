//! Assigning to `f_lineno`: a trace function sends the frame to another line.
//!
//! Values of unfinished statements lie on the frame's stack: iterators of loops, exceptions being handled. A jump may leave such statements
//! but not enter them. So the stack before each instruction is worked out from the code, and the frame goes to the instruction of the line
//! whose stack is a part of the present one; what lies above is dropped.

use crate::exc;
use crate::instrument::events::Event;
use crate::instrument::locations::{jump_target, line_of_words};
use crate::interp::frame::Frame;
use crate::modules::warnings;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::number;
use crate::thread::Thread;
use crate::types::code::each_instruction;
use crate::types::{Bytes, Code, FrameObject, builtin};
use limpid_bytecode::{ExceptionTable, LocalKind, Opcode};
use limpid_heap::Value;

/// What a place of the value stack holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Object,
    /// NULL, or an object.
    Null,
    /// One of the two values of a `for` loop.
    Iterator,
    /// An exception, raised or handled before.
    Exception,
    /// The position that an exception goes back to.
    Position,
}

type Stack = Vec<Kind>;

/// `frame.f_lineno = line`
pub fn set_line(t: &Thread, f: Ref<FrameObject>, line: Value) -> R<()> {
    if line.is_null() {
        raise!(t, AttributeError, "cannot delete attribute");
    }
    if !line.is_instance(builtin::INT) {
        raise!(t, ValueError, "lineno must be an integer");
    }
    let Some((event, frame)) = t.event.get() else { raise!(t, ValueError, "f_lineno can only be set in a trace function") };
    match event {
        Event::LINE | Event::JUMP | Event::BRANCH_LEFT | Event::BRANCH_RIGHT | Event::BRANCH | Event::PY_RESUME | Event::PY_YIELD => {}
        Event::PY_START => raise!(t, ValueError, "can't jump from the 'call' trace event of a new frame"),
        Event::CALL | Event::C_RETURN => raise!(t, ValueError, "can't jump during a call"),
        _ => raise!(t, ValueError, "can only jump from a 'line' trace event"),
    }
    if frame.object() != f.value() {
        raise!(t, ValueError, "f_lineno can only be set by a trace function");
    }
    let wanted = number::index_i32(t, line)?;
    let code = frame.code();
    if wanted < code.firstlineno as i32 {
        raise!(t, ValueError, "line {wanted} comes before the current code block");
    }
    let words = code.words();
    let starts = line_starts(code, &words);
    let Some(wanted) = starts.iter().map(|s| s.1).filter(|&line| line >= wanted).min() else {
        raise!(t, ValueError, "line {wanted} comes after the current code block")
    };
    let stacks = stacks_of(code, &words);
    let from = f.position(t);
    let Some(here) = stacks[from].clone() else { raise!(t, ValueError, "can't jump from unreachable code") };
    let mut best: Option<(usize, &Stack)> = None;
    let mut reason = "cannot find bytecode for specified line";
    for &(at, _) in starts.iter().filter(|s| s.1 == wanted) {
        match &stacks[at] {
            Some(stack) if is_part(stack, &here) => {
                if best.is_none_or(|(_, b)| stack.len() > b.len()) {
                    best = Some((at, stack));
                }
            }
            other => reason = explain(other.as_ref()),
        }
    }
    let Some((to, stack)) = best else { return Err(t.raise(exc::ValueError, reason)) };
    bind_locals(t, frame, code)?;
    for i in (stack.len()..here.len()).rev().filter(|&i| here[i] == Kind::Exception) {
        // SAFETY: the stack holds what was worked out for this place: of a handled exception the one that was handled before.
        unsafe { (*t.handled.get()).value.set(*frame.stack_base().add(i)) };
    }
    t.redirected.set(Some((to, stack.len())));
    Ok(())
}

/// Where lines start: word and line.
fn line_starts(code: Ref<Code>, words: &[u16]) -> Vec<(usize, i32)> {
    let lines = line_of_words(code, words.len());
    let mut starts = Vec::new();
    let mut last = -1;
    each_instruction(words, |i, op, _| {
        // A frame does not go before its start.
        if lines[i] > 0 && lines[i] != last && op.family() != Opcode::RESUME {
            starts.push((i, lines[i]));
        }
        last = if op.family() == Opcode::RESUME { -1 } else { lines[i] };
    });
    starts
}

/// Can a frame with the stack `from` go where the stack is `to`?
fn is_part(to: &Stack, from: &Stack) -> bool {
    let fits = |(to, from): (&Kind, &Kind)| match to {
        Kind::Null => true,
        Kind::Object => *from != Kind::Null,
        _ => to == from,
    };
    to.len() <= from.len() && to.iter().zip(from).all(fits)
}

fn explain(to: Option<&Stack>) -> &'static str {
    match to.map(|stack| stack.last()) {
        None => "can't jump into an exception handler, or code may be unreachable",
        Some(Some(Kind::Exception)) => "can't jump into an 'except' block as there's no exception",
        Some(Some(Kind::Position)) => "can't jump into a re-raising block as there's no location",
        Some(Some(Kind::Iterator)) => "can't jump into the body of a for loop",
        Some(_) => "incompatible stacks",
    }
}

/// Where the frame goes it may find variables unbound that were never so there: they become None.
fn bind_locals(t: &Thread, frame: Frame, code: Ref<Code>) -> R<()> {
    let unbound = |&i: &usize| frame.local(i).is_null() && code.local_kind(i) & LocalKind::HIDDEN == 0;
    let places: Vec<usize> = (0..code.nlocalsplus as usize).filter(unbound).collect();
    if places.is_empty() {
        return Ok(());
    }
    let s = if places.len() == 1 { "" } else { "s" };
    warnings::warn(t, exc::RuntimeWarning, &format!("assigning None to {} unbound local{s}", places.len()), 0)?;
    places.into_iter().for_each(|i| frame.set_local(i, Value::NONE));
    Ok(())
}

/// The stack before each instruction, None for those that are not reached.
fn stacks_of(code: Ref<Code>, words: &[u16]) -> Vec<Option<Stack>> {
    let mut stacks: Vec<Option<Stack>> = vec![None; words.len()];
    // What RETURN_GENERATOR leaves comes of running it; the code before it has nothing.
    stacks[0] = Some(Vec::new());
    // SAFETY: the field is bytes.
    let table = unsafe { Ref::<Bytes>::from_value(code.exceptiontable.get()) };
    let mut instructions = Vec::new();
    each_instruction(words, |i, op, oparg| instructions.push((i, op.family(), oparg)));
    // Backward jumps and handlers may lead to code before: until nothing is new.
    let mut changed = true;
    while changed {
        changed = false;
        let mut reach = |stacks: &mut Vec<Option<Stack>>, at: usize, stack: &Stack| {
            if at < stacks.len() && stacks[at].is_none() {
                stacks[at] = Some(stack.clone());
                changed = true;
            }
        };
        for &(i, op, oparg) in &instructions {
            let Some(before) = stacks[i].clone() else { continue };
            if let Some(h) = ExceptionTable(table.as_slice()).find(i as u32)
                && h.depth as usize <= before.len()
            {
                let mut stack = before[..h.depth as usize].to_vec();
                if h.lasti {
                    stack.push(Kind::Position);
                }
                stack.push(Kind::Exception);
                reach(&mut stacks, h.target as usize, &stack);
            }
            let mut after = before.clone();
            apply(&mut after, op, oparg);
            if let Some(to) = jump_target(i, op, oparg) {
                let mut there = after.clone();
                if op == Opcode::FOR_ITER {
                    // The end of the loop has no next value.
                    there.pop();
                }
                reach(&mut stacks, to, &there);
            }
            let falls_through = !matches!(
                op,
                Opcode::JUMP_FORWARD
                    | Opcode::JUMP_BACKWARD
                    | Opcode::JUMP_BACKWARD_NO_INTERRUPT
                    | Opcode::RETURN_VALUE
                    | Opcode::RAISE_VARARGS
                    | Opcode::RERAISE
            );
            if falls_through {
                reach(&mut stacks, i + 1 + op.caches(), &after);
            }
        }
    }
    stacks
}

/// What an instruction does to the stack.
fn apply(stack: &mut Stack, op: Opcode, oparg: u32) {
    let (pops, pushes) = op.stack_effect(oparg as i32);
    let n = oparg as usize;
    match op {
        Opcode::COPY => {
            let kind = stack.len().checked_sub(n).and_then(|i| stack.get(i).copied()).unwrap_or(Kind::Object);
            stack.push(kind);
        }
        Opcode::SWAP => {
            if let (Some(top), Some(other)) = (stack.len().checked_sub(1), stack.len().checked_sub(n)) {
                stack.swap(top, other);
            }
        }
        Opcode::FOR_ITER => stack.push(Kind::Object),
        Opcode::GET_ITER if oparg != 1 => {
            stack.pop();
            stack.extend([Kind::Iterator; 2]);
        }
        Opcode::GET_AITER => {
            stack.pop();
            stack.push(Kind::Iterator);
        }
        Opcode::GET_ANEXT => stack.extend([Kind::Object, Kind::Null]),
        Opcode::PUSH_NULL | Opcode::LOAD_FAST_AND_CLEAR => stack.push(Kind::Null),
        Opcode::PUSH_EXC_INFO => stack.push(Kind::Exception),
        Opcode::CHECK_EXC_MATCH | Opcode::CHECK_EG_MATCH | Opcode::WITH_EXCEPT_START | Opcode::SEND => {
            let kept = stack.len().saturating_sub(1);
            match op {
                Opcode::WITH_EXCEPT_START => stack.push(Kind::Object),
                _ => {
                    stack.truncate(kept);
                    stack.push(Kind::Object);
                }
            }
        }
        Opcode::LOAD_GLOBAL | Opcode::LOAD_ATTR | Opcode::LOAD_SUPER_ATTR | Opcode::LOAD_SPECIAL => {
            stack.truncate(stack.len().saturating_sub(pops as usize));
            stack.push(Kind::Object);
            stack.extend((1..pushes).map(|_| Kind::Null));
        }
        // These leave what is below their operands where it is.
        _ => {
            stack.truncate(stack.len().saturating_sub(pops.max(0) as usize));
            stack.extend((0..pushes.max(0)).map(|_| Kind::Object));
        }
    }
}
