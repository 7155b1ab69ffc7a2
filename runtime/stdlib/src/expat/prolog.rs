//! What precedes the first tag and follows the last: the XML declaration, the document type declaration, comments, instructions.

use super::codes::Code;
use super::core::{ExternalId, ParameterParsing, State};
use super::object::Handler;
use super::reader::Reader;
use super::run::Run;
use super::scan::{self, Step, Stop, is_space};
use limpid_heap::Value;

const XML: &str = "<?xml";

impl Run<'_> {
    /// What may precede the first tag.
    pub fn prolog(&mut self, s: &str) -> Step {
        if self.core.at_start {
            self.declaration(s)?;
        }
        let b = s.as_bytes();
        while let Some(&c) = b.get(self.at) {
            let at = self.at;
            self.event(at);
            if self.miscellaneous(s, at)? {
                continue;
            }
            match (c, b.get(at + 1)) {
                (b'<', Some(b'!')) if !scan::begins(s, at, "<!DOCTYPE")? => return Err(scan::no_declaration(s, at)),
                (b'<', Some(b'!')) if self.core.doctype_seen => return Err(Stop::Failed(Code::SYNTAX, at)),
                (b'<', Some(b'!')) => return self.doctype(s),
                (b'<', Some(_)) => {
                    if let Err(stop @ Stop::Failed(..)) = scan::name(s, at + 1) {
                        return Err(stop);
                    }
                    if self.core.foreign_dtd && !self.core.doctype_seen {
                        self.external_part(&ExternalId::default(), at)?;
                    }
                    self.core.state = State::Content;
                    return Ok(());
                }
                _ => return Err(scan::misplaced(s, at, Code::SYNTAX)),
            }
        }
        Err(Stop::Incomplete)
    }

    /// What may follow the last tag.
    pub fn epilog(&mut self, s: &str) -> Step {
        let b = s.as_bytes();
        while let Some(&c) = b.get(self.at) {
            let at = self.at;
            self.event(at);
            if self.miscellaneous(s, at)? {
                continue;
            }
            match (c, b.get(at + 1)) {
                (b'<', Some(b'!')) => {
                    return Err(match scan::no_declaration(s, at) {
                        Stop::Failed(Code::SYNTAX, at) => Stop::Failed(Code::JUNK_AFTER_DOC_ELEMENT, at),
                        stop => stop,
                    });
                }
                _ => return Err(scan::misplaced(s, at, Code::JUNK_AFTER_DOC_ELEMENT)),
            }
        }
        Err(Stop::Incomplete)
    }

    /// What may stand on either side of the root element, if that is what is at `at`: white space, an instruction, a comment.
    fn miscellaneous(&mut self, s: &str, at: usize) -> Result<bool, Stop> {
        match (s.as_bytes()[at], s.as_bytes().get(at + 1)) {
            (c, _) if is_space(c) => self.space(s)?,
            (b'<', None) => return Err(Stop::Incomplete),
            (b'<', Some(b'?')) => self.at = self.processing_instruction(s, at)?,
            (b'<', Some(b'!')) if scan::begins(s, at, "<!--")? => self.at = self.comment(s, at)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// White space between the parts.
    fn space(&mut self, s: &str) -> Step {
        let end = scan::skip_space(s, self.at);
        self.default(&s[self.at..end])?;
        self.at = end;
        Ok(())
    }

    /// The declaration at the very beginning, if there is one: `<?xml version="1.0"?>`.
    pub fn declaration(&mut self, s: &str) -> Step {
        let at = self.at;
        let declared = scan::begins(s, at, XML)?;
        let next = s.as_bytes().get(at + XML.len()).copied();
        if declared && next.is_none() {
            return Err(Stop::Incomplete);
        }
        if !declared || !next.is_some_and(is_space) {
            self.core.at_start = false;
            return Ok(());
        }
        self.event(at);
        let of_entity = self.core.is_entity;
        let wrong = |at| Stop::Failed(if of_entity { Code::TEXT_DECL } else { Code::XML_DECL }, at);
        let end = scan::find(s, at, "?>")?;
        let (mut version, mut encoding, mut standalone) = (None, None, None);
        let mut p = at + XML.len();
        loop {
            let name_at = scan::skip_space(s, p);
            if name_at >= end {
                break;
            }
            if name_at == p {
                return Err(wrong(p));
            }
            let name_end = s[name_at..end].find(|c: char| c == '=' || c.is_whitespace() || !c.is_ascii()).map_or(end, |i| name_at + i);
            if !s.as_bytes()[name_end].is_ascii() {
                return Err(wrong(name_end));
            }
            let equals = scan::skip_space(s, name_end);
            if !s[equals..].starts_with('=') {
                return Err(wrong(equals));
            }
            let open = scan::skip_space(s, equals + 1);
            let Some(quote) = s[open..end].chars().next().filter(|c| matches!(c, '"' | '\'')) else { return Err(wrong(open)) };
            let Some(length) = s[open + 1..end].find(quote) else { return Err(wrong(open)) };
            let value = &s[open + 1..open + 1 + length];
            if let Some(i) = value.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))) {
                return Err(wrong(open + 1 + i));
            }
            let slot = match &s[name_at..name_end] {
                "version" if encoding.is_none() && standalone.is_none() => &mut version,
                "encoding"
                    if standalone.is_none() && (of_entity || version.is_some()) && value.starts_with(|c: char| c.is_ascii_alphabetic()) =>
                {
                    &mut encoding
                }
                "standalone" if !of_entity && version.is_some() => {
                    if !matches!(value, "yes" | "no") {
                        return Err(wrong(open + 1));
                    }
                    &mut standalone
                }
                _ => return Err(wrong(name_at)),
            };
            if slot.replace(value).is_some() {
                return Err(wrong(name_at));
            }
            p = open + 2 + length;
        }
        if if of_entity { encoding.is_none() } else { version.is_none() } {
            return Err(wrong(end));
        }
        self.core.at_start = false;
        if standalone == Some("yes") {
            self.core.shared.dtd.lock().standalone = true;
            if self.core.shared.parameter_parsing == ParameterParsing::UnlessStandalone {
                self.core.shared.parameter_parsing = ParameterParsing::Never;
            }
        }
        if self.has(Handler::XmlDecl) {
            let standalone = match standalone {
                Some("yes") => 1,
                Some(_) => 0,
                None => -1,
            };
            let args = [self.string(version)?, self.string(encoding)?, Value::int(standalone)];
            self.call(Handler::XmlDecl, &args)?;
        } else {
            self.default(&s[at..end + 2])?;
        }
        self.at = end + 2;
        Ok(())
    }

    /// The processing instruction at `at`; its end.
    pub fn processing_instruction(&mut self, s: &str, at: usize) -> Step<usize> {
        let target_end = scan::name(s, at + 2)?;
        let target = &s[at + 2..target_end];
        if let (Some(i), true) = (target.find(':'), self.core.namespaces.is_some()) {
            return Err(Stop::Failed(Code::INVALID_TOKEN, at + 2 + i));
        }
        match s.as_bytes().get(target_end) {
            None => return Err(Stop::Incomplete),
            Some(c) if is_space(*c) => {}
            Some(_) if scan::begins(s, target_end, "?>")? => {}
            Some(_) => return Err(Stop::Failed(Code::INVALID_TOKEN, target_end)),
        }
        if target == "xml" {
            return Err(Stop::Failed(Code::MISPLACED_XML_PI, at));
        }
        if target.eq_ignore_ascii_case("xml") {
            return Err(Stop::Failed(Code::INVALID_TOKEN, target_end));
        }
        let data_at = scan::skip_space(s, target_end);
        let end = scan::find(s, target_end, "?>")?;
        if self.has(Handler::ProcessingInstruction) {
            let args = [self.name(target)?, self.normalized(&s[data_at.min(end)..end])?];
            self.call(Handler::ProcessingInstruction, &args)?;
        } else {
            self.default(&s[at..end + 2])?;
        }
        Ok(end + 2)
    }

    /// The comment at `at`; its end.
    pub fn comment(&mut self, s: &str, at: usize) -> Step<usize> {
        let end = scan::find(s, at + 4, "--")?;
        match s.as_bytes().get(end + 2) {
            None => return Err(Stop::Incomplete),
            Some(b'>') => {}
            Some(_) => return Err(Stop::Failed(Code::INVALID_TOKEN, end + 2)),
        }
        if self.has(Handler::Comment) {
            let text = self.normalized(&s[at + 4..end])?;
            self.call(Handler::Comment, &[text])?;
        } else {
            self.default(&s[at..end + 3])?;
        }
        Ok(end + 3)
    }

    // ---- the document type declaration ----

    /// The document type declaration, up to its bracket or its end.
    fn doctype(&mut self, s: &str) -> Step {
        let mut r = Reader::new(s, self.at, self.core.namespaces.is_some());
        let result = self.doctype_start(&mut r);
        if let Err(Stop::Incomplete) = result {
            self.note_partial(&r);
        }
        result
    }

    fn doctype_start(&mut self, r: &mut Reader<'_>) -> Step {
        let s = r.s;
        r.mark("<!DOCTYPE");
        Self::after_keyword(r, self.at)?;
        let name = r.name()?;
        r.space()?;
        let mut id = ExternalId::default();
        if !matches!(r.peek()?, b'[' | b'>') {
            id = r.external_id(true)?;
            r.space()?;
        }
        let subset = r.take(b'[')?;
        if !subset && !r.take(b'>')? {
            return Err(r.unexpected());
        }
        self.core.doctype_seen = true;
        if id.system.is_some() {
            let standalone = {
                let mut dtd = self.core.shared.dtd.lock();
                dtd.has_parameter_references = true;
                dtd.standalone
            };
            if !standalone && self.core.shared.parameter_parsing == ParameterParsing::Never {
                self.check_standalone(self.at)?;
            }
        }
        if self.has(Handler::StartDoctypeDecl) {
            let args =
                [self.name(name)?, self.string(id.system.as_deref())?, self.string(id.public.as_deref())?, Value::int(subset.into())];
            self.call(Handler::StartDoctypeDecl, &args)?;
        } else {
            // Its end is reported with what follows the bracket.
            let pieces = if subset { &r.pieces[..] } else { &r.pieces[..r.pieces.len() - 1] };
            for piece in pieces {
                self.default(&s[piece.clone()])?;
            }
        }
        self.core.external_id = Some(id);
        if subset {
            self.core.state = State::Subset;
            self.at = r.at;
            Ok(())
        } else {
            self.end_doctype(s, r.at - 1)
        }
    }

    /// The part between the brackets.
    pub fn subset(&mut self, s: &str) -> Step {
        let mut at = self.at;
        let result = self.declarations(s, &mut at, false);
        self.at = at;
        result?;
        if !self.has(Handler::StartDoctypeDecl) {
            self.default("]")?;
        }
        self.at = at + 1;
        self.core.state = State::SubsetEnd;
        Ok(())
    }

    /// What follows the brackets.
    pub fn subset_end(&mut self, s: &str) -> Step {
        let at = scan::skip_space(s, self.at);
        if !self.has(Handler::StartDoctypeDecl) {
            self.default(&s[self.at..at])?;
        }
        self.at = at;
        match s.as_bytes().get(at) {
            None => Err(Stop::Incomplete),
            Some(b'>') => self.end_doctype(s, at),
            Some(_) => Err(scan::misplaced(s, at, Code::SYNTAX)),
        }
    }

    /// The `>` at `at`: now the part of the DTD that is elsewhere is read.
    fn end_doctype(&mut self, s: &str, at: usize) -> Step {
        self.event(at);
        let id = self.core.external_id.take().unwrap_or_default();
        if id.system.is_some() || self.core.foreign_dtd {
            self.external_part(&id, at)?;
        }
        if self.has(Handler::EndDoctypeDecl) {
            self.call(Handler::EndDoctypeDecl, &[])?;
        } else {
            self.default(&s[at..at + 1])?;
        }
        self.core.state = State::Prolog;
        self.at = at + 1;
        Ok(())
    }

    /// Has the part of the DTD read that is elsewhere: in `id`, or where the program knows.
    fn external_part(&mut self, id: &ExternalId, at: usize) -> Step {
        let before = std::mem::replace(&mut self.core.shared.dtd.lock().has_parameter_references, true);
        if self.core.shared.parameter_parsing == ParameterParsing::Never || !self.has(Handler::ExternalEntityRef) {
            if id.system.is_none() {
                self.core.shared.dtd.lock().has_parameter_references = before;
            }
            return Ok(());
        }
        self.core.shared.dtd.lock().external_read = false;
        let args = [Value::NONE, self.parser.base.get(), self.string(id.system.as_deref())?, self.string(id.public.as_deref())?];
        if !self.ask(Handler::ExternalEntityRef, &args)? {
            return Err(Stop::Failed(Code::EXTERNAL_ENTITY_HANDLING, at));
        }
        let (read, standalone) = {
            let mut dtd = self.core.shared.dtd.lock();
            if !dtd.external_read && id.system.is_none() {
                dtd.has_parameter_references = before;
            }
            (dtd.external_read, dtd.standalone)
        };
        if read && !standalone { self.check_standalone(at) } else { Ok(()) }
    }
}
