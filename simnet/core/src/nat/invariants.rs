//! What must hold of every NAT, whatever its configuration, checked on traffic by chance.
//!
//! [`check`] lets hosts inside, servers outside and strangers send UDP, TCP, ICMP and fragments through a
//! NAT while time passes, and asserts after every step:
//!
//! * no two live mappings share an external endpoint unless the configuration says so, no session outlives
//!   its mapping, and no limit is exceeded ([`Nat::audit`]);
//! * every packet that comes in is justified by one that went out: a model that knows nothing but the
//!   packets it saw repeats the decision of the filter (RFC 4787 §5) and the lives of mappings
//!   (RFC 4787 §4.3);
//! * every packet leaves once, as itself: forwarded, dropped or absorbed, and none stays for ever;
//! * the events tell of every mapping that there is;
//! * deadlines advance.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::{Instant, InterfaceAddress};

use self::{
    model::Model,
    traffic::{Step, Targets},
};
use super::{Config, ExplicitRequest, Nat};
use crate::{
    event::NatEvent,
    id::PacketId,
    middlebox::{Action, Middlebox, Outlet, Side, SideInfo},
    packet::{Body, Packet, Protocol},
    random::Stream,
};

mod model;
mod traffic;

/// Steps of one life.
const STEPS: u32 = 400;
/// Calls of the timeout handler in one wait, at most: a box that asks for more makes no progress.
const MAX_WAKES: u32 = 100_000;
/// Longer than any packet may stay inside a box.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// What happened in a life, so that its reader sees that something did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Packets that went out.
    pub out: u32,
    /// Packets that came in.
    pub inward: u32,
    /// Packets that turned around.
    pub turned: u32,
    /// Packets that were dropped.
    pub dropped: u32,
    /// Packets of the NAT's own making.
    pub own: u32,
}

/// Lets a NAT of this configuration live through 400 packets, waits and accidents that follow from `seed`.
///
/// ```
/// use simnet::nat::{Config, invariants};
///
/// let summary = invariants::check(&Config::rfc4787_ideal(), 7)?;
/// assert!(summary.out > 0 && summary.inward > 0);
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
///
/// What does not hold, and in which step. It is a bug of this crate, or of the model in this module.
pub fn check(config: &Config, seed: u64) -> Result<Summary, String> {
    let mut life = Life::new(config, seed);
    life.tell(|nat, out| nat.start(out))?;
    for step in 0..STEPS {
        life.step().map_err(|fault| format!("step {step} of seed {seed}: {fault}"))?;
    }
    life.wait(PATIENCE).map_err(|fault| format!("at the end of seed {seed}: {fault}"))?;
    match life.inside.first_key_value() {
        Some((_, packet)) => Err(format!("seed {seed}: {} never left", packet.packet)),
        None => Ok(life.summary),
    }
}

/// A packet that the box has, and where it came from.
struct Given {
    side: Side,
    packet: Packet,
}

struct Life {
    nat: Nat,
    now: Instant,
    sides: [SideInfo; 2],
    /// The chance of the box.
    stream: Stream,
    /// The chance of the world.
    dice: Stream,
    inside: BTreeMap<PacketId, Given>,
    numbered: u64,
    model: Model,
    /// Mappings that the events told of, and how many of each.
    told: BTreeMap<(Protocol, SocketAddr, SocketAddr), u32>,
    summary: Summary,
}

impl Life {
    fn new(config: &Config, seed: u64) -> Self {
        let side = |ips: &[IpAddr]| SideInfo {
            mtu: 1_500,
            addresses: ips
                .iter()
                .map(|ip| InterfaceAddress {
                    ip: *ip,
                    prefix: 24,
                    deprecated_at: None,
                    temporary: false,
                })
                .collect(),
        };
        let inside = [[10, 0, 0, 1].into(), [0xfd00, 0, 0, 0, 0, 0, 0, 1].into()];
        let outside =
            [[11, 0, 0, 1].into(), [11, 0, 0, 2].into(), [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into()];
        Self {
            nat: Nat::new(config.clone()),
            now: Instant::ZERO,
            sides: [side(&inside), side(&outside)],
            stream: Stream::new(seed, "box"),
            dice: Stream::new(seed, "world"),
            inside: BTreeMap::new(),
            numbered: 0,
            model: Model::default(),
            told: BTreeMap::new(),
            summary: Summary::default(),
        }
    }

    fn step(&mut self) -> Result<(), String> {
        let targets = Targets { known: self.model.externals(), recent: self.model.recent() };
        match traffic::step(&mut self.dice, self.nat.config(), &targets) {
            Step::Put(side, packets) => {
                for mut packet in packets {
                    packet.id = PacketId(self.numbered);
                    self.numbered += 1;
                    self.inside.insert(packet.id, Given { side, packet: packet.clone() });
                    self.tell(|nat, out| nat.handle_packet(side, packet, out))?;
                }
                Ok(())
            }
            Step::Wait(time) => self.wait(time),
            Step::Ask(request) => self.ask(&request),
            Step::Reboot => {
                self.nat.reboot();
                self.model.forget();
                // The box tells of it when it is next called.
                self.tell(|nat, out| nat.handle_timeout(out))
            }
        }
    }

    fn ask(&mut self, request: &ExplicitRequest) -> Result<(), String> {
        let mut granted = None;
        self.tell(|nat, out| granted = nat.map_explicit(request, out).ok())?;
        if let Some(granted) = granted {
            let until = self.now + request.lifetime;
            self.model.promise(request.protocol, request.internal, granted.external, until);
        }
        Ok(())
    }

    /// Lets time pass; deadlines must advance.
    fn wait(&mut self, time: Duration) -> Result<(), String> {
        let end = self.now + time;
        let mut wakes = 0;
        while let Some(deadline) = self.nat.poll_timeout().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.tell(|nat, out| nat.handle_timeout(out))?;
            wakes += 1;
            if wakes > MAX_WAKES {
                return Err(format!("the deadline {deadline} never goes away"));
            }
        }
        self.now = end;
        Ok(())
    }

