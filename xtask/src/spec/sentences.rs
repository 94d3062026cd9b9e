//! Finds the sections and the normative statements of a plain-text RFC.
//!
//! A statement is a sentence with an upper-case key word of RFC 2119; its level is that of the strongest
//! one. References, acknowledgements and the paragraph that introduces the key words are left out.

use std::{fmt, sync::LazyLock};

use regex::Regex;

/// The force of a statement, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Must,
    Should,
    May,
}

impl Level {
    fn of(key_word: &str) -> Self {
        match key_word {
            "SHOULD" | "SHOULD NOT" | "RECOMMENDED" | "NOT RECOMMENDED" => Self::Should,
            "MAY" | "OPTIONAL" => Self::May,
            _ => Self::Must,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::May => "MAY",
        })
    }
}

/// A section of a text: its number, such as `6.2.1` or `B.1`, its title and the lines below it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) number: String,
    pub(super) title: String,
    body: String,
}

/// A sentence with a key word.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// Number of the section it stands in.
    pub(super) section: String,
    /// Its place among the statements of the section, from 1.
    pub(super) place: usize,
    /// The levels of its key words, strongest first, each once.
    pub(super) levels: Vec<Level>,
    /// The sentence, white space folded.
    pub(super) text: String,
}

impl Statement {
    /// The level of the strongest key word.
    pub(super) fn level(&self) -> Level {
        self.levels.first().copied().unwrap_or(Level::May)
    }

    /// What the registry keeps of the sentence: the start of its BLAKE3 hash.
    pub(super) fn hash(&self) -> String {
        let hex = blake3::hash(self.text.as_bytes()).to_hex();
        format!("b3:{}", hex.get(..16).unwrap_or_default())
    }

    /// The first words, for messages.
    pub(super) fn start(&self) -> String {
        let words: Vec<&str> = self.text.split(' ').take(9).collect();
        words.join(" ")
    }
}

/// The sections after the table of contents, in order.
pub(super) fn sections(text: &str) -> Vec<Section> {
    static FIRST: LazyLock<Regex> = LazyLock::new(|| pattern(r"^1\.?  ?\S"));
    let text = clean(text);
    let lines: Vec<&str> = text.split('\n').collect();
    let start = lines
        .iter()
        .position(|line| FIRST.is_match(line) && !line.contains("...."))
        .unwrap_or_default();
    let mut found = Vec::new();
    let mut section = (String::from("0"), String::from("front"));
    let mut body: Vec<&str> = Vec::new();
    for line in lines.into_iter().skip(start) {
        if let Some(next) = heading(line) {
            let (number, title) = std::mem::replace(&mut section, next);
            found.push(Section { number, title, body: body.join("\n") });
            body.clear();
        } else {
            body.push(line);
        }
    }
    found.push(Section { number: section.0, title: section.1, body: body.join("\n") });
    found
}

/// The normative statements, in order.
pub(super) fn statements(text: &str) -> Vec<Statement> {
    static SKIPPED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            "(?i)^(references|normative references|informative references|acknowledge?ments?\\s*$|\
             acknowledge?ments? and|contributors|author|requirements language|index|full copyright)",
        )
    });
    static BROKEN_WORD: LazyLock<Regex> = LazyLock::new(|| pattern(r"(\w)-\n\s+(\w)"));
    static PARAGRAPH: LazyLock<Regex> = LazyLock::new(|| pattern(r"\n\s*\n"));
    let mut found = Vec::new();
    for section in sections(text) {
        if SKIPPED.is_match(&section.title) {
            continue;
        }
        let body = BROKEN_WORD.replace_all(&section.body, "${1}-${2}");
        let mut place = 0;
        for paragraph in PARAGRAPH.split(&body) {
            for sentence in sentences(&fold(paragraph)) {
                let Some(levels) = levels(sentence) else { continue };
                place += 1;
                found.push(Statement {
                    section: section.number.clone(),
                    place,
                    levels,
                    text: sentence.to_owned(),
                });
            }
        }
    }
    found
}

