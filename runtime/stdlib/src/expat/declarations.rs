//! The declarations of a DTD.

use super::codes::Code;
use super::core::{ExternalId, ParameterParsing};
use super::dtd::{Attribute, Entity};
use super::object::Handler;
use super::reader::Reader;
use super::run::Run;
use super::scan::{self, Step, Stop, is_space};
use limpid_heap::Value;
use limpid_vm::types::{Tuple, ValueList};
use std::ops::Range;
use std::sync::Arc;

/// How an element's content is described, by Expat's numbers.
pub(super) mod model {
    pub const EMPTY: i32 = 1;
    pub const ANY: i32 = 2;
    pub const MIXED: i32 = 3;
    pub const NAME: i32 = 4;
    pub const CHOICE: i32 = 5;
    pub const SEQUENCE: i32 = 6;
    pub const ONCE: i32 = 0;
    pub const OPTIONAL: i32 = 1;
    pub const REPEATED: i32 = 2;
    pub const AT_LEAST_ONCE: i32 = 3;
}

impl Run<'_> {
    /// The part of a DTD that is elsewhere. `last` says that the text ends with it.
    pub fn external_subset(&mut self, s: &str, last: bool) -> Step {
        self.core.shared.dtd.lock().external_read = true;
        if self.core.at_start {
            match self.declaration(s) {
                Err(Stop::Incomplete) if last && self.at == s.len() => {}
                result => result?,
            }
        }
        let mut at = self.at;
        let result = self.declarations(s, &mut at, true);
        self.at = at;
        result
    }

    /// Declarations from `at` on, up to the bracket that ends the part within the document. `external` says that this is another part,
    /// or the text of a parameter entity: it may contain references everywhere, and conditional sections.
    pub fn declarations(&mut self, s: &str, at: &mut usize, external: bool) -> Step {
        let b = s.as_bytes();
        while let Some(&c) = b.get(*at) {
            let start = *at;
            self.event(start);
            *at = match (c, b.get(start + 1)) {
                (c, _) if is_space(c) => {
                    let end = scan::skip_space(s, start);
                    self.default(&s[start..end])?;
                    end
                }
                (b'%', _) => {
                    let end = scan::reference_end(s, start)?;
                    self.parameter(&s[start + 1..end - 1], &s[start..end], start)?;
                    end
                }
                (b']', _) if !external => return Ok(()),
                (b']', _) if self.core.included > 0 => {
                    if !scan::begins(s, start, "]]>")? {
                        return Err(Stop::Failed(Code::SYNTAX, start));
                    }
                    self.core.included -= 1;
                    self.default("]]>")?;
                    start + 3
                }
                (b'<', None) => return Err(Stop::Incomplete),
                (b'<', Some(b'?')) => self.processing_instruction(s, start)?,
                (b'<', Some(b'!')) if scan::begins(s, start, "<!--")? => self.comment(s, start)?,
                (b'<', Some(b'!')) if external && scan::begins(s, start, "<![")? => self.conditional(s, start)?,
                (b'<', Some(b'!')) => match self.written_out(s, start, external)? {
                    None => self.declared(s, start, external)?,
                    Some((text, end)) => {
                        self.depth += 1;
                        let result = self.declared(&text, 0, external);
                        self.depth -= 1;
                        result.map_err(|stop| match stop {
                            Stop::Incomplete => Stop::Failed(Code::SYNTAX, start),
                            Stop::Failed(code, _) => Stop::Failed(code, start),
                            raised => raised,
                        })?;
                        end
                    }
                },
                _ => return Err(Reader::new(s, start, false).unexpected()),
            };
        }
        Err(Stop::Incomplete)
    }

    /// The declaration at `at`; its end.
    fn declared(&mut self, s: &str, at: usize, external: bool) -> Step<usize> {
        let mut r = Reader::new(s, at, self.core.namespaces.is_some());
        const KINDS: [&str; 4] = ["<!ENTITY", "<!ATTLIST", "<!ELEMENT", "<!NOTATION"];
        let mut kind = None;
        for known in KINDS {
            if kind.is_none() && r.take_text(known)? {
                kind = Some(known);
            }
        }
        let Some(kind) = kind else { return Err(scan::no_declaration(s, at)) };
        if s.len() > r.at {
            Self::after_keyword(&mut r, at)?;
        } else {
            return Err(Stop::Incomplete);
        }
        let result = match kind {
            "<!ENTITY" => self.entity_declaration(&mut r, external),
            "<!ATTLIST" => self.attribute_declaration(&mut r),
            "<!ELEMENT" => self.element_declaration(&mut r),
            _ => self.notation_declaration(&mut r),
        };
        if let Err(Stop::Incomplete) = result {
            self.note_partial(&r);
        }
        result
    }

    /// What separates a declaration's keyword from the rest.
    pub fn after_keyword(r: &mut Reader<'_>, at: usize) -> Step {
        if r.peek()? == b'%' || r.space()? { Ok(()) } else { Err(scan::no_declaration(r.s, at)) }
    }

    /// The declaration at `at` with its parameter entities replaced, where there are some, and where it ends.
    fn written_out(&self, s: &str, at: usize, external: bool) -> Step<Option<(String, usize)>> {
        if !external {
            return Ok(None);
        }
        let b = s.as_bytes();
        let (mut out, mut copied) = (String::new(), at);
        let (mut quote, mut p) = (None, at);
        loop {
            let Some(&c) = b.get(p) else { return Err(Stop::Incomplete) };
            match (quote, c) {
                (None, b'>') => break,
                (None, b'"' | b'\'') => quote = Some(c),
                (Some(q), c) if q == c => quote = None,
                (None, b'%') if !b.get(p + 1).is_some_and(|c| is_space(*c)) => {
                    let end = scan::reference_end(s, p)?;
                    let text = self.parameter_text(&s[p + 1..end - 1], p)?;
                    out.push_str(&s[copied..p]);
                    for part in [" ", &text, " "] {
                        out.push_str(part);
                    }
                    copied = end;
                    p = end;
                    continue;
                }
                _ => {}
            }
            p += 1;
        }
        if copied == at {
            return Ok(None);
        }
        out.push_str(&s[copied..=p]);
        Ok(Some((out, p + 1)))
    }

    /// The text of a parameter entity within a declaration, its own ones replaced.
    fn parameter_text(&self, name: &str, at: usize) -> Step<String> {
        let mut out = String::new();
        self.add_parameter_text(name, at, &mut Vec::new(), &mut out)?;
        Ok(out)
    }

    fn add_parameter_text(&self, name: &str, at: usize, open: &mut Vec<String>, out: &mut String) -> Step {
        let found = self.core.shared.dtd.lock().parameter.get(name).cloned();
        let Some(text) = found.and_then(|e| e.text.clone()) else { return Ok(()) };
        if open.iter().chain(&self.core.open_parameters).any(|n| n == name) {
            return Err(Stop::Failed(Code::RECURSIVE_ENTITY_REF, at));
        }
        self.check_stack()?;
        self.spend(text.len(), at)?;
        open.push(name.to_string());
        let mut rest = &*text;
        while let Some(i) = rest.find('%') {
            out.push_str(&rest[..i]);
            match scan::reference_end(rest, i) {
                Ok(end) => {
                    self.add_parameter_text(&rest[i + 1..end - 1], at, open, out)?;
                    rest = &rest[end..];
                }
                Err(_) => {
                    out.push('%');
                    rest = &rest[i + 1..];
                }
            }
        }
        out.push_str(rest);
        open.pop();
        Ok(())
    }

    /// A reference to a parameter entity between declarations.
    fn parameter(&mut self, name: &str, written: &str, at: usize) -> Step {
        let skip = |run: &Self| {
            let mut dtd = run.core.shared.dtd.lock();
            dtd.complete = dtd.standalone;
        };
        let (found, standalone) = {
            let mut dtd = self.core.shared.dtd.lock();
            dtd.has_parameter_references = true;
            (dtd.parameter.get(name).cloned(), dtd.standalone)
        };
        if self.core.shared.parameter_parsing == ParameterParsing::Never {
            skip(self);
            self.default(written)?;
            return if standalone { Ok(()) } else { self.check_standalone(at) };
        }
        let must_exist = !self.core.is_entity && standalone && self.core.open_parameters.is_empty();
        let Some(entity) = found else {
            if must_exist {
                return Err(Stop::Failed(Code::UNDEFINED_ENTITY, at));
            }
            skip(self);
            if self.has(Handler::SkippedEntity) {
                let name = self.name(name)?;
                self.call(Handler::SkippedEntity, &[name, Value::int(1)])?;
            } else {
                self.default(written)?;
            }
            return Ok(());
        };
        if must_exist && !entity.internal {
            return Err(Stop::Failed(Code::ENTITY_DECLARED_IN_PE, at));
        }
        if self.core.open_parameters.iter().any(|open| open == name) {
            return Err(Stop::Failed(Code::RECURSIVE_ENTITY_REF, at));
        }
        if let Some(text) = &entity.text {
            self.parameter_declarations(name, text, at)?;
        } else if self.has(Handler::ExternalEntityRef) {
            self.core.shared.dtd.lock().external_read = false;
            let args =
                [Value::NONE, self.parser.base.get(), self.string(entity.system.as_deref())?, self.string(entity.public.as_deref())?];
            self.core.open_parameters.push(name.to_string());
            let handled = self.ask(Handler::ExternalEntityRef, &args);
            self.core.open_parameters.pop();
            if !handled? {
                return Err(Stop::Failed(Code::EXTERNAL_ENTITY_HANDLING, at));
            }
            if !self.core.shared.dtd.lock().external_read {
                skip(self);
                return Ok(());
            }
        } else {
            skip(self);
            return Ok(());
        }
        if standalone { Ok(()) } else { self.check_standalone(at) }
    }

    fn parameter_declarations(&mut self, name: &str, text: &Arc<str>, at: usize) -> Step {
        self.check_stack()?;
        self.spend(text.len(), at)?;
        self.core.open_parameters.push(name.to_string());
        self.depth += 1;
        let mut inner = 0;
        let result = self.declarations(text, &mut inner, true);
        self.depth -= 1;
        self.core.open_parameters.pop();
        match result {
            Ok(()) => Ok(()),
            Err(Stop::Incomplete) if inner == text.len() => Ok(()),
            Err(Stop::Incomplete) => Err(Stop::Failed(Code::INCOMPLETE_PE, at)),
            Err(Stop::Failed(code, _)) => Err(Stop::Failed(code, at)),
            Err(raised) => Err(raised),
        }
    }

    /// `<![INCLUDE[` or all of `<![IGNORE[...]]>` at `at`; its end.
    fn conditional(&mut self, s: &str, at: usize) -> Step<usize> {
        let mut r = Reader::new(s, at, self.core.namespaces.is_some());
        r.mark("<![");
        r.space()?;
        let keyword = if r.peek()? == b'%' {
            let end = scan::reference_end(s, r.at)?;
            let text = self.parameter_text(&s[r.at + 1..end - 1], at)?;
            r.mark(&s[r.at..end]);
            text.trim().to_string()
        } else {
            r.name()?.to_string()
        };
        r.space()?;
        r.need(b'[')?;
        match keyword.as_str() {
            "INCLUDE" => {
                self.core.included += 1;
                self.default(&s[at..r.at])?;
                Ok(r.at)
            }
            "IGNORE" => {
                let (mut open, mut p) = (1, r.at);
                while open > 0 {
                    let Some(i) = s[p..].find(['<', ']']) else { return Err(Stop::Incomplete) };
                    p += i;
                    if scan::begins(s, p, "<![")? {
                        open += 1;
                        p += 3;
                    } else if scan::begins(s, p, "]]>")? {
                        open -= 1;
                        p += 3;
                    } else {
                        p += 1;
                    }
                }
                self.default(&s[at..p])?;
                Ok(p)
            }
            _ => Err(Stop::Failed(Code::SYNTAX, at)),
        }
    }

    /// A declaration without a handler is reported piece by piece.
    fn unhandled(&self, pieces: &[Range<usize>], s: &str) -> Step {
        for piece in pieces {
            self.default(&s[piece.clone()])?;
        }
        Ok(())
    }

    /// Passes the end of a declaration.
    fn declaration_end(r: &mut Reader<'_>) -> Step<usize> {
        r.space()?;
        r.need(b'>')?;
        Ok(r.at)
    }

    // ---- entities ----

    fn entity_declaration(&mut self, r: &mut Reader<'_>, external: bool) -> Step<usize> {
        let parameter = r.take(b'%')?;
        if parameter {
            r.need_space()?;
        }
        let name = r.plain_name()?;
        r.need_space()?;
        let mut entity = Entity {
            text: None,
            system: None,
            public: None,
            notation: None,
            internal: !external && !self.core.is_entity && self.core.open_parameters.is_empty(),
        };
        // Which piece the notation's name is.
        let mut notation_at = 0;
        if matches!(r.peek()?, b'"' | b'\'') {
            let (written, at) = r.literal()?;
            let mut text = String::new();
            self.add_entity_value(written, external, at, &mut text)?;
            entity.text = Some(text.into());
        } else {
            let ExternalId { public, system } = r.external_id(true)?;
            (entity.public, entity.system) = (public, system);
            if r.space()? && !parameter && r.peek()? != b'>' {
                if r.name()? != "NDATA" {
                    return Err(Stop::Failed(Code::SYNTAX, r.at));
                }
                r.need_space()?;
                notation_at = r.pieces.len();
                entity.notation = Some(r.plain_name()?.to_string());
            }
        }
        let end = Self::declaration_end(r)?;
        let entity = Arc::new(entity);
        let new = {
            let mut dtd = self.core.shared.dtd.lock();
            let known = if parameter { &mut dtd.parameter } else { &mut dtd.general };
            let new = !known.contains_key(name);
            if new && dtd.complete {
                let known = if parameter { &mut dtd.parameter } else { &mut dtd.general };
                known.insert(name.to_string(), entity.clone());
            }
            new && dtd.complete
        };
        if !new {
            self.unhandled(&r.pieces, r.s)?;
            return Ok(end);
        }
        let (system, public) = (self.string(entity.system.as_deref())?, self.string(entity.public.as_deref())?);
        if let (Some(notation), true) = (&entity.notation, self.has(Handler::UnparsedEntityDecl)) {
            let others = !self.has(Handler::EntityDecl);
            if others {
                self.unhandled(&r.pieces[..notation_at], r.s)?;
            }
            let args = [self.name(name)?, self.parser.base.get(), system, public, self.name(notation)?];
            self.call(Handler::UnparsedEntityDecl, &args)?;
            if others {
                self.unhandled(&r.pieces[notation_at + 1..], r.s)?;
            }
        } else if self.has(Handler::EntityDecl) {
            let notation = self.string(entity.notation.as_deref())?;
            let value = self.string(entity.text.as_deref())?;
            let args = [self.name(name)?, Value::int(parameter.into()), value, self.parser.base.get(), system, public, notation];
            self.call(Handler::EntityDecl, &args)?;
        } else {
            self.unhandled(&r.pieces, r.s)?;
        }
        Ok(end)
    }

    /// An entity's text: references to characters are replaced, those to general entities are not.
    fn add_entity_value(&mut self, written: &str, external: bool, at: usize, out: &mut String) -> Step {
        let mut p = 0;
        while let Some(i) = written[p..].find(['&', '%', '\r']) {
            out.push_str(&written[p..p + i]);
            p += i;
            let place = at + p;
            if written.as_bytes()[p] == b'\r' {
                out.push('\n');
                p += if written.as_bytes().get(p + 1) == Some(&b'\n') { 2 } else { 1 };
                continue;
            }
            let end = scan::reference_end(written, p).map_err(|stop| match stop {
                Stop::Failed(code, i) => Stop::Failed(code, at + i),
                _ => Stop::Failed(Code::INVALID_TOKEN, place),
            })?;
            let name = &written[p + 1..end - 1];
            if written.as_bytes()[p] == b'%' {
                if !external && !self.core.is_entity {
                    return Err(Stop::Failed(Code::PARAM_ENTITY_REF, place));
                }
                out.push_str(&self.parameter_text(name, place)?);
            } else if let Some(digits) = name.strip_prefix('#') {
                out.push(scan::character_reference(digits).ok_or(Stop::Failed(Code::BAD_CHAR_REF, place))?);
            } else {
                out.push_str(&written[p..end]);
            }
            p = end;
        }
        out.push_str(&written[p..]);
        Ok(())
    }

    fn notation_declaration(&mut self, r: &mut Reader<'_>) -> Step<usize> {
        let name = r.plain_name()?;
        r.need_space()?;
        let id = r.external_id(false)?;
        let end = Self::declaration_end(r)?;
        if self.has(Handler::NotationDecl) {
            let args = [self.name(name)?, self.parser.base.get(), self.string(id.system.as_deref())?, self.string(id.public.as_deref())?];
            self.call(Handler::NotationDecl, &args)?;
        } else {
            self.unhandled(&r.pieces, r.s)?;
        }
        Ok(end)
    }

    // ---- attributes ----

    fn attribute_declaration(&mut self, r: &mut Reader<'_>) -> Step<usize> {
        let element = r.name()?;
        let mut declared = Vec::new();
        let result = self.read_attributes(r, &mut declared);
        if let Err(Stop::Incomplete | Stop::Raised(_)) = result {
            // They are read again.
            return result;
        }
        let complete = self.core.shared.dtd.lock().complete;
        let handled = complete && !declared.is_empty() && self.has(Handler::AttlistDecl);
        for (attribute, kind, required) in declared.iter().filter(|_| complete) {
            self.core.shared.dtd.lock().add_attribute(element, attribute.clone());
            if self.has(Handler::AttlistDecl) {
                let args = [
                    self.name(element)?,
                    self.name(&attribute.name)?,
                    self.string(Some(kind))?,
                    self.string(attribute.default.as_deref())?,
                    Value::int((*required).into()),
                ];
                self.call(Handler::AttlistDecl, &args)?;
            }
        }
        if !handled {
            self.unhandled(&r.pieces, r.s)?;
        }
        result
    }

    /// Reads the attributes of a declaration, each with its type and whether it is required (or fixed), to the end of the declaration.
    fn read_attributes(&mut self, r: &mut Reader<'_>, declared: &mut Vec<(Attribute, String, bool)>) -> Step<usize> {
        loop {
            let any = r.space()?;
            if r.take(b'>')? {
                return Ok(r.at);
            }
            if !any {
                return Err(r.unexpected());
            }
            let name = r.name()?;
            r.need_space()?;
            let kind = Self::attribute_type(r)?;
            r.need_space()?;
            let mut required = r.take_text("#REQUIRED")?;
            let mut default = None;
            if !required && !r.take_text("#IMPLIED")? {
                required = r.take_text("#FIXED")?;
                if required {
                    r.need_space()?;
                }
                let (written, at) = r.literal()?;
                let text = self.value_text(written, kind == "CDATA", at, at)?;
                default = Some(Arc::<str>::from(text));
            }
            declared.push((Attribute { name: name.into(), any_text: kind == "CDATA", default }, kind, required));
        }
    }

    /// The type of an attribute, as Expat writes it.
    fn attribute_type(r: &mut Reader<'_>) -> Step<String> {
        const TYPES: [&str; 8] = ["CDATA", "ID", "IDREF", "IDREFS", "ENTITY", "ENTITIES", "NMTOKEN", "NMTOKENS"];
        let mut kind = String::new();
        if r.peek()? != b'(' {
            let start = r.at;
            let word = r.name()?;
            if TYPES.contains(&word) {
                return Ok(word.to_string());
            }
            if word != "NOTATION" {
                return Err(Stop::Failed(Code::SYNTAX, start));
            }
            kind.push_str(word);
            r.need_space()?;
        }
        r.need(b'(')?;
        kind.push('(');
        loop {
            r.space()?;
            kind.push_str(r.name_token()?);
            r.space()?;
            if r.take(b')')? {
                kind.push(')');
                return Ok(kind);
            }
            r.need(b'|')?;
            kind.push('|');
        }
    }

    // ---- elements ----

    fn element_declaration(&mut self, r: &mut Reader<'_>) -> Step<usize> {
        let name = r.name()?;
        r.need_space()?;
        let content = if r.peek()? == b'(' {
            self.group(r)?
        } else {
            let start = r.at;
            match r.name()? {
                "EMPTY" => self.model(model::EMPTY, model::ONCE, Value::NONE, &[]),
                "ANY" => self.model(model::ANY, model::ONCE, Value::NONE, &[]),
                _ => return Err(Stop::Failed(Code::SYNTAX, start)),
            }
        };
        let end = Self::declaration_end(r)?;
        if self.has(Handler::ElementDecl) {
            let args = [self.name(name)?, content];
            self.call(Handler::ElementDecl, &args)?;
        } else {
            self.unhandled(&r.pieces, r.s)?;
        }
        Ok(end)
    }

    /// The tuple that describes content.
    fn model(&self, kind: i32, quantity: i32, name: Value, children: &[Value]) -> Value {
        let children = Tuple::from_slice(self.t, children).value();
        Tuple::from_slice(self.t, &[Value::int(kind.into()), Value::int(quantity.into()), name, children]).value()
    }

    fn quantity(r: &mut Reader<'_>) -> Step<i32> {
        for (sign, quantity) in [(b'?', model::OPTIONAL), (b'*', model::REPEATED), (b'+', model::AT_LEAST_ONCE)] {
            if r.take(sign)? {
                r.join_last();
                return Ok(quantity);
            }
        }
        Ok(model::ONCE)
    }

    /// Content in parentheses.
    fn group(&mut self, r: &mut Reader<'_>) -> Step<Value> {
        self.check_stack()?;
        r.need(b'(')?;
        r.space()?;
        let mut children = ValueList::new(self.t);
        if r.peek()? == b'#' {
            if !r.take_text("#PCDATA")? {
                return Err(r.unexpected());
            }
            loop {
                r.space()?;
                if r.take(b')')? {
                    break;
                }
                r.need(b'|')?;
                r.space()?;
                let name = self.name(r.name()?)?;
                children.push(self.t, self.model(model::NAME, model::ONCE, name, &[]));
            }
            let repeated = r.take(b'*')?;
            if repeated {
                r.join_last();
            }
            if !repeated && !children.is_empty() {
                return Err(r.unexpected());
            }
            let quantity = if repeated { model::REPEATED } else { model::ONCE };
            return Ok(self.model(model::MIXED, quantity, Value::NONE, children.as_slice()));
        }
        let mut separator = None;
        loop {
            let child = if r.peek()? == b'(' {
                self.group(r)?
            } else {
                let name = self.name(r.name()?)?;
                let quantity = Self::quantity(r)?;
                self.model(model::NAME, quantity, name, &[])
            };
            children.push(self.t, child);
            r.space()?;
            if r.take(b')')? {
                break;
            }
            let next = r.peek()?;
            if !matches!(next, b'|' | b',') || separator.is_some_and(|s| s != next) {
                return Err(r.unexpected());
            }
            separator = Some(next);
            r.take(next)?;
            r.space()?;
        }
        let quantity = Self::quantity(r)?;
        let kind = if separator == Some(b'|') { model::CHOICE } else { model::SEQUENCE };
        Ok(self.model(kind, quantity, Value::NONE, children.as_slice()))
    }
}
