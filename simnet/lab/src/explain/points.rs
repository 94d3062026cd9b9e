//! A configuration, sentence by sentence.

use std::time::Duration;

use simnet::nat::{
    Collision, Config, Filtering, Fragments, Hairpin, IcmpErrors, Ipv6, Limits, Mapping, Pooling,
    PortAssignment, SimultaneousOpen, TcpPolicy, Trigger, Unsolicited, UnsolicitedSyn,
};

/// One thing a NAT does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// What it is about.
    pub topic: &'static str,
    /// What the NAT does.
    pub does: String,
    /// What that means for two peers who look for a way to each other.
    pub means: String,
}

/// Everything that a NAT does which behaves as `config` says, with what follows from it.
#[must_use]
pub fn points(config: &Config) -> Vec<Point> {
    let mut all = vec![
        mapping(config.mapping),
        filtering(config.filtering),
        ports(config),
        timers(config),
        hairpin(config),
        unsolicited(config.unsolicited),
        tcp(&config.tcp),
        icmp(config),
        fragments(config.fragments),
        ipv6(&config.ipv6),
    ];
    all.extend(pool(config.pooling));
    all.extend(limits(&config.limits));
    all.extend(over_time(config));
    all
}

fn point(topic: &'static str, does: impl Into<String>, means: impl Into<String>) -> Point {
    Point { topic, does: does.into(), means: means.into() }
}

fn mapping(mapping: Mapping) -> Point {
    let (does, means) = match mapping {
        Mapping::EndpointIndependent => (
            "A socket keeps one external port, whomever it talks to (endpoint-independent, \
             RFC 4787 §4.1).",
            "What a STUN server sees is what every peer will see: the server-reflexive candidate is \
             good, and the peer can aim at it.",
        ),
        Mapping::AddressDependent => (
            "A socket gets a new external port for every address it talks to (address-dependent, \
             RFC 4787 §4.1).",
            "The port that a STUN server saw is not the one a peer must aim at. The peer learns the \
             right one only from a check that reaches it.",
        ),
        Mapping::AddressAndPortDependent => (
            "A socket gets a new external port for every address and port it talks to \
             (address- and port-dependent, RFC 4787 §4.1). RFC 3489 called this symmetric.",
            "The port that a STUN server saw is not the one a peer must aim at, and even an answer \
             comes from yet another port if it goes elsewhere. Only a peer that lets strange ports in \
             can be reached directly; else a relay is needed.",
        ),
        Mapping::EndpointIndependentIfPossible => (
            "A socket keeps its external port as long as no other conversation has the same port with \
             the same destination; else it gets another one towards that destination alone. This is \
             what the connection tracking of Linux does.",
            "The server-reflexive candidate is good nearly always. When it is not, nothing tells so: \
             the check leaves from a port that nobody expects.",
        ),
    };
    point("Mapping", does, means)
}

fn filtering(filtering: Filtering) -> Point {
    let (does, means) = match filtering {
        Filtering::EndpointIndependent => (
            "Once a socket has an external port, everyone may send to it (endpoint-independent, \
             RFC 4787 §5).",
            "The first check gets through, from whatever port it comes: even a peer behind a symmetric \
             NAT can get in.",
        ),
        Filtering::AddressDependent => (
            "Addresses that the socket has sent to may answer, from any port (address-dependent, \
             RFC 4787 §5).",
            "Each side must send first. After that the peer's port does not matter, so that a peer \
             behind a symmetric NAT can get in.",
        ),
        Filtering::AddressAndPortDependent => (
            "Only the very address and port that the socket has sent to may answer (address- and \
             port-dependent, RFC 4787 §5).",
            "Each side must send first, to the right port. The first check that arrives is usually \
             dropped; the one sent back opens the way. A peer whose port cannot be known stays out.",
        ),
    };
    point("Filtering", does, means)
}

