//! `match` statements.
//!
//! A pattern consumes the subject on top of the stack. Captured values stay on the stack, below what the pattern is working on, until
//! the whole pattern has matched: only then are names bound. A failing test therefore has values to drop, how many depends on where it is;
//! it jumps into a ladder of `POP_TOP`s at the end of the case ([`PatternState::failures`]).

use limpid_bytecode::{BinaryOperator, Comparison, ComparisonArg, Constant, Opcode};
use ruff_python_ast::name::Name;
use ruff_python_ast::{
    Expr, Identifier, MatchCase, Operator, Pattern, PatternMatchAs, PatternMatchClass, PatternMatchMapping, PatternMatchOr,
    PatternMatchSequence, Singleton, StmtMatch, UnaryOp,
};
use ruff_text_size::{Ranged, TextRange};
use rustc_hash::FxHashSet;

use super::{Compiler, Result, fold};
use crate::consts;
use crate::ir::{BlockId, Location, NEXT_LOCATION, Op};
use crate::unparse;

/// What is on the stack while a pattern is compiled, and where it goes when it fails.
#[derive(Default)]
struct PatternState {
    /// The names captured so far; their values are on the stack in this order, the last one lowest.
    stores: Vec<Name>,
    /// A pattern that matches everything may stand here.
    allow_irrefutable: bool,
    /// `failures[n]` drops `n` values and goes on with the next case.
    failures: Vec<BlockId>,
    /// How many values are on the stack above the captured ones, the subject excluded.
    on_top: usize,
}

impl<'a> Compiler<'a> {
    pub(super) fn match_statement(&mut self, node: &'a StmtMatch) -> Result {
        self.expr(&node.subject)?;
        self.unit.conditional_depth += 1;
        let end = self.new_block();
        // A last `case _` needs no test, and no copy of the subject before it.
        let (cases, default) = match &node.cases[..] {
            [cases @ .., last] if !cases.is_empty() && is_wildcard(&last.pattern) => (cases, Some(last)),
            cases => (cases, None),
        };
        for (index, case) in cases.iter().enumerate() {
            let last = index + 1 == cases.len();
            self.match_case(case, !last, last && default.is_none(), end)?;
        }
        if let Some(default) = default {
            let location = self.location(&default.pattern);
            self.emit(Opcode::NOP, location);
            if let Some(guard) = &default.guard {
                self.jump_if(guard, end, false, location)?;
            }
            self.body(&default.body)?;
        }
        self.unit.conditional_depth -= 1;
        self.use_block(end);
        Ok(())
    }

    fn match_case(&mut self, case: &'a MatchCase, keep_subject: bool, last: bool, end: BlockId) -> Result {
        let location = self.location(&case.pattern);
        if keep_subject {
            self.emit_arg(Opcode::COPY, 1, location);
        }
        let mut state = PatternState { allow_irrefutable: case.guard.is_some() || last, ..PatternState::default() };
        self.pattern(&case.pattern, &mut state)?;
        for name in &state.stores {
            self.store_name(name, location);
        }
        if let Some(guard) = &case.guard {
            let failure = self.failure(&mut state, 0);
            self.jump_if(guard, failure, false, location)?;
        }
        if keep_subject {
            self.emit(Opcode::POP_TOP, NEXT_LOCATION);
        }
        self.body(&case.body)?;
        self.emit_jump(Op::Jump, end, Location::NONE);
        self.emit_failures(&mut state, location);
        Ok(())
    }

    fn pattern(&mut self, pattern: &'a Pattern, state: &mut PatternState) -> Result {
        crate::nesting::with_stack(|| self.pattern_inner(pattern, state))
    }

