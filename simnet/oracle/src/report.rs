//! Answers side by side, and in the form they are kept in.

use std::fmt::Write as _;

use crate::questions::Answer;

/// A question that was answered differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The question.
    pub question: String,
    /// What one world answered.
    pub one: String,
    /// What the other answered.
    pub other: String,
}

/// The answers, one a line: `question: behaviour`.
#[must_use]
pub fn text(answers: &[Answer]) -> String {
    let mut text = String::new();
    for answer in answers {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}: {}", answer.question, answer.seen);
    }
    text
}

/// The questions that two texts answer differently, or that one of them lacks.
#[must_use]
pub fn differences(one: &str, other: &str) -> Vec<Difference> {
    let (one, other) = (lines(one), lines(other));
    let mut questions: Vec<&str> = one.iter().chain(&other).map(|line| line.0).collect();
    let mut seen = Vec::new();
    questions.retain(|question| {
        let fresh = !seen.contains(question);
        seen.push(question);
        fresh
    });
    let answer = |lines: &[(&str, &str)], question: &str| {
        let line = lines.iter().find(|line| line.0 == question);
        line.map_or_else(|| "(not asked)".to_owned(), |line| line.1.to_owned())
    };
    let compared = questions.into_iter().map(|question| Difference {
        question: question.to_owned(),
        one: answer(&one, question),
        other: answer(&other, question),
    });
    compared.filter(|it| it.one != it.other).collect()
}

/// Questions and answers of a text. Questions may hold a colon of their own; answers do not.
fn lines(text: &str) -> Vec<(&str, &str)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit_once(": ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_question_that_was_answered_differently() {
        let one = "# measured\nTCP: who may answer: all\nhairpin: no\n";
        let other = "TCP: who may answer: none\nhairpin: no\nmore: yes\n";
        let differences = differences(one, other);
        let [first, second] = &differences[..] else { panic!("two differ: {differences:?}") };
        assert_eq!(first.question, "TCP: who may answer");
        assert_eq!((first.one.as_str(), first.other.as_str()), ("all", "none"));
        assert_eq!(second.one, "(not asked)");
    }
}
