//! Parameter points of a case.

use std::fmt;

/// The value of one parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A word.
    Text(&'static str),
    /// A count, a duration in the unit the case chooses, a code.
    Number(u64),
    /// Yes or no.
    Flag(bool),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{}", if *flag { "yes" } else { "no" }),
        }
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// One parameter point: names with values, in declaration order.
///
/// It prints as `role=client,rtt=40`, and as nothing at all for the single variant of a case without
/// parameters. The print is part of the case's address: `stun.rtx.schedule[rtt=40]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variant(Vec<(&'static str, Value)>);

impl Variant {
    /// The variant of a case without parameters.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// The same point with one more parameter.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// The word called `name`.
    ///
    /// # Panics
    ///
    /// If the case declares no such word: a mistake in the case, reported as `harness`.
    #[must_use]
    pub fn text(&self, name: &str) -> &'static str {
        match self.value(name) {
            Value::Text(text) => text,
            other => panic!("parameter `{name}` is `{other}`, not a word"),
        }
    }

    /// The number called `name`.
    ///
    /// # Panics
    ///
    /// If the case declares no such number: a mistake in the case, reported as `harness`.
    #[must_use]
    pub fn number(&self, name: &str) -> u64 {
        match self.value(name) {
            Value::Number(number) => number,
            other => panic!("parameter `{name}` is `{other}`, not a number"),
        }
    }

    /// The flag called `name`.
    ///
    /// # Panics
    ///
    /// If the case declares no such flag: a mistake in the case, reported as `harness`.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        match self.value(name) {
            Value::Flag(flag) => flag,
            other => panic!("parameter `{name}` is `{other}`, not a flag"),
        }
    }

    /// Whether there are no parameters.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    fn value(&self, name: &str) -> Value {
        match self.0.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => *value,
            None => panic!("the case has no parameter `{name}`; its variant is [{self}]"),
        }
    }

    /// Every combination of the values of each parameter; the last parameter varies fastest.
    #[must_use]
    pub fn product(parameters: &[(&'static str, Vec<Value>)]) -> Vec<Self> {
        let mut points = vec![Self::none()];
        for (name, values) in parameters {
            points = points
                .iter()
                .flat_map(|point| values.iter().map(|&value| point.clone().with(name, value)))
                .collect();
        }
        points
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{name}={value}")?;
        }
        Ok(())
    }
}

/// Every combination of parameter values: `product! { role: ["client", "server"], rtt: [0, 40] }`.
///
/// Values are words, unsigned numbers or flags.
#[macro_export]
macro_rules! product {
    ($($name:ident: [$($value:expr),+ $(,)?]),+ $(,)?) => {
        $crate::Variant::product(&[
            $((stringify!($name), vec![$($crate::Value::from($value)),+]),)+
        ])
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn product_enumerates_with_the_last_parameter_fastest() {
        let points = product! { role: ["client", "server"], rtt: [0, 40], lost: [true] };
        let names: Vec<String> = points.iter().map(ToString::to_string).collect();
        assert_eq!(
            names,
            [
                "role=client,rtt=0,lost=yes",
                "role=client,rtt=40,lost=yes",
                "role=server,rtt=0,lost=yes",
                "role=server,rtt=40,lost=yes",
            ]
        );
        assert_eq!((points[1].text("role"), points[1].number("rtt")), ("client", 40));
    }

    #[test]
    fn a_case_without_parameters_has_one_nameless_variant() {
        assert_eq!(Variant::none().to_string(), "");
        assert!(Variant::none().is_none());
    }
}
