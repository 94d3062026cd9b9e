//! The UDP echo programs, unchanged but for the type of the socket, behind two NATs.

use rstest::rstest;
use runners::{LockStep, Paused, Runner};
use simnet::Link;

use crate::{
    support::{Notes, SERVER, at, lossy, ms, steady, two_nats},
    unchanged::udp_echo::{self, Answer},
};

/// The programs on their hosts, before anything happens, and alice's notes.
fn stage<R: Runner<Observer = ()>>(seed: u64, link: Link, questions: u32) -> (R, Notes<Answer>) {
    let net = two_nats(seed, link).build().expect("the description fits together");
    let mut run = R::new(net);
    let notes = Notes::default();
    let answers = notes.clone();
    run.host("server", || udp_echo::server("0.0.0.0:7"));
    run.host("alice", move || {
        let answers = answers.clone();
        udp_echo::client(SERVER, questions, move |answer| answers.add(answer))
    });
    (run, notes)
}

/// Runs the programs undisturbed; says what alice heard, and the hash of everything that happened.
fn undisturbed<R: Runner<Observer = ()>>(seed: u64, link: Link) -> (Vec<Answer>, [u8; 32]) {
    let (mut run, notes) = stage::<R>(seed, link, 20);
    assert!(run.run_until_ended(&["alice"], at(60_000)).expect("no program fails"));
    (notes.all(), run.stage().trace_hash().expect("the network hashes"))
}

/// Runs the programs while the server crashes at one second and starts again at two.
fn with_a_crash<R: Runner<Observer = ()>>(seed: u64) -> (Vec<Answer>, [u8; 32]) {
    let (mut run, notes) = stage::<R>(seed, steady(), 20);
    run.run_until(at(1_000)).expect("no program fails");
    assert!(run.is_running("server"));
    run.crash("server");
    assert!(!run.is_running("server"));
    run.run_until(at(2_000)).expect("no program fails");
    run.restart("server");
    assert!(run.run_until_ended(&["alice"], at(60_000)).expect("no program fails"));
    assert!(run.is_running("server"));
    (notes.all(), run.stage().trace_hash().expect("the network hashes"))
}

#[test]
fn echo_takes_the_round_trip_in_whole_milliseconds() {
    let answers = vec![Answer::After(ms(26)); 20];
    assert_eq!(undisturbed::<Paused>(1, steady()).0, answers, "12.3 ms, rounded up, twice");
    assert_eq!(undisturbed::<LockStep>(1, steady()).0, answers);
}

type Undisturbed = fn(u64, Link) -> (Vec<Answer>, [u8; 32]);

#[rstest]
#[case::paused(undisturbed::<Paused>)]
#[case::lock_step(undisturbed::<LockStep>)]
fn the_same_seed_gives_the_same_run(#[case] run: Undisturbed) {
    let (answers, hash) = run(7, lossy());
    assert_eq!(run(7, lossy()), (answers.clone(), hash));
    assert!(answers.contains(&Answer::Lost), "the links lose something");
    assert!(answers.contains(&Answer::After(ms(26))), "but not everything");
    assert_ne!(run(8, lossy()).1, hash, "another seed loses other datagrams");
}

type WithACrash = fn(u64) -> (Vec<Answer>, [u8; 32]);

#[rstest]
#[case::paused(with_a_crash::<Paused>)]
#[case::lock_step(with_a_crash::<LockStep>)]
fn the_client_recovers_when_the_server_starts_again(#[case] run: WithACrash) {
    let (answers, hash) = run(3);
    let lost = answers.iter().filter(|&&answer| answer == Answer::Lost).count();
    assert_eq!(lost, 2, "half a second each, from one second to two");
    assert_eq!(answers.first(), Some(&Answer::After(ms(26))));
    assert_eq!(answers.last(), Some(&Answer::After(ms(26))));
    assert_eq!(run(3), (answers, hash), "and so it is every time");
}

#[rstest]
#[case::paused(undisturbed::<Paused>)]
#[case::lock_step(undisturbed::<LockStep>)]
fn worlds_in_other_threads_change_nothing(#[case] run: Undisturbed) {
    let alone = run(7, lossy());
    let crowd: Vec<_> = (0..6).map(|_| std::thread::spawn(move || run(7, lossy()))).collect();
    for thread in crowd {
        assert_eq!(thread.join().expect("the run ends well"), alone);
    }
}
