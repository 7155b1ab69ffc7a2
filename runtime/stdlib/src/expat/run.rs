//! One call of `Parse`: the input becomes text, the parts of the document are parsed, and handlers are called.

use super::codes::Code;
use super::core::{Core, State};
use super::encoding::{self, Detected, Encoding};
use super::object::{Handler, Parser};
use super::reader::Reader;
use super::scan::{Step, Stop};
use super::{ERROR, codes};
use limpid_heap::Value;
use limpid_vm::object::{R, Raised, Ref, ValueExt};
use limpid_vm::protocol::{attr, call};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytes, Dict, List, Str, int, str};
use std::sync::atomic::Ordering::Relaxed;

/// Text that is converted before it is parsed reaches the program in pieces no longer than this.
const CONVERTED: usize = 1 << 10;

/// See the module's page.
pub(super) struct Run<'a> {
    pub t: &'a Thread,
    pub parser: Ref<Parser>,
    pub core: Box<Core>,
    /// How much of the input was parsed.
    pub at: usize,
    /// The declaration at [`Run::at`] ends with the input: where its last token begins, unless that is whole.
    pub partial: Option<Option<usize>>,
    /// How many entities are being replaced by their text, in which places mean nothing.
    pub depth: usize,
}

/// Raises ExpatError for the current place.
pub(super) fn raise_error(t: &Thread, parser: Ref<Parser>, code: Code) -> Raised {
    let (line, column, _) = parser.position();
    parser.error.store(code as i32, Relaxed);
    let text = format!("{}: line {line}, column {column}", codes::text(code as i64).unwrap_or_default());
    let make = || {
        let error = call::call(t, ERROR.get().value(), &[Str::new(t, &text).value()])?;
        for (name, value) in [("code", code as i64), ("offset", column as i64), ("lineno", line as i64)] {
            attr::set_attr(t, error, str::intern(t, name), int::from_i64(t, value))?;
        }
        Ok(error)
    };
    match make() {
        Ok(error) => t.raise_value(error),
        Err(raised) => raised,
    }
}

/// Hands out the text that was held back.
pub(super) fn flush(t: &Thread, parser: Ref<Parser>) -> R<()> {
    let text = {
        let mut held = parser.held.lock();
        if held.text.is_empty() {
            return Ok(());
        }
        let text = Str::try_new(t, &held.text);
        held.text.clear();
        text?
    };
    if let Some(handler) = parser.handlers[Handler::CharacterData as usize].opt() {
        call::call(t, handler, &[text.value()])?;
    }
    Ok(())
}

