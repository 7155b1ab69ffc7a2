//! Attributes of a tag: values, defaults, namespaces.

use super::codes::Code;
use super::core::RawAttribute;
use super::dtd::Attribute;
use super::object::Handler;
use super::run::Run;
use super::scan::{self, Step, Stop};
use limpid_heap::Value;
use limpid_vm::types::{Dict, List};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// The prefix that a name is declared for: `xmlns` the default's, none, and `xmlns:p` that of p.
fn declares(name: &str) -> Option<Option<&str>> {
    match name.strip_prefix("xmlns")? {
        "" => Some(None),
        rest => rest.strip_prefix(':').map(Some),
    }
}

/// Where attributes go: nowhere, in a list of names and values, or in a dict.
enum Target {
    Nowhere,
    List(limpid_vm::object::Ref<List>),
    Dict(limpid_vm::object::Ref<Dict>),
}

impl Target {
    fn add(&self, run: &Run<'_>, name: u32, text: &str) -> Step {
        match self {
            Target::Nowhere => {}
            Target::List(list) => {
                let value = run.string(Some(text))?;
                list.append(run.t, run.name_string(name))?;
                list.append(run.t, value)?;
            }
            Target::Dict(dict) => {
                let value = run.string(Some(text))?;
                dict.set_item(run.t, run.name_string(name), value)?;
            }
        }
        Ok(())
    }
}