    fn pattern_inner(&mut self, pattern: &'a Pattern, state: &mut PatternState) -> Result {
        let location = self.location(pattern);
        match pattern {
            Pattern::MatchValue(node) => {
                if !self.is_pattern_value(&node.value)? {
                    let message = "patterns may only match literals and attribute lookups";
                    return Err(self.error(node.range, message));
                }
                self.expr(&node.value)?;
                self.compare(Comparison::Equal, location);
                self.fail_if_false(state, location);
                Ok(())
            }
            Pattern::MatchSingleton(node) => {
                let value = match node.value {
                    Singleton::None => Constant::None,
                    Singleton::True => Constant::Bool(true),
                    Singleton::False => Constant::Bool(false),
                };
                self.load_const(value, location);
                self.emit_arg(Opcode::IS_OP, 0, location);
                self.fail_if_false(state, location);
                Ok(())
            }
            Pattern::MatchSequence(node) => self.sequence_pattern(node, state, location),
            Pattern::MatchMapping(node) => self.mapping_pattern(node, state, location),
            Pattern::MatchClass(node) => self.class_pattern(node, state, location),
            Pattern::MatchStar(node) => self.capture(node.name.as_ref(), state, node.range, location),
            Pattern::MatchAs(node) => self.as_pattern(node, state, location),
            Pattern::MatchOr(node) => self.or_pattern(node, state, location),
        }
    }

    /// A pattern within another: what it matches need not be everything.
    fn subpattern(&mut self, pattern: &'a Pattern, state: &mut PatternState) -> Result {
        let outer = std::mem::replace(&mut state.allow_irrefutable, true);
        self.pattern(pattern, state)?;
        state.allow_irrefutable = outer;
        Ok(())
    }

    fn compare(&mut self, comparison: Comparison, location: Location) {
        let arg = ComparisonArg::new(comparison, true);
        self.emit_arg(Opcode::COMPARE_OP, arg.0.into(), location);
    }

    /// Where to go to drop some values and fail.
    fn failure(&mut self, state: &mut PatternState, values: usize) -> BlockId {
        while state.failures.len() <= values {
            state.failures.push(self.new_block());
        }
        state.failures[values]
    }

    fn fail(&mut self, state: &mut PatternState, jump: impl Into<Op>, location: Location) {
        let failure = self.failure(state, state.on_top + state.stores.len());
        self.emit_jump(jump, failure, location);
    }

    fn fail_if_false(&mut self, state: &mut PatternState, location: Location) {
        self.fail(state, Opcode::POP_JUMP_IF_FALSE, location);
    }

    fn emit_failures(&mut self, state: &mut PatternState, location: Location) {
        for (values, block) in std::mem::take(&mut state.failures).into_iter().enumerate().rev() {
            self.use_block(block);
            if values > 0 {
                self.emit(Opcode::POP_TOP, location);
            }
        }
    }

    /// Moves the value on top of the stack below `count - 1` others.
    fn rotate(&mut self, count: usize, location: Location) {
        for depth in (2..=count).rev() {
            self.emit_arg(Opcode::SWAP, depth as u32, location);
        }
    }

    /// Keeps the value on top of the stack for a name; `_` drops it.
    fn capture(&mut self, name: Option<&Identifier>, state: &mut PatternState, range: TextRange, location: Location) -> Result {
        let Some(name) = name else {
            self.emit(Opcode::POP_TOP, location);
            return Ok(());
        };
        self.check_capture(&name.id, state, range)?;
        self.rotate(state.on_top + state.stores.len() + 1, location);
        state.stores.push(name.id.clone());
        Ok(())
    }

    fn check_capture(&self, name: &Name, state: &PatternState, range: TextRange) -> Result {
        if state.stores.contains(name) {
            return Err(self.error(range, format!("multiple assignments to name '{name}' in pattern")));
        }
        Ok(())
    }

    fn as_pattern(&mut self, node: &'a PatternMatchAs, state: &mut PatternState, location: Location) -> Result {
        if let Some(pattern) = &node.pattern {
            state.on_top += 1;
            self.emit_arg(Opcode::COPY, 1, location);
            self.pattern(pattern, state)?;
            state.on_top -= 1;
        } else if !state.allow_irrefutable {
            let what = match &node.name {
                Some(name) => format!("name capture '{name}'"),
                None => "wildcard".to_owned(),
            };
            return Err(self.error(node.range, format!("{what} makes remaining patterns unreachable")));
        }
        self.capture(node.name.as_ref(), state, node.range, location)
    }

