//! Which jobs a run consists of.

use std::{collections::BTreeMap, fmt, str::FromStr};

use crate::{Subject, Tier, case::Case, execute::Job, exit::Refusal, glob, registry::Registry};

/// What the command line asks for.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Case patterns; none means every case.
    pub filters: Vec<String>,
    /// RFC number or document name.
    pub rfc: Option<String>,
    /// Section of that document, with its subsections.
    pub section: Option<String>,
    /// The tier; `None` means all.
    pub tier: Option<Tier>,
    /// Part of the whole.
    pub shard: Option<Shard>,
}

/// One part of a run that is split over several machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which part, from 1.
    pub index: usize,
    /// Of how many.
    pub of: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(index, of)| {
            Some(Self { index: index.trim().parse().ok()?, of: of.trim().parse().ok()? })
        });
        parsed.filter(|shard| (1..=shard.of).contains(&shard.index)).ok_or_else(|| {
            format!("`{text}` is not a shard; write for example 3/8, with 1 ≤ 3 ≤ 8")
        })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl Selection {
    /// The selected jobs, in the order of the report: by case, variant, subject.
    ///
    /// `durations` are microseconds by job key, as an earlier run recorded them; shards balance by them.
    ///
    /// # Errors
    ///
    /// If a filter, the document or the section names nothing.
    pub fn jobs<'a>(
        &self,
        cases: &[&'a Case],
        subjects: &[&'a dyn Subject],
        registry: &Registry,
        durations: &BTreeMap<String, u64>,
    ) -> Result<Vec<Job<'a>>, Refusal> {
        self.check(cases, registry)?;
        let mut jobs = Vec::new();
        for &case in cases.iter().filter(|case| self.wants(case, registry)) {
            for variant in (case.variants)() {
                let address = case.address(&variant);
                if !self.names(case.id, &address) {
                    continue;
                }
                let players = subjects.iter().filter(|s| s.kinds().contains(&case.kind));
                jobs.extend(players.map(|&subject| Job {
                    case,
                    variant: variant.clone(),
                    subject,
                }));
            }
        }
        Ok(match self.shard {
            Some(shard) => part(jobs, shard, durations),
            None => jobs,
        })
    }

    fn names(&self, id: &str, address: &str) -> bool {
        self.filters.is_empty()
            || self.filters.iter().any(|pattern| glob::selects(pattern, id, address))
    }

    fn wants(&self, case: &Case, registry: &Registry) -> bool {
        if self.tier.is_some_and(|tier| tier != case.tier) {
            return false;
        }
        let Some(rfc) = &self.rfc else { return true };
        let doc = document(rfc);
        case.reqs.iter().filter_map(|req| registry.find(req.id())).any(|requirement| {
            requirement.spec == doc
                && self
                    .section
                    .as_ref()
                    .is_none_or(|section| is_within(&requirement.section, section))
        })
    }

    fn check(&self, cases: &[&Case], registry: &Registry) -> Result<(), Refusal> {
        for pattern in &self.filters {
            check_filter(pattern, cases)?;
        }
        let Some(rfc) = &self.rfc else {
            return match &self.section {
                Some(section) => Err(Refusal::usage(format!(
                    "--section {section}: a section of what? add --rfc, for example --rfc 8489"
                ))),
                None => Ok(()),
            };
        };
        let doc = document(rfc);
        let Some(spec) = registry.specs().iter().find(|spec| spec.doc == doc) else {
            let known: Vec<&str> = registry.specs().iter().map(|spec| spec.doc.as_str()).collect();
            return Err(Refusal::usage(format!(
                "--rfc {rfc}: the registry has no such document; it has {}",
                known.join(", ")
            )));
        };
        let Some(section) = &self.section else { return Ok(()) };
        if spec.sections.iter().any(|known| is_within(&known.number, section)) {
            return Ok(());
        }
        let known: Vec<&str> = spec.sections.iter().map(|known| known.number.as_str()).collect();
        Err(Refusal::usage(format!(
            "--section {section}: {} states nothing there; it does in {}",
            spec.label(),
            known.join(", ")
        )))
    }
}

