//! Where things stand in the text.

use std::{collections::BTreeMap, ops::Range};

use toml::{Spanned, de::DeTable, de::DeValue};

use super::problem::Place;

/// A text, and where the parts of the scenario stand in it.
pub(super) struct Source<'t> {
    text: &'t str,
    /// By path, such as `nat[0].inside`: the key and the value.
    spans: BTreeMap<String, Range<usize>>,
}

impl<'t> Source<'t> {
    pub(super) fn new(text: &'t str, root: &DeTable<'_>) -> Self {
        let mut source = Self { text, spans: BTreeMap::new() };
        source.note_table("", root);
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
            self.spans.insert(below.clone(), key.span());
            self.note(&below, value);
        }
    }

    fn note(&mut self, path: &str, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => self.note_table(path, table),
            DeValue::Array(array) => {
                for (index, element) in array.iter().enumerate() {
                    let below = format!("{path}[{index}]");
                    self.spans.insert(below.clone(), element.span());
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

    /// Where something stands, or what holds it.
    pub(super) fn find(&self, path: &str) -> Option<Place> {
        let mut path = path;
        loop {
            if let Some(span) = self.spans.get(path) {
                return Some(self.place(span.clone()));
            }
            let cut = path.rfind(['.', '['])?;
            path = path.get(..cut)?;
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
