//! Two people at home, each behind a NAT, and a server that both can reach: start here.
//!
//! `cargo run -p peerlab-runners --example two_nats` punches a hole through two NATs that keep one mapping
//! for all destinations, and prints every packet on its way. With the word `symmetric` after `--` both NATs
//! make a mapping for each destination, and no hole fits.

use std::{io, time::Duration};

use base::Instant;
use runners::{Paused, Runner, UdpSocket};
use simnet::{
    Host, Link, Network,
    nat::{Config, Nat},
    observe::Ladder,
};

/// What alice and bob do, and the server: written for tokio, without a word about simulation.
#[path = "../tests/software/unchanged/punch.rs"]
mod punch;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let symmetric = std::env::args().any(|word| word == "symmetric");
    let config = if symmetric { Config::symmetric_random } else { Config::port_restricted_cone };

    // 1. Describe the world. Both homes use the same private addresses, as homes do.
    let world = Network::builder(7)
        .wan("wan", "11.0.0.0/8")
        .lan("home-a", "192.168.1.0/24")
        .lan("home-b", "192.168.1.0/24")
        .nat("box-a", "home-a", "wan", Nat::new(config()))
        .nat("box-b", "home-b", "wan", Nat::new(config()))
        .host("alice", Host::on("home-a"))
        .host("bob", Host::on("home-b"))
        .host("server", Host::on("wan").address("11.0.0.3"))
        .link("box-a", "wan", Link::delayed(Duration::from_millis(12)))
        .link("box-b", "wan", Link::delayed(Duration::from_millis(30)));

    // 2. Give the hosts their software. A function, because a host that crashes starts it anew.
    let mut run = Paused::new(world.build_observed(Ladder::with_summary(text))?);
    run.host("server", || punch::rendezvous("0.0.0.0:3478"));
    for name in ["alice", "bob"] {
        run.host(name, move || async move {
            match punch::peer("server:3478", Duration::from_secs(1)).await? {
                Some((from, after)) => println!("{name} met {from} after {after:?}"),
                None => println!("{name} met nobody"),
            }
            io::Result::Ok(())
        });
    }

    // 3. Let time pass: as fast as the processor can.
    run.run_until_ended(&["alice", "bob"], Instant::ZERO + Duration::from_secs(10))?;

    // 4. Look at what happened. The same seed prints the same, on every machine.
    println!("\n{}", run.into_network().into_observer().render());
    Ok(())
}

/// What a datagram says, for the ladder.
fn text(payload: &[u8]) -> Option<String> {
    str::from_utf8(payload).ok().map(str::to_owned)
}
