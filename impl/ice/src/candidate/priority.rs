//! Priorities: RFC 8445 §5.1.2, with the order of addresses of RFC 8421 §4 and the local
//! preferences of TCP of RFC 6544 §4.2.
//!
//! A priority is a *type preference*, a *local preference* and the component. The local preference
//! says where an address stands among the host's own: its *rank*, 0 for the best. [`Ranking`] gives
//! ranks, better networks first and, among equals, IPv6 and IPv4 in turns, so that a family that
//! does not work delays nothing for long.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use base::InterfaceKind;

use super::{Kind, TcpType, Transport};

/// The type preference, 0 to 126: RFC 8445 §5.1.2.2 over UDP. Over TCP each kind but the relayed
/// stands below all that go over UDP (RFC 6544 §4.2), and the order of kinds is the same.
#[must_use]
pub const fn type_preference(kind: Kind, transport: Transport) -> u8 {
    match (kind, transport) {
        (Kind::Host, Transport::Udp) => 126,
        (Kind::PeerReflexive, Transport::Udp) => 110,
        (Kind::ServerReflexive, Transport::Udp) => 100,
        (Kind::Host, Transport::Tcp(_)) => 90,
        (Kind::PeerReflexive, Transport::Tcp(_)) => 80,
        (Kind::ServerReflexive, Transport::Tcp(_)) => 70,
        (Kind::Relayed, _) => 0,
    }
}

/// The local preference of the address with this rank: 65,535 for rank 0 over UDP. Over TCP the
/// three high bits are the preference of the direction (RFC 6544 §4.2), and ranks beyond 8,191 are
/// alike.
#[must_use]
pub fn local_preference(kind: Kind, transport: Transport, rank: u16) -> u16 {
    let Transport::Tcp(tcp_type) = transport else {
        return u16::MAX - rank;
    };
    let reflexive = matches!(kind, Kind::ServerReflexive | Kind::PeerReflexive);
    let direction = match (tcp_type, reflexive) {
        (TcpType::Active, false) | (TcpType::So, true) => 6_u16,
        (TcpType::Passive, false) | (TcpType::Active, true) => 4,
        (TcpType::So, false) | (TcpType::Passive, true) => 2,
    };
    (direction << OTHER_BITS) + (MAX_OTHER - rank.min(MAX_OTHER))
}

/// The recommended formula: RFC 8445 §5.1.2.1. `component` is 1 to 256; others count as the
/// nearest.
#[must_use]
pub fn priority(type_preference: u8, local_preference: u16, component: u16) -> u32 {
    let component = u32::from(component.clamp(1, 256));
    let priority =
        (u32::from(type_preference) << 24) + (u32::from(local_preference) << 8) + (256 - component);
    // Nothing but the last preferences of all together with component 256 would give 0.
    priority.max(1)
}

/// How much a network is to be avoided: RFC 8421 §3 has unreliable and dear ones come later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkCost(pub u16);

impl NetworkCost {
    /// The cost that goes with what an interface is made of. Where nothing is known nothing is
    /// avoided.
    #[must_use]
    pub const fn of(kind: InterfaceKind) -> Self {
        match kind {
            InterfaceKind::Wifi => Self(10),
            InterfaceKind::Vpn => Self(50),
            InterfaceKind::Cellular => Self(900),
            InterfaceKind::Loopback => Self(1_000),
            _ => Self(0),
        }
    }
}

/// Ranks of the host's addresses, and the priorities that were given to candidates: no two of one
/// stream may be alike (RFC 8445 §5.1.2).
///
/// Tell it all addresses at once with [`plan`](Self::plan) when they are known. One that comes
/// later gets the first free rank that suits its family and cost; those given before do not change.
///
/// ```
/// use ice::{Kind, Transport, priority::{NetworkCost, Ranking}};
///
/// let mut ranking = Ranking::default();
/// let (v4, v6) = ("192.0.2.1".parse()?, "2001:db8::1".parse()?);
/// let free = NetworkCost::default();
/// ranking.plan(&[(v4, free), (v6, free)]);
/// let best = ranking.take(Kind::Host, Transport::Udp, ranking.rank(v6), 0, 1);
/// let next = ranking.take(Kind::Host, Transport::Udp, ranking.rank(v4), 0, 1);
/// assert_eq!(best, 2_130_706_431);
/// assert!(best > next);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Default)]
pub struct Ranking {
    places: BTreeMap<IpAddr, u16>,
    taken: BTreeSet<u32>,
}