    fn or_pattern(&mut self, node: &'a PatternMatchOr, state: &mut PatternState, location: Location) -> Result {
        let end = self.new_block();
        // The names of the first alternative; the others must bind the same ones, and leave them in the same order.
        let mut control: Option<Vec<Name>> = None;
        for (index, alternative) in node.patterns.iter().enumerate() {
            let location = self.location(alternative);
            let last = index + 1 == node.patterns.len();
            let mut inner = PatternState { allow_irrefutable: last && state.allow_irrefutable, ..PatternState::default() };
            self.emit_arg(Opcode::COPY, 1, location);
            self.pattern(alternative, &mut inner)?;
            match &control {
                None => control = Some(inner.stores.clone()),
                Some(control) => {
                    if !self.reorder(control, &mut inner.stores, location) {
                        return Err(self.error(node.range, "alternative patterns bind different names"));
                    }
                }
            }
            self.emit_jump(Op::Jump, end, location);
            self.emit_failures(&mut inner, location);
        }
        self.emit(Opcode::POP_TOP, location);
        self.fail(state, Op::Jump, location);

        self.use_block(end);
        // The captured values go below the subject, what is on top of it, and the names captured before.
        let control = control.expect("there are alternatives");
        let depth = control.len() + 1 + state.on_top + state.stores.len();
        for name in control {
            self.rotate(depth, location);
            self.check_capture(&name, state, node.range)?;
            state.stores.push(name);
        }
        self.emit(Opcode::POP_TOP, location);
        Ok(())
    }

    /// Brings captured values into the order of `control`; `false` if the names differ.
    fn reorder(&mut self, control: &[Name], stores: &mut Vec<Name>, location: Location) -> bool {
        if stores.len() != control.len() {
            return false;
        }
        for wanted in (0..control.len()).rev() {
            let Some(actual) = stores.iter().position(|name| *name == control[wanted]) else {
                return false;
            };
            if actual > wanted {
                return false;
            }
            if actual < wanted {
                let rotated: Vec<Name> = stores.drain(..=actual).collect();
                stores.splice(wanted - actual..wanted - actual, rotated);
                for _ in 0..=actual {
                    self.rotate(wanted + 1, location);
                }
            }
        }
        true
    }

    fn sequence_pattern(&mut self, node: &'a PatternMatchSequence, state: &mut PatternState, location: Location) -> Result {
        let patterns = &node.patterns[..];
        let mut stars = patterns.iter().enumerate().filter(|(_, pattern)| pattern.is_match_star());
        let star = stars.next();
        if stars.next().is_some() {
            return Err(self.error(node.range(), "multiple starred names in sequence pattern"));
        }
        let is_anonymous_star = |pattern: &Pattern| matches!(pattern, Pattern::MatchStar(star) if star.name.is_none());
        let only_wildcards = patterns.iter().all(|pattern| is_wildcard(pattern) || is_anonymous_star(pattern));

        state.on_top += 1;
        self.emit(Opcode::MATCH_SEQUENCE, location);
        self.fail_if_false(state, location);
        let length_test = match star {
            None => Some((patterns.len(), Comparison::Equal)),
            Some(_) if patterns.len() > 1 => Some((patterns.len() - 1, Comparison::GreaterEqual)),
            Some(_) => None,
        };
        if let Some((length, comparison)) = length_test {
            self.emit(Opcode::GET_LEN, location);
            self.load_const(Constant::Int(length as i64), location);
            self.compare(comparison, location);
            self.fail_if_false(state, location);
        }
        state.on_top -= 1;
        match star {
            _ if only_wildcards => {
                self.emit(Opcode::POP_TOP, location);
                Ok(())
            }
            Some((index, star)) if is_anonymous_star(star) => self.sequence_items(patterns, index, state, location),
            star => self.unpack_sequence(patterns, star.map(|(index, _)| index), state, node.range, location),
        }
    }

