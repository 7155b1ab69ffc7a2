//! f-strings and t-strings.

use limpid_bytecode::{Constant, Opcode};
use ruff_python_ast::name::Name;
use ruff_python_ast::{ConversionFlag, ExprFString, ExprTString, FStringPart, InterpolatedElement, InterpolatedStringElement};

use super::expressions::MANY;
use super::{Compiler, Result};
use crate::ir::Location;

/// A piece of an f-string or t-string.
enum Piece<'a> {
    Text(Vec<u8>, Location),
    Interpolation(&'a InterpolatedElement),
}

/// The pieces, neighbouring texts joined.
#[derive(Default)]
struct Pieces<'a>(Vec<Piece<'a>>);

impl<'a> Pieces<'a> {
    fn push_text(&mut self, text: Vec<u8>, location: Location) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Text(before, before_location)) => {
                before.extend(text);
                let Location { end_line, end_column, .. } = location;
                *before_location = Location { end_line, end_column, ..*before_location };
            }
            _ => self.0.push(Piece::Text(text, location)),
        }
    }
}

impl<'a> Compiler<'a> {
    pub(super) fn f_string(&mut self, node: &'a ExprFString, location: Location) -> Result {
        let mut pieces = Pieces::default();
        for part in &node.value {
            match part {
                FStringPart::Literal(literal) => pieces.push_text(self.string_literal(literal), self.location(literal)),
                FStringPart::FString(string) => {
                    self.elements(&string.elements, string.flags.prefix().is_raw(), &mut pieces);
                }
            }
        }
        self.join(pieces, location)
    }

    /// Appends the pieces of an f-string or of a format specification.
    fn elements(&self, elements: impl IntoIterator<Item = &'a InterpolatedStringElement>, raw: bool, pieces: &mut Pieces<'a>) {
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(literal) => {
                    let text = self.context.source.string_piece(literal, raw);
                    pieces.push_text(text, self.location(literal));
                }
                InterpolatedStringElement::Interpolation(element) => {
                    // f"{x=}" shows the text of the expression first.
                    if let Some(debug) = &element.debug_text {
                        let text = crate::text::without_comments(debug.as_str());
                        pieces.push_text(text.as_bytes().to_vec(), self.location(element));
                    }
                    pieces.0.push(Piece::Interpolation(element));
                }
            }
        }
    }

    fn join(&mut self, pieces: Pieces<'a>, location: Location) -> Result {
        let count = pieces.0.len();
        if count > MANY {
            self.load_const(Constant::Str([].into()), location);
            let index = self.name_index(&Name::new_static("join"));
            self.emit_arg(Opcode::LOAD_ATTR, index << 1 | 1, location);
            self.emit_arg(Opcode::BUILD_LIST, 0, location);
            for piece in pieces.0 {
                self.piece(piece)?;
                self.emit_arg(Opcode::LIST_APPEND, 1, location);
            }
            self.emit_arg(Opcode::CALL, 1, location);
            return Ok(());
        }
        if count == 0 {
            self.load_const(Constant::Str([].into()), location);
        }
        for piece in pieces.0 {
            self.piece(piece)?;
        }
        if count > 1 {
            self.emit_arg(Opcode::BUILD_STRING, count as u32, location);
        }
        Ok(())
    }

    fn piece(&mut self, piece: Piece<'a>) -> Result {
        match piece {
            Piece::Text(text, location) => {
                self.load_const(Constant::Str(text.into()), location);
                Ok(())
            }
            Piece::Interpolation(element) => self.formatted_value(element),
        }
    }

    fn formatted_value(&mut self, element: &'a InterpolatedElement) -> Result {
        let location = self.location(element);
        self.expr(&element.expression)?;
        let conversion = conversion(element);
        if conversion != 0 {
            self.emit_arg(Opcode::CONVERT_VALUE, conversion, location);
        }
        if self.format_spec(element)? {
            self.emit(Opcode::FORMAT_WITH_SPEC, location);
        } else {
            self.emit(Opcode::FORMAT_SIMPLE, location);
        }
        Ok(())
    }

    /// Pushes the format specification, if there is one.
    fn format_spec(&mut self, element: &'a InterpolatedElement) -> Result<bool> {
        let Some(spec) = &element.format_spec else {
            return Ok(false);
        };
        let mut pieces = Pieces::default();
        // The parser has undone what a raw string would not; surrogates do not occur in specifications that mean anything.
        self.elements(&spec.elements, false, &mut pieces);
        let location = self.location(&**spec);
        crate::nesting::with_stack(|| self.join(pieces, location))?;
        Ok(true)
    }

    pub(super) fn t_string(&mut self, node: &'a ExprTString, location: Location) -> Result {
        let mut pieces = Pieces::default();
        for string in node.value.iter() {
            self.elements(&string.elements, string.flags.prefix().is_raw(), &mut pieces);
        }
        // Between any two interpolations, before the first and after the last there is a text.
        let mut strings = Vec::new();
        let mut interpolations = Vec::new();
        for piece in pieces.0 {
            match piece {
                Piece::Text(text, location) => strings.push((text, location)),
                Piece::Interpolation(element) => {
                    if strings.len() == interpolations.len() {
                        strings.push((Vec::new(), location));
                    }
                    interpolations.push(element);
                }
            }
        }
        if strings.len() == interpolations.len() {
            strings.push((Vec::new(), location));
        }
        let count = strings.len() as u32;
        for (text, location) in strings {
            self.load_const(Constant::Str(text.into()), location);
        }
        self.emit_arg(Opcode::BUILD_TUPLE, count, location);
        for element in &interpolations {
            self.interpolation(element)?;
        }
        self.emit_arg(Opcode::BUILD_TUPLE, interpolations.len() as u32, location);
        self.emit(Opcode::BUILD_TEMPLATE, location);
        Ok(())
    }

    fn interpolation(&mut self, element: &'a InterpolatedElement) -> Result {
        let location = self.location(element);
        self.expr(&element.expression)?;
        let text = self.context.source.interpolation_text(element);
        self.load_const(Constant::Str(text.into()), location);
        let has_spec = self.format_spec(element)?;
        self.emit_arg(Opcode::BUILD_INTERPOLATION, 2 | conversion(element) << 2 | u32::from(has_spec), location);
        Ok(())
    }
}

/// The conversion of an interpolation: 0 none, 1 str, 2 repr, 3 ascii.
fn conversion(element: &InterpolatedElement) -> u32 {
    match element.conversion {
        // f"{x=}" without a format shows the repr.
        ConversionFlag::None if element.debug_text.is_some() && element.format_spec.is_none() => 2,
        ConversionFlag::None => 0,
        ConversionFlag::Str => 1,
        ConversionFlag::Repr => 2,
        ConversionFlag::Ascii => 3,
    }
}
