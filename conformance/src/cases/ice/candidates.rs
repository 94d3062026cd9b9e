//! The candidates and parameters that an agent tells: RFC 8445 §5, RFC 8839 §5, RFC 8421.

use std::net::IpAddr;

use base::{Interface, InterfaceAddress, InterfaceKind};

use super::script::*;

/// A host with these addresses, and what its agent tells.
struct Told {
    seat: crate::world::Seat,
    lines: Vec<Line>,
    finished: bool,
}

fn tell(t: &mut Ctl<'_>, config: &IceConfig, ips: &[&str]) -> Result<Told, Stop> {
    let on = simnet::Host::on("net");
    let host = ips.iter().fold(on, |host, ip| host.address(ip));
    let network = t.network().wan("net", "0.0.0.0/0 ::/0").host("agent", host);
    t.build(network)?;
    let mut locals = Vec::new();
    for component in 1..=config.components {
        for ip in ips {
            let ip = ip.parse().map_err(|_| Stop::Harness(format!("{ip} is no address")))?;
            locals.push((component, SocketAddr::new(ip, 40_000 + u16::from(component))));
        }
    }
    let seat = t.start_ice("agent", config, &locals)?;
    t.ice(seat, |agent, now| agent.finish_locals(now));
    t.stimulus("local addresses");
    t.run_for(SECOND);
    let (mut lines, mut finished) = (Vec::new(), false);
    for (_, event) in t.ice_events(seat) {
        match event {
            IceEvent::Candidate(text) => {
                let line = Line::read(&text).map_err(|error| {
                    Stop::Inconclusive(format!("`{text}` is no candidate: {error}"))
                })?;
                lines.push(line);
            }
            IceEvent::GatheringFinished => finished = true,
            _ => {}
        }
    }
    Ok(Told { seat, lines, finished })
}

fn parts(line: &Line) -> (u8, u16, u16) {
    split_priority(line.priority.parse().unwrap_or_default())
}

