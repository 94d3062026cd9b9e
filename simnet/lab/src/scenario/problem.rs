//! What is wrong with a scenario, told so that it can be mended.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    /// Where it is in the text; `None` if the scenario was not read from text.
    pub place: Option<Place>,
    /// Which part of the scenario it concerns, such as `nat "home-a"`; may be empty.
    pub part: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it; may be empty.
    pub suggestion: String,
}

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1 on.
    pub line: usize,
    /// The column, from 1 on, in characters.
    pub column: usize,
    /// How many characters of the line are meant.
    pub width: usize,
    /// The line itself.
    pub text: String,
}

impl Problem {
    pub(crate) fn without_place(message: String) -> Self {
        Self { place: None, part: String::new(), message, suggestion: String::new() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "line {}, column {}: ", place.line, place.column)?;
        }
        if !self.part.is_empty() {
            write!(f, "{}: ", self.part)?;
        }
        f.write_str(&self.message)?;
        if let Some(place) = &self.place {
            let number = place.line.to_string();
            let margin = " ".repeat(number.len());
            let indent = " ".repeat(place.column.saturating_sub(1));
            let carets = "^".repeat(place.width.max(1));
            write!(f, "\n{margin} |\n{number} | {}\n{margin} | {indent}{carets}", place.text)?;
        }
        if !self.suggestion.is_empty() {
            write!(f, "\n  {}", self.suggestion)?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a scenario; never nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| {
            problem.place.as_ref().map_or((usize::MAX, 0), |place| (place.line, place.column))
        });
        problems.dedup();
        Self(problems)
    }

    pub(crate) fn into_first(self) -> Problem {
        let first = self.0.into_iter().next();
        first.unwrap_or_else(|| Problem::without_place("something is wrong".to_owned()))
    }

    /// The problems, in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}