    /// Takes the whole subject apart.
    fn unpack_sequence(
        &mut self,
        patterns: &'a [Pattern],
        star: Option<usize>,
        state: &mut PatternState,
        range: TextRange,
        location: Location,
    ) -> Result {
        match star {
            None => self.emit_arg(Opcode::UNPACK_SEQUENCE, patterns.len() as u32, location),
            Some(before) => {
                let after = patterns.len() - before - 1;
                if before >= 1 << 8 || after >= 1 << 23 {
                    let message = "too many expressions in star-unpacking sequence pattern";
                    return Err(self.error(range, message));
                }
                self.emit_arg(Opcode::UNPACK_EX, before as u32 | (after as u32) << 8, location);
            }
        }
        state.on_top += patterns.len();
        for pattern in patterns {
            state.on_top -= 1;
            self.subpattern(pattern, state)?;
        }
        Ok(())
    }

    /// Looks at the items that matter, leaving out those that an anonymous star covers.
    fn sequence_items(&mut self, patterns: &'a [Pattern], star: usize, state: &mut PatternState, location: Location) -> Result {
        state.on_top += 1;
        for (index, pattern) in patterns.iter().enumerate() {
            if is_wildcard(pattern) || index == star {
                continue;
            }
            self.emit_arg(Opcode::COPY, 1, location);
            if index < star {
                self.load_const(Constant::Int(index as i64), location);
            } else {
                // The subject may not know negative indices.
                self.emit(Opcode::GET_LEN, location);
                self.load_const(Constant::Int((patterns.len() - index) as i64), location);
                self.emit_arg(Opcode::BINARY_OP, BinaryOperator::Subtract as u32, location);
            }
            self.emit_arg(Opcode::BINARY_OP, BinaryOperator::Subscript as u32, location);
            self.subpattern(pattern, state)?;
        }
        state.on_top -= 1;
        self.emit(Opcode::POP_TOP, location);
        Ok(())
    }

    fn mapping_pattern(&mut self, node: &'a PatternMatchMapping, state: &mut PatternState, location: Location) -> Result {
        let size = node.keys.len();
        state.on_top += 1;
        self.emit(Opcode::MATCH_MAPPING, location);
        self.fail_if_false(state, location);
        if size == 0 && node.rest.is_none() {
            state.on_top -= 1;
            self.emit(Opcode::POP_TOP, location);
            return Ok(());
        }
        if size > 0 {
            self.emit(Opcode::GET_LEN, location);
            self.load_const(Constant::Int(size as i64), location);
            self.compare(Comparison::GreaterEqual, location);
            self.fail_if_false(state, location);
        }
        self.check_mapping_keys(node)?;
        self.exprs(&node.keys)?;
        self.emit_arg(Opcode::BUILD_TUPLE, size as u32, location);
        self.emit(Opcode::MATCH_KEYS, location);
        state.on_top += 2;
        self.fail_if_none(state, location);
        self.emit_arg(Opcode::UNPACK_SEQUENCE, size as u32, location);
        state.on_top += size;
        state.on_top -= 1;
        for pattern in &node.patterns {
            state.on_top -= 1;
            self.subpattern(pattern, state)?;
        }
        // What follows consumes the keys and the subject.
        state.on_top -= 2;
        if node.rest.is_some() {
            // rest = dict(subject); del rest[key] for each key
            self.emit_arg(Opcode::BUILD_MAP, 0, location);
            self.emit_arg(Opcode::SWAP, 3, location);
            self.emit_arg(Opcode::DICT_UPDATE, 2, location);
            self.emit_arg(Opcode::UNPACK_SEQUENCE, size as u32, location);
            for left in (1..=size).rev() {
                self.emit_arg(Opcode::COPY, left as u32 + 1, location);
                self.emit_arg(Opcode::SWAP, 2, location);
                self.emit(Opcode::DELETE_SUBSCR, location);
            }
            return self.capture(node.rest.as_ref(), state, node.range, location);
        }
        self.emit(Opcode::POP_TOP, location);
        self.emit(Opcode::POP_TOP, location);
        Ok(())
    }