fn show(lines: &[Line]) -> String {
    lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

case! {
    id: "ice.candidates.single",
    title: "A host with one address tells one host candidate, with the recommended priority",
    reqs: [
        req::ICE_HOST_CANDIDATE_PER_ADDRESS,
        req::ICE_CANDIDATE_GRAMMAR,
        req::ICE_CANDIDATE_FOUNDATION_CHARS,
        req::ICE_CANDIDATE_HOST_WITHOUT_RELATED,
        req::ICE_CANDIDATE_PRIORITY_FORMULA,
        req::ICE_TYPE_PREFERENCES_RECOMMENDED,
        req::ICE_LOCAL_PREFERENCE_SINGLE_ADDRESS,
        req::ICE_COMPONENT_NUMBERS_FROM_ONE,
        req::ICE_COMPONENT_RANGE,
        req::ICE_TYPE_PREFERENCE_RANGE,
    ],
    kind: SubjectKind::IceAgent,
    variants: product! { address: ["192.0.2.20", "2001:db8::20"] },
    run: single,
}

fn single(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let address = v.text("address");
    let told = tell(t, &IceConfig::new(IceRole::Controlling), &[address])?;
    let text = show(&told.lines);
    let one = told.lines.len() == 1;
    t.should(req::ICE_HOST_CANDIDATE_PER_ADDRESS, one, "one candidate", &text)?;
    let line = t.expect(told.lines.first(), "a candidate")?;
    let faults = line.faults();
    let fine = faults.is_empty() && line.address == address && line.port == "40001";
    t.must(
        req::ICE_CANDIDATE_GRAMMAR,
        fine,
        "a line of the grammar",
        format_args!("{faults:?} {text}"),
    )?;
    let fine = !faults.iter().any(|fault| fault.contains("foundation"));
    t.must(req::ICE_CANDIDATE_FOUNDATION_CHARS, fine, "ICE characters", &text)?;
    let bare = line.kind == "host" && line.value("raddr").is_none();
    t.must(req::ICE_CANDIDATE_HOST_WITHOUT_RELATED, bare, "no raddr", &text)?;
    let (kind, local, component) = parts(line);
    t.should(req::ICE_CANDIDATE_PRIORITY_FORMULA, component == 1, "256 - 1 at the end", &text)?;
    let fine = kind == preference::HOST;
    t.should(req::ICE_TYPE_PREFERENCES_RECOMMENDED, fine, "126 for host", &text)?;
    t.must(req::ICE_TYPE_PREFERENCE_RANGE, kind <= 126, "126 at most", &text)?;
    t.should(req::ICE_LOCAL_PREFERENCE_SINGLE_ADDRESS, local == u16::MAX, "65535", local)?;
    let first = line.component == "1";
    t.should(req::ICE_COMPONENT_NUMBERS_FROM_ONE, first, "component 1", &text)?;
    t.must(req::ICE_COMPONENT_RANGE, first, "component 1", text)
}

case! {
    id: "ice.candidates.several",
    title: "Candidates of several addresses have priorities of their own, and the families take turns",
    reqs: [
        req::ICE_CANDIDATE_PRIORITY_UNIQUE_AND_POSITIVE,
        req::ICE_LOCAL_PREFERENCE_UNIQUE,
        req::ICE_DUAL_STACK_LOCAL_PREFERENCE_UNIQUE,
        req::ICE_MULTIHOMED_PREFERENCES,
        req::ICE_DUAL_STACK_INTERMINGLED,
        req::ICE_FOUNDATION_GROUPS,
        req::ICE_HOST_CANDIDATE_PER_ADDRESS,
    ],
    kind: SubjectKind::IceAgent,
    variants: product! { v4: [1, 3], v6: [1, 3] },
    run: several,
}

fn several(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let v4 = ["192.0.2.20", "198.51.100.20", "203.0.113.20"];
    let v6 = ["2001:db8::20", "2001:db8:1::20", "2001:db8:2::20"];
    let count = |name| usize::try_from(v.number(name)).unwrap_or_default();
    let ips: Vec<&str> =
        v6.iter().take(count("v6")).chain(v4.iter().take(count("v4"))).copied().collect();
    let told = tell(t, &IceConfig::new(IceRole::Controlling), &ips)?;
    let text = show(&told.lines);
    let all = told.lines.len() == ips.len();
    t.should(req::ICE_HOST_CANDIDATE_PER_ADDRESS, all, "one for each address", &text)?;
    let mut priorities: Vec<u32> =
        told.lines.iter().filter_map(|line| line.priority.parse().ok()).collect();
    priorities.sort_unstable();
    let before = priorities.len();
    priorities.dedup();
    let unique = before == priorities.len() && priorities.iter().all(|n| (1..1 << 31).contains(n));
    t.must(req::ICE_CANDIDATE_PRIORITY_UNIQUE_AND_POSITIVE, unique, "all different", &text)?;
    for req in [req::ICE_LOCAL_PREFERENCE_UNIQUE, req::ICE_DUAL_STACK_LOCAL_PREFERENCE_UNIQUE] {
        t.must(req, unique, "all different", &text)?;
    }
    let mut foundations: Vec<&str> =
        told.lines.iter().map(|line| line.foundation.as_str()).collect();
    foundations.sort_unstable();
    foundations.dedup();
    let groups = foundations.len() == told.lines.len();
    t.must(req::ICE_FOUNDATION_GROUPS, groups, "a foundation for each base", &text)?;
    let mut sorted: Vec<&Line> = told.lines.iter().collect();
    sorted.sort_by_key(|line| std::cmp::Reverse(parts(line)));
    let is_v6: Vec<bool> = sorted.iter().map(|line| line.address.contains(':')).collect();
    // The second of the lesser family stands within the first four: no run of one family delays it.
    let early = is_v6.iter().take(3).any(|six| *six) && is_v6.iter().take(3).any(|six| !*six);
    t.should(req::ICE_MULTIHOMED_PREFERENCES, early, "both families among the first three", &text)?;
    t.must(req::ICE_DUAL_STACK_INTERMINGLED, early, "both families among the first three", text)
}

case! {
    id: "ice.candidates.components",
    title: "Each component has a candidate on each address, with one foundation and priorities that differ by one",
    reqs: [
        req::ICE_COMPONENT_FOR_RTCP,
        req::ICE_COMPONENT_NUMBERS_FROM_ONE,
        req::ICE_CANDIDATE_COMPONENTS_FROM_ONE,
        req::ICE_FOUNDATION_GROUPS,
        req::TRICKLE_COMPONENTS_IN_ORDER,
    ],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceComponents],
    no_reference: "no other stack at hand has two components",
    run: components,
}

