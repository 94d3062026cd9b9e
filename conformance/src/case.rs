//! Cases and how they are declared.

use std::fmt;

use crate::{Cap, Ctl, Outcome, SubjectKind, Variant, registry::Req};

/// How long a case takes and what it needs to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Virtual time, well under a second of real time.
    Fast,
    /// Virtual time, but hours of it or thousands of variants.
    Slow,
}

impl Tier {
    /// The word on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Slow => "slow",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A test: what it asks of whom, and the code that asks.
///
/// Declared with [`case!`](crate::case!).
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Permanent dotted name, such as `stun.rtx.schedule`.
    pub id: &'static str,
    /// What it shows, in a sentence.
    pub title: &'static str,
    /// The requirements it may assert, and none other.
    pub reqs: &'static [Req],
    /// What kind of subject it runs against.
    pub kind: SubjectKind,
    /// What the subject must be able to do.
    pub needs: &'static [Cap],
    /// How long it takes.
    pub tier: Tier,
    /// Its parameter points, at least one.
    pub variants: fn() -> Vec<Variant>,
    /// Why no independent implementation passes it, if none does.
    pub no_reference: Option<&'static str>,
    /// The test itself.
    pub run: fn(&mut Ctl<'_>, &Variant) -> Outcome,
}

impl Case {
    /// The layer it belongs to: the first word of its id.
    #[must_use]
    pub fn layer(&self) -> &'static str {
        self.id.split('.').next().unwrap_or(self.id)
    }

    /// The address of one variant: `stun.rtx.schedule[rtt=40]`, or the id alone without parameters.
    #[must_use]
    pub fn address(&self, variant: &Variant) -> String {
        if variant.is_none() { self.id.to_owned() } else { format!("{}[{variant}]", self.id) }
    }
}

inventory::collect!(Case);

/// Every registered case, sorted by id.
#[must_use]
pub fn all() -> Vec<&'static Case> {
    let mut cases: Vec<&'static Case> = inventory::iter::<Case>.into_iter().collect();
    cases.sort_by_key(|case| case.id);
    cases
}

/// Declares and registers a conformance case.
///
/// The fields come in this order; those marked with a comment may be left out.
///
/// ```
/// use conformance::{Cap, Ctl, Outcome, SubjectKind, Tier, Variant, case, product, registry::Req};
///
/// const ANSWERS: Req = Req::new("stun-server-answers");
///
/// case! {
///     id: "doc.server.answers",
///     title: "A Binding request gets an answer",
///     reqs: [ANSWERS],
///     kind: SubjectKind::StunServer,
///     needs: [Cap::Ipv6],                       // default: nothing
///     tier: Tier::Fast,                         // default: fast
///     variants: product! { rtt: [0, 40] },      // default: one without parameters
///     no_reference: "no other stack offers it", // default: some other stack passes
///     run: answers,
/// }
///
/// fn answers(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
///     t.stimulus("a request");
///     t.must(ANSWERS, v.number("rtt") < 1_000, "an answer", "silence")
/// }
/// ```
#[macro_export]
macro_rules! case {
    (
        id: $id:expr,
        title: $title:expr,
        reqs: [$($req:expr),+ $(,)?],
        kind: $kind:expr,
        $(needs: [$($need:expr),* $(,)?],)?
        $(tier: $tier:expr,)?
        $(variants: $variants:expr,)?
        $(no_reference: $no_reference:expr,)?
        run: $run:expr $(,)?
    ) => {
        $crate::inventory::submit! {
            $crate::Case {
                id: $id,
                title: $title,
                reqs: &[$($req),+],
                kind: $kind,
                needs: $crate::case!(@or [&[$($($need),*)?]] [&[]]),
                tier: $crate::case!(@or [$($tier)?] [$crate::Tier::Fast]),
                variants: || $crate::case!(@or [$($variants)?] [vec![$crate::Variant::none()]]),
                no_reference: $crate::case!(@some $($no_reference)?),
                run: $run,
            }
        }
    };
    (@or [] [$default:expr]) => { $default };
    (@or [$given:expr] [$default:expr]) => { $given };
    (@some) => { None };
    (@some $given:expr) => { Some($given) };
}
