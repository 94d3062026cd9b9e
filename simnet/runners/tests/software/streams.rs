//! The TCP echo programs, unchanged but for the types of the sockets, behind two NATs.

use rstest::rstest;
use runners::{LockStep, Paused, Runner};
use simnet::Link;

use crate::{
    support::{Notes, SERVER, at, steady, two_nats},
    unchanged::tcp_echo,
};

/// Bytes of a question: some hundreds of segments.
const SIZE: usize = 300_000;

/// The programs on their hosts, before anything happens, and alice's notes.
fn stage<R: Runner<Observer = ()>>(seed: u64, link: Link, size: usize) -> (R, Notes<String>) {
    let net = two_nats(seed, link).build().expect("the description fits together");
    let mut run = R::new(net);
    let notes = Notes::default();
    let told = notes.clone();
    run.host("server", || tcp_echo::server("0.0.0.0:7"));
    run.host("alice", move || {
        let told = told.clone();
        tcp_echo::client(SERVER, size, 3, move |attempt| told.add(attempt.to_owned()))
    });
    (run, notes)
}

fn undisturbed<R: Runner<Observer = ()>>(seed: u64, link: Link) -> (Vec<String>, [u8; 32]) {
    let (mut run, notes) = stage::<R>(seed, link, SIZE);
    assert!(run.run_until_ended(&["alice"], at(60_000)).expect("no program fails"));
    (notes.all(), run.stage().trace_hash().expect("the network hashes"))
}

/// Runs the programs while the server crashes in the middle of an answer, and starts again soon
/// after.
fn with_a_crash<R: Runner<Observer = ()>>(seed: u64) -> (Vec<String>, [u8; 32]) {
    let slow = steady().rate(3_000_000);
    let (mut run, notes) = stage::<R>(seed, slow, SIZE);
    run.run_until(at(2_000)).expect("no program fails");
    run.crash("server");
    run.run_until(at(2_300)).expect("no program fails");
    run.restart("server");
    assert!(run.run_until_ended(&["alice"], at(60_000)).expect("no program fails"));
    (notes.all(), run.stage().trace_hash().expect("the network hashes"))
}

type Undisturbed = fn(u64, Link) -> (Vec<String>, [u8; 32]);

#[rstest]
#[case::paused(undisturbed::<Paused>)]
#[case::lock_step(undisturbed::<LockStep>)]
fn every_byte_comes_back(#[case] run: Undisturbed) {
    let (attempts, hash) = run(1, steady());
    assert_eq!(attempts, ["answered"; 3]);
    assert_eq!(run(1, steady()), (attempts, hash), "and so it is every time");
    assert_ne!(run(2, steady()).1, hash, "another seed numbers its bytes otherwise");
}

/// Ending the run takes the software away, and with it open connections: no farewell is sent.
#[test]
fn the_end_of_a_run_leaves_no_trace() {
    let (mut paused, _) = stage::<Paused>(1, steady(), SIZE);
    paused.run_until(at(100)).expect("no program fails");
    let before = (paused.stage().trace_hash(), paused.stage().network().tally());
    let net = paused.into_network();
    assert_eq!((net.trace_hash(), net.tally()), before);

    let (mut lock_step, _) = stage::<LockStep>(1, steady(), SIZE);
    lock_step.run_until(at(100)).expect("no program fails");
    let before = (lock_step.stage().trace_hash(), lock_step.stage().network().tally());
    let net = lock_step.into_network();
    assert_eq!((net.trace_hash(), net.tally()), before);
}

type WithACrash = fn(u64) -> (Vec<String>, [u8; 32]);

#[rstest]
#[case::paused(with_a_crash::<Paused>)]
#[case::lock_step(with_a_crash::<LockStep>)]
fn the_client_connects_anew_when_the_server_starts_again(#[case] run: WithACrash) {
    let (attempts, hash) = run(1);
    assert_eq!(attempts, ["answered", "ConnectionReset", "answered", "answered"]);
    assert_eq!(run(1), (attempts, hash), "and so it is every time");
}