/// Addresses with a rank of their own. More than any host has; the rest share the last.
pub const MAX_RANKED: u16 = 256;

/// Ranks between one address and the next, for candidates of one address from several servers.
pub const SERVERS_PER_ADDRESS: u16 = 8;

const OTHER_BITS: u32 = 13;
const MAX_OTHER: u16 = (1 << OTHER_BITS) - 1;

impl Ranking {
    /// Gives ranks to these addresses, but for those that have one: by cost, and in each cost IPv6
    /// first, with IPv4 in between as RFC 8421 §4 has it. In a family the order given stays.
    pub fn plan(&mut self, addresses: &[(IpAddr, NetworkCost)]) {
        let costs: BTreeSet<_> = addresses.iter().map(|&(_, cost)| cost).collect();
        for cost in costs {
            let alike = addresses.iter().filter(|&&(_, one)| one == cost).map(|&(ip, _)| ip);
            let (v6, v4): (Vec<_>, Vec<_>) = alike.partition(IpAddr::is_ipv6);
            for ip in interleaved(&v6, &v4) {
                self.place(ip, 0);
            }
        }
    }

    /// Gives a rank to one address that came alone, and says which.
    pub fn add(&mut self, ip: IpAddr, cost: NetworkCost) -> u16 {
        let family = self.places.keys().filter(|one| one.is_ipv6() == ip.is_ipv6()).count();
        let family = u16::try_from(family).unwrap_or(MAX_RANKED);
        // The first of all has the first place (RFC 8445 §5.1.2.1), later ones every other place.
        let from = match self.places.is_empty() {
            true => 0,
            false => family.saturating_mul(2).saturating_add(u16::from(ip.is_ipv4())),
        };
        let dearer = if self.places.is_empty() { 0 } else { cost.0.min(100) / 4 };
        self.place(ip, from.saturating_add(dearer));
        self.rank(ip)
    }

    /// The rank of an address; of one without, the last.
    #[must_use]
    pub fn rank(&self, ip: IpAddr) -> u16 {
        self.places.get(&ip).copied().unwrap_or(MAX_RANKED - 1) * SERVERS_PER_ADDRESS
    }

    /// The priority for a candidate of this rank from the `server`-th server (0 if from none),
    /// which no candidate in use has: if another has it, the next lower one that is free.
    pub fn take(
        &mut self,
        kind: Kind,
        transport: Transport,
        rank: u16,
        server: u16,
        component: u16,
    ) -> u32 {
        let rank = rank.saturating_add(server.min(SERVERS_PER_ADDRESS - 1));
        let preference = type_preference(kind, transport);
        let mut local = local_preference(kind, transport, rank);
        while local > 0 && self.taken.contains(&priority(preference, local, component)) {
            local -= 1;
        }
        let priority = priority(preference, local, component);
        self.taken.insert(priority);
        priority
    }

    /// Gives a priority back whose candidate is no more.
    pub fn release(&mut self, priority: u32) {
        self.taken.remove(&priority);
    }

    /// Forgets an address that the host no longer has, so that another may have its rank.
    pub fn forget(&mut self, ip: IpAddr) {
        self.places.remove(&ip);
    }

    fn place(&mut self, ip: IpAddr, from: u16) {
        if self.places.contains_key(&ip) {
            return;
        }
        let used: BTreeSet<u16> = self.places.values().copied().collect();
        let last = MAX_RANKED - 1;
        let from = from.min(last);
        let free = (from..last).chain(0..from).find(|place| !used.contains(place));
        if self.places.len() < usize::from(MAX_RANKED) {
            self.places.insert(ip, free.unwrap_or(last));
        }
    }
}

