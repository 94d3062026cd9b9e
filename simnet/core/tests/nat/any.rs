//! Configurations by chance, and the invariants that hold of all of them.

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use base::Instant;
use rstest::rstest;
use simnet::{
    Stream,
    nat::{
        AddressChange, Collision, Config, Conflicting, Deviation, Exempt, Exhaustion, Filtering,
        Fixed, Forward, Forwarded, Fragments, Hairpin, IcmpErrors, IcmpPolicy, Ipv6, Layout,
        Limits, Mapping, Meddling, MssClamp, OneToOne, OverTime, Pooling, PortAssignment, Ports,
        Rebind, Rebound, Refresh, Reporter, SimultaneousOpen, Strays, TcpPolicy, Timers, TooBig,
        Trigger, Unsolicited, UnsolicitedSyn, invariants,
    },
};

/// One of `choices`; the first, if the bytes have run out.
fn one<T: Clone>(bytes: &mut Unstructured<'_>, choices: &[T]) -> Result<T> {
    Ok(bytes.choose(choices)?.clone())
}

/// Often nothing, else what `make` makes.
fn maybe<T>(
    bytes: &mut Unstructured<'_>,
    make: impl FnOnce(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Option<T>> {
    if bytes.ratio(1, 4)? { make(bytes).map(Some) } else { Ok(None) }
}

fn life(bytes: &mut Unstructured<'_>) -> Result<Duration> {
    Ok(Duration::from_secs(one(bytes, &[300, 120, 30, 4, 1])?))
}

fn mapping(bytes: &mut Unstructured<'_>) -> Result<Mapping> {
    let all = [
        Mapping::EndpointIndependent,
        Mapping::AddressDependent,
        Mapping::AddressAndPortDependent,
        Mapping::EndpointIndependentIfPossible,
    ];
    one(bytes, &all)
}

fn filtering(bytes: &mut Unstructured<'_>) -> Result<Filtering> {
    let all = [
        Filtering::AddressAndPortDependent,
        Filtering::AddressDependent,
        Filtering::EndpointIndependent,
    ];
    one(bytes, &all)
}

fn assignment(bytes: &mut Unstructured<'_>) -> Result<PortAssignment> {
    let layout = one(bytes, &[Layout::Contiguous, Layout::Scattered])?;
    let inside = "10.0.0.0/24".parse().unwrap();
    let all = [
        PortAssignment::Preserve,
        PortAssignment::PreserveInClass,
        PortAssignment::Sequential { step: bytes.arbitrary()?, start: None },
        PortAssignment::Random,
        PortAssignment::Hash,
        PortAssignment::Deterministic { inside, ports: one(bytes, &[64, 3, 0])? },
        PortAssignment::Block { size: one(bytes, &[8, 1, 0])?, blocks: 2, layout },
    ];
    one(bytes, &all)
}

fn ports(bytes: &mut Unstructured<'_>) -> Result<Ports> {
    let collisions = [
        Collision::Random,
        Collision::Next,
        Collision::OtherAddress,
        Collision::Override,
        Collision::Overload,
        Collision::Drop,
    ];
    Ok(Ports {
        on_collision: one(bytes, &collisions)?,
        range: one(bytes, &[1_024..=65_535, 5_000..=5_007, 9..=9])?,
        preserve_outside_range: bytes.arbitrary()?,
        keep_class: bytes.arbitrary()?,
        keep_parity: bytes.arbitrary()?,
        keep_contiguity: bytes.arbitrary()?,
        overlap_by_destination: bytes.arbitrary()?,
        hold_down: one(bytes, &[Duration::ZERO, Duration::from_secs(120)])?,
        background: maybe(bytes, |_| Ok(Duration::from_millis(10)))?,
        ..Ports::new(assignment(bytes)?)
    })
}

fn tcp(bytes: &mut Unstructured<'_>) -> Result<TcpPolicy> {
    use SimultaneousOpen as Open;
    use UnsolicitedSyn as Syn;
    Ok(TcpPolicy {
        mapping: maybe(bytes, mapping)?,
        filtering: maybe(bytes, filtering)?,
        established: life(bytes)?,
        transitory_open: life(bytes)?,
        transitory_close: life(bytes)?,
        after_reset: one(bytes, &[Duration::from_secs(240), Duration::ZERO])?,
        simultaneous_open: one(bytes, &[Open::Pass, Open::Reset, Open::Drop])?,
        unsolicited: one(bytes, &[Syn::Reject, Syn::Reset, Syn::Drop])?,
        strays: one(bytes, &[Strays::Drop, Strays::Reset, Strays::Adopt])?,
        track_windows: bytes.arbitrary()?,
        clamp_mss: one(bytes, &[MssClamp::Off, MssClamp::ToMtu, MssClamp::To(1_200)])?,
        ..TcpPolicy::default()
    })
}

fn icmp(bytes: &mut Unstructured<'_>) -> Result<IcmpPolicy> {
    let errors = [IcmpErrors::Translate, IcmpErrors::TranslateFromContacted, IcmpErrors::Drop];
    Ok(IcmpPolicy {
        queries: bytes.arbitrary()?,
        filtering: maybe(bytes, filtering)?,
        errors: one(bytes, &errors)?,
        translate_quote: bytes.arbitrary()?,
        originates: bytes.arbitrary()?,
        too_big: one(bytes, &[TooBig::Report, TooBig::BlackHole, TooBig::Fragment])?,
        rate_limit: maybe(bytes, |bytes| one(bytes, &[5, 0]))?,
        reporter: one(bytes, &[Reporter::Inside, Reporter::Outside])?,
        keeps_hop_limit: bytes.arbitrary()?,
    })
}

fn fixed(bytes: &mut Unstructured<'_>) -> Result<Fixed> {
    let protocols = [Forwarded::Udp, Forwarded::Tcp, Forwarded::Both];
    let forward = Forward {
        protocol: one(bytes, &protocols)?,
        external_port: one(bytes, &[5_000, 80])?,
        external_address: None,
        internal: "10.0.0.3:5000".parse().unwrap(),
    };
    let pair =
        OneToOne { internal: "10.0.0.4".parse().unwrap(), external: "11.0.0.4".parse().unwrap() };
    let exempt = Exempt { destination: "12.0.0.3/32".parse().unwrap(), port: None };
    Ok(Fixed {
        pool: maybe(bytes, |_| Ok(vec!["11.0.0.9".parse().unwrap()]))?.unwrap_or_default(),
        one_to_one: maybe(bytes, |_| Ok(vec![pair]))?.unwrap_or_default(),
        forwards: maybe(bytes, |_| Ok(vec![forward]))?.unwrap_or_default(),
        dmz_host: maybe(bytes, |_| Ok("10.0.0.5".parse().unwrap()))?,
        exempt: maybe(bytes, |_| Ok(vec![exempt]))?.unwrap_or_default(),
    })
}

fn limits(bytes: &mut Unstructured<'_>) -> Result<Limits> {
    if bytes.ratio(1, 2)? {
        return Ok(Limits::default());
    }
    let replies = [Exhaustion::Prohibited, Exhaustion::HostUnreachable, Exhaustion::Silent];
    Ok(Limits {
        mappings: one(bytes, &[8, 0])?,
        mappings_per_host: 4,
        ports_per_host: maybe(bytes, |_| Ok(2))?,
        mapping_rate: maybe(bytes, |bytes| one(bytes, &[1, 0]))?,
        sessions: 12,
        sessions_per_host: maybe(bytes, |_| Ok(3))?,
        exhaustion: one(bytes, &replies)?,
        held_syns: 1,
        held_down: 2,
        remembered: 2,
        fragmented: 2,
        held_fragments: 3,
    })
}

fn over_time(bytes: &mut Unstructured<'_>) -> Result<OverTime> {
    let moment = |seconds| Instant::ZERO + Duration::from_secs(seconds);
    let pool = vec!["11.0.0.8".parse().unwrap()];
    let triggers = [Trigger::Conflicts(1), Trigger::Mappings(2), Trigger::At(moment(90))];
    Ok(OverTime {
        deviation: maybe(bytes, |bytes| {
            Ok(Deviation {
                trigger: one(bytes, &triggers)?,
                mapping: mapping(bytes)?,
                filtering: filtering(bytes)?,
                assignment: assignment(bytes)?,
            })
        })?,
        rebind: maybe(bytes, |bytes| {
            let period = maybe(bytes, |_| Ok(Duration::from_secs(50)))?;
            let what = one(bytes, &[Rebound::Port, Rebound::Address])?;
            Ok(Rebind { at: moment(60), period, what })
        })?,
        reboot: maybe(bytes, |_| Ok(vec![moment(30), moment(600)]))?.unwrap_or_default(),
        addresses: maybe(bytes, |_| Ok(vec![AddressChange { at: moment(500), pool }]))?
            .unwrap_or_default(),
    })
}

fn timers(bytes: &mut Unstructured<'_>) -> Result<Timers> {
    Ok(Timers {
        stream: maybe(bytes, |_| {
            let (timeout, after) = (Duration::from_secs(120), Duration::from_secs(2));
            Ok(simnet::nat::Stream { timeout, after })
        })?,
        well_known: maybe(bytes, |_| Ok(vec![(53, Duration::from_secs(10))]))?.unwrap_or_default(),
        linger: maybe(bytes, life)?.unwrap_or_default(),
        per_mapping: bytes.arbitrary()?,
        jitter: maybe(bytes, life)?.unwrap_or_default(),
        sweep: maybe(bytes, life)?.unwrap_or_default(),
        ..Timers::udp(life(bytes)?)
    })
}

fn config(bytes: &mut Unstructured<'_>) -> Result<Config> {
    use Unsolicited::{Drop, Reject, RejectAndRemember};
    let pooling = [Pooling::Paired, Pooling::SoftPaired, Pooling::Arbitrary, Pooling::RoundRobin];
    let hairpin = [Hairpin::ExternalSource, Hairpin::InternalSource, Hairpin::None];
    let fragments =
        [Fragments::OutOfOrder, Fragments::InOrder, Fragments::Reassemble, Fragments::Drop];
    let prefix = Ipv6::TranslatePrefix {
        internal: "fd00::".parse().unwrap(),
        external: "2001:db8:1::".parse().unwrap(),
        length: 48,
    };
    Ok(Config {
        mapping: mapping(bytes)?,
        filtering: filtering(bytes)?,
        share_protocols: bytes.arbitrary()?,
        ports: ports(bytes)?,
        pooling: one(bytes, &pooling)?,
        hairpin: one(bytes, &hairpin)?,
        filter_hairpin: bytes.arbitrary()?,
        refresh: Refresh { outbound: bytes.arbitrary()?, inbound: bytes.arbitrary()? },
        timers: timers(bytes)?,
        tcp: tcp(bytes)?,
        icmp: icmp(bytes)?,
        fragments: one(bytes, &fragments)?,
        unsolicited: one(bytes, &[Drop, Reject, RejectAndRemember])?,
        conflicting_addresses: one(bytes, &[Conflicting::Translate, Conflicting::Drop])?,
        ipv6: one(bytes, &[Ipv6::Filter, Ipv6::Route, Ipv6::Drop, prefix])?,
        fixed: fixed(bytes)?,
        limits: limits(bytes)?,
        meddling: maybe(bytes, |bytes| {
            let binary_addresses = bytes.arbitrary()?;
            Ok(Meddling { binary_addresses, hop_limit: Some(9), ..Meddling::default() })
        })?
        .unwrap_or_default(),
        over_time: over_time(bytes)?,
        ..Config::default()
    })
}

/// A configuration that follows from `seed`.
fn by_chance(seed: u64) -> Config {
    let mut bytes = [0; 512];
    Stream::new(seed, "configuration").fill(&mut bytes);
    config(&mut Unstructured::new(&bytes)).unwrap()
}

#[rstest]
fn any_nat_keeps_the_invariants(#[values(0, 1, 2, 3)] part: u64) {
    let (mut inward, mut turned, mut faults) = (0, 0, Vec::new());
    for seed in part * 20..(part + 1) * 20 {
        let config = by_chance(seed);
        match invariants::check(&config, seed) {
            Ok(summary) => {
                inward += summary.inward;
                turned += summary.turned;
            }
            Err(fault) => faults.push(fault),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(inward > 400 && turned > 20, "{inward} came in, {turned} turned around");
}

#[rstest]
#[case::ideal(Config::rfc4787_ideal())]
#[case::strict(Config::rfc4787_strict())]
#[case::full_cone(Config::full_cone())]
#[case::restricted_cone(Config::restricted_cone())]
#[case::port_restricted_cone(Config::port_restricted_cone())]
#[case::symmetric_random(Config::symmetric_random())]
#[case::symmetric_sequential(Config::symmetric_sequential(1))]
#[case::linux_masquerade(Config::linux_masquerade())]
#[case::linux_masquerade_bare(Config::linux_masquerade_bare())]
fn nats_with_a_name_keep_the_invariants(#[case] config: Config) {
    for seed in 0..10 {
        let summary = invariants::check(&config, seed).unwrap();
        assert!(summary.out > 50 && summary.inward > 10, "{summary:?}");
    }
}

#[test]
fn every_configuration_survives_its_file() {
    for seed in 0..500 {
        let config = by_chance(seed);
        let text = toml::to_string(&config).unwrap();
        let read: Config = toml::from_str(&text).unwrap_or_else(|fault| panic!("{fault}\n{text}"));
        assert_eq!(read, config, "{text}");
    }
}
