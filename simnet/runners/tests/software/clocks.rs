//! What software can see of time: the table in the documentation of the crate, measured.

use std::{future::poll_fn, io, time::Duration};

use rstest::rstest;
use runners::{LockStep, Paused, Runner, UdpSocket};
use runtime::Runtime;
use simnet::{Clock, Host, Link, Network};
use tokio::time::{Instant, sleep};

use crate::support::{Notes, at, ms};

const fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

/// How long a question and its answer take over a link with this delay.
fn round_trip<R: Runner<Observer = ()>>(delay: Duration) -> Duration {
    let net = Network::builder(1)
        .lan("lan", "10.0.0.0/24")
        .host("server", Host::on("lan"))
        .host("client", Host::on("lan"))
        .link("client", "lan", Link::delayed(delay))
        .build()
        .expect("the description fits together");
    let mut run = R::new(net);
    run.host("server", || async {
        let socket = UdpSocket::bind("0.0.0.0:7").await?;
        let (_, source) = socket.recv_from(&mut [0; 9]).await?;
        socket.send_to(b"!", source).await.map(drop)
    });
    let notes = Notes::default();
    let told = notes.clone();
    run.host("client", move || {
        let told = told.clone();
        async move {
            sleep(ms(5)).await;
            let socket = UdpSocket::bind("0.0.0.0:0").await?;
            let start = Instant::now();
            socket.send_to(b"?", "server:7").await?;
            socket.recv(&mut [0; 9]).await?;
            told.add(start.elapsed());
            io::Result::Ok(())
        }
    });
    assert!(run.run_until_ended(&["client"], at(1_000)).expect("no program fails"));
    notes.all().remove(0)
}

#[rstest]
#[case::no_delay(micros(0), ms(0), ms(2))]
#[case::below_a_tick(micros(300), ms(2), ms(2))]
#[case::a_tick(micros(1_000), ms(2), ms(2))]
#[case::between_ticks(micros(12_300), ms(26), ms(26))]
fn round_trips_are_seen_in_whole_milliseconds(
    #[case] delay: Duration,
    #[case] paused: Duration,
    #[case] lock_step: Duration,
) {
    assert_eq!(round_trip::<Paused>(delay), paused);
    assert_eq!(round_trip::<LockStep>(delay), lock_step);
}

/// How long a sleep of this duration takes.
fn nap<R: Runner<Observer = ()>>(duration: Duration) -> Duration {
    let lan = Network::builder(1).lan("lan", "10.0.0.0/24").host("a", Host::on("lan"));
    let mut run = R::new(lan.build().expect("the description fits together"));
    let notes = Notes::default();
    let told = notes.clone();
    run.host("a", move || {
        let told = told.clone();
        async move {
            let start = Instant::now();
            sleep(duration).await;
            told.add(start.elapsed());
            io::Result::Ok(())
        }
    });
    run.run_until(at(100)).expect("no program fails");
    notes.all().remove(0)
}

#[rstest]
#[case::a_tenth(micros(100), ms(1))]
#[case::one(ms(1), ms(1))]
#[case::one_and_a_tenth(micros(1_100), ms(2))]
fn naps_take_whole_milliseconds(#[case] asked: Duration, #[case] taken: Duration) {
    assert_eq!(nap::<Paused>(asked), taken);
    assert_eq!(nap::<LockStep>(asked), taken);
}

/// What a clock that gains a tenth and began two seconds ahead shows before and after a timer of a second,
/// and how much true time that took.
fn wrong<R: Runner<Observer = ()>>() -> Vec<(base::Instant, base::Instant)> {
    let clock = Clock { ahead: ms(2_000), drift_ppm: 100_000 };
    let host = Host::on("lan").clock(clock);
    let lan = Network::builder(1).lan("lan", "10.0.0.0/24").host("a", host);
    let mut run = R::new(lan.build().expect("the description fits together"));
    let notes = Notes::default();
    let told = notes.clone();
    let runtime = run.stage().surroundings("a");
    run.host("a", move || {
        let told = told.clone();
        async move {
            let start = Instant::now();
            let note = || told.add((runtime.now(), base::Instant::ZERO + start.elapsed()));
            note();
            let mut timer = runtime.timer(runtime.now() + ms(1_100));
            poll_fn(|cx| timer.as_mut().poll(cx)).await;
            note();
            io::Result::Ok(())
        }
    });
    run.run_until(at(2_000)).expect("no program fails");
    notes.all()
}

#[rstest]
#[case::paused(wrong::<Paused>())]
#[case::lock_step(wrong::<LockStep>())]
fn a_driver_goes_by_the_clock_of_its_host(#[case] told: Vec<(base::Instant, base::Instant)>) {
    assert_eq!(told, [(at(2_000), at(0)), (at(3_100), at(1_000))]);
}

/// The run goes on where it stopped, however it is cut in pieces.
#[rstest]
#[case::paused(ticks::<Paused>(ms(100)), ticks::<Paused>(micros(700)))]
#[case::lock_step(ticks::<LockStep>(ms(100)), ticks::<LockStep>(micros(700)))]
fn pieces_of_a_run_are_the_run(
    #[case] whole: Vec<base::Instant>,
    #[case] pieces: Vec<base::Instant>,
) {
    assert_eq!(whole, (0..10).map(|tick| at(10 * tick)).collect::<Vec<_>>());
    assert_eq!(pieces, whole);
}

/// When software that wakes every 10 ms wakes, if the run is made in pieces.
fn ticks<R: Runner<Observer = ()>>(piece: Duration) -> Vec<base::Instant> {
    let lan = Network::builder(1).lan("lan", "10.0.0.0/24").host("a", Host::on("lan"));
    let mut run = R::new(lan.build().expect("the description fits together"));
    let notes = Notes::default();
    let told = notes.clone();
    let runtime = run.stage().surroundings("a");
    run.host("a", move || {
        let told = told.clone();
        async move {
            for _ in 0..10 {
                told.add(runtime.now());
                sleep(ms(10)).await;
            }
            io::Result::Ok(())
        }
    });
    while run.stage().now() < at(100) {
        run.run_for(piece).expect("no program fails");
    }
    notes.all()
}
