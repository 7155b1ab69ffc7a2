//! Namespaces: which prefixes are bound to what.

use super::codes::Code;
use std::sync::Arc;

const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// A prefix (none for the default) and what it stands for (none for nothing).
struct Binding {
    prefix: Option<Arc<str>>,
    uri: Option<Arc<str>>,
}

/// The bindings in force, the innermost last.
pub(super) struct Namespaces {
    /// What stands between the parts of a name, if anything.
    pub separator: Option<char>,
    bindings: Vec<Binding>,
    /// Changes with each binding.
    pub version: u64,
}

impl Namespaces {
    /// Only `xml` is bound.
    pub fn new(separator: Option<char>) -> Namespaces {
        let bindings = vec![Binding { prefix: Some("xml".into()), uri: Some(XML.into()) }];
        Namespaces { separator, bindings, version: 1 }
    }

    /// Binds a prefix.
    pub fn bind(&mut self, prefix: Option<&str>, uri: &str) -> Result<(), Code> {
        match prefix {
            Some("xmlns") => return Err(Code::RESERVED_PREFIX_XMLNS),
            Some("xml") if uri != XML => return Err(Code::RESERVED_PREFIX_XML),
            Some("xml") => {}
            Some(_) if uri.is_empty() => return Err(Code::UNDECLARING_PREFIX),
            _ if uri == XML || uri == XMLNS => return Err(Code::RESERVED_NAMESPACE_URI),
            _ => {}
        }
        // A name could not be told from another if the separator were part of it; white space in one is nobody's intention.
        if self.separator.is_some_and(|c| !is_of_uri(c) && uri.contains(c)) {
            return Err(Code::SYNTAX);
        }
        self.restore(prefix, uri);
        Ok(())
    }

    /// Binds a prefix as it was bound in another parser.
    pub fn restore(&mut self, prefix: Option<&str>, uri: &str) {
        self.version += 1;
        let uri = if uri.is_empty() { None } else { Some(uri.into()) };
        self.bindings.push(Binding { prefix: prefix.map(Arc::from), uri });
    }

    /// Ends the innermost binding; its prefix.
    pub fn unbind(&mut self) -> Option<Arc<str>> {
        self.version += 1;
        self.bindings.pop().and_then(|b| b.prefix)
    }

    /// What a prefix stands for.
    pub fn find(&self, prefix: Option<&str>) -> Option<&str> {
        self.bindings.iter().rev().find(|b| b.prefix.as_deref() == prefix).and_then(|b| b.uri.as_deref())
    }

    /// The bindings in force as Expat writes them for the parser of an external entity, each with a form feed behind it.
    pub fn context(&self, out: &mut String) {
        for (i, binding) in self.bindings.iter().enumerate().skip(1) {
            let hidden = self.bindings[i + 1..].iter().any(|b| b.prefix == binding.prefix);
            if let (Some(uri), false) = (&binding.uri, hidden) {
                for part in [binding.prefix.as_deref().unwrap_or(""), "=", uri, "\u{c}"] {
                    out.push_str(part);
                }
            }
        }
    }
}

/// May the character be part of a URI?
fn is_of_uri(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c)
}