fn ports(config: &Config) -> Point {
    let ports = &config.ports;
    let collision = match ports.on_collision {
        Collision::Random => "if it is taken, a random one",
        Collision::Next => "if it is taken, the next free one",
        Collision::OtherAddress => "if it is taken, the same one of another external address",
        Collision::Override => "if it is taken, its owner loses it",
        Collision::Overload => "even if another host has it, which RFC 4787 §4.2.1 forbids",
        Collision::Drop => "if it is taken, the packet is dropped",
    };
    let range = format!("{}-{}", ports.range.start(), ports.range.end());
    let (does, means) = match ports.assignment {
        PortAssignment::Preserve => (
            format!("The external port is the internal one; {collision}."),
            "Ports look alike inside and outside until two hosts want the same one.".to_owned(),
        ),
        PortAssignment::PreserveInClass => (
            "The external port is the internal one; if it is taken, one of its class: 1-511, 512-1023 \
             or 1024-65535."
                .to_owned(),
            "Ports look alike inside and outside until two hosts want the same one.".to_owned(),
        ),
        PortAssignment::Sequential { step, .. } => (
            format!("External ports of {range} are given out one after the other, {step} apart."),
            "The next port can be guessed from the last, as long as no other host takes it first: port \
             prediction."
                .to_owned(),
        ),
        PortAssignment::Random => (
            format!("External ports are drawn at random from {range} (RFC 6056)."),
            "Nobody can guess a port that was not seen.".to_owned(),
        ),
        PortAssignment::Hash => (
            format!("The external port follows from the internal address and port alone; {collision}."),
            "A mapping survives a reboot of the box: the same socket gets the same port again."
                .to_owned(),
        ),
        PortAssignment::Deterministic { ports, .. } => (
            format!(
                "Each internal address owns {ports} ports of {range} by arithmetic, so that nothing \
                 needs to be logged (RFC 7422 §2)."
            ),
            "A peer that knows the rule can guess the block, but not the port in it.".to_owned(),
        ),
        PortAssignment::Block { size, blocks, .. } => (
            format!(
                "Each internal address gets blocks of {size} ports, {blocks} at most (RFC 6888 §5)."
            ),
            "Ports of one subscriber lie together; a busy one may find none left.".to_owned(),
        ),
    };
    let mut does = does;
    if ports.keep_parity {
        does.push_str(" Even ports stay even and odd ones odd.");
    }
    if ports.overlap_by_destination {
        does.push_str(" Conversations with different destinations may share a port.");
    }
    point("Ports", does, means)
}

fn timers(config: &Config) -> Point {
    let timers = &config.timers;
    let mut does = format!("A UDP mapping is forgotten after {} of silence.", span(timers.udp));
    if let Some(stream) = timers.stream {
        does = format!(
            "A UDP mapping is forgotten after {} of silence; once it was answered and is {} old, after \
             {}.",
            span(timers.udp),
            span(stream.after),
            span(stream.timeout)
        );
    }
    does.push_str(match (config.refresh.outbound, config.refresh.inbound) {
        (true, true) => " Packets in both directions keep it alive.",
        (true, false) => " Only packets from inside keep it alive (RFC 4787 §4.3).",
        (false, true) => " Only packets from outside keep it alive.",
        (false, false) => " Nothing keeps it alive.",
    });
    let shortest = timers.stream.map_or(timers.udp, |stream| stream.timeout);
    let means = if shortest < Duration::from_secs(15) {
        "The usual keep-alives of 15 s (RFC 8445 §11) come too late."
    } else if shortest < Duration::from_secs(120) {
        "Shorter than the two minutes that RFC 4787 §4.3 asks for; keep-alives of 15 s (RFC 8445 §11) \
         come often enough, ones of a minute may not."
    } else {
        "Long enough for any keep-alive that is usual (RFC 4787 §4.3)."
    };
    point("Timers", does, means)
}

fn hairpin(config: &Config) -> Point {
    let (does, means) = match config.hairpin {
        Hairpin::None => (
            "Packets from inside to an external address of the box are dropped.",
            "Two peers behind this same box cannot use their server-reflexive candidates. On one LAN, \
             host candidates do; behind a shared CGN, nothing does but a relay.",
        ),
        Hairpin::InternalSource => (
            "Packets from inside to an external address come back in, with the internal address of \
             their sender (against RFC 4787 §6).",
            "Two peers behind this box may hear each other, but from an address they did not send to, \
             so that most checks fail.",
        ),
        Hairpin::ExternalSource => (
            "Packets from inside to an external address come back in, with the external address of \
             their sender (RFC 4787 §6).",
            "Two peers behind this same box reach each other by their server-reflexive candidates.",
        ),
    };
    let mut does = does.to_owned();
    if config.hairpin != Hairpin::None && config.filter_hairpin {
        does.push_str(" They must pass the filter like packets from outside.");
    }
    point("Hairpinning", does, means)
}

fn unsolicited(unsolicited: Unsolicited) -> Point {
    let (does, means) = match unsolicited {
        Unsolicited::Drop => (
            "What nobody asked for vanishes.",
            "A check that comes too early is lost and must be sent again.",
        ),
        Unsolicited::Reject => (
            "What nobody asked for is answered with ICMP port unreachable.",
            "A check that comes too early is lost; its sender hears so, and must not give up for it.",
        ),
        Unsolicited::RejectAndRemember => (
            "What nobody asked for is answered with ICMP port unreachable, and counts as a \
             conversation with the box itself.",
            "If the peer's check arrives before the first one from inside, the port is lost towards \
             that peer: the check from inside leaves by another port, and hole punching fails. Who \
             sends first is decided by the delay of signalling.",
        ),
    };
    point("Strangers", does, means)
}