fn components(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut config = IceConfig::new(IceRole::Controlling);
    config.components = 2;
    let told = tell(t, &config, &["192.0.2.20", "2001:db8::20"])?;
    let text = show(&told.lines);
    let places: Vec<(&str, &str)> =
        told.lines.iter().map(|line| (line.foundation.as_str(), line.component.as_str())).collect();
    let both = |component: &str| places.iter().filter(|(_, found)| *found == component).count();
    let fine = both("1") == 2 && both("2") == 2;
    t.must(req::ICE_COMPONENT_FOR_RTCP, fine, "two candidates of each component", &text)?;
    t.should(req::ICE_COMPONENT_NUMBERS_FROM_ONE, fine, "components 1 and 2", &text)?;
    t.must(req::ICE_CANDIDATE_COMPONENTS_FROM_ONE, fine, "components 1 and 2", &text)?;
    let mut in_order = true;
    for (place, (foundation, component)) in places.iter().enumerate() {
        let first = places.iter().position(|pair| pair == &(*foundation, "1"));
        in_order &= *component == "1" || first.is_some_and(|first| first < place);
    }
    let grouped = places
        .iter()
        .all(|(foundation, _)| places.iter().filter(|(other, _)| other == foundation).count() == 2);
    t.must(req::ICE_FOUNDATION_GROUPS, grouped, "one foundation for both components", &text)?;
    t.should(req::TRICKLE_COMPONENTS_IN_ORDER, in_order, "the lower component first", text)
}

case! {
    id: "ice.candidates.unfit",
    title: "Addresses that are of no use to a peer do not become candidates",
    reqs: [
        req::ICE_NO_LOOPBACK_CANDIDATES,
        req::ICE_NO_DEPRECATED_IPV6_CANDIDATES,
        req::ICE_NO_IPV4_MAPPED_CANDIDATES,
    ],
    kind: SubjectKind::IceAgent,
    variants: product! {
        address: ["127.0.0.1", "::1", "::192.0.2.20", "fec0::20", "::ffff:192.0.2.20"],
    },
    no_reference: "the other stacks at hand leave the choice of addresses to their user",
    run: unfit,
}

/// What an agent takes of a host with these addresses on one interface.
fn taken(t: &mut Ctl<'_>, addresses: Vec<InterfaceAddress>) -> Result<Vec<IpAddr>, Stop> {
    let stage = IceStage::open(t, IceRole::Controlling)?;
    let interface = Interface {
        name: "eth0".into(),
        index: 2,
        kind: InterfaceKind::Ethernet,
        mtu: 1_500,
        addresses,
    };
    let taken = stage.command(t, |agent, _| agent.host_addresses(&[interface]));
    t.stimulus("a host's addresses");
    taken.map_err(|refusal| Stop::Unsupported(refusal.to_string()))
}

fn ip(text: &str) -> Result<IpAddr, Stop> {
    text.parse().map_err(|_| Stop::Harness(format!("{text} is no address")))
}

fn unfit(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let odd = ip(v.text("address"))?;
    let good = ip("192.0.2.77")?;
    let addresses = vec![
        InterfaceAddress::new(odd, if odd.is_ipv4() { 8 } else { 64 }),
        InterfaceAddress::new(good, 24),
    ];
    let taken = taken(t, addresses)?;
    let fine = taken == [good];
    let text = format!("{taken:?}");
    match v.text("address") {
        "127.0.0.1" | "::1" => t.must(req::ICE_NO_LOOPBACK_CANDIDATES, fine, good, text),
        "::ffff:192.0.2.20" => t.should(req::ICE_NO_IPV4_MAPPED_CANDIDATES, fine, good, text),
        _ => t.must(req::ICE_NO_DEPRECATED_IPV6_CANDIDATES, fine, good, text),
    }
}

case! {
    id: "ice.candidates.private",
    title: "Beside an address that hides the host, no address of the prefix that reveals it is told, and no link-local one",
    reqs: [req::ICE_PRIVATE_IPV6_PREFERRED, req::ICE_NO_LINK_LOCAL_BESIDE_PRIVATE_IPV6],
    kind: SubjectKind::IceAgent,
    no_reference: "the other stacks at hand leave the choice of addresses to their user",
    run: private,
}

fn private(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let hidden = ip("2001:db8::7d1c:93aa:5e10:42f7")?;
    let stable = ip("2001:db8::20c:29ff:fe0c:47d5")?;
    let link_local = ip("fe80::20c:29ff:fe0c:47d5")?;
    let mut private = InterfaceAddress::new(hidden, 64);
    private.temporary = true;
    let taken = taken(
        t,
        vec![InterfaceAddress::new(stable, 64), private, InterfaceAddress::new(link_local, 64)],
    )?;
    let text = format!("{taken:?}");
    let fine = taken.contains(&hidden) && !taken.contains(&stable);
    t.must(req::ICE_PRIVATE_IPV6_PREFERRED, fine, hidden, &text)?;
    let fine = !taken.contains(&link_local);
    t.must(req::ICE_NO_LINK_LOCAL_BESIDE_PRIVATE_IPV6, fine, "no link-local address", text)
}