impl Run<'_> {
    /// What the handler of a tag is given: the number of the element's name, the attributes, and how many namespaces the tag binds.
    pub fn attributes(&mut self, s: &str, at: usize, element: u32, raw: &[RawAttribute]) -> Step<(u32, Value, u32)> {
        let declared = {
            let dtd = self.core.shared.dtd.lock();
            if dtd.attributes.is_empty() { None } else { dtd.attributes.get(&*self.core.names.get(element).text).cloned() }
        };
        let declared = declared.as_deref().map_or(&[][..], |d| &d[..]);
        let namespaces = self.core.namespaces.is_some();
        let mut bindings = 0;
        if namespaces {
            for a in raw {
                if let Some(prefix) = declares(&s[a.name.clone()]) {
                    self.bind(s, at, a, prefix, declared, &mut bindings)?;
                }
            }
            for default in declared {
                let given = || raw.iter().any(|a| s[a.name.clone()] == *default.name);
                if let (Some(prefix), Some(value)) = (declares(&default.name), &default.default)
                    && !given()
                {
                    self.bind_to(prefix, value, at, &mut bindings)?;
                }
            }
        }
        let expanded = if namespaces { self.expanded_element(element, at)? } else { element };
        let target = if !self.has(Handler::StartElement) {
            Target::Nowhere
        } else if self.parser.ordered_attributes.load(Relaxed) {
            Target::List(List::with_capacity(self.t, 2 * raw.len())?)
        } else {
            Target::Dict(Dict::new(self.t))
        };
        self.core.names.begin_tag();
        // First as they are written, for the same name may not come twice, then as they are meant.
        for a in raw {
            let name = &s[a.name.clone()];
            let number = self.name_number(name)?;
            if !self.core.names.mark(number) {
                return Err(Stop::Failed(Code::DUPLICATE_ATTRIBUTE, a.name.start));
            }
            let meant = if namespaces {
                if declares(name).is_some() {
                    continue;
                }
                let meant = self.expanded_attribute(name, number, a.name.start, at)?;
                if meant != number && !self.core.names.mark(meant) {
                    return Err(Stop::Failed(Code::DUPLICATE_ATTRIBUTE, at));
                }
                meant
            } else {
                number
            };
            let any_text = declared.is_empty() || declared.iter().find(|d| *d.name == *name).is_none_or(|d| d.any_text);
            if a.plain && any_text {
                target.add(self, meant, &s[a.value.clone()])?;
            } else {
                let text = self.value_text(&s[a.value.clone()], any_text, a.value.start, at)?;
                target.add(self, meant, &text)?;
                self.core.scratch = text;
            }
        }
        if !self.parser.specified_attributes.load(Relaxed) {
            for default in declared {
                let Some(value) = &default.default else { continue };
                if namespaces && declares(&default.name).is_some() {
                    continue;
                }
                let number = self.name_number(&default.name)?;
                if !self.core.names.mark(number) {
                    continue;
                }
                let meant = if namespaces { self.expanded_attribute(&default.name, number, at, at)? } else { number };
                if meant != number && !self.core.names.mark(meant) {
                    continue;
                }
                target.add(self, meant, value)?;
            }
        }
        let values = match target {
            Target::Nowhere => Value::NONE,
            Target::List(list) => list.value(),
            Target::Dict(dict) => dict.value(),
        };
        Ok((expanded, values, bindings))
    }

    fn bind(&mut self, s: &str, tag: usize, a: &RawAttribute, prefix: Option<&str>, declared: &[Attribute], bindings: &mut u32) -> Step {
        let any_text = declared.iter().find(|d| *d.name == s[a.name.clone()]).is_none_or(|d| d.any_text);
        let uri = self.value_text(&s[a.value.clone()], any_text, a.value.start, tag)?;
        self.bind_to(prefix, &uri, tag, bindings)
    }

    fn bind_to(&mut self, prefix: Option<&str>, uri: &str, at: usize, bindings: &mut u32) -> Step {
        let Some(namespaces) = self.core.namespaces.as_mut() else { return Ok(()) };
        namespaces.bind(prefix, uri).map_err(|code| Stop::Failed(code, at))?;
        *bindings += 1;
        if self.has(Handler::StartNamespaceDecl) {
            let prefix = match prefix {
                Some(prefix) => self.name(prefix)?,
                None => Value::NONE,
            };
            let uri = if uri.is_empty() { Value::NONE } else { self.name(uri)? };
            self.call(Handler::StartNamespaceDecl, &[prefix, uri])?;
        }
        Ok(())
    }

    /// The number of what an element's name stands for.
    fn expanded_element(&mut self, number: u32, at: usize) -> Step<u32> {
        let version = self.core.namespaces.as_ref().map_or(0, |n| n.version);
        let name = self.core.names.get(number);
        if name.expanded.0 == version {
            return Ok(name.expanded.1);
        }
        let text: Arc<str> = name.text.clone();
        let (prefix, local) = scan::split(&text, at + 1)?;
        let expanded = self.expanded(number, prefix, local, at)?;
        self.core.names.get_mut(number).expanded = (version, expanded);
        Ok(expanded)
    }

    /// The number of what an attribute's name stands for: without a prefix, itself.
    fn expanded_attribute(&mut self, name: &str, number: u32, at: usize, tag: usize) -> Step<u32> {
        match scan::split(name, at)? {
            (None, _) => Ok(number),
            (prefix, local) => self.expanded(number, prefix, local, tag),
        }
    }

    fn expanded(&mut self, number: u32, prefix: Option<&str>, local: &str, at: usize) -> Step<u32> {
        let Some(namespaces) = &self.core.namespaces else { return Ok(number) };
        let Some(uri) = namespaces.find(prefix) else {
            return if prefix.is_some() { Err(Stop::Failed(Code::UNBOUND_PREFIX, at)) } else { Ok(number) };
        };
        let mut text = std::mem::take(&mut self.core.scratch);
        text.clear();
        text.push_str(uri);
        text.extend(namespaces.separator);
        text.push_str(local);
        if let (Some(prefix), Some(separator), true) = (prefix, namespaces.separator, self.parser.namespace_prefixes.load(Relaxed)) {
            text.push(separator);
            text.push_str(prefix);
        }
        let expanded = self.name_number(&text)?;
        self.core.scratch = text;
        Ok(expanded)
    }

    // ---- values ----

    /// The text that a written value stands for. The value is at `at`, in the tag (or declaration) at `outer`. The caller gives the string
    /// back as `core.scratch`, if it likes.
    pub fn value_text(&mut self, written: &str, any_text: bool, at: usize, outer: usize) -> Step<String> {
        let mut text = std::mem::take(&mut self.core.scratch);
        text.clear();
        self.add_value(written, &mut text, Some(at), outer)?;
        if !any_text {
            let collapsed: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
            text = collapsed.join(" ");
        }
        Ok(text)
    }

    /// Appends a value. `at` is None for the text of an entity.
    fn add_value(&mut self, written: &str, out: &mut String, at: Option<usize>, outer: usize) -> Step {
        let b = written.as_bytes();
        let mut p = 0;
        while p < b.len() {
            let special = b[p..].iter().position(|c| matches!(c, b'&' | b'\t' | b'\n' | b'\r' | b'<')).map_or(b.len(), |i| p + i);
            out.push_str(&written[p..special]);
            p = special;
            let place = at.map_or(outer, |at| at + p);
            match b.get(p) {
                None => {}
                Some(b'<') => return Err(Stop::Failed(Code::INVALID_TOKEN, place)),
                Some(b'&') => {
                    let end = scan::reference_end(written, p).map_err(|_| Stop::Failed(Code::INVALID_TOKEN, place))?;
                    self.add_reference(&written[p + 1..end - 1], out, place, outer)?;
                    p = end;
                }
                Some(c) => {
                    out.push(' ');
                    p += if *c == b'\r' && b.get(p + 1) == Some(&b'\n') { 2 } else { 1 };
                }
            }
        }
        Ok(())
    }

    fn add_reference(&mut self, name: &str, out: &mut String, at: usize, outer: usize) -> Step {
        if let Some(digits) = name.strip_prefix('#') {
            out.push(scan::character_reference(digits).ok_or(Stop::Failed(Code::BAD_CHAR_REF, at))?);
            return Ok(());
        }
        if let Some(c) = scan::predefined(name) {
            out.push(c);
            return Ok(());
        }
        let (found, must_exist) = {
            let dtd = self.core.shared.dtd.lock();
            (dtd.general.get(name).cloned(), !dtd.has_parameter_references || dtd.standalone)
        };
        let fail = |code| Err(Stop::Failed(code, at));
        let Some(entity) = found else { return if must_exist { Err(Stop::Failed(Code::UNDEFINED_ENTITY, outer)) } else { Ok(()) } };
        if must_exist && !entity.internal {
            return fail(Code::ENTITY_DECLARED_IN_PE);
        }
        if self.core.open.iter().any(|open| open == name) {
            return fail(Code::RECURSIVE_ENTITY_REF);
        }
        if entity.notation.is_some() {
            return fail(Code::BINARY_ENTITY_REF);
        }
        let Some(text) = &entity.text else { return fail(Code::ATTRIBUTE_EXTERNAL_ENTITY_REF) };
        self.check_stack()?;
        self.spend(text.len(), outer)?;
        self.core.open.push(name.to_string());
        let result = self.add_value(text, out, None, outer);
        self.core.open.pop();
        result
    }
}
