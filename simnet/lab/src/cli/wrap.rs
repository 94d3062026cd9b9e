//! Paragraphs.

/// `text` in lines of at most 96 letters behind `indent` blanks, its own line breaks kept.
pub(crate) fn wrap(text: &str, indent: usize) -> String {
    const WIDTH: usize = 96;
    let margin = " ".repeat(indent);
    let mut out = String::new();
    for paragraph in text.trim().lines() {
        let mut length = 0;
        for word in paragraph.split_whitespace() {
            let letters = word.chars().count();
            if length == 0 {
                out.push_str(&margin);
                length = indent;
            } else if length + 1 + letters > WIDTH {
                out.push('\n');
                out.push_str(&margin);
                length = indent;
            } else {
                out.push(' ');
                length += 1;
            }
            out.push_str(word);
            length += letters;
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_break_and_keep_their_margin() {
        let text = "word ".repeat(40);
        let wrapped = wrap(&text, 4);
        assert!(wrapped.lines().all(|line| line.starts_with("    word") && line.len() <= 96));
        assert_eq!(wrapped.split_whitespace().count(), 40);
        assert_eq!(wrap("one\ntwo", 0), "one\ntwo\n");
    }
}
