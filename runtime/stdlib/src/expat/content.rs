//! What is between the first tag and the last: tags, text, references, CDATA sections.

use super::codes::Code;
use super::core::{RawAttribute, State, Tag};
use super::object::Handler;
use super::run::Run;
use super::scan::{self, Class, Step, Stop, class, is_space};
use std::sync::Arc;

const CDATA: &str = "<![CDATA[";

impl Run<'_> {
    /// Parses content from `at` on, until the element with the document's name ends. `last` says that nothing follows the text. `level`
    /// is how many elements were open when the entity began that this is the text of.
    pub fn content(&mut self, s: &str, at: &mut usize, last: bool, level: usize) -> Step {
        let b = s.as_bytes();
        while *at < b.len() {
            self.event(*at);
            if self.core.cdata {
                self.cdata_text(s, at, last)?;
                continue;
            }
            match b[*at] {
                b'<' => self.markup(s, at, level)?,
                b'&' => self.reference(s, at)?,
                _ => self.characters(s, at, last)?,
            }
            if self.core.state != State::Content {
                return Ok(());
            }
        }
        Err(Stop::Incomplete)
    }

    fn markup(&mut self, s: &str, at: &mut usize, level: usize) -> Step {
        let end = match s.as_bytes().get(*at + 1) {
            None => return Err(Stop::Incomplete),
            Some(b'/') => self.end_tag(s, *at, level)?,
            Some(b'?') => self.processing_instruction(s, *at)?,
            Some(b'!') => {
                if scan::begins(s, *at, "<!--")? {
                    self.comment(s, *at)?
                } else if scan::begins(s, *at, CDATA)? {
                    self.core.cdata = true;
                    if self.has(Handler::StartCdataSection) {
                        self.call(Handler::StartCdataSection, &[])?;
                    } else {
                        self.default(CDATA)?;
                    }
                    *at + CDATA.len()
                } else {
                    // The first that is not as in one of them.
                    let like = if s[*at..].starts_with("<!-") { "<!-" } else { CDATA };
                    let same = s[*at..].bytes().zip(like.bytes()).take_while(|(a, b)| a == b).count();
                    return Err(Stop::Failed(Code::INVALID_TOKEN, *at + same));
                }
            }
            Some(_) => self.start_tag(s, *at)?,
        };
        *at = end;
        Ok(())
    }

    // ---- text ----

    /// Reports a line end at `at`; where it ends. Incomplete if the other half of it may follow.
    fn line_end(&mut self, s: &str, at: usize, last: bool) -> Step<usize> {
        let b = s.as_bytes();
        let end = match (b[at], b.get(at + 1)) {
            (b'\r', Some(b'\n')) => at + 2,
            (b'\r', None) if !last => return Err(Stop::Incomplete),
            _ => at + 1,
        };
        self.text("\n", &s[at..end])?;
        Ok(end)
    }

    /// The end of the text from `at` on that has no line end and nothing that `stop` names.
    #[inline]
    fn plain_end(s: &str, mut at: usize, stop: impl Fn(u8) -> bool) -> Step<usize> {
        let b = s.as_bytes();
        while at < b.len() {
            match class(b[at]) {
                Class::Line => break,
                Class::Markup if stop(b[at]) => break,
                Class::Forbidden => return Err(Stop::Failed(Code::INVALID_TOKEN, at)),
                Class::Wide if scan::is_noncharacter(&b[at..]) => return Err(Stop::Failed(Code::INVALID_TOKEN, at)),
                _ => at += 1,
            }
        }
        Ok(at)
    }

    fn characters(&mut self, s: &str, at: &mut usize, last: bool) -> Step {
        let b = s.as_bytes();
        let start = *at;
        if matches!(b[start], b'\n' | b'\r') {
            *at = self.line_end(s, start, last)?;
            return Ok(());
        }
        let mut end = start;
        loop {
            let mut wrong = None;
            end = match Self::plain_end(s, end, |_| true) {
                Ok(end) => end,
                Err(Stop::Failed(code, at)) if at > start => {
                    // What precedes it is reported first.
                    wrong = Some(code);
                    at
                }
                Err(stop) => return Err(stop),
            };
            if wrong.is_none() && b.get(end) == Some(&b']') {
                match (b.get(end + 1), b.get(end + 2)) {
                    (Some(b']'), Some(b'>')) => return Err(Stop::Failed(Code::INVALID_TOKEN, end + 2)),
                    (None, _) | (Some(b']'), None) if !last && end == start => return Err(Stop::Incomplete),
                    (None, _) | (Some(b']'), None) if !last => {}
                    _ => {
                        end += 1;
                        continue;
                    }
                }
            }
            break;
        }
        self.text(&s[start..end], &s[start..end])?;
        *at = end;
        Ok(())
    }

    fn cdata_text(&mut self, s: &str, at: &mut usize, last: bool) -> Step {
        let b = s.as_bytes();
        let start = *at;
        if scan::begins(s, start, "]]>")? {
            self.core.cdata = false;
            if self.has(Handler::EndCdataSection) {
                self.call(Handler::EndCdataSection, &[])?;
            } else {
                self.default("]]>")?;
            }
            *at = start + 3;
            return Ok(());
        }
        if matches!(b[start], b'\n' | b'\r') {
            *at = self.line_end(s, start, last)?;
            return Ok(());
        }
        let mut end = start + (b[start] == b']') as usize;
        end = Self::plain_end(s, end, |c| c == b']')?;
        self.text(&s[start..end], &s[start..end])?;
        *at = end;
        Ok(())
    }

    // ---- references ----

    fn reference(&mut self, s: &str, at: &mut usize) -> Step {
        let start = *at;
        let end = scan::reference_end(s, start)?;
        let written = &s[start..end];
        let name = &s[start + 1..end - 1];
        if let Some(digits) = name.strip_prefix('#') {
            let Some(c) = scan::character_reference(digits) else { return Err(Stop::Failed(Code::BAD_CHAR_REF, start)) };
            self.text(c.encode_utf8(&mut [0; 4]), written)?;
        } else if let Some(c) = scan::predefined(name) {
            self.text(c.encode_utf8(&mut [0; 4]), written)?;
        } else {
            self.entity(name, written, start)?;
        }
        *at = end;
        Ok(())
    }

    /// An entity that is referred to in the text.
    fn entity(&mut self, name: &str, written: &str, at: usize) -> Step {
        let (found, must_exist) = {
            let dtd = self.core.shared.dtd.lock();
            (dtd.general.get(name).cloned(), !dtd.has_parameter_references || dtd.standalone)
        };
        let Some(entity) = found else {
            if must_exist {
                return Err(Stop::Failed(Code::UNDEFINED_ENTITY, at));
            }
            return self.skipped(name, written);
        };
        if must_exist && !entity.internal {
            return Err(Stop::Failed(Code::ENTITY_DECLARED_IN_PE, at));
        }
        if self.core.open.iter().any(|open| open == name) {
            return Err(Stop::Failed(Code::RECURSIVE_ENTITY_REF, at));
        }
        if entity.notation.is_some() {
            return Err(Stop::Failed(Code::BINARY_ENTITY_REF, at));
        }
        match &entity.text {
            Some(_) if self.has(Handler::Default) => self.skipped(name, written),
            Some(text) => self.internal_entity(name, text, at),
            None if self.has(Handler::ExternalEntityRef) => {
                let mut context = String::new();
                if let Some(namespaces) = &self.core.namespaces {
                    namespaces.context(&mut context);
                }
                for open in self.core.open.iter().map(String::as_str).chain([name]) {
                    context.push_str(open);
                    context.push('\u{c}');
                }
                context.pop();
                let args = [
                    self.string(Some(&context))?,
                    self.parser.base.get(),
                    self.string(entity.system.as_deref())?,
                    self.string(entity.public.as_deref())?,
                ];
                if self.ask(Handler::ExternalEntityRef, &args)? { Ok(()) } else { Err(Stop::Failed(Code::EXTERNAL_ENTITY_HANDLING, at)) }
            }
            None => Ok(self.default(written)?),
        }
    }

    fn skipped(&mut self, name: &str, written: &str) -> Step {
        if self.has(Handler::SkippedEntity) {
            let name = self.name(name)?;
            self.call(Handler::SkippedEntity, &[name, limpid_heap::Value::int(0)])?;
            return Ok(());
        }
        Ok(self.default(written)?)
    }

    fn internal_entity(&mut self, name: &str, text: &Arc<str>, at: usize) -> Step {
        self.check_stack()?;
        self.spend(text.len(), at)?;
        self.core.open.push(name.to_string());
        self.depth += 1;
        let level = self.core.tags.len();
        let mut inner = 0;
        let result = self.content(text, &mut inner, true, level);
        self.depth -= 1;
        self.core.open.pop();
        match result {
            Err(Stop::Incomplete) if inner < text.len() => Err(Stop::Failed(Code::UNCLOSED_TOKEN, at)),
            Ok(()) | Err(Stop::Incomplete) if self.core.tags.len() != level || self.core.cdata => Err(Stop::Failed(Code::ASYNC_ENTITY, at)),
            Ok(()) | Err(Stop::Incomplete) => Ok(()),
            Err(Stop::Failed(code, _)) => Err(Stop::Failed(code, at)),
            Err(raised) => Err(raised),
        }
    }

    // ---- tags ----

    fn start_tag(&mut self, s: &str, at: usize) -> Step<usize> {
        let b = s.as_bytes();
        let mut attributes = std::mem::take(&mut self.core.attributes);
        attributes.clear();
        let namespaces = self.core.namespaces.is_some();
        let scanned = element_name(s, at + 1, namespaces).and_then(|name_end| {
            let mut p = name_end;
            loop {
                let before = p;
                p = scan::skip_space(s, p);
                match b.get(p) {
                    None => return Err(Stop::Incomplete),
                    Some(b'>') => return Ok((name_end, p + 1, false)),
                    Some(b'/') => match b.get(p + 1) {
                        None => return Err(Stop::Incomplete),
                        Some(b'>') => return Ok((name_end, p + 2, true)),
                        Some(_) => return Err(Stop::Failed(Code::INVALID_TOKEN, p + 1)),
                    },
                    Some(_) if p == before => return Err(Stop::Failed(Code::INVALID_TOKEN, p)),
                    Some(_) => {
                        let attribute = attribute(s, p, namespaces)?;
                        p = attribute.value.end + 1;
                        attributes.push(attribute);
                    }
                }
            }
        });
        let result = match scanned {
            Ok((name_end, end, empty)) => self.element(s, at, name_end, end, empty, &attributes).map(|()| end),
            Err(stop) => Err(stop),
        };
        self.core.attributes = attributes;
        result
    }

    /// The tag `s[at..end]` begins an element, and with `empty` ends it.
    fn element(&mut self, s: &str, at: usize, name_end: usize, end: usize, empty: bool, attributes: &[RawAttribute]) -> Step {
        let name = &s[at + 1..name_end];
        let name_number = self.name_number(name)?;
        let (expanded, values, bindings) = self.attributes(s, at, name_number, attributes)?;
        let reported = self.has(Handler::StartElement);
        if reported {
            self.call(Handler::StartElement, &[self.name_string(expanded), values])?;
        } else if !(empty && self.has(Handler::EndElement)) {
            self.default(&s[at..end])?;
        }
        let tag = Tag { name: name_number, expanded, bindings };
        if !empty {
            self.core.tags.push(tag);
            return Ok(());
        }
        if self.has(Handler::EndElement) {
            if reported {
                self.event(end);
            }
            self.call(Handler::EndElement, &[self.name_string(expanded)])?;
        }
        self.end_element(tag)
    }

    fn end_tag(&mut self, s: &str, at: usize, level: usize) -> Step<usize> {
        let name_end = element_name(s, at + 2, self.core.namespaces.is_some())?;
        let close = scan::skip_space(s, name_end);
        match s.as_bytes().get(close) {
            None => return Err(Stop::Incomplete),
            Some(b'>') => {}
            Some(_) => return Err(Stop::Failed(Code::INVALID_TOKEN, close)),
        }
        if self.core.tags.len() == level {
            return Err(Stop::Failed(Code::ASYNC_ENTITY, at));
        }
        let Some(&tag) = self.core.tags.last() else { return Err(Stop::Failed(Code::ASYNC_ENTITY, at)) };
        if *self.core.names.get(tag.name).text != s[at + 2..name_end] {
            return Err(Stop::Failed(Code::TAG_MISMATCH, at + 2));
        }
        self.core.tags.pop();
        if self.has(Handler::EndElement) {
            self.call(Handler::EndElement, &[self.name_string(tag.expanded)])?;
        } else {
            self.default(&s[at..=close])?;
        }
        self.end_element(tag)?;
        Ok(close + 1)
    }

    /// An element has ended: what it has bound is bound no more.
    fn end_element(&mut self, tag: Tag) -> Step {
        for _ in 0..tag.bindings {
            let prefix = self.core.namespaces.as_mut().and_then(|n| n.unbind());
            if self.has(Handler::EndNamespaceDecl) {
                let prefix = match prefix {
                    Some(prefix) => self.name(&prefix)?,
                    None => limpid_heap::Value::NONE,
                };
                self.call(Handler::EndNamespaceDecl, &[prefix])?;
            }
        }
        if self.core.tags.is_empty() && self.depth == 0 && !self.core.is_entity {
            self.core.state = State::Epilog;
        }
        Ok(())
    }
}