impl Run<'_> {
    /// Parses `data`, and with `last` to the end of the document. `utf8` says what the encoding is, whatever the document says.
    pub fn parse(t: &Thread, parser: Ref<Parser>, data: Ref<Bytes>, last: bool, utf8: bool) -> R<()> {
        let Some(core) = parser.core.lock().take() else { raise!(t, RuntimeError, "the parser is parsing already") };
        let mut run = Run { t, parser, core, at: 0, partial: None, depth: 0 };
        let result = run.feed(data, last, utf8);
        let outcome = match result {
            Ok(()) => flush(t, parser),
            Err(Stop::Incomplete) => Ok(()),
            Err(Stop::Raised(raised)) => {
                run.core.state = State::Failed(Code::ABORTED);
                Err(raised)
            }
            Err(Stop::Failed(code, _)) => {
                run.core.state = State::Failed(code);
                Err(raise_error(t, parser, code))
            }
        };
        *parser.core.lock() = Some(run.core);
        outcome
    }

    fn feed(&mut self, data: Ref<Bytes>, last: bool, utf8: bool) -> Step {
        match self.core.state {
            State::Finished => return Err(Stop::Failed(Code::FINISHED, 0)),
            State::Failed(code) => return Err(Stop::Failed(code, 0)),
            _ => self.core.started = true,
        }
        self.core.shared.budget.add_direct(data.len());
        if utf8 && self.core.encoding.is_none() {
            self.core.encoding_name = Some("utf-8".to_string());
        }
        let mut raw = data;
        let mut skipped = 0;
        if self.core.encoding.is_none() {
            if !self.core.tail.is_empty() {
                raw = Bytes::concat(self.t, &std::mem::take(&mut self.core.tail), data.as_slice())?;
            }
            match self.detect(raw.as_slice(), last)? {
                // The mark is a character like any other until the text is parsed.
                Some(mark) => skipped = if mark { '\u{FEFF}'.len_utf8() } else { 0 },
                None => {
                    self.core.tail = raw.as_slice().to_vec();
                    return Ok(());
                }
            }
        }
        // The text, how much of it is whole, and whether something that is no text follows.
        let mut whole = usize::MAX;
        let mut wrong = false;
        let converts = self.core.encoding.as_ref().filter(|e| e.converts());
        let input = match converts {
            None if self.core.pending.is_empty() => raw,
            None => Bytes::concat(self.t, &std::mem::take(&mut self.core.pending), raw.as_slice())?,
            Some(encoding) => {
                let mut tail = std::mem::take(&mut self.core.tail);
                tail.extend_from_slice(raw.as_slice());
                let mut text = String::new();
                let (used, bad) = encoding.decode(&tail, &mut text);
                self.core.tail = tail.split_off(used);
                wrong = bad;
                Bytes::concat(self.t, &std::mem::take(&mut self.core.pending), text.as_bytes())?
            }
        };
        Parser::begin_input(self.parser, self.t, input.value(), skipped);
        self.at = skipped;
        let bytes = input.as_slice();
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(e) => {
                wrong = e.error_len().is_some();
                whole = e.valid_up_to();
                // SAFETY: so much of it is valid.
                unsafe { std::str::from_utf8_unchecked(&bytes[..whole]) }
            }
        };
        let partial = whole != usize::MAX || !self.core.tail.is_empty();
        let end_known = last && !wrong && !partial;
        let have = text.len() - self.at;
        let deferred = self.parser.deferral.load(Relaxed) && !last && !wrong && have < 2 * self.core.tried;
        if !deferred {
            let from = self.at;
            let result = self.process(text, end_known);
            match result {
                Ok(()) | Err(Stop::Incomplete) => {}
                Err(Stop::Failed(code, at)) => {
                    self.parser.event.store(at, Relaxed);
                    return Err(Stop::Failed(code, at));
                }
                Err(raised) => return Err(raised),
            }
            self.core.tried = if self.at == from { have } else { 0 };
            self.parser.event.store(self.at, Relaxed);
            if wrong {
                self.parser.event.store(text.len(), Relaxed);
                return Err(Stop::Failed(Code::INVALID_TOKEN, text.len()));
            }
            if last {
                self.finish(text, partial)?;
            }
        }
        self.core.pending = bytes[self.at..].to_vec();
        // The places go on from here.
        Parser::begin_input(self.parser, self.t, Value::NULL, 0);
        Ok(())
    }

    /// Finds out the encoding, and whether there is a byte order mark. None when more input is needed for that.
    fn detect(&mut self, raw: &[u8], last: bool) -> Step<Option<bool>> {
        let detected = encoding::detect(raw, last);
        let name = match (self.core.encoding_name.clone(), detected) {
            (_, Detected::More) => return Ok(None),
            (None, Detected::Known(encoding, mark)) => {
                self.core.encoding = Some(encoding);
                return Ok(Some(mark));
            }
            (Some(name), Detected::Known(found, mark)) => {
                // Units of 16 bits are never anything else, and a mark of UTF-8 is no text.
                if found.converts() || (mark && name.eq_ignore_ascii_case("utf-8")) {
                    self.core.encoding = Some(found);
                    return Ok(Some(mark));
                }
                name
            }
            (Some(name), Detected::Named(_)) | (None, Detected::Named(name)) => name,
        };
        let encoding = match Encoding::named(&name) {
            Some(Ok(encoding)) => encoding,
            Some(Err(code)) => {
                // The place of the name in the declaration.
                Parser::begin_input(self.parser, self.t, Bytes::from_slice(self.t, raw)?.value(), 0);
                let at = memchr::memmem::find(raw, name.as_bytes()).unwrap_or(0);
                self.parser.event.store(at, Relaxed);
                return Err(Stop::Failed(code, at));
            }
            None => self.python_encoding(&name)?,
        };
        self.core.encoding = Some(encoding);
        Ok(Some(false))
    }

    /// An encoding of Python's with one byte a character.
    fn python_encoding(&mut self, name: &str) -> R<Encoding> {
        let all: Vec<u8> = (0..=255).collect();
        let bytes = Bytes::from_slice(self.t, &all)?.value();
        let (name, errors) = (Str::new(self.t, name).value(), Str::new(self.t, "replace").value());
        let text = call::call_method_text(self.t, bytes, "decode", &[name, errors])?;
        let Some(text) = text.downcast::<Str>().filter(|s| s.len() == all.len()) else {
            raise!(self.t, ValueError, "multi-byte encodings are not supported")
        };
        let mut table = Box::new([None; 256]);
        for (to, c) in table.iter_mut().zip(text.code_points()) {
            *to = char::from_u32(c).filter(|c| *c != char::REPLACEMENT_CHARACTER);
        }
        Ok(Encoding::Table(table))
    }

    /// Parses as much of the text as there is. `last` says that it ends with the document.
    fn process(&mut self, s: &str, last: bool) -> Step {
        loop {
            match self.core.state {
                State::Prolog => self.prolog(s)?,
                State::Subset => self.subset(s)?,
                State::SubsetEnd => self.subset_end(s)?,
                State::ExternalSubset => self.external_subset(s, last)?,
                State::Content => {
                    if self.core.at_start {
                        self.declaration(s)?;
                    }
                    let mut at = self.at;
                    let result = self.content(s, &mut at, last, 0);
                    self.at = at;
                    result?;
                }
                State::Epilog => self.epilog(s)?,
                State::Finished | State::Failed(_) => return Ok(()),
            }
        }
    }

    /// The document has ended: is it whole?
    fn finish(&mut self, s: &str, partial: bool) -> Step {
        let fail = |code| Err(Stop::Failed(code, 0));
        if let (Some(partial), State::Prolog | State::Subset) = (self.partial, self.core.state) {
            self.parser.event.store(partial.unwrap_or(s.len()), Relaxed);
            return fail(if partial.is_some() { Code::UNCLOSED_TOKEN } else { Code::NO_ELEMENTS });
        }
        if self.at < s.len() {
            return fail(if self.core.cdata { Code::UNCLOSED_CDATA_SECTION } else { Code::UNCLOSED_TOKEN });
        }
        if self.core.cdata {
            return fail(Code::UNCLOSED_CDATA_SECTION);
        }
        if partial {
            let wide = matches!(self.core.encoding, Some(Encoding::Utf16 { .. }));
            return fail(if wide { Code::UNCLOSED_TOKEN } else { Code::PARTIAL_CHAR });
        }
        match self.core.state {
            State::Epilog => {}
            State::Content if self.core.is_entity && self.core.tags.is_empty() => {}
            State::Content if self.core.is_entity => return fail(Code::ASYNC_ENTITY),
            State::ExternalSubset if self.core.included == 0 => {}
            State::ExternalSubset => return fail(Code::INCOMPLETE_PE),
            State::Subset | State::SubsetEnd if self.core.is_entity => return fail(Code::SYNTAX),
            _ => return fail(Code::NO_ELEMENTS),
        }
        self.core.state = State::Finished;
        Ok(())
    }

    /// Notes how a declaration ends that the input ends in.
    pub fn note_partial(&mut self, r: &Reader<'_>) {
        if self.depth == 0 {
            self.partial = Some(if r.at_end() { None } else { Some(r.at) });
        }
    }

    // ---- handlers ----

    /// Notes the place of an event.
    #[inline]
    pub fn event(&self, at: usize) {
        if self.depth == 0 {
            self.parser.event.store(at, Relaxed);
        }
    }

    /// Is an event handled?
    #[inline]
    pub fn has(&self, handler: Handler) -> bool {
        self.parser.handlers[handler as usize].opt().is_some()
    }

    /// Calls a handler, if there is one, after the text that precedes the event.
    #[inline]
    pub fn call(&self, handler: Handler, args: &[Value]) -> R {
        flush(self.t, self.parser)?;
        match self.parser.handlers[handler as usize].opt() {
            Some(f) => call::call(self.t, f, args),
            None => Ok(Value::NONE),
        }
    }

    /// Calls a handler that is asked for a number: did it give another than 0?
    pub fn ask(&self, handler: Handler, args: &[Value]) -> R<bool> {
        let answer = self.call(handler, args)?;
        if !int::is_int(answer) {
            let index = limpid_vm::protocol::number::index(self.t, answer)?;
            return Ok(!int::is_zero(index));
        }
        Ok(!int::is_zero(answer))
    }

    /// Asks whether a document may depend on declarations elsewhere.
    pub fn check_standalone(&self, at: usize) -> Step {
        if self.has(Handler::NotStandalone) && !self.ask(Handler::NotStandalone, &[])? {
            return Err(Stop::Failed(Code::NOT_STANDALONE, at));
        }
        Ok(())
    }

    /// The string of a name, always the same one.
    pub fn name_number(&mut self, text: &str) -> R<u32> {
        if let Some(number) = self.core.names.find(text) {
            return Ok(number);
        }
        let t = self.t;
        let mut string = Str::try_new(t, text)?.value();
        if let Some(intern) = self.parser.intern.get().downcast::<Dict>() {
            string = intern.set_default(t, string, string)?;
        }
        // SAFETY: the slot holds a list from the beginning.
        let list = unsafe { Ref::<List>::from_value(self.parser.names.get()) };
        debug_assert_eq!(list.len(), self.core.names.len());
        list.append(t, string)?;
        Ok(self.core.names.add(text))
    }

    /// The string of a name that has a number.
    #[inline]
    pub fn name_string(&self, number: u32) -> Value {
        // SAFETY: as in `name_number`.
        let list = unsafe { Ref::<List>::from_value(self.parser.names.get()) };
        list.get(number as usize).unwrap_or(Value::NONE)
    }

    /// The string of a name.
    pub fn name(&mut self, text: &str) -> R {
        let number = self.name_number(text)?;
        Ok(self.name_string(number))
    }

    /// A string, None for none.
    pub fn string(&self, text: Option<&str>) -> R {
        Ok(match text {
            Some(text) => Str::try_new(self.t, text)?.value(),
            None => Value::NONE,
        })
    }

    /// As [`Run::string`], for text in which line ends are as they were written.
    pub fn normalized(&self, text: &str) -> R {
        self.string(Some(&super::scan::normalized(text)))
    }

    /// Reports something that has no handler of its own, as it is written.
    #[inline]
    pub fn default(&self, text: &str) -> R<()> {
        let handler = if self.has(Handler::Default) { Handler::Default } else { Handler::DefaultHandlerExpand };
        if self.has(handler) && !text.is_empty() {
            for piece in self.pieces(text) {
                let text = self.string(Some(piece))?;
                self.call(handler, &[text])?;
            }
        }
        Ok(())
    }

    /// Text in the pieces it is reported in.
    fn pieces<'s>(&self, text: &'s str) -> impl Iterator<Item = &'s str> + use<'s> {
        let longest = if self.core.encoding.as_ref().is_some_and(Encoding::converts) { CONVERTED } else { usize::MAX };
        let mut rest = text;
        std::iter::from_fn(move || {
            let mut end = rest.len().min(longest);
            while !rest.is_char_boundary(end) {
                end -= 1;
            }
            let (piece, left) = rest.split_at(end);
            rest = left;
            (!piece.is_empty()).then_some(piece)
        })
    }

    /// Reports text. `written` is what is in the document.
    pub fn text(&self, text: &str, written: &str) -> R<()> {
        if !self.has(Handler::CharacterData) {
            return self.default(written);
        }
        self.pieces(text).try_for_each(|piece| self.piece(piece))
    }

    fn piece(&self, text: &str) -> R<()> {
        let mut held = self.parser.held.lock();
        if held.on {
            if held.text.len() + text.len() > held.size {
                drop(held);
                flush(self.t, self.parser)?;
                if !self.has(Handler::CharacterData) {
                    return Ok(());
                }
                held = self.parser.held.lock();
            }
            if text.len() <= held.size {
                held.text.push_str(text);
                return Ok(());
            }
        }
        drop(held);
        let text = Str::try_new(self.t, text)?.value();
        self.call(Handler::CharacterData, &[text]).map(|_| ())
    }

    /// The budget is checked for an entity's text.
    pub fn spend(&self, n: usize, at: usize) -> Step {
        if self.core.shared.budget.add_indirect(n) { Ok(()) } else { Err(Stop::Failed(Code::AMPLIFICATION_LIMIT_BREACH, at)) }
    }

    /// Raises RecursionError where entities within entities use up the native stack.
    pub fn check_stack(&self) -> R<()> {
        self.t.check_stack(" while parsing XML")
    }
}
