//! Reading one line.

use std::time::Duration;

use super::{Action, Item, Line, ScriptError, Value};

/// A line, and how far it has been read.
pub(super) struct Reader<'a> {
    rest: &'a str,
    whole: usize,
    number: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(text: &'a str, number: usize) -> Self {
        Self { rest: text, whole: text.len(), number }
    }

    pub(super) fn line(mut self) -> Result<Line, ScriptError> {
        let (after, within) = self.time()?;
        let action = if self.takes("<") {
            Action::Send(self.packet()?)
        } else if self.takes(">") {
            Action::Expect(self.packet()?)
        } else {
            self.command()?
        };
        self.skip();
        if !self.rest.is_empty() {
            return Err(self.wants("the end of the line"));
        }
        Ok(Line { number: self.number, after, within, action })
    }

    fn wants(&self, wanted: &str) -> ScriptError {
        let column = self.whole - self.rest.len() + 1;
        ScriptError { line: self.number, column, wanted: wanted.to_owned() }
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn takes(&mut self, mark: &str) -> bool {
        self.skip();
        match self.rest.strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn needs(&mut self, mark: &str) -> Result<(), ScriptError> {
        if self.takes(mark) { Ok(()) } else { Err(self.wants(&format!("`{mark}`"))) }
    }

    /// The characters from here on that `fits`.
    fn span(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        self.skip();
        let end = self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len());
        let (head, tail) = self.rest.split_at(end);
        self.rest = tail;
        head
    }

    fn time(&mut self) -> Result<(Duration, Duration), ScriptError> {
        self.needs("+")?;
        let after = self.seconds()?;
        if !self.rest.starts_with('~') {
            return Ok((after, Duration::ZERO));
        }
        self.needs("~")?;
        let until = self.seconds()?;
        match until.checked_sub(after) {
            Some(within) => Ok((after, within)),
            None => Err(self.wants("a later end of the time")),
        }
    }

    fn seconds(&mut self) -> Result<Duration, ScriptError> {
        let place = self.wants("seconds, such as 0.25");
        let text = self.span(|c| c.is_ascii_digit() || c == '.');
        seconds(text).ok_or(place)
    }

    fn word(&mut self) -> Result<String, ScriptError> {
        let place = self.wants("a name");
        let word = self.span(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if word.is_empty() { Err(place) } else { Ok(word.to_owned()) }
    }

    fn packet(&mut self) -> Result<Vec<Item>, ScriptError> {
        self.needs("sctp:")?;
        let mut items = vec![self.item()?];
        while self.takes(";") {
            items.push(self.item()?);
        }
        Ok(items)
    }

    fn item(&mut self) -> Result<Item, ScriptError> {
        let mut item =
            Item { name: self.word()?, fields: Vec::new(), items: Vec::new(), is_open: false };
        self.needs("[")?;
        while !self.takes("]") {
            if self.takes("...") {
                item.is_open = true;
            } else {
                self.part(&mut item)?;
            }
            if !self.takes(",") {
                self.needs("]")?;
                break;
            }
        }
        Ok(item)
    }

    /// A field, or an item within.
    fn part(&mut self, item: &mut Item) -> Result<(), ScriptError> {
        let begin = self.rest;
        let name = self.word()?;
        if self.takes("=") {
            let value = self.value()?;
            item.fields.push((name, value));
        } else {
            self.rest = begin;
            item.items.push(self.item()?);
        }
        Ok(())
    }

    fn value(&mut self) -> Result<Value, ScriptError> {
        if self.takes("...") {
            return Ok(Value::Any);
        }
        if self.takes("[") {
            let mut list = Vec::new();
            while !self.takes("]") {
                list.push(self.value()?);
                if !self.takes(",") {
                    self.needs("]")?;
                    break;
                }
            }
            return Ok(Value::List(list));
        }
        let place = self.wants("a value");
        let text = self.span(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if text.is_empty() {
            return Err(place);
        }
        if text.contains('.') {
            return seconds(text).map(Value::Seconds).ok_or(place);
        }
        let Some(first) = number(text) else { return Ok(Value::Word(text.to_owned())) };
        if !self.takes(":") {
            return Ok(Value::Number(first));
        }
        let place = self.wants("a number");
        let second = number(self.span(|c| c.is_ascii_alphanumeric())).ok_or(place)?;
        Ok(Value::Pair(first, second))
    }

    fn command(&mut self) -> Result<Action, ScriptError> {
        let name = self.word()?;
        self.needs("(")?;
        let mut arguments = Vec::new();
        while !self.takes(")") {
            let begin = self.rest;
            let key = self.word().ok().filter(|_| self.takes("="));
            if key.is_none() {
                self.rest = begin;
            }
            arguments.push((key, self.value()?));
            if !self.takes(",") {
                self.needs(")")?;
                break;
            }
        }
        Ok(Action::Command(name, arguments))
    }
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// At most nine places behind the point count.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let whole: u64 = whole.parse().ok()?;
    let nanos: String = part.chars().chain("000000000".chars()).take(9).collect();
    Some(Duration::new(whole, nanos.parse().ok()?))
}