case! {
    id: "ice.candidates.parameters",
    title: "An agent's fragment, password and options have the form that SDP asks for",
    reqs: [
        req::ICE_SDP_CREDENTIALS_CHARS,
        req::ICE_SDP_UFRAG_LENGTHS,
        req::ICE_CREDENTIALS_UNGUESSABLE,
    ],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"] },
    run: parameters,
}

fn parameters(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let told = tell(t, &IceConfig::new(role(v)), &["192.0.2.20"])?;
    let IceParameters { ufrag, pwd, .. } = t.ice(told.seat, |agent, _| agent.parameters());
    let ice = |text: &str| text.bytes().all(|c| c.is_ascii_alphanumeric() || b"+/".contains(&c));
    let text = format!("{ufrag} {pwd}");
    let good = ice(&ufrag) && ice(&pwd) && ufrag.len() >= 4 && pwd.len() >= 22;
    t.must(req::ICE_SDP_CREDENTIALS_CHARS, good, "4 and 22 ICE characters at least", &text)?;
    t.must(req::ICE_SDP_UFRAG_LENGTHS, ufrag.len() <= 32, "32 characters at most", &text)?;
    t.must(req::ICE_CREDENTIALS_UNGUESSABLE, pwd.len() * 6 >= 128, "128 bits", text)
}

case! {
    id: "ice.candidates.options",
    title: "An agent announces ice2, and that it trickles",
    reqs: [
        req::ICE_ANNOUNCES_ICE2,
        req::ICE_SDP_ICE2_OPTION,
        req::TRICKLE_OPTION_ANNOUNCED,
        req::TRICKLE_CONTROLLING_CONVEYS_END,
        req::TRICKLE_CONTROLLED_CONVEYS_END,
    ],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceOptions],
    variants: product! { role: ["controlling", "controlled"] },
    no_reference: "no other stack at hand tells its options at this level",
    run: options,
}

fn options(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let told = tell(t, &IceConfig::new(role(v)), &["192.0.2.20"])?;
    let options = t.ice(told.seat, |agent, _| agent.parameters()).options;
    let has = |option: &str| options.iter().any(|found| found == option);
    let text = options.join(" ");
    t.must(req::ICE_ANNOUNCES_ICE2, has("ice2"), "ice2", &text)?;
    t.must(req::ICE_SDP_ICE2_OPTION, has("ice2"), "ice2", &text)?;
    t.must(req::TRICKLE_OPTION_ANNOUNCED, has("trickle"), "trickle", &text)?;
    let req = match role(v) {
        IceRole::Controlling => req::TRICKLE_CONTROLLING_CONVEYS_END,
        IceRole::Controlled => req::TRICKLE_CONTROLLED_CONVEYS_END,
    };
    t.should(req, told.finished, "the end of gathering", "nothing")
}

case! {
    id: "ice.candidates.interfaces",
    title: "A new address yields a candidate, and a base that has gone is given up",
    reqs: [req::ICE_FOLLOWS_INTERFACES],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"] },
    run: interfaces,
}

fn interfaces(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, role(v), |setup| setup.locals = 2)?;
    stage.connect(t)?;
    let base = stage.selected(t).map(|(local, _)| local);
    let base = t.expect(base, "a base")?;
    let outcome = stage.command(t, |agent, now| agent.remove_local(now, base));
    needed(outcome)?;
    t.stimulus("a base that has gone");
    let asked = stage.ignore(t, 10 * SECOND);
    let after = asked.iter().filter(|heard| heard.from == base).count();
    let req = req::ICE_FOLLOWS_INTERFACES;
    t.should(req, after == 0, "nothing from that base", format_args!("{after} checks"))?;
    let _ = stage.events(t);
    let fresh = SocketAddr::new(stage.base().ip(), 40_077);
    let outcome = stage.command(t, |agent, now| agent.add_local(now, 1, fresh));
    needed(outcome)?;
    let told = stage
        .events(t)
        .iter()
        .any(|(_, event)| matches!(event, IceEvent::Candidate(text) if text.contains("40077")));
    t.should(req, told, "a candidate for the new address", told)
}