fn tcp(tcp: &TcpPolicy) -> Point {
    let open = match tcp.simultaneous_open {
        SimultaneousOpen::Pass => "Two SYNs may cross",
        SimultaneousOpen::Reset => "A SYN that crosses one from inside is reset",
        SimultaneousOpen::Drop => "A SYN that crosses one from inside is dropped",
    };
    let does = format!(
        "An established connection is forgotten after {} of silence (RFC 5382 §5). {open} \
         (RFC 5382 §4.2).",
        span(tcp.established)
    );
    let means = match tcp.simultaneous_open {
        SimultaneousOpen::Pass if tcp.unsolicited != UnsolicitedSyn::Reset => {
            "Holes can be punched by TCP as well, where the ports are known."
        }
        SimultaneousOpen::Pass => {
            "A SYN that comes too early is reset, which ruins the attempt: holes are punched by TCP \
             only by luck."
        }
        SimultaneousOpen::Reset | SimultaneousOpen::Drop => "No hole can be punched by TCP.",
    };
    point("TCP", does, means)
}

fn icmp(config: &Config) -> Point {
    let does = match config.icmp.errors {
        IcmpErrors::Translate => {
            "ICMP errors about a mapping pass, whoever sends them (RFC 5508 §4)."
        }
        IcmpErrors::TranslateFromContacted => {
            "ICMP errors pass only from addresses that the mapping has sent to (against RFC 4787 §9)."
        }
        IcmpErrors::Drop => "No ICMP error passes (against RFC 4787 §9).",
    };
    let means = match (config.icmp.errors, config.icmp.originates) {
        (IcmpErrors::Drop, _) => {
            "Path MTU discovery by ICMP fails behind it: packets that are too big vanish without a word."
        }
        (_, false) => "The box itself says nothing when a packet is too big for it.",
        _ => "Hosts behind it learn of path MTUs and of closed ports.",
    };
    point("ICMP", does, means)
}

fn fragments(fragments: Fragments) -> Point {
    let (does, means) = match fragments {
        Fragments::OutOfOrder => (
            "Fragments pass in any order (RFC 4787 §11).",
            "Large datagrams arrive, if they must be.",
        ),
        Fragments::InOrder => (
            "Fragments pass if the first one comes first.",
            "Large datagrams are lost where paths reorder.",
        ),
        Fragments::Reassemble => (
            "Fragments are put together, and pass as one packet.",
            "Large datagrams arrive, if they must be.",
        ),
        Fragments::Drop => (
            "No fragment passes (against RFC 4787 §11).",
            "Datagrams above the path MTU never arrive: certificates of DTLS must fit, or be cut by \
             DTLS itself.",
        ),
    };
    point("Fragments", does, means)
}

fn ipv6(ipv6: &Ipv6) -> Point {
    let (does, means) = match ipv6 {
        Ipv6::Filter => (
            "IPv6 is routed as it is, and filtered like IPv4.",
            "Host candidates of IPv6 work once both sides have sent.",
        ),
        Ipv6::Route => {
            ("IPv6 is routed as it is.", "Host candidates of IPv6 work without any punching.")
        }
        Ipv6::TranslatePrefix { .. } => (
            "The prefix of IPv6 addresses is replaced, without state.",
            "A server-reflexive candidate of IPv6 works from every port.",
        ),
        Ipv6::Drop => ("IPv6 does not pass.", "There are no candidates of IPv6."),
    };
    point("IPv6", does, means)
}

fn pool(pooling: Pooling) -> Option<Point> {
    matches!(pooling, Pooling::Arbitrary | Pooling::RoundRobin).then(|| {
        point(
            "Addresses",
            "With several external addresses, a host may get another one for each mapping (against \
             RFC 4787 §4.1).",
            "RTP and RTCP, or two components of a stream, may appear to come from two hosts.",
        )
    })
}

fn limits(limits: &Limits) -> Option<Point> {
    let mut bounds = Vec::new();
    if limits.mappings_per_host < Limits::default().mappings_per_host {
        bounds.push(format!("{} mappings", limits.mappings_per_host));
    }
    bounds.extend(limits.ports_per_host.map(|ports| format!("{ports} ports")));
    bounds.extend(limits.sessions_per_host.map(|sessions| format!("{sessions} sessions")));
    bounds.extend(limits.mapping_rate.map(|rate| format!("{rate} new mappings a second")));
    (!bounds.is_empty()).then(|| {
        point(
            "Limits",
            format!("A host may have {} (RFC 6888 §3).", bounds.join(", ")),
            "A busy host, or an agent that checks too many pairs at once, finds no port left.",
        )
    })
}

fn over_time(config: &Config) -> Option<Point> {
    let deviation = config.over_time.deviation.as_ref()?;
    let when = match deviation.trigger {
        Trigger::Conflicts(count) => format!("At conflict number {count}"),
        Trigger::Mappings(count) => format!("At mapping number {count}"),
        Trigger::At(at) => format!("At {at}"),
    };
    Some(point(
        "Over time",
        format!(
            "{when} mapping becomes {} and filtering {} (against RFC 4787 §8).",
            deviation.mapping, deviation.filtering
        ),
        "What a test found out may be false a minute later.",
    ))
}

/// A duration as people would say it.
fn span(duration: Duration) -> String {
    simnet::units::print_duration(duration)
}