    /// Calls the box, and looks at what it did.
    fn tell(&mut self, tell: impl FnOnce(&mut Nat, &mut Outlet<'_>)) -> Result<(), String> {
        let mut actions = Vec::new();
        let mut out = Outlet::new(self.now, true, &self.sides, &mut self.stream, &mut actions);
        tell(&mut self.nat, &mut out);
        self.nat.audit()?;
        for action in actions {
            match action {
                Action::Forward(side, packet) => self.see(side, &packet)?,
                Action::Drop(packet, ..) => {
                    let Given { side, packet } = self.take(packet.id)?;
                    if side == Side::INSIDE {
                        self.model.was_dropped(self.nat.config(), &packet, self.now);
                    }
                    self.summary.dropped += 1;
                }
                Action::Absorb(packet) => {
                    self.take(packet.id)?;
                }
                Action::Send(..) => self.summary.own += 1,
                Action::Event(event) => self.hear(&event)?,
            }
        }
        self.compare()
    }

    /// The packet with this number leaves the box.
    fn take(&mut self, id: PacketId) -> Result<Given, String> {
        self.inside.remove(&id).ok_or_else(|| format!("{id} leaves, but is not there"))
    }

    /// A packet was forwarded.
    fn see(&mut self, to: Side, packet: &Packet) -> Result<(), String> {
        let Given { side: from, packet: given } = self.take(packet.id)?;
        let config = self.nat.config();
        let judged = match (from, to) {
            (Side::INSIDE, Side::OUTSIDE) => {
                self.summary.out += 1;
                self.model.went_out(&given, packet, self.now)
            }
            (Side::INSIDE, _) => {
                self.summary.turned += 1;
                self.model.turned(config, &given, packet, self.now)
            }
            (_, Side::INSIDE) => {
                self.summary.inward += 1;
                self.model.came_in(config, &given, packet, self.now)
            }
            _ => Err("it goes back out".to_owned()),
        };
        let trailing = matches!(given.body, Body::Trailing(_));
        judged
            .or_else(|fault| if trailing { Ok(()) } else { Err(fault) })
            .map_err(|fault| format!("{given} became {packet} at {}, but {fault}", self.now))
    }

    fn hear(&mut self, event: &NatEvent) -> Result<(), String> {
        match *event {
            NatEvent::Mapped { protocol, internal, external, .. } => {
                *self.told.entry((protocol, internal, external)).or_default() += 1;
                self.model.mapped(protocol, internal, external);
            }
            NatEvent::Expired { protocol, internal, external } => {
                let key = (protocol, internal, external);
                let Some(count) = self.told.get_mut(&key) else {
                    return Err(format!("{external} expires without having been"));
                };
                *count -= 1;
                if *count == 0 {
                    self.told.remove(&key);
                }
            }
            NatEvent::Rebooted => {
                self.told.clear();
                self.model.forget();
            }
            NatEvent::Permitted { .. }
            | NatEvent::Refreshed { .. }
            | NatEvent::Clash { .. }
            | NatEvent::Deviated
            | NatEvent::Hairpinned { .. } => {}
        }
        Ok(())
    }

    /// The events must have told of every mapping that there is.
    fn compare(&self) -> Result<(), String> {
        let mut there: BTreeMap<_, u32> = BTreeMap::new();
        for mapping in self.nat.mappings() {
            let key = (mapping.protocol, mapping.internal, mapping.external);
            *there.entry(key).or_default() += 1;
        }
        if there == self.told {
            return Ok(());
        }
        let keys: BTreeSet<_> = there.keys().chain(self.told.keys()).collect();
        let odd = keys.into_iter().find(|key| there.get(key) != self.told.get(key));
        Err(format!("events and books disagree about {odd:?}"))
    }
}
