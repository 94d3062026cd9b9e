//! Worlds for the programs.

use std::{cell::RefCell, rc::Rc, time::Duration};

use base::Instant;
use simnet::{
    Attach, Builder, Host, Link, Loss, Network,
    nat::{Config, Nat},
};

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

/// Where the server is seen from outside its box.
pub(crate) const SERVER: &str = "11.0.0.80:7";

/// alice at home behind a NAT; the server behind another, which gives it an address of its own.
pub(crate) fn two_nats(seed: u64, link: Link) -> Builder {
    let inside = "10.0.0.10".parse().expect("an address");
    let outside = "11.0.0.80".parse().expect("an address");
    Network::builder(seed)
        .wan("wan", "11.0.0.0/8")
        .lan("home", "192.168.1.0/24")
        .lan("cloud", "10.0.0.0/24")
        .nat("home-box", "home", "wan", Nat::new(Config::port_restricted_cone()))
        .middlebox(
            "cloud-box",
            Attach::to("cloud").and_to("wan").address("11.0.0.80"),
            Nat::new(Config::full_cone()).with_one_to_one(vec![(inside, outside)]),
        )
        .host("alice", Host::on("home"))
        .host("server", Host::on("cloud").address("10.0.0.10"))
        .link("home-box", "wan", link)
}

/// A link with a delay of 12.3 ms.
pub(crate) fn steady() -> Link {
    Link::delayed(Duration::from_micros(12_300))
}

/// The same, and one datagram in five is lost.
pub(crate) fn lossy() -> Link {
    steady().loss(Loss::random(0.2))
}

/// What programs noted down, oldest first.
#[derive(Debug)]
pub(crate) struct Notes<T>(Rc<RefCell<Vec<T>>>);

impl<T> Clone for Notes<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> Default for Notes<T> {
    fn default() -> Self {
        Self(Rc::default())
    }
}

impl<T> Notes<T> {
    pub(crate) fn add(&self, note: T) {
        self.0.borrow_mut().push(note);
    }

    /// Takes all that was noted.
    pub(crate) fn all(&self) -> Vec<T> {
        self.0.take()
    }
}
