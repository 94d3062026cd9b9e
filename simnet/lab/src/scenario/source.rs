//! Where things stand in the text.

use std::{collections::BTreeMap, ops::Range};

use toml::{Spanned, de::DeTable, de::DeValue};

use super::problem::Place;

/// A text, and where the parts of the scenario stand in it.
pub(super) struct Source<'t> {
    text: &'t str,
    /// By path, such as `nat[0].inside`.
    spans: BTreeMap<String, Spans>,
}

/// Where a key and its value stand.
struct Spans {
    key: Range<usize>,
    /// Only if it is on one line with the key, and short.
    value: Option<Range<usize>>,
}

impl<'t> Source<'t> {
    pub(super) fn new(text: &'t str, root: &DeTable<'_>) -> Self {
        let mut source = Self { text, spans: BTreeMap::new() };
        source.note_table("", root);
        // A section that may be repeated may also be written once: `[wan]` is the first `[[wan]]`.
        for (key, value) in root {
            if let DeValue::Table(table) = value.get_ref() {
                source.note_table(&format!("{}[0]", key.get_ref()), table);
            }
        }
        source
    }

    /// A text of which nothing is known.
    pub(super) const fn opaque(text: &'t str) -> Self {
        Self { text, spans: BTreeMap::new() }
    }

    fn note_table(&mut self, path: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = key.get_ref();
            let below = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            let leaf = !matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
            let spans = Spans { key: key.span(), value: leaf.then(|| value.span()) };
            self.spans.insert(below.clone(), spans);
            self.note(&below, value);
        }
    }

    fn note(&mut self, path: &str, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => self.note_table(path, table),
            DeValue::Array(array) => {
                for (index, element) in array.iter().enumerate() {
                    let below = format!("{path}[{index}]");
                    self.spans.insert(below.clone(), Spans { key: element.span(), value: None });
                    self.note(&below, element);
                }
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {}
        }
    }

    /// Where something stands, or what holds it. Of several paths, divided by `|`, the first counts that
    /// is there. Of what is there the value is meant, or the key if `of_key`.
    pub(super) fn find(&self, path: &str, of_key: bool) -> Option<Place> {
        let exact = path.split('|').find_map(|path| self.spans.get(path));
        let mut path = path.split('|').next().unwrap_or_default();
        if let Some(spans) = exact {
            let value = spans.value.as_ref().filter(|_| !of_key);
            return Some(self.place(value.unwrap_or(&spans.key).clone()));
        }
        loop {
            let cut = path.rfind(['.', '['])?;
            path = path.get(..cut)?;
            if let Some(spans) = self.spans.get(path) {
                return Some(self.place(spans.key.clone()));
            }
        }
    }

    /// Line and column of bytes of the text.
    pub(super) fn place(&self, span: Range<usize>) -> Place {
        let mut start = span.start.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let before = self.text.get(..start).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let text = self.text.get(line_start..).unwrap_or("").lines().next().unwrap_or("");
        let column = before.get(line_start..).unwrap_or("").chars().count() + 1;
        let end = span.end.min(line_start + text.len()).max(start);
        let width = self.text.get(start..end).map_or(1, |meant| meant.trim_end().chars().count());
        Place {
            line: before.matches('\n').count() + 1,
            column,
            width: width.max(1),
            text: text.to_owned(),
        }
    }
}
