//! The judge: rules, and the memory of what they let through.

use std::{collections::BTreeSet, fmt, net::IpAddr};

use base::Instant;

use super::{
    config::{Action, Admission, Captive, Config, Direction, IcmpErrors, NotTls},
    flow::{self, Flow},
    refusal::{Answer, Refusal, Verdict},
    table::{Key, Table},
};
use crate::{
    nat::slab::Id,
    packet::{Body, Icmp, Packet, Protocol, Quote},
};

/// The rules of a firewall and what they remember: a function of the time, the packet, its direction
/// and what was judged before. A [`Firewall`](super::Firewall) asks it, and so does a host that guards
/// itself.
///
/// Whole packets only: fragments have no ports. Whoever asks puts them together before, or remembers
/// what was said of the first one.
///
/// ```
/// use base::Instant;
/// use simnet::{
///     Packet,
///     firewall::{Config, Direction, Rules, Verdict},
/// };
///
/// let mut rules = Rules::new(Config::default());
/// let (inside, outside) = ("10.0.0.7:4000".parse().unwrap(), "11.0.0.3:3478".parse().unwrap());
/// let answer = Packet::udp(outside, inside, &b"answer"[..]);
/// let mut judge = |direction, packet| rules.judge(Instant::ZERO, direction, packet);
///
/// assert_ne!(judge(Direction::Inbound, &answer), Verdict::Accept, "nobody asked");
/// let question = Packet::udp(inside, outside, &b"question"[..]);
/// assert_eq!(judge(Direction::Outbound, &question), Verdict::Accept);
/// assert_eq!(judge(Direction::Inbound, &answer), Verdict::Accept);
/// ```
pub struct Rules {
    config: Config,
    table: Table,
    /// Inside hosts that the portal let go.
    released: BTreeSet<IpAddr>,
}

