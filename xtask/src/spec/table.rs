//! The table of counts: per document, what the text says, what the registry has, what can be tested.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table, presets};

use super::{registry::File, texts::Texts};

/// Counts of one document.
#[derive(Default)]
struct Row {
    /// Statements in the text, and those of them with an entry; unknown without the text.
    statements: Option<(usize, usize)>,
    entries: usize,
    testable: usize,
    reasons: BTreeMap<String, usize>,
}

impl Row {
    fn of(file: &File, texts: Option<&Texts>) -> Self {
        let text = texts.and_then(|texts| texts.get(&file.spec.doc));
        let mut reasons = BTreeMap::new();
        for why in file.entries.iter().filter_map(|entry| entry.why.clone()) {
            *reasons.entry(why).or_default() += 1;
        }
        Self {
            statements: text.map(|text| super::texts::classified(file, text)),
            entries: file.entries.len(),
            testable: file.entries.iter().filter(|entry| entry.test != "none").count(),
            reasons,
        }
    }

    fn add(&mut self, other: &Self) {
        if let Some((statements, classified)) = other.statements {
            let sum = self.statements.get_or_insert_default();
            *sum = (sum.0 + statements, sum.1 + classified);
        }
        self.entries += other.entries;
        self.testable += other.testable;
        for (why, count) in &other.reasons {
            *self.reasons.entry(why.clone()).or_default() += count;
        }
    }
}

/// One row per document and one for all, with a column for each reason that occurs.
pub(super) fn render(files: &[File], texts: Option<&Texts>) -> String {
    let rows: Vec<(&str, Row)> =
        files.iter().map(|file| (file.spec.doc.as_str(), Row::of(file, texts))).collect();
    let mut all = Row::default();
    rows.iter().for_each(|(_, row)| all.add(row));
    let mut headings = vec!["document"];
    if texts.is_some() {
        headings.extend(["statements", "classified"]);
    }
    headings.extend(["entries", "testable"]);
    let reasons: Vec<String> = all.reasons.keys().cloned().collect();
    headings.extend(reasons.iter().map(String::as_str));

    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(headings);
    let totals = [("all", all)];
    for (document, row) in rows.iter().chain(&totals) {
        let mut cells = vec![(*document).to_owned()];
        if texts.is_some() {
            cells.extend(match row.statements {
                Some((statements, classified)) => [statements.to_string(), classified.to_string()],
                None => ["no text".to_owned(), "–".to_owned()],
            });
        }
        cells.extend([row.entries.to_string(), row.testable.to_string()]);
        let count = |why| row.reasons.get(why).copied().unwrap_or_default().to_string();
        cells.extend(reasons.iter().map(count));
        table.add_row(cells);
    }
    table.column_iter_mut().skip(1).for_each(|column| {
        column.set_cell_alignment(CellAlignment::Right);
    });
    table.trim_fmt()
}