/// `text` without page breaks, page footers and page headers.
fn clean(text: &str) -> String {
    static BREAK: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\n*[^\n]*\[Page \d+\]\n+\x0C\n*[^\n]*\n+"));
    static FOOTER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\n*[^\n]*\[Page \d+\]\s*\n"));
    let text = text.replace('\r', "");
    let text = BREAK.replace_all(text.trim_start_matches('\u{feff}'), "\n\n");
    FOOTER.replace_all(&text, "\n\n").replace('\x0C', "\n")
}

/// Number and title, if the line is a heading.
fn heading(line: &str) -> Option<(String, String)> {
    static HEADING: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^(?:Appendix )?((?:[A-Z]|\d{1,2})(?:\.\d{1,3})*)\.?  ?(\S.*)$"));
    static CERTAIN: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\d+(\.\d+)*\.  \S"));
    let captures = HEADING.captures(line)?;
    let dotted = line.contains("....");
    let ends_as_prose = line.trim_end().ends_with(['.', ',', ';']);
    let certain = CERTAIN.is_match(line) && line.chars().count() < 75;
    if dotted || (ends_as_prose && !certain) {
        return None;
    }
    Some((captures[1].to_owned(), captures[2].trim().to_owned()))
}

/// Cuts a folded paragraph where a full stop or semicolon is followed by what may begin a sentence.
fn sentences(paragraph: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, _) in paragraph.match_indices(' ') {
        let (before, after) = paragraph.split_at(at);
        let begins =
            after.chars().nth(1).is_some_and(|c| c.is_ascii_uppercase() || "(\"*".contains(c));
        if before.ends_with(['.', ';']) && begins {
            found.push(paragraph.get(start..at).unwrap_or_default());
            start = at + 1;
        }
    }
    found.push(paragraph.get(start..).unwrap_or_default());
    found
}

/// The levels of a sentence's key words; `None` without key words and for the list of key words itself.
fn levels(sentence: &str) -> Option<Vec<Level>> {
    static KEY_WORD: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\b(MUST NOT|MUST|SHALL NOT|SHALL|REQUIRED|SHOULD NOT|SHOULD|NOT RECOMMENDED|RECOMMENDED|MAY|OPTIONAL)\b",
        )
    });
    static LIST: LazyLock<Regex> =
        LazyLock::new(|| pattern("(?i)key ?words|interpreted as described|BCP ?14"));
    let mut levels: Vec<Level> =
        KEY_WORD.find_iter(sentence).map(|found| Level::of(found.as_str())).collect();
    if levels.is_empty() || (levels.len() > 3 && LIST.is_match(sentence)) {
        return None;
    }
    levels.sort();
    levels.dedup();
    Some(levels)
}

