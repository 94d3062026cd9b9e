//! Names: a server with a small zone, DNS64, and a stub resolver.
//!
//! | file | holds |
//! |---|---|
//! | `zone.rs` | names and what they stand for |
//! | `server.rs` | [`Server`]: a machine that answers |
//! | `stub.rs` | [`Stub`]: a machine that asks |
//! | `discovery.rs` | [`discover_prefixes`]: which prefix a DNS64 hides IPv4 under |
//!
//! The server answers for what it knows and says of everything else that there is no such name: nobody
//! else is asked. A host carries it as [`Driven`]:
//!
//! ```
//! use lab::roles::dns::{Dns, Family, Server, Stub, StubConfig};
//! use simnet::{Driven, Host, Network};
//! use std::time::Duration;
//!
//! let zone = Dns::default().record("stun.example", "11.0.0.3".parse()?);
//! let server = Driven::new(Server::new(zone)).bind("0.0.0.0:53".parse()?);
//! let stub = Stub::new(StubConfig::asking("11.0.0.53:53".parse()?), base::Rng::from_seed([7; 32]));
//! let mut net = Network::builder(7)
//!     .wan("wan", "11.0.0.0/8")
//!     .host("names", Host::on("wan").address("11.0.0.53").endpoint(server))
//!     .host("alice", Host::on("wan").endpoint(Driven::new(stub).bind("0.0.0.0:0".parse()?)))
//!     .build()?;
//! let alice = net.node("alice");
//! net.command(alice, |stub: &mut Stub, now| stub.ask(now, "stun.example", Family::Ipv4))
//!     .expect("the stub is there")?;
//! net.run_for(Duration::from_secs(1));
//! let (_, answer) = net.machine_event::<Stub>(alice).expect("an answer");
//! assert_eq!(answer.result, Ok(vec!["11.0.0.3".parse()?]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::net::{Ipv4Addr, Ipv6Addr};

use simnet::Driven;

use super::{Inhabitant, Parameters};
use crate::{
    run::{Figure, Report},
    scenario::{Finding, Scenario},
};

mod discovery;
mod server;
mod stub;
mod zone;

pub use discovery::discover_prefixes;
pub use server::{Server, ServerStats};
pub use stub::{Answer, AskError, Failure, Family, Query, Stub, StubConfig};
pub use zone::{Dns, Dns64};

/// The port of DNS: RFC 1035 §4.2.
pub const PORT: u16 = 53;

impl Parameters for Dns {
    type Endpoint = Driven<Server>;

    fn endpoint(&self, _: &str, _: &Scenario) -> Driven<Server> {
        Driven::new(Server::new(self.clone()))
            .bind((Ipv4Addr::UNSPECIFIED, self.port).into())
            .bind((Ipv6Addr::UNSPECIFIED, self.port).into())
    }

    fn check(&self, _: &Scenario, path: &str, _: &str) -> Vec<Finding> {
        let faults = self.faults();
        faults.into_iter().map(|(key, what)| Finding::new(format!("{path}.{key}"), what)).collect()
    }
}

impl Inhabitant for Driven<Server> {
    fn report(&self) -> Report {
        let ServerStats { answered, empty, unknown, refused, .. } = self.machine().stats();
        Report::default()
            .with("answered", Figure::Count(answered))
            .with("empty", Figure::Count(empty))
            .with("unknown", Figure::Count(unknown))
            .with("refused", Figure::Count(refused))
    }
}