/// `8489`, `rfc8489` and `RFC 8489` are the document `rfc8489`.
fn document(rfc: &str) -> String {
    let name = rfc.to_ascii_lowercase().replace(' ', "");
    if name.chars().all(|c| c.is_ascii_digit()) { format!("rfc{name}") } else { name }
}

fn is_within(section: &str, outer: &str) -> bool {
    section.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Refuses a pattern that names no case, and suggests one that does.
pub fn check_filter(pattern: &str, cases: &[&Case]) -> Result<(), Refusal> {
    let mut addresses = Vec::new();
    for case in cases {
        for variant in (case.variants)() {
            let address = case.address(&variant);
            if glob::selects(pattern, case.id, &address) {
                return Ok(());
            }
            addresses.push(address);
        }
    }
    let ids = cases.iter().map(|case| case.id);
    let near = glob::nearest(pattern, ids.chain(addresses.iter().map(String::as_str)));
    let remedy = near.map_or_else(
        || "`peerlab-conformance list` shows them all".to_owned(),
        |near| format!("did you mean {near}? `peerlab-conformance list` shows them all"),
    );
    Err(Refusal::usage(format!("no case is called {pattern}; {remedy}")))
}

/// The jobs of one shard. All subjects of a variant stay together, so that they can be compared.
fn part<'a>(jobs: Vec<Job<'a>>, shard: Shard, durations: &BTreeMap<String, u64>) -> Vec<Job<'a>> {
    let mut weights: BTreeMap<String, u64> = BTreeMap::new();
    for job in &jobs {
        let weight = durations.get(&job.key()).copied().unwrap_or(0);
        *weights.entry(job.address()).or_default() += weight;
    }
    let owners = if durations.is_empty() {
        by_hash(&weights, shard.of)
    } else {
        by_weight(weights, shard.of)
    };
    jobs.into_iter().filter(|job| owners.get(&job.address()) == Some(&shard.index)).collect()
}

fn by_hash(addresses: &BTreeMap<String, u64>, of: usize) -> BTreeMap<String, usize> {
    let owner = |address: &String| {
        let hash = blake3::hash(address.as_bytes());
        let sum =
            hash.as_bytes().iter().fold(0_usize, |sum, &byte| (sum * 256 + usize::from(byte)) % of);
        sum + 1
    };
    addresses.keys().map(|address| (address.clone(), owner(address))).collect()
}

/// Longest first, each to the shard with the least to do.
fn by_weight(weights: BTreeMap<String, u64>, of: usize) -> BTreeMap<String, usize> {
    let mut sorted: Vec<(String, u64)> = weights.into_iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let mut loads = vec![0_u64; of];
    let mut owners = BTreeMap::new();
    for (address, weight) in sorted {
        let lightest = loads.iter_mut().enumerate().min_by_key(|(_, load)| **load);
        if let Some((index, load)) = lightest {
            // An unmeasured case still counts, so that many of them spread.
            *load += weight.max(1);
            owners.insert(address, index + 1);
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::zero("0/8")]
    #[case::above("9/8")]
    #[case::no_slash("3")]
    #[case::words("a/b")]
    fn refuses_bad_shards(#[case] text: &str) {
        assert_eq!(
            text.parse::<Shard>().unwrap_err(),
            format!("`{text}` is not a shard; write for example 3/8, with 1 ≤ 3 ≤ 8")
        );
    }

    #[test]
    fn every_address_has_one_owner_and_loads_balance() {
        let weights: BTreeMap<String, u64> =
            (0..100_u64).map(|n| (format!("case.{n}"), n)).collect();
        for owners in [by_hash(&weights, 4), by_weight(weights.clone(), 4)] {
            assert_eq!(owners.len(), 100);
            assert!(owners.values().all(|owner| (1..=4).contains(owner)));
        }
        let mut loads = [0_u64; 4];
        for (address, owner) in by_weight(weights.clone(), 4) {
            loads[owner - 1] += weights[&address];
        }
        assert!(loads.iter().all(|load| (1_200..=1_275).contains(load)), "{loads:?}");
    }

    #[rstest]
    #[case::itself("6.2.1", "6.2.1", true)]
    #[case::subsection("6.2.1", "6.2", true)]
    #[case::sibling("6.21", "6.2", false)]
    fn sections_include_their_subsections(
        #[case] section: &str,
        #[case] outer: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(is_within(section, outer), expected);
    }
}
