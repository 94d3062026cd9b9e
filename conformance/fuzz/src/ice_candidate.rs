//! Texts of ICE, through their parsers, back, and through the parser of the conformance suite.

use std::{fmt, str::FromStr};

use ice::{Candidate, Options, Password, Ufrag};
use wire::ice::Line;

/// Reads any text as a candidate and as a parameter; what is taken is printed and read again.
pub fn ice_candidate(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    survives_printing::<Ufrag>(text);
    survives_printing::<Password>(text);
    survives_printing::<Options>(text);
    let Ok(candidate) = text.parse::<Candidate>() else { return };
    assert!(text.len() <= ice::MAX_LINE, "long texts are refused");
    assert!((1..=256).contains(&candidate.component));
    assert!((1..1 << 31).contains(&candidate.priority));
    assert!(candidate.extensions.len() <= ice::MAX_EXTENSIONS);
    assert!(candidate.address.port() != 0);

    let printed = candidate.to_string();
    let again: Candidate = printed.parse().expect("what is printed can be read");
    assert_eq!(again.to_string(), printed, "and prints the same");
    let attribute: Candidate = format!("a={printed}").parse().expect("in a description too");
    assert_eq!(attribute, again);

    let line = Line::read(&printed).expect("the suite reads it too");
    assert_eq!(line.faults(), [""; 0], "{printed}");
    assert_eq!(line.priority, candidate.priority.to_string());
    assert_eq!(line.kind, candidate.kind.name());
}

fn survives_printing<T: FromStr + fmt::Display + PartialEq>(text: &str) {
    if let Ok(read) = text.parse::<T>() {
        let again = read.to_string().parse::<T>().ok();
        assert!(again == Some(read), "{text}");
    }
}