/// RFC 8421 §4: a head start of (N₄ + N₆) / N₄ for IPv6, and from then on one of each in turns.
fn interleaved(v6: &[IpAddr], v4: &[IpAddr]) -> Vec<IpAddr> {
    let head_start = (v4.len() + v6.len()).checked_div(v4.len()).unwrap_or(v6.len());
    let (first, rest) = v6.split_at(head_start.min(v6.len()));
    let mut order = first.to_vec();
    let (mut rest, mut v4) = (rest.iter(), v4.iter());
    loop {
        match (v4.next(), rest.next()) {
            (None, None) => return order,
            (one, other) => order.extend(one.into_iter().chain(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const UDP: Transport = Transport::Udp;
    const FREE: NetworkCost = NetworkCost(0);

    fn addresses(v6: u16, v4: u8) -> (Vec<IpAddr>, Vec<IpAddr>) {
        let six = (1..=v6).map(|n| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, n])).collect();
        let four = (1..=v4).map(|n| IpAddr::from([192, 0, 2, n])).collect();
        (six, four)
    }

    fn shown(order: &[IpAddr]) -> String {
        order.iter().map(|ip| if ip.is_ipv6() { '6' } else { '4' }).collect()
    }

    #[rstest]
    #[case::of_the_text(6, 2, "66664646")]
    #[case::one_each(1, 1, "64")]
    #[case::even(3, 3, "664644")]
    #[case::no_v4(3, 0, "666")]
    #[case::no_v6(0, 3, "444")]
    #[case::many_v4(1, 4, "64444")]
    #[case::none(0, 0, "")]
    fn families_take_turns_after_a_head_start(
        #[case] v6: u16,
        #[case] v4: u8,
        #[case] expected: &str,
    ) {
        let (v6, v4) = addresses(v6, v4);
        assert_eq!(shown(&interleaved(&v6, &v4)), expected);
    }

    #[rstest]
    #[case::host(Kind::Host, UDP, 2_130_706_431)]
    #[case::server_reflexive(Kind::ServerReflexive, UDP, 1_694_498_815)]
    #[case::peer_reflexive(Kind::PeerReflexive, UDP, 1_862_270_975)]
    #[case::relayed(Kind::Relayed, UDP, 16_777_215)]
    fn one_address_gets_the_figures_of_the_text(
        #[case] kind: Kind,
        #[case] transport: Transport,
        #[case] expected: u32,
    ) {
        let mut ranking = Ranking::default();
        let rank = ranking.add([192, 0, 2, 1].into(), NetworkCost(900));
        assert_eq!(ranking.take(kind, transport, rank, 0, 1), expected);
    }

    #[rstest]
    #[case(Kind::Host, TcpType::Active, 6)]
    #[case(Kind::Host, TcpType::Passive, 4)]
    #[case(Kind::Host, TcpType::So, 2)]
    #[case(Kind::Relayed, TcpType::Active, 6)]
    #[case(Kind::ServerReflexive, TcpType::So, 6)]
    #[case(Kind::ServerReflexive, TcpType::Active, 4)]
    #[case(Kind::PeerReflexive, TcpType::Passive, 2)]
    fn direction_is_in_the_high_bits_of_tcp(
        #[case] kind: Kind,
        #[case] tcp_type: TcpType,
        #[case] direction: u16,
    ) {
        let transport = Transport::Tcp(tcp_type);
        assert_eq!(local_preference(kind, transport, 0), 8_192 * direction + 8_191);
        assert_eq!(local_preference(kind, transport, u16::MAX), 8_192 * direction);
    }

    #[test]
    fn udp_goes_before_tcp_and_relays_come_last() {
        let tcp = Transport::Tcp(TcpType::Active);
        let preferences: Vec<_> = [UDP, tcp]
            .into_iter()
            .flat_map(|transport| Kind::ALL.map(|kind| (type_preference(kind, transport), kind)))
            .collect();
        let of = |transport: Transport| Kind::ALL.map(|kind| type_preference(kind, transport));
        let least = |all: [u8; 4]| all.into_iter().filter(|&one| one > 0).min();
        assert!(least(of(UDP)) > of(tcp).into_iter().max());
        for (preference, kind) in preferences {
            assert_eq!(preference == 0, kind == Kind::Relayed);
            assert!(preference <= 126);
        }
    }

    #[test]
    fn peer_reflexive_is_above_server_reflexive() {
        for transport in [UDP, Transport::Tcp(TcpType::So)] {
            let [host, server, peer, relayed] =
                Kind::ALL.map(|kind| type_preference(kind, transport));
            assert!(host > peer && peer > server && server > relayed);
        }
    }

    #[test]
    fn no_two_candidates_share_a_priority() {
        let mut ranking = Ranking::default();
        let mut seen = BTreeSet::new();
        let tcp = TcpType::ALL.map(Transport::Tcp);
        for n in 0..40_u8 {
            let rank = ranking.add([10, 0, 0, n].into(), FREE);
            for (kind, transport) in Kind::ALL.into_iter().flat_map(|kind| {
                [UDP, UDP].into_iter().chain(tcp).map(move |transport| (kind, transport))
            }) {
                for component in [1, 2] {
                    let priority = ranking.take(kind, transport, rank, 0, component);
                    assert!(seen.insert(priority), "{kind} {transport:?} {priority}");
                }
            }
        }
    }

    #[test]
    fn priorities_are_within_bounds() {
        assert_eq!(priority(0, 0, 256), 1);
        assert_eq!(priority(126, 65_535, 0), 2_130_706_431);
        assert!(priority(126, 65_535, 1) < 1 << 31);
    }

    #[test]
    fn dear_networks_come_later_whatever_their_family() {
        let (v6, v4) = addresses(2, 2);
        let mut ranking = Ranking::default();
        let dear = NetworkCost::of(InterfaceKind::Cellular);
        ranking.plan(&[(v6[0], dear), (v4[0], FREE), (v6[1], FREE), (v4[1], dear)]);
        let mut order = [v6[0], v6[1], v4[0], v4[1]];
        order.sort_by_key(|&ip| ranking.rank(ip));
        assert_eq!(order, [v6[1], v4[0], v6[0], v4[1]]);
    }

    #[test]
    fn addresses_that_come_alone_alternate_too() {
        let (v6, v4) = addresses(3, 3);
        let mut ranking = Ranking::default();
        for ip in v4.iter().chain(&v6) {
            ranking.add(*ip, FREE);
        }
        let mut order: Vec<_> = v4.iter().chain(&v6).copied().collect();
        order.sort_by_key(|&ip| ranking.rank(ip));
        assert_eq!(shown(&order), "466464");
    }

    #[test]
    fn ranks_stay_when_others_come_and_are_free_when_addresses_go() {
        let (v6, v4) = addresses(1, 255);
        let mut ranking = Ranking::default();
        let first = ranking.add(v4[0], FREE);
        ranking.plan(&[(v6[0], FREE), (v4[0], FREE)]);
        assert_eq!((ranking.rank(v4[0]), first), (0, 0));
        for ip in &v4 {
            ranking.add(*ip, FREE);
        }
        assert!(ranking.places.len() <= usize::from(MAX_RANKED));
        ranking.forget(v4[0]);
        assert_eq!(ranking.add([198, 51, 100, 1].into(), FREE), 0);
    }

    #[test]
    fn several_servers_of_one_address_stand_between_it_and_the_next() {
        let mut ranking = Ranking::default();
        let (first, second) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        ranking.plan(&[(first, FREE), (second, FREE)]);
        let mut take = |ip, server| {
            let rank = ranking.rank(ip);
            ranking.take(Kind::ServerReflexive, UDP, rank, server, 1)
        };
        let priorities = [take(first, 0), take(first, 1), take(first, 100), take(second, 0)];
        assert!(priorities.is_sorted_by(|a, b| a > b), "{priorities:?}");
    }
}
