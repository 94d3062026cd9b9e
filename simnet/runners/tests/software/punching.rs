//! Peers behind two NATs that find each other with the help of a third host.

use std::{net::SocketAddr, time::Duration};

use rstest::rstest;
use runners::{LockStep, Paused, Runner};
use simnet::{
    Host, Network,
    nat::{Config, Nat},
};

use crate::{
    support::{Notes, at, ms, steady},
    unchanged::punch,
};

/// Where each peer was answered from and when, in the order in which they were; the trace hash.
type Meeting = (Vec<(SocketAddr, Duration)>, [u8; 32]);

fn meet<R: Runner<Observer = ()>>(seed: u64, one: Config, other: Config) -> Meeting {
    let net = Network::builder(seed)
        .wan("wan", "11.0.0.0/8")
        .lan("lan-a", "192.168.1.0/24")
        .lan("lan-b", "192.168.1.0/24")
        .nat("box-a", "lan-a", "wan", Nat::new(one))
        .nat("box-b", "lan-b", "wan", Nat::new(other))
        .host("alice", Host::on("lan-a"))
        .host("bob", Host::on("lan-b"))
        .host("server", Host::on("wan").address("11.0.0.3"))
        .link("box-a", "wan", steady())
        .link("box-b", "wan", steady())
        .build()
        .expect("the description fits together");
    let mut run = R::new(net);
    let notes = Notes::default();
    run.host("server", || punch::rendezvous("0.0.0.0:3478"));
    for peer in ["alice", "bob"] {
        let notes = notes.clone();
        run.host(peer, move || {
            let notes = notes.clone();
            async move {
                if let Some(meeting) = punch::peer("server:3478", ms(5_000)).await? {
                    notes.add(meeting);
                }
                std::io::Result::Ok(())
            }
        });
    }
    assert!(run.run_until_ended(&["alice", "bob"], at(20_000)).expect("no program fails"));
    (notes.all(), run.stage().trace_hash().expect("the network hashes"))
}

type Meet = fn(u64, Config, Config) -> Meeting;

#[rstest]
fn holes_are_punched_through_cones(#[values(meet::<Paused>, meet::<LockStep>)] meet: Meet) {
    let cone = Config::port_restricted_cone;
    let (meetings, hash) = meet(5, cone(), cone());
    let boxes: Vec<_> = meetings.iter().map(|(from, _)| from.ip().to_string()).collect();
    assert_eq!(boxes.len(), 2, "both meet");
    assert!(boxes.contains(&"11.0.0.10".to_owned()) && boxes.contains(&"11.0.0.11".to_owned()));
    assert!(meetings.iter().all(|&(_, after)| after < ms(400)), "{meetings:?}");
    assert_eq!(meet(5, cone(), cone()), (meetings, hash), "and so it is every time");
}

#[rstest]
fn no_hole_fits_between_two_symmetric_nats(#[values(meet::<Paused>, meet::<LockStep>)] meet: Meet) {
    let symmetric = Config::symmetric_random;
    assert_eq!(meet(5, symmetric(), symmetric()).0, []);
}