/// White space folded to single spaces.
fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A regular expression of this file.
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns of this file are valid")
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use rstest::rstest;

    use super::*;
    use crate::spec::fixture::TEXT;

    fn listed(statements: &[Statement]) -> String {
        let mut out = String::new();
        for it in statements {
            let levels: Vec<String> = it.levels.iter().map(ToString::to_string).collect();
            let _ = writeln!(
                out,
                "{} #{} {} {}: {}",
                it.section,
                it.place,
                it.hash(),
                levels.join("+"),
                it.text
            );
        }
        out
    }

    #[test]
    fn lists_sentences_with_key_words_by_section() {
        insta::assert_snapshot!(listed(&statements(TEXT)));
    }

    #[test]
    fn finds_sections_and_appendices_after_the_contents() {
        let found: Vec<String> = sections(TEXT)
            .into_iter()
            .map(|section| format!("{} {}", section.number, section.title))
            .collect();
        insta::assert_snapshot!(found.join("\n"));
    }

    #[rstest]
    #[case::new_sentence("One MUST. Two MAY.", &["One MUST.", "Two MAY."])]
    #[case::semicolon_before_capital("It MAY; The rest.", &["It MAY;", "The rest."])]
    #[case::bullet("First. * Second.", &["First.", "* Second."])]
    #[case::parenthesis("First. (Second.)", &["First.", "(Second.)"])]
    #[case::abbreviation("e.g. this one. Next.", &["e.g. this one.", "Next."])]
    #[case::number_does_not_begin_one("Of 1. 2 is more.", &["Of 1. 2 is more."])]
    #[case::empty("", &[""])]
    fn cuts_paragraphs_into_sentences(#[case] paragraph: &str, #[case] expected: &[&str]) {
        assert_eq!(sentences(paragraph), expected);
    }

    #[rstest]
    #[case::strongest_first("It MAY do so but MUST NOT insist.", Some(vec![Level::Must, Level::May]))]
    #[case::each_once("It SHOULD and SHOULD NOT.", Some(vec![Level::Should]))]
    #[case::shall("It SHALL.", Some(vec![Level::Must]))]
    #[case::required("It is REQUIRED.", Some(vec![Level::Must]))]
    #[case::not_recommended("It is NOT RECOMMENDED.", Some(vec![Level::Should]))]
    #[case::optional("It is OPTIONAL.", Some(vec![Level::May]))]
    #[case::lower_case("It must.", None)]
    #[case::inside_a_word("MUSTARD is not a key word.", None)]
    #[case::list_of_key_words("The key words MUST, SHOULD, MAY and OPTIONAL", None)]
    #[case::few_words_beside_bcp14("BCP 14 says what MUST means.", Some(vec![Level::Must]))]
    fn tells_the_levels_of_a_sentence(
        #[case] sentence: &str,
        #[case] expected: Option<Vec<Level>>,
    ) {
        assert_eq!(levels(sentence), expected);
    }

    #[rstest]
    #[case::dotted("3.1.  Sending", Some(("3.1", "Sending")))]
    #[case::old_style("4.2 Receiving", Some(("4.2", "Receiving")))]
    #[case::appendix("Appendix B.  Vectors", Some(("B", "Vectors")))]
    #[case::part_of_appendix("B.1.  Sample Request", Some(("B.1", "Sample Request")))]
    #[case::ends_with_full_stop("5.  Messages, Formats, etc.", Some(("5", "Messages, Formats, etc.")))]
    #[case::prose("5 of them are lost, and the sixth arrives late.", None)]
    #[case::contents("5.  Messages .......... 7", None)]
    #[case::indented("   5.  Messages", None)]
    fn tells_headings_from_prose(#[case] line: &str, #[case] expected: Option<(&str, &str)>) {
        let expected = expected.map(|(number, title)| (number.to_owned(), title.to_owned()));
        assert_eq!(heading(line), expected);
    }

    #[rstest]
    #[case::thanks("9.  Acknowledgements", 0)]
    #[case::thanks_in_old_spelling("9.  Acknowledgments", 0)]
    #[case::rules_of_acknowledgement("6.2.  Acknowledgement on Reception of DATA Chunks", 1)]
    fn only_thanks_are_left_out(#[case] heading: &str, #[case] expected: usize) {
        let text = format!("1.  Rules\n\n   None.\n\n{heading}\n\n   It MUST answer.\n");
        assert_eq!(statements(&text).len(), expected);
    }

    #[test]
    fn hash_does_not_depend_on_line_breaks() {
        let wide = statements("1.  Rules\n\n   A peer MUST answer at once.\n");
        let narrow = statements("1.  Rules\n\n   A peer\n   MUST answer\r\n   at once.\n");
        assert_eq!(wide, narrow);
        assert_eq!(wide[0].hash(), narrow[0].hash());
        assert_eq!(wide[0].hash().len(), "b3:".len() + 16);
    }
}