/// The end of the name at `at`, which with namespaces has one colon at most.
fn element_name(s: &str, at: usize, namespaces: bool) -> Step<usize> {
    let end = scan::name(s, at)?;
    if namespaces {
        scan::split(&s[at..end], at)?;
    }
    Ok(end)
}

/// The attribute at `at`.
fn attribute(s: &str, at: usize, namespaces: bool) -> Step<RawAttribute> {
    let b = s.as_bytes();
    let name_end = element_name(s, at, namespaces)?;
    let equals = scan::skip_space(s, name_end);
    match b.get(equals) {
        None => return Err(Stop::Incomplete),
        Some(b'=') => {}
        Some(_) => return Err(Stop::Failed(Code::INVALID_TOKEN, equals)),
    }
    let open = scan::skip_space(s, equals + 1);
    let quote = match b.get(open) {
        None => return Err(Stop::Incomplete),
        Some(&quote @ (b'"' | b'\'')) => quote,
        Some(_) => return Err(Stop::Failed(Code::INVALID_TOKEN, open)),
    };
    let mut plain = true;
    let mut p = open + 1;
    loop {
        let Some(&c) = b.get(p) else { return Err(Stop::Incomplete) };
        match class(c) {
            _ if c == quote => return Ok(RawAttribute { name: at..name_end, value: open + 1..p, plain }),
            Class::Markup if c == b'<' => return Err(Stop::Failed(Code::INVALID_TOKEN, p)),
            Class::Markup if c == b'&' => {
                plain = false;
                p = scan::reference_end(s, p)?;
            }
            Class::Forbidden => return Err(Stop::Failed(Code::INVALID_TOKEN, p)),
            Class::Wide if scan::is_noncharacter(&b[p..]) => return Err(Stop::Failed(Code::INVALID_TOKEN, p)),
            _ => {
                plain &= !is_space(c) || c == b' ';
                p += 1;
            }
        }
    }
}
