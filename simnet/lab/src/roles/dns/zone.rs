//! Names and what they stand for.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use simnet::{nat64::Pref64, units};
use simple_dns::Name;

/// The longest chain of aliases that is followed.
const MAX_ALIASES: usize = 8;
/// A name that has these IPv4 addresses alone, everywhere: RFC 7050 §2.2, RFC 8880 §7.
pub(super) const IPV4_ONLY: &str = "ipv4only.arpa";
/// Its addresses.
pub(super) const IPV4_ONLY_ADDRESSES: [Ipv4Addr; 2] =
    [Ipv4Addr::new(192, 0, 0, 170), Ipv4Addr::new(192, 0, 0, 171)];
/// The longest life of a synthetic record: RFC 6147 §5.1.7.
const MAX_SYNTHETIC_LIFE: Duration = Duration::from_secs(600);

/// What a name server knows, and how it answers: the parameters of the role `dns`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Dns {
    /// The UDP port it listens on.
    pub port: u16,
    /// Addresses by name. Case does not count, nor does a dot at the end.
    pub records: BTreeMap<String, Vec<IpAddr>>,
    /// Other names by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub aliases: BTreeMap<String, String>,
    /// How long answers may be kept, in whole seconds.
    #[serde(with = "units::duration")]
    pub ttl: Duration,
    /// How long it thinks before it answers.
    #[serde(with = "units::duration")]
    pub delay: Duration,
    /// Invents IPv6 addresses for names that have none, for hosts behind a NAT64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns64: Option<Dns64>,
}

/// How IPv6 addresses are invented: RFC 6147.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Dns64 {
    /// The prefix, which must be that of the NAT64 (RFC 6147 §5.2).
    pub prefix: Pref64,
    /// Prefixes whose addresses count as none (RFC 6147 §5.1.4).
    pub exclude: Vec<String>,
}

/// What a zone says of a name and a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The aliases on the way, each with the name it stands for.
    pub(super) aliases: Vec<(String, String)>,
    /// The name at the end of them.
    pub(super) name: String,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) ttl: u32,
}

/// Which addresses are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) ipv4: bool,
    pub(super) ipv6: bool,
    /// Whether addresses may be invented: not for those who check signatures (RFC 6147 §5.5).
    pub(super) synthesis: bool,
}

impl Default for Dns {
    fn default() -> Self {
        Self {
            port: super::PORT,
            records: BTreeMap::new(),
            aliases: BTreeMap::new(),
            ttl: Duration::from_secs(60),
            delay: Duration::ZERO,
            dns64: None,
        }
    }
}

impl Default for Dns64 {
    fn default() -> Self {
        Self { prefix: Pref64::WELL_KNOWN, exclude: vec!["::ffff:0:0/96".to_owned()] }
    }
}

impl Dns {
    /// The same with another address of `name`.
    #[must_use]
    pub fn record(mut self, name: &str, ip: IpAddr) -> Self {
        self.records.entry(name.to_owned()).or_default().push(ip);
        self
    }

    /// The same with DNS64 under this prefix.
    #[must_use]
    pub fn dns64(mut self, prefix: Pref64) -> Self {
        self.dns64 = Some(Dns64 { prefix, ..Dns64::default() });
        self
    }

    /// What is wrong with it: the key, and why.
    pub(super) fn faults(&self) -> Vec<(String, String)> {
        let names = self.records.keys().map(|name| ("records", name));
        let aliases = self.aliases.iter().flat_map(|(from, to)| [from, to]);
        let names = names.chain(aliases.map(|name| ("aliases", name)));
        let bad_name = |(key, name): (&str, &String)| {
            let bad = name.is_empty() || Name::new(name).is_err();
            bad.then(|| (key.to_owned(), format!("`{name}` is not a domain name")))
        };
        let excluded = self.dns64.iter().flat_map(|dns64| &dns64.exclude);
        let bad_prefix = |text: &String| {
            let error = text.parse::<simnet::Prefix>().err()?;
            Some(("dns64.exclude".to_owned(), error.to_string()))
        };
        names.filter_map(bad_name).chain(excluded.filter_map(bad_prefix)).collect()
    }

    /// The same with all names as they are compared, and with the name that has IPv4 everywhere.
    pub(super) fn canonical(mut self) -> Self {
        let records = std::mem::take(&mut self.records);
        for (name, addresses) in records {
            self.records.entry(canonical(&name)).or_default().extend(addresses);
        }
        let aliases = std::mem::take(&mut self.aliases);
        let both = |(from, to): (String, String)| (canonical(&from), canonical(&to));
        self.aliases = aliases.into_iter().map(both).collect();
        let everywhere = IPV4_ONLY_ADDRESSES.map(IpAddr::V4).to_vec();
        self.records.entry(IPV4_ONLY.to_owned()).or_insert(everywhere);
        self
    }

    /// What it says of `name`; none if there is no such name. It must be [canonical](Dns::canonical).
    pub(super) fn find(&self, name: &str, wanted: Wanted) -> Option<Found> {
        let mut name = canonical(name);
        let mut aliases = Vec::new();
        while let Some(target) = self.aliases.get(&name).filter(|_| aliases.len() < MAX_ALIASES) {
            aliases.push((std::mem::replace(&mut name, target.clone()), target.clone()));
        }
        let Some(held) = self.records.get(&name) else {
            // An alias exists, even if what it stands for does not.
            let found = Found { aliases, name, addresses: Vec::new(), ttl: seconds(self.ttl) };
            return (!found.aliases.is_empty()).then_some(found);
        };
        let mut ttl = self.ttl;
        let ipv4 = held.iter().filter(|ip| ip.is_ipv4() && wanted.ipv4).copied();
        let mut addresses: Vec<_> = ipv4.collect();
        if wanted.ipv6 {
            let native = held.iter().filter(|ip| ip.is_ipv6() && !self.is_excluded(**ip));
            let before = addresses.len();
            addresses.extend(native.copied());
            // RFC 6147 §5.1.1: nothing is invented where real addresses exist.
            if addresses.len() == before && wanted.synthesis {
                addresses.extend(self.synthesize(held));
                if addresses.len() > before {
                    ttl = ttl.min(MAX_SYNTHETIC_LIFE);
                }
            }
        }
        Some(Found { aliases, name, addresses, ttl: seconds(ttl) })
    }

    fn is_excluded(&self, ip: IpAddr) -> bool {
        let excluded = self.dns64.iter().flat_map(|dns64| &dns64.exclude);
        excluded.filter_map(|text| text.parse::<simnet::Prefix>().ok()).any(|it| it.contains(ip))
    }

    /// RFC 6147 §5.1.7: IPv6 addresses for IPv4 ones.
    fn synthesize(&self, held: &[IpAddr]) -> Vec<IpAddr> {
        let Some(dns64) = &self.dns64 else { return Vec::new() };
        let embed = |ip: &IpAddr| -> Option<Ipv6Addr> {
            match ip {
                IpAddr::V4(ip) => Some(dns64.prefix.embed(*ip)),
                IpAddr::V6(_) => None,
            }
        };
        held.iter().filter_map(embed).map(IpAddr::V6).collect()
    }
}

/// A name as it is compared: RFC 1035 §2.3.3.
pub(super) fn canonical(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}
