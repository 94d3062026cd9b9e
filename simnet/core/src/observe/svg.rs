//! Shapes and words as scalable vector graphics.
//!
//! Every drawing uses the same style sheet, dark on light, so that several can stand in one page.

use std::fmt::{self, Write as _};

/// Widths of letters in thousandths of their height: upright letters on average, and fixed ones.
const SANS_WIDTH: i64 = 545;
/// As [`SANS_WIDTH`].
const MONO_WIDTH: i64 = 602;

/// Colours with at least 4.5 to 1 of contrast on white, one for each participant in turn.
pub(super) const COLOURS: usize = 6;

/// The style sheet of all drawings.
pub(super) const STYLE: &str = "\
.pl{font-family:'Inter','Segoe UI','DejaVu Sans',Helvetica,Arial,sans-serif;font-size:13px;fill:#1b1f24}\
.pl .mono{font-family:'JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:11.5px}\
.pl .halo{paint-order:stroke;stroke:#fff;stroke-width:5px;stroke-linejoin:round}\
.pl .quiet{fill:#57606a}.pl .strong{font-weight:600}.pl .big{font-size:15px}\
.pl .title{font-size:18px;font-weight:600}.pl .small{font-size:11.5px}\
.pl .changed{fill:#9a4a00;font-weight:700}.pl .bad{fill:#b3261e}.pl .good{fill:#1a7f37}\
.pl .gone{fill:#57606a;text-decoration:line-through}\
.pl .paper{fill:#fff}.pl .rule{stroke:#d8dee4;stroke-width:1}.pl .life{stroke:#afb8c1;stroke-width:1.5}\
.pl .life.box{stroke:#e0a458;stroke-width:5;opacity:.45}\
.pl .head{fill:#eaf2fb;stroke:#0b5cad;stroke-width:1.5}.pl .head.box{fill:#fff3e0;stroke:#b26a00}\
.pl .note{fill:#fff8ec;stroke:#d9a04a}.pl .say{fill:#f3f0fa;stroke:#8a7bc0}\
.pl .drop{fill:#fff0ef;stroke:#d3564d}.pl .cross{stroke:#b3261e;stroke-width:3;stroke-linecap:round}\
.pl .wire{fill:none;stroke-width:2}.pl .lost{stroke-dasharray:6 4}\
.pl .c0{stroke:#0b5cad;--c:#0b5cad}.pl .c1{stroke:#7b2fbe;--c:#7b2fbe}.pl .c2{stroke:#00695c;--c:#00695c}\
.pl .c3{stroke:#8f5200;--c:#8f5200}.pl .c4{stroke:#ad1457;--c:#ad1457}.pl .c5{stroke:#37474f;--c:#37474f}\
.pl .f0{fill:#0b5cad}.pl .f1{fill:#7b2fbe}.pl .f2{fill:#00695c}\
.pl .f3{fill:#8f5200}.pl .f4{fill:#ad1457}.pl .f5{fill:#37474f}\
.pl .tip{stroke:none}.pl .soft{opacity:.22}.pl .tick{stroke-width:1.5}\
.pl g.p.dim{opacity:.15}.pl g.p{cursor:pointer}";

/// A drawing that is being made. Lengths are whole pixels.
#[derive(Debug, Default)]
pub(super) struct Svg {
    body: String,
}

/// Where a text stands from its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// The point is its left end.
    Start,
    /// The point is its middle.
    Middle,
    /// The point is its right end.
    End,
}

impl Svg {
    /// A text of one line with its base line at `y`.
    pub(super) fn text(&mut self, (x, y): (i64, i64), class: &str, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let text = Escaped(text);
        self.push(format_args!(
            "<text x=\"{x}\" y=\"{y}\" class=\"{class}\"{anchor}>{text}</text>"
        ));
    }

    /// A line from one point to another.
    pub(super) fn line(&mut self, (x1, y1): (i64, i64), (x2, y2): (i64, i64), class: &str) {
        self.push(format_args!(
            "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" class=\"{class}\"/>"
        ));
    }

