//! What a handshake costs: round trips, datagrams and bytes until both ends are connected.

use std::time::Duration;

use base::Instant;
use crypto::NamedGroup;
use dtls::{CipherSuite, SrtpProfile, Version};

use super::{
    life::{Cost, Life},
    plan::{Key, Loss, Plan, Side, Way},
};
use crate::tell::figures::{percentile, table};

/// Handshakes of each kind under loss that a table for people is made of.
pub(super) const HANDSHAKES: u64 = 400;
/// One way, in milliseconds.
const DELAY: u32 = 50;

/// A kind of handshake.
#[derive(Clone, Copy, Debug)]
struct Variant {
    name: &'static str,
    version: Version,
    cookies: bool,
    /// What the client sends a share of.
    share: NamedGroup,
    /// The groups that the server speaks; only the hybrid one makes it ask for another share.
    hybrid_only: bool,
}

const VARIANTS: [Variant; 6] = [
    Variant {
        name: "1.2",
        version: Version::Dtls12,
        cookies: false,
        share: X25519,
        hybrid_only: false,
    },
    Variant {
        name: "1.2, cookie",
        version: Version::Dtls12,
        cookies: true,
        share: X25519,
        hybrid_only: false,
    },
    Variant {
        name: "1.3",
        version: Version::Dtls13,
        cookies: false,
        share: X25519,
        hybrid_only: false,
    },
    Variant {
        name: "1.3, cookie",
        version: Version::Dtls13,
        cookies: true,
        share: X25519,
        hybrid_only: false,
    },
    Variant {
        name: "1.3, hybrid share",
        version: Version::Dtls13,
        cookies: false,
        share: HYBRID,
        hybrid_only: false,
    },
    Variant {
        name: "1.3, hybrid on request",
        version: Version::Dtls13,
        cookies: false,
        share: X25519,
        hybrid_only: true,
    },
];
const X25519: NamedGroup = NamedGroup::X25519;
const HYBRID: NamedGroup = NamedGroup::X25519MlKem768;

/// Both tables: on a perfect path, and under loss.
pub(super) fn tables(handshakes: u64) -> String {
    format!(
        "Handshakes with two certificates on P-256, a round trip of {} ms, datagrams of up to 1,200 bytes\n\
         \nOn a perfect path\n\n{}\n\
         With packets lost each way, of {handshakes} handshakes each: the first timeout is 400 ms\n\n{}",
        2 * DELAY,
        perfect(),
        lossy(handshakes),
    )
}

/// What came of one handshake.
struct Met {
    after: Duration,
    costs: [Cost; 2],
}

fn perfect() -> String {
    let rows = VARIANTS.iter().map(|variant| {
        let cell = meet(variant, 0, 1);
        let cost = |of: &dyn Fn(&Cost) -> u64, side: usize| {
            let cost = cell.as_ref().and_then(|met| met.costs.get(side));
            cost.map_or_else(|| "-".to_owned(), |cost| of(cost).to_string())
        };
        vec![
            variant.name.to_owned(),
            round_trips(cell.as_ref().map(|met| met.after)),
            cost(&|cost| cost.datagrams, 0),
            cost(&|cost| cost.bytes, 0),
            cost(&|cost| cost.datagrams, 1),
            cost(&|cost| cost.bytes, 1),
        ]
    });
    let head = [
        "handshake",
        "round trips",
        "of client: datagrams",
        "bytes",
        "of server: datagrams",
        "bytes",
    ];
    table(&head, rows)
}

fn lossy(handshakes: u64) -> String {
    let rows = VARIANTS.iter().flat_map(|variant| {
        [5, 20, 40].map(|percent| {
            let all: Vec<_> =
                (1..=handshakes).filter_map(|seed| meet(variant, percent, seed)).collect();
            let mut times: Vec<_> = all.iter().map(|met| met.after).collect();
            times.sort_unstable();
            let bytes = |met: &Met| met.costs.iter().map(|cost| cost.bytes).sum::<u64>();
            let mut bytes: Vec<_> = all.iter().map(bytes).collect();
            bytes.sort_unstable();
            let middle = |at: usize| {
                let at = (bytes.len() * at).div_ceil(100).saturating_sub(1);
                bytes.get(at).map_or_else(|| "-".to_owned(), u64::to_string)
            };
            vec![
                variant.name.to_owned(),
                format!("{percent} %"),
                all.len().to_string(),
                round_trips(percentile(&times, 50)),
                round_trips(percentile(&times, 95)),
                round_trips(percentile(&times, 99)),
                round_trips(times.last().copied()),
                middle(50),
                middle(95),
            ]
        })
    });
    let head = [
        "handshake",
        "loss",
        "completed",
        "round trips: median",
        "95 %",
        "99 %",
        "most",
        "bytes: median",
        "95 %",
    ];
    table(&head, rows)
}

/// A time in round trips.
fn round_trips(time: Option<Duration>) -> String {
    let round_trip = f64::from(2 * DELAY) / 1_000.0;
    time.map_or_else(|| "-".to_owned(), |time| format!("{:.1}", time.as_secs_f64() / round_trip))
}

fn meet(variant: &Variant, percent: u32, seed: u64) -> Option<Met> {
    let plan = plan(variant, percent, seed);
    let mut life = Life::new(&plan, ());
    life.meet();
    let (at, costs) = life.met?;
    Some(Met { after: at.saturating_duration_since(Instant::ZERO), costs })
}

fn plan(variant: &Variant, percent: u32, seed: u64) -> Plan {
    let loss = if percent > 0 { Loss::Single(percent) } else { Loss::None };
    let way = Way { loss, delay: DELAY, ..Way::default() };
    let groups = match variant.share {
        HYBRID => vec![HYBRID, X25519],
        _ => vec![X25519, HYBRID],
    };
    let side = Side {
        start: Duration::ZERO,
        versions: [variant.version; 2],
        suites: CipherSuite::ALL.to_vec(),
        groups,
        shares: 1,
        profiles: SrtpProfile::ALL.to_vec(),
        key: Key::P256,
        connection_id: None,
        record_limit: None,
        knows_mtu: false,
        knows_rtt: false,
        learns_late: false,
        pace: Duration::from_millis(100),
        longest: 100,
    };
    let mut server = side.clone();
    if variant.hybrid_only {
        server.groups = vec![HYBRID];
    }
    Plan {
        seed,
        sides: [side, server],
        ways: [way, way],
        mtu: 1_500,
        cookies: variant.cookies,
        mutual: true,
        rebinding: None,
        updates: Vec::new(),
        storm: Duration::ZERO,
    }
}
