//! Specifications, sections, requirements and cases.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A specification of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The document, such as `rfc8489`.
    pub doc: String,
    /// Its title.
    pub title: String,
    /// A short name, such as `STUN`.
    pub short: String,
    /// The layer under which the summary counts it.
    pub layer: String,
    /// The documents that it replaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obsoletes: Vec<String>,
    /// The documents that update it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub updated_by: Vec<String>,
    /// Its sections, in document order. Sections without a requirement may be left out.
    pub sections: Vec<Section>,
}

impl Spec {
    /// The document as people write it: `RFC 8489` for `rfc8489`, anything else unchanged.
    #[must_use]
    pub fn label(&self) -> String {
        doc_label(&self.doc)
    }
}

/// A document name as people write it: `RFC 8489` for `rfc8489`, anything else unchanged.
pub(crate) fn doc_label(doc: &str) -> String {
    match doc.strip_prefix("rfc") {
        Some(number) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => {
            format!("RFC {number}")
        }
        _ => doc.to_owned(),
    }
}

/// A section of a specification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Its number, such as `6.2.1` or `B.1`.
    pub number: String,
    /// Its title; empty if the registry does not have it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
}

/// One normative statement, in our own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// The permanent id, such as `stun-fingerprint-crc`.
    pub id: String,
    /// The document that states it.
    pub spec: String,
    /// The section that states it.
    pub section: String,
    /// How binding it is.
    pub level: Level,
    /// Who must follow it, such as `stun-client`.
    pub actor: String,
    /// Where it shows.
    pub side: Side,
    /// What it demands, in our words.
    pub says: String,
    /// How it is tested.
    pub test: Test,
    /// Why there is no test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// One line that explains why there is no test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What overrides it, if [`Why::Overridden`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Where this went wrong before: references to evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<String>,
}

impl Requirement {
    /// Whether a case could test this, now or later. A requirement with a lasting reason for no
    /// test does not count against coverage; one that is merely put off does.
    #[must_use]
    pub const fn is_testable(&self) -> bool {
        !matches!(self.test, Test::None) || matches!(self.why, Some(Why::Later))
    }

    /// Where it stands, as people write it, such as `RFC 8489 §14.7`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{} §{}", doc_label(&self.spec), self.section)
    }
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word that the document uses.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
pub(super) use words;

words! {
    /// How binding a requirement is.
    Level {
        /// MUST, MUST NOT, SHALL, REQUIRED.
        Must = "MUST",
        /// SHOULD, SHOULD NOT, RECOMMENDED.
        Should = "SHOULD",
        /// MAY, OPTIONAL.
        May = "MAY",
        /// No keyword, but needed for the protocol to work.
        Implicit = "IMPLICIT",
    }
}

impl Level {
    /// Whether breaking it fails the case: a MUST, or what the protocol needs without the keyword.
    #[must_use]
    pub const fn is_binding(self) -> bool {
        matches!(self, Self::Must | Self::Implicit)
    }
}

words! {
    /// Where a requirement shows.
    Side {
        /// In what the actor sends.
        Send = "send",
        /// In what the actor does with what it receives.
        Receive = "receive",
        /// In the actor's state or timing.
        State = "state",
        /// In a document.
        Doc = "doc",
    }
}

words! {
    /// How a requirement is tested.
    Test {
        /// By looking at packets.
        Wire = "wire",
        /// Through the subject's interface.
        Api = "api",
        /// In a simulated network.
        Sim = "sim",
        /// With published vectors.
        Vector = "vector",
        /// Not at all: [`Requirement::why`] says why.
        None = "none",
    }
}

words! {
    /// Why a requirement has no test.
    Why {
        /// It binds the authors of documents.
        Document = "document",
        /// It binds IANA.
        Iana = "iana",
        /// It binds whoever operates the software.
        Operator = "operator",
        /// It takes a person to judge.
        Human = "human",
        /// Nothing outside the implementation shows it.
        Unobservable = "unobservable",
        /// Peerlab does not do this.
        OutOfScope = "out-of-scope",
        /// A later document or practice overrides it.
        Overridden = "overridden",
        /// It will be tested later: it counts against coverage until then.
        Later = "later",
    }
}

/// A test case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The permanent id, such as `stun.rtx.schedule`.
    pub id: String,
    /// What it shows, in one line.
    pub title: String,
    /// The layer under which the summary counts it.
    pub layer: String,
    /// The tier in which it runs.
    pub tier: String,
    /// The requirements that it sets out to assert.
    pub requirements: Vec<String>,
    /// Why no independent implementation has passed it, if none has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_reference: Option<String>,
}