    /// A box with round corners, from its upper left corner.
    pub(super) fn rect(&mut self, (x, y): (i64, i64), (w, h): (i64, i64), class: &str) {
        self.push(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"5\" class=\"{class}\"/>"
        ));
    }

    /// A red cross around a point.
    pub(super) fn cross(&mut self, (x, y): (i64, i64), reach: i64) {
        self.line((x - reach, y - reach), (x + reach, y + reach), "cross");
        self.line((x - reach, y + reach), (x + reach, y - reach), "cross");
    }

    /// Defines the tip of arrows of one colour.
    pub(super) fn tip(&mut self, colour: usize) {
        self.push(format_args!(
            "<marker id=\"pl-tip{colour}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" \
             markerWidth=\"11\" markerHeight=\"11\" markerUnits=\"userSpaceOnUse\" \
             orient=\"auto\"><path d=\"M0 0.8L10 5L0 9.2z\" class=\"f{colour} tip\"/></marker>"
        ));
    }

    /// A line from one point to another, with a tip unless it ends badly.
    pub(super) fn arrow(
        &mut self,
        (x1, y1): (i64, i64),
        (x2, y2): (i64, i64),
        colour: usize,
        tip: Option<usize>,
    ) {
        let end = tip.map(|tip| format!(" marker-end=\"url(#pl-tip{tip})\"")).unwrap_or_default();
        self.push(format_args!("<path d=\"M{x1} {y1}L{x2} {y2}\" class=\"wire c{colour}\"{end}/>"));
    }

    /// An arrow that turns around.
    pub(super) fn turn(&mut self, (x, y): (i64, i64), colour: usize) {
        self.push(format_args!(
            "<path d=\"M{x} {y}c34 0 34 14 3 14\" class=\"wire c{colour}\" \
             marker-end=\"url(#pl-tip{colour})\"/>"
        ));
    }

    /// Opens a group; `hint` is what a pointer over it shows.
    pub(super) fn open(&mut self, attributes: fmt::Arguments<'_>, hint: &str) {
        let _ = write!(self.body, "<g {attributes}>");
        if hint.is_empty() {
            self.body.push('\n');
        } else {
            let _ = writeln!(self.body, "<title>{}</title>", Escaped(hint));
        }
    }

    /// Closes the group that was opened last.
    pub(super) fn close(&mut self) {
        self.body.push_str("</g>\n");
    }

    /// Puts `other` on top of this one.
    pub(super) fn append(&mut self, other: Self) {
        self.body.push_str(&other.body);
    }

    /// The whole drawing, for which `title` is read aloud.
    pub(super) fn finish(self, (width, height): (i64, i64), title: &str) -> String {
        let title = Escaped(title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"pl\" role=\"img\" width=\"{width}\" \
             height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n<title>{title}</title>\n\
             <style>{STYLE}</style>\n<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n\
             {}</svg>\n",
            self.body
        )
    }

    fn push(&mut self, what: fmt::Arguments<'_>) {
        let _ = writeln!(self.body, "{what}");
    }
}

/// Text as it must stand in XML and HTML.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // XML knows no other control characters.
                '\t' | '\n' => f.write_str(" ")?,
                other if other.is_control() => f.write_str("\u{fffd}")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// About how wide `text` is in upright letters of `size` pixels.
pub(super) fn width(text: &str, size: i64) -> i64 {
    count(text.chars().count()) * size * SANS_WIDTH / 1_000
}

/// How wide `text` is in letters of one width, of twelve pixels.
pub(super) fn mono_width(text: &str) -> i64 {
    count(text.chars().count()) * 12 * MONO_WIDTH / 1_000
}

/// A number of things as a length.
pub(super) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A time as people would say it: `250 µs`, `12.5 ms`, `3.2 s`, `5 min`.
pub(super) fn time(nanos: u64) -> String {
    let (unit, name) = match nanos {
        0 => return "0 ms".to_owned(),
        1..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let thousandths = nanos / (unit / 1_000).max(1);
    let (whole, part) = (thousandths / 1_000, thousandths % 1_000);
    let part = format!("{part:03}");
    let part = part.trim_end_matches('0');
    if part.is_empty() { format!("{whole} {name}") } else { format!("{whole}.{part} {name}") }
}

/// Breaks `text` between words into lines of at most `letters`; longer words stay whole.
pub(super) fn wrap(text: &str, letters: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < letters => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0 ms")]
    #[case(1_500, "1.5 µs")]
    #[case(999_999, "999.999 µs")]
    #[case(12_500_000, "12.5 ms")]
    #[case(300_050_000_000, "300.05 s")]
    fn times_are_said_in_the_unit_a_person_would_choose(#[case] nanos: u64, #[case] said: &str) {
        assert_eq!(time(nanos), said);
    }

    #[test]
    fn text_cannot_break_out_of_a_drawing() {
        let escaped = Escaped("</text><script>\"&'\u{0}").to_string();
        assert_eq!(escaped, "&lt;/text&gt;&lt;script&gt;&quot;&amp;&#39;\u{fffd}");
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("never sent to 11.0.0.9", 12), ["never sent", "to 11.0.0.9"]);
        assert_eq!(wrap("[2001:db8::1:1]:65535 x", 5), ["[2001:db8::1:1]:65535", "x"]);
    }
}