    fn check_mapping_keys(&self, node: &PatternMatchMapping) -> Result {
        let mut seen = FxHashSet::default();
        for (key, pattern) in node.keys.iter().zip(&node.patterns) {
            if !self.is_pattern_value(key)? {
                let message = "mapping pattern keys may only match literals and attribute lookups";
                return Err(self.error(pattern.range(), message));
            }
            let Some(constant) = self.pattern_constant(key)? else {
                continue;
            };
            if !seen.insert(consts::key(&fold::simplest_equal(&constant))) {
                let text = unparse::constant(&constant);
                let message = format!("mapping pattern checks duplicate key ({text})");
                return Err(self.error(node.range, message));
            }
        }
        Ok(())
    }

    /// May a pattern compare with the value of this expression?
    fn is_pattern_value(&self, expr: &Expr) -> Result<bool> {
        Ok(expr.is_attribute_expr() || self.pattern_constant(expr)?.is_some())
    }

    /// The value of a literal, a negative number or a complex number.
    fn pattern_constant(&self, expr: &Expr) -> Result<Option<Constant>> {
        match expr {
            Expr::UnaryOp(node) if node.op == UnaryOp::USub => {
                let operand = self.literal(&node.operand)?;
                Ok(operand.and_then(|operand| fold::unary(Opcode::UNARY_NEGATIVE, &operand)))
            }
            Expr::BinOp(node) if matches!(node.op, Operator::Add | Operator::Sub) => {
                let left = crate::nesting::with_stack(|| self.pattern_constant(&node.left))?;
                let right = self.literal(&node.right)?;
                let operator = super::expressions::operator(node.op) as u32;
                Ok(left.zip(right).and_then(|(left, right)| fold::binary(operator, &left, &right)))
            }
            expr => self.literal(expr),
        }
    }

    /// The value on top is a tuple, or None if the test before has failed.
    fn fail_if_none(&mut self, state: &mut PatternState, location: Location) {
        self.emit_arg(Opcode::COPY, 1, location);
        self.fail(state, Opcode::POP_JUMP_IF_NONE, location);
    }

    fn class_pattern(&mut self, node: &'a PatternMatchClass, state: &mut PatternState, location: Location) -> Result {
        let (patterns, keywords) = (&node.arguments.patterns, &node.arguments.keywords);
        for (index, keyword) in keywords.iter().enumerate() {
            if keywords[..index].iter().any(|before| before.attr.id == keyword.attr.id) {
                let message = format!("attribute name repeated in class pattern: {}", keyword.attr);
                return Err(self.error(keyword.pattern.range(), message));
            }
        }
        self.expr(&node.cls)?;
        let names = keywords.iter().map(|keyword| Constant::Str(keyword.attr.id.as_bytes().into()));
        self.load_const(Constant::Tuple(names.collect()), location);
        self.emit_arg(Opcode::MATCH_CLASS, patterns.len() as u32, location);
        state.on_top += 1;
        self.fail_if_none(state, location);
        let count = patterns.len() + keywords.len();
        self.emit_arg(Opcode::UNPACK_SEQUENCE, count as u32, location);
        state.on_top += count;
        state.on_top -= 1;
        for pattern in patterns.iter().chain(keywords.iter().map(|keyword| &keyword.pattern)) {
            state.on_top -= 1;
            if is_wildcard(pattern) {
                self.emit(Opcode::POP_TOP, location);
            } else {
                self.subpattern(pattern, state)?;
            }
        }
        Ok(())
    }
}

fn is_wildcard(pattern: &Pattern) -> bool {
    matches!(pattern, Pattern::MatchAs(PatternMatchAs { pattern: None, name: None, .. }))
}