impl Rules {
    /// Rules that have judged nothing yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config, table: Table::default(), released: BTreeSet::new() }
    }

    /// What they are.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// How many flows they remember; those whose time is up are counted until the next packet comes.
    #[must_use]
    pub const fn flows(&self) -> usize {
        self.table.len()
    }

    /// Lets an inside host go that the portal holds captive.
    pub fn release(&mut self, host: IpAddr) {
        self.released.insert(host);
    }

    /// Forgets all flows and whom the portal let go.
    pub fn forget(&mut self) {
        self.table = Table::default();
        self.released.clear();
    }

    /// Judges a packet, and remembers what follows from it.
    pub fn judge(&mut self, now: Instant, direction: Direction, packet: &Packet) -> Verdict {
        self.table.expire(now);
        let judged = match &packet.body {
            Body::Trailing(_) => Err((Refusal::NoFirstFragment, Answer::Silence)),
            Body::Icmp(Icmp::Error { quote, .. }) => self.judge_error(direction, quote, packet),
            Body::Udp(_) | Body::Tcp(_) | Body::Icmp(_) => self.judge_flow(now, direction, packet),
        };
        match judged {
            Ok(()) => Verdict::Accept,
            Err((refusal, answer)) => Verdict::Refuse(refusal, answer),
        }
    }

    /// Checks that the books are in order.
    ///
    /// # Errors
    ///
    /// What is wrong, in words. It is a bug of this crate.
    pub fn audit(&self) -> Result<(), String> {
        let limits = &self.config.limits;
        if self.table.len() > limits.flows {
            return Err(format!("{} flows, and {} may be", self.table.len(), limits.flows));
        }
        if !self.config.stateful && self.table.flows().next().is_some() {
            return Err("a firewall without state remembers a flow".to_owned());
        }
        self.table.audit()
    }

    /// Whether the packets of `key` belong to a living flow.
    pub(super) fn knows(&self, key: &Key) -> bool {
        self.table.find(key).is_some()
    }

    /// An ICMP error goes where the packet it quotes came from, so that one went the other way.
    fn judge_error(
        &self,
        direction: Direction,
        quote: &Quote,
        packet: &Packet,
    ) -> Result<(), (Refusal, Answer)> {
        match self.config.icmp_errors {
            IcmpErrors::All => return Ok(()),
            IcmpErrors::None => return Err((Refusal::NoIcmpErrors, Answer::Silence)),
            IcmpErrors::Related if !self.config.stateful => {
                // Without state nothing is related to anything: the rules alone speak.
                let (action, refusal) = self.decide(direction, packet, None);
                let passes = matches!(action, Action::Accept | Action::AcceptTls);
                return if passes { Ok(()) } else { Err((refusal, Answer::Silence)) };
            }
            IcmpErrors::Related => {}
        }
        let backwards = match direction {
            Direction::Outbound => Direction::Inbound,
            Direction::Inbound => Direction::Outbound,
        };
        let key = Key::between(quote.protocol, backwards, quote.source, quote.destination);
        if self.knows(&key) { Ok(()) } else { Err((Refusal::Unrelated, Answer::Silence)) }
    }

    fn judge_flow(
        &mut self,
        now: Instant,
        direction: Direction,
        packet: &Packet,
    ) -> Result<(), (Refusal, Answer)> {
        let key = Key::of(direction, packet);
        if self.config.stateful
            && let Some(id) = self.table.find(&key)
        {
            let over = self.table.flow_mut(id).is_some_and(|flow| flow.is_over());
            // RFC 6092 §3.3.1: the ports of a connection that ended may open the next.
            if !(over && flow::begins(packet, false)) {
                return self.proceed(now, id, direction, packet);
            }
            self.table.remove(id);
        }
        self.begin(now, key, direction, packet)
    }

    /// A packet of a flow that exists.
    fn proceed(
        &mut self,
        now: Instant,
        id: Id,
        direction: Direction,
        packet: &Packet,
    ) -> Result<(), (Refusal, Answer)> {
        let Some(flow) = self.table.flow_mut(id) else {
            return Err((Refusal::NoState, Answer::Silence));
        };
        let was_broken = flow.is_broken();
        let followed = flow.follow(direction, packet);
        let answer = match followed {
            Err(Refusal::NotTls) if self.config.not_tls == NotTls::Drop => Answer::Silence,
            // Whoever goes on after the reset gets another.
            Err(Refusal::NotTls) if was_broken => Answer::Reset,
            Err(Refusal::NotTls) => Answer::ResetBoth,
            Err(_) => Answer::Silence,
            Ok(()) => {
                let lifetime = flow.lifetime(packet.protocol(), &self.config.timers);
                self.table.set_deadline(id, now + lifetime);
                return Ok(());
            }
        };
        followed.map_err(|refusal| (refusal, answer))
    }

    /// A packet of no flow that exists.
    fn begin(
        &mut self,
        now: Instant,
        key: Key,
        direction: Direction,
        packet: &Packet,
    ) -> Result<(), (Refusal, Answer)> {
        self.hold_captive(now, direction, packet)?;
        let (action, refusal) = self.decide(direction, packet, Some(&key));
        let tls = match action {
            Action::Accept => false,
            Action::AcceptTls if key.protocol == Protocol::Tcp => true,
            refused => return Err((refusal, Answer::of(refused, packet))),
        };
        if !self.config.stateful {
            return Ok(());
        }
        if !flow::begins(packet, self.config.tcp_pickup) {
            return Err((Refusal::NoState, Answer::Silence));
        }
        let limits = self.config.limits;
        if self.table.len() >= limits.flows {
            return Err((Refusal::FlowLimit(limits.flows), Answer::Silence));
        }
        if self.table.flows_of(key.inside.ip()) >= limits.flows_per_host {
            return Err((Refusal::HostLimit(limits.flows_per_host), Answer::Silence));
        }
        let mut flow = Flow::new(direction, tls);
        flow.follow(direction, packet).map_err(|refusal| (refusal, Answer::Silence))?;
        flow.deadline = now + flow.lifetime(key.protocol, &self.config.timers);
        self.table.insert(key, flow);
        Ok(())
    }

    /// What the rules say of a packet, and which of them; `key` if it may be admitted by state.
    fn decide(
        &self,
        direction: Direction,
        packet: &Packet,
        key: Option<&Key>,
    ) -> (Action, Refusal) {
        let mut rules = (1..).zip(&self.config.rules);
        if let Some((number, rule)) = rules.find(|(_, rule)| rule.matches(direction, packet)) {
            return (rule.action, Refusal::Rule(number));
        }
        let policy = match direction {
            Direction::Outbound => self.config.outbound,
            Direction::Inbound if key.is_some_and(|key| self.admits(key)) => Action::Accept,
            Direction::Inbound => self.config.inbound,
        };
        (policy, Refusal::Policy(direction))
    }

    /// Whether the inside endpoint lets this stranger in because it has sent to others.
    fn admits(&self, key: &Key) -> bool {
        let admission = match key.protocol {
            Protocol::Udp => self.config.filtering.udp,
            Protocol::Tcp => self.config.filtering.tcp,
            Protocol::Icmp => return false,
        };
        match admission {
            Admission::EndpointIndependent => self.table.has_flows(key),
            Admission::AddressDependent => self.table.has_peer(key),
            Admission::AddressAndPortDependent => false,
        }
    }

    /// What a captive sends goes to the portal or nowhere.
    fn hold_captive(
        &self,
        now: Instant,
        direction: Direction,
        packet: &Packet,
    ) -> Result<(), (Refusal, Answer)> {
        let Some(captive) = &self.config.captive else { return Ok(()) };
        let (inside, _) = direction.addresses(packet);
        if self.released.contains(&inside) || captive.is_over(now) {
            return Ok(());
        }
        let rule = captive.rules.iter().find(|rule| rule.matches(direction, packet));
        match rule.map_or(captive.action, |rule| rule.action) {
            Action::Accept | Action::AcceptTls => Ok(()),
            refused => Err((Refusal::Captive, Answer::of(refused, packet))),
        }
    }
}

impl Captive {
    fn is_over(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now >= Instant::ZERO + until)
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("config", &self.config)
            .field("flows", &self.table.len())
            .finish_non_exhaustive()
    }
}
