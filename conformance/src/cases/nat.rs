//! NATs, as hosts on both sides of them see it: RFC 4787.
//!
//! No case looks into the box. What it maps and filters shows in who receives what, and from where.

mod discovery;
mod environment;
mod filtering;
mod fragments;
mod hairpinning;
mod icmp;
mod mapping;
mod ports;
mod timers;

use std::{net::SocketAddr, time::Duration};

use simnet::{Attach, Builder, Host, SocketId};

use crate::{Ctl, Stop, subjects::nat::NatConfig};

/// Why no independent implementation passes these cases.
pub(super) const NO_REFERENCE: &str = "no independent NAT runs in process";

/// Longer than any packet is under way.
const PATIENCE: Duration = Duration::from_millis(100);

/// Port from which the hosts inside send, unless the case is about ports.
pub(super) const PORT: u16 = 40_000;

/// An endpoint outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Far {
    /// The server.
    Server,
    /// Another port of its address.
    ServerOtherPort,
    /// Another address of it, with the same port.
    OtherServer,
    /// Another address and another port of it.
    OtherServerOtherPort,
    /// Somebody else.
    Stranger,
}

impl Far {
    pub(super) const ALL: [Self; 5] = [
        Self::Server,
        Self::ServerOtherPort,
        Self::OtherServer,
        Self::OtherServerOtherPort,
        Self::Stranger,
    ];

    pub(super) fn address(self) -> SocketAddr {
        match self {
            Self::Server => ([11, 0, 0, 9], 3_478).into(),
            Self::ServerOtherPort => ([11, 0, 0, 9], 3_479).into(),
            Self::OtherServer => ([11, 0, 1, 9], 3_478).into(),
            Self::OtherServerOtherPort => ([11, 0, 1, 9], 3_479).into(),
            Self::Stranger => ([11, 0, 6, 6], 6_666).into(),
        }
    }
}

/// Three hosts inside (`host2` to `host4`, at 192.168.1.2 and so on), a server with two addresses and a
/// stranger outside, and the NAT in between.
pub(super) struct Lab {
    far: Vec<(Far, SocketId)>,
}

impl Lab {
    /// The NAT of the subject in its usual place.
    pub(super) fn build(t: &mut Ctl<'_>, config: &NatConfig) -> Result<Self, Stop> {
        Self::build_with(t, config, Attach::to("lan").and_to("wan").address("11.0.0.5"))
    }

    /// The same, attached as `attach` says to `lan` and `wan`.
    pub(super) fn build_with(
        t: &mut Ctl<'_>,
        config: &NatConfig,
        attach: Attach,
    ) -> Result<Self, Stop> {
        let builder = Self::surroundings(t).middlebox("nat", attach, t.nat(config)?);
        t.build(builder)?;
        Self::bind(t)
    }

    /// Everything but the NAT.
    pub(super) fn surroundings(t: &Ctl<'_>) -> Builder {
        let mut builder = t.network().wan("wan", "11.0.0.0/8").lan("lan", "192.168.1.0/24");
        for number in 2..=4 {
            let host = Host::on("lan").address(&format!("192.168.1.{number}"));
            builder = builder.host(&format!("host{number}"), host);
        }
        builder
            .host("server", Host::on("wan").address("11.0.0.9").address("11.0.1.9"))
            .host("stranger", Host::on("wan").address("11.0.6.6"))
    }

    /// Binds the endpoints outside.
    pub(super) fn bind(t: &mut Ctl<'_>) -> Result<Self, Stop> {
        let mut far = Vec::new();
        for one in Far::ALL {
            let host = if one == Far::Stranger { "stranger" } else { "server" };
            far.push((one, t.bind(host, one.address())?));
        }
        Ok(Self { far })
    }

    /// A socket of an inside host.
    pub(super) fn inside(t: &mut Ctl<'_>, number: u8, port: u16) -> Result<SocketId, Stop> {
        t.bind(&format!("host{number}"), ([192, 168, 1, number], port).into())
    }

    pub(super) fn socket(&self, t: &Ctl<'_>, far: Far) -> Result<SocketId, Stop> {
        let found = self.far.iter().find(|(one, _)| *one == far).map(|(_, socket)| *socket);
        t.expect(found, "every endpoint outside is bound")
    }

    /// Sends from inside to `far` and says which address it arrived from.
    pub(super) fn seen(
        &self,
        t: &mut Ctl<'_>,
        from: SocketId,
        far: Far,
    ) -> Result<SocketAddr, Stop> {
        let payload = payload(t);
        let what = format!("a datagram from inside to {}", far.address());
        t.send_stimulus(from, far.address(), &payload, what);
        let at = self.socket(t, far)?;
        let received = t.receive_within(at, PATIENCE);
        let received = received.filter(|received| received.payload[..] == payload[..]);
        Ok(t.expect(received, format!("the datagram arrives at {}", far.address()))?.source)
    }

    /// Sends from `far` to an external address and says whether `to`, inside, receives it.
    pub(super) fn reaches(
        &self,
        t: &mut Ctl<'_>,
        far: Far,
        external: SocketAddr,
        to: SocketId,
    ) -> Result<bool, Stop> {
        let payload = payload(t);
        let from = self.socket(t, far)?;
        t.send(from, external, &payload);
        let received = t.receive_all(to, PATIENCE);
        let wanted =
            |got: &simnet::Received| got.source == far.address() && got.payload[..] == payload[..];
        Ok(received.iter().any(wanted))
    }
}

/// Bytes that no other datagram of the case has.
pub(super) fn payload(t: &mut Ctl<'_>) -> [u8; 16] {
    t.rng().public_array()
}

/// The addresses as a text for reports.
pub(super) fn list(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// `it` or `not it`, for reports.
pub(super) const fn arrival(arrived: bool) -> &'static str {
    if arrived { "it arrives" } else { "it does not arrive" }
}

/// What arrived when nothing did, for reports.
pub(super) fn nothing() -> String {
    "nothing".to_owned()
}
