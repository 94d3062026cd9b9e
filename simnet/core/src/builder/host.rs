//! Hosts, described.

use base::InterfaceKind;

use super::Attach;
use crate::{
    clock::Clock,
    endpoint::Endpoint,
    firewall,
    node::{EphemeralPorts, HostModel, Rebirth},
    selection::Policy,
    tcp::TcpConfig,
};

/// A host: its interfaces, and what lives on it.
#[derive(Debug)]
pub struct Host {
    pub(crate) attach: Attach,
    pub(crate) silent: bool,
    pub(crate) tcp: Option<Box<TcpConfig>>,
    pub(crate) ephemeral: EphemeralPorts,
    pub(crate) receive_queue: usize,
    pub(crate) model: HostModel,
    pub(crate) routes_by_source: bool,
    pub(crate) policy: Option<Box<Policy>>,
    pub(crate) clock: Clock,
    pub(crate) firewall: Option<Box<firewall::Config>>,
    pub(crate) gateway: Option<String>,
    pub(crate) endpoint: BoxedEndpoint,
    pub(crate) rebirth: Factory,
}

#[derive(Default)]
pub(crate) struct Factory(pub(crate) Option<Rebirth>);

impl std::fmt::Debug for Factory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Factory")
    }
}

#[derive(Default)]
pub(crate) struct BoxedEndpoint(pub(crate) Option<Box<dyn Endpoint>>);

impl std::fmt::Debug for BoxedEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Endpoint")
    }
}

impl Host {
    /// A host attached to `segment`.
    #[must_use]
    pub fn on(segment: &str) -> Self {
        Self::attached(Attach::to(segment))
    }

    /// A host with the interfaces that `attach` describes.
    #[must_use]
    pub fn attached(attach: Attach) -> Self {
        Self {
            attach,
            silent: false,
            tcp: None,
            ephemeral: EphemeralPorts::Random,
            receive_queue: crate::socket::DEFAULT_RECEIVE_QUEUE,
            model: HostModel::Weak,
            routes_by_source: true,
            policy: None,
            clock: Clock::default(),
            firewall: None,
            gateway: None,
            endpoint: BoxedEndpoint::default(),
            rebirth: Factory::default(),
        }
    }

    /// Attaches it to another segment too. The first attachment with a way out carries what has no other
    /// route.
    #[must_use]
    pub fn and_on(mut self, segment: &str) -> Self {
        self.attach = self.attach.and_to(segment);
        self
    }

    /// Gives the last interface this address; repeat for more.
    #[must_use]
    pub fn address(mut self, ip: &str) -> Self {
        self.attach = self.attach.address(ip);
        self
    }

    /// Calls the last interface `name`.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.attach = self.attach.named(name);
        self
    }

    /// Says what the last interface is made of.
    #[must_use]
    pub fn kind(mut self, kind: InterfaceKind) -> Self {
        self.attach = self.attach.kind(kind);
        self
    }

    /// The largest IP packet in bytes that the last interface carries.
    #[must_use]
    pub fn mtu(mut self, bytes: u32) -> Self {
        self.attach = self.attach.mtu(bytes);
        self
    }

    /// Ranks the default route of the last interface, as [`Attach::metric`].
    #[must_use]
    pub fn metric(mut self, metric: u32) -> Self {
        self.attach = self.attach.metric(metric);
        self
    }

    /// Sends what has no other route through this address, instead of the first router or box on its
    /// LAN.
    #[must_use]
    pub fn gateway(mut self, ip: &str) -> Self {
        self.gateway = Some(ip.to_owned());
        self
    }

    /// Whether its interfaces stand for each other; they do ([`HostModel::Weak`]) otherwise.
    #[must_use]
    pub const fn model(mut self, model: HostModel) -> Self {
        self.model = model;
        self
    }

    /// Routes by destination alone, as Linux does without policy rules: packets of a socket bound to one
    /// interface's address may leave by another. Otherwise the interface that has the source address is
    /// preferred.
    #[must_use]
    pub const fn ignoring_source(mut self) -> Self {
        self.routes_by_source = false;
        self
    }

    /// Chooses addresses by this policy table (RFC 6724 §2.1) instead of the default one.
    #[must_use]
    pub fn address_policy(mut self, policy: Policy) -> Self {
        self.policy = Some(Box::new(policy));
        self
    }

    /// Gives it a clock that may be wrong.
    #[must_use]
    pub const fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Lets it guard itself. Its own packets are judged as outbound before they are split, those of
    /// others as inbound when they are whole; what it says to itself is not judged. A socket whose packet
    /// is refused hears [`Prohibited`](base::SocketErrorKind::Prohibited).
    #[must_use]
    pub fn firewall(mut self, config: firewall::Config) -> Self {
        self.firewall = Some(Box::new(config));
        self
    }

    /// Keeps quiet about closed ports, where it would otherwise answer with ICMP port unreachable.
    #[must_use]
    pub const fn silent(mut self) -> Self {
        self.silent = true;
        self
    }

    /// How ports are picked for sockets that ask for none; at random otherwise.
    #[must_use]
    pub const fn ephemeral_ports(mut self, ports: EphemeralPorts) -> Self {
        self.ephemeral = ports;
        self
    }

    /// Datagrams that wait in a socket at most, 256 otherwise.
    #[must_use]
    pub const fn receive_queue(mut self, datagrams: usize) -> Self {
        self.receive_queue = datagrams;
        self
    }

    /// How TCP works on the host.
    #[must_use]
    pub fn tcp(mut self, config: TcpConfig) -> Self {
        self.tcp = Some(Box::new(config));
        self
    }

    /// Puts an endpoint on the host.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Endpoint) -> Self {
        self.endpoint = BoxedEndpoint(Some(Box::new(endpoint)));
        self
    }

    /// Puts an endpoint on the host that is made anew whenever the host
    /// [starts again](crate::Change::Restart) after a crash.
    #[must_use]
    pub fn endpoint_from<E: Endpoint>(mut self, mut make: impl FnMut() -> E + 'static) -> Self {
        self.endpoint = BoxedEndpoint(Some(Box::new(make())));
        self.rebirth = Factory(Some(Box::new(move || Box::new(make()))));
        self
    }
}
