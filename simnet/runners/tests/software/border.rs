//! A driver that knows nothing but the traits of the border.

use std::{
    future::poll_fn,
    io::{self, IoSliceMut},
    net::SocketAddr,
    task::Poll,
    time::Duration,
};

use base::{Dscp, Ecn, Instant, SocketErrorKind, Transmit, WallTime};
use rstest::rstest;
use runners::{LockStep, Paused, Runner, Surroundings};
use runtime::{InterfaceIndex, RecvMeta, Runtime, UdpSocket};
use simnet::{Change, Host, Network};

use crate::support::{Notes, at, ms};

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// Two hosts, joined by two LANs.
fn two_lans() -> Network {
    Network::builder(4)
        .lan("front", "10.0.0.0/24")
        .lan("back", "10.0.1.0/24")
        .host("a", Host::on("front").address("10.0.0.1").and_on("back").address("10.0.1.1"))
        .host("b", Host::on("front").address("10.0.0.2").and_on("back").address("10.0.1.2"))
        .build()
        .expect("the description fits together")
}

/// Runs `a` and `b` on the surroundings of their hosts, until both have ended.
fn run_both<R, A, B, FutA, FutB>(a: A, b: B) -> R
where
    R: Runner<Observer = ()>,
    A: Fn(Surroundings) -> FutA + 'static,
    B: Fn(Surroundings) -> FutB + 'static,
    FutA: Future<Output = io::Result<()>> + 'static,
    FutB: Future<Output = io::Result<()>> + 'static,
{
    let mut run = R::new(two_lans());
    let (on_a, on_b) = (run.stage().surroundings("a"), run.stage().surroundings("b"));
    run.host("a", move || a(on_a));
    run.host("b", move || b(on_b));
    assert!(run.run_until_ended(&["a", "b"], at(10_000)).expect("no program fails"));
    run
}

/// The next datagrams, at most four, with what came with them.
async fn receive(socket: &dyn UdpSocket) -> io::Result<Vec<(RecvMeta, Vec<u8>)>> {
    let mut bytes = [[0; 100]; 4];
    let mut meta = [RecvMeta::EMPTY; 4];
    let mut buffers = bytes.each_mut().map(|buffer| IoSliceMut::new(buffer));
    let count = poll_fn(|cx| socket.poll_recv(cx, &mut buffers, &mut meta)).await?;
    let all = meta.iter().zip(&bytes).take(count);
    let split = |(meta, bytes): (&RecvMeta, &[u8; 100])| {
        meta.datagrams(bytes).map(|datagram| (*meta, datagram.to_vec())).collect::<Vec<_>>()
    };
    Ok(all.flat_map(split).collect())
}

/// Waits on a timer of the border.
async fn pause(runtime: &dyn Runtime, duration: Duration) {
    let mut timer = runtime.timer(runtime.now() + duration);
    poll_fn(|cx| timer.as_mut().poll(cx)).await;
}

type Told = Vec<(RecvMeta, Vec<u8>)>;

fn marked<R: Runner<Observer = ()>>() -> (Told, Vec<(InterfaceIndex, base::Interface)>) {
    let notes = Notes::default();
    let told = notes.clone();
    let run = run_both::<R, _, _, _, _>(
        |runtime| async move {
            let socket = runtime.bind_udp(addr("0.0.0.0:1000"), None)?;
            pause(&runtime, ms(10)).await;
            socket.set_hop_limit(9)?;
            let transmit = Transmit {
                ecn: Ecn::Ect1,
                dscp: Dscp::EF,
                segment_size: Some(2),
                ..Transmit::new(addr("10.0.1.2:2000"), 5)
            };
            poll_fn(|cx| socket.poll_send(cx, &transmit, b"aabbc")).await
        },
        move |runtime| {
            let told = told.clone();
            async move {
                let socket = runtime.bind_udp(addr("0.0.0.0:2000"), None)?;
                told.add(receive(&*socket).await?);
                Ok(())
            }
        },
    );
    let interfaces = run.stage().surroundings("b").interfaces().expect("the world is there");
    (notes.all().remove(0), interfaces)
}

#[rstest]
#[case::paused(marked::<Paused>())]
#[case::lock_step(marked::<LockStep>())]
fn a_batch_arrives_with_everything_that_was_said_about_it(
    #[case] (told, interfaces): (Told, Vec<(InterfaceIndex, base::Interface)>),
) {
    let payloads: Vec<_> = told.iter().map(|(_, payload)| payload.as_slice()).collect();
    assert_eq!(payloads, [&b"aa"[..], b"bb", b"c"]);
    let (meta, _) = &told[0];
    assert_eq!(meta.source, addr("10.0.1.1:1000"), "the address on the way there");
    assert_eq!(meta.destination, addr("10.0.1.2:2000"), "not the wildcard");
    assert_eq!((meta.ecn, meta.dscp, meta.hop_limit), (Ecn::Ect1, Some(Dscp::EF), Some(9)));
    let back = interfaces.iter().find(|(index, _)| Some(*index) == meta.interface);
    assert_eq!(back.map(|(_, interface)| interface.name.as_str()), Some("eth1"));
}

fn reports<R: Runner<Observer = ()>>() -> Vec<String> {
    let notes = Notes::default();
    let told = notes.clone();
    run_both::<R, _, _, _, _>(
        move |runtime| {
            let told = told.clone();
            async move {
                let socket = runtime.bind_udp(addr("0.0.0.0:1000"), None)?;
                socket.try_send(&Transmit::new(addr("10.0.0.2:99"), 2), b"hi")?;
                let error = poll_fn(|cx| socket.poll_error(cx)).await?;
                assert_eq!(error.kind, SocketErrorKind::PortUnreachable);
                told.add(format!("{} → {}", error.local, error.remote));
                let no_way = Transmit::new(addr("11.0.0.2:99"), 2);
                told.add(socket.try_send(&no_way, b"hi").expect_err("no route").kind().to_string());
                socket.set_may_fragment(false)?;
                let long = Transmit::new(addr("10.0.0.2:99"), 2_000);
                let error = socket.try_send(&long, &[0; 2_000]).expect_err("it is longer");
                told.add(error.to_string());
                let foreign = runtime.bind_udp(addr("10.0.0.2:1"), None).expect_err("not ours");
                told.add(foreign.kind().to_string());
                poll_fn(|cx| {
                    let (buffers, meta) = (&mut [], &mut []);
                    assert!(socket.poll_recv(cx, buffers, meta).is_pending());
                    Poll::Ready(Ok(()))
                })
                .await
            }
        },
        |_| async { Ok(()) },
    );
    notes.all()
}

#[rstest]
#[case::paused(reports::<Paused>())]
#[case::lock_step(reports::<LockStep>())]
fn reports_of_the_network_come_their_own_way(#[case] told: Vec<String>) {
    let wanted = [
        "10.0.0.1:1000 → 10.0.0.2:99",
        "network unreachable",
        "the datagram is too long",
        "address not available",
    ];
    assert_eq!(told, wanted);
}

/// What a host sees while one of its interfaces goes down and comes up again.
fn changes<R: Runner<Observer = ()>>() -> Vec<(Instant, usize)> {
    let mut run = R::new(two_lans());
    let notes = Notes::default();
    let told = notes.clone();
    let runtime = run.stage().surroundings("a");
    run.host("a", move || {
        let told = told.clone();
        async move {
            let mut watch = runtime.watch_interfaces()?;
            loop {
                let with_address = |(_, interface): &&(InterfaceIndex, base::Interface)| {
                    !interface.addresses.is_empty()
                };
                let up = runtime.interfaces()?.iter().filter(with_address).count();
                told.add((runtime.now(), up));
                poll_fn(|cx| watch.poll_changed(cx)).await?;
            }
            #[expect(unreachable_code, reason = "it says what the errors of the loop are")]
            io::Result::Ok(())
        }
    });
    run.stage().with_network(|net| {
        let hop = net.hop("a.eth1").expect("it is there");
        net.schedule(at(50), Change::Down(hop));
        net.schedule(at(80), Change::Up(hop));
    });
    run.run_until(at(100)).expect("no program fails");
    notes.all()
}

#[rstest]
#[case::paused(changes::<Paused>())]
#[case::lock_step(changes::<LockStep>())]
fn changes_of_interfaces_are_told_when_they_happen(#[case] told: Vec<(Instant, usize)>) {
    assert_eq!(told, [(at(0), 2), (at(50), 1), (at(80), 2)]);
}

/// What b hears on a socket that is tied to its first interface.
fn tied<R: Runner<Observer = ()>>() -> Vec<Vec<u8>> {
    let notes = Notes::default();
    let told = notes.clone();
    run_both::<R, _, _, _, _>(
        |runtime| async move {
            let socket = runtime.bind_udp(addr("0.0.0.0:1000"), None)?;
            pause(&runtime, ms(10)).await;
            socket.try_send(&Transmit::new(addr("10.0.1.2:2000"), 4), b"back")?;
            socket.try_send(&Transmit::new(addr("10.0.0.2:2000"), 5), b"front")
        },
        move |runtime| {
            let told = told.clone();
            async move {
                let (first, _) = runtime.interfaces()?.remove(0);
                let socket = runtime.bind_udp(addr("0.0.0.0:2000"), Some(first))?;
                pause(&runtime, ms(50)).await;
                for (_, payload) in receive(&*socket).await? {
                    told.add(payload);
                }
                let nowhere = Some(InterfaceIndex(99));
                let error = runtime.bind_udp(addr("0.0.0.0:0"), nowhere).expect_err("not there");
                assert_eq!(error.kind(), io::ErrorKind::NotFound);
                Ok(())
            }
        },
    );
    notes.all()
}

#[rstest]
#[case::paused(tied::<Paused>())]
#[case::lock_step(tied::<LockStep>())]
fn a_socket_tied_to_an_interface_hears_nothing_else(#[case] told: Vec<Vec<u8>>) {
    assert_eq!(told, [b"front"]);
}

/// What b hears of what a sends to a group, by the interface it joined the group on.
fn grouped<R: Runner<Observer = ()>>() -> Vec<Vec<u8>> {
    let notes = Notes::default();
    let told = notes.clone();
    run_both::<R, _, _, _, _>(
        |runtime| async move {
            pause(&runtime, ms(10)).await;
            for (index, interface) in runtime.interfaces()? {
                let socket = runtime.bind_udp(addr("0.0.0.0:0"), Some(index))?;
                let name = interface.name.as_bytes();
                socket.try_send(&Transmit::new(addr("224.0.0.251:5353"), name.len()), name)?;
            }
            Ok(())
        },
        move |runtime| {
            let told = told.clone();
            async move {
                let socket = runtime.bind_udp(addr("0.0.0.0:5353"), None)?;
                let (second, _) = runtime.interfaces()?.remove(1);
                let group = addr("224.0.0.251:5353").ip();
                socket.join(group, Some(second))?;
                pause(&runtime, ms(50)).await;
                for (_, payload) in receive(&*socket).await? {
                    told.add(payload);
                }
                socket.leave(group, Some(second))?;
                assert!(socket.leave(group, Some(second)).is_err(), "it has left");
                assert!(socket.join(addr("10.0.0.1:1").ip(), None).is_err(), "that is no group");
                Ok(())
            }
        },
    );
    notes.all()
}

#[rstest]
#[case::paused(grouped::<Paused>())]
#[case::lock_step(grouped::<LockStep>())]
fn a_group_is_joined_on_one_interface(#[case] told: Vec<Vec<u8>>) {
    assert_eq!(told, [b"eth1"]);
}

/// b listens, a connects from a port of its choice, both over the border alone.
fn connected<R: Runner<Observer = ()>>() -> Vec<String> {
    let notes = Notes::default();
    let (told, heard) = (notes.clone(), notes.clone());
    run_both::<R, _, _, _, _>(
        move |runtime| {
            let told = told.clone();
            async move {
                pause(&runtime, ms(10)).await;
                let local = Some(addr("10.0.0.1:4000"));
                let refused = runtime.connect_tcp(local, addr("10.0.0.2:9")).await;
                told.add(refused.expect_err("nobody listens").kind().to_string());
                let stream = runtime.connect_tcp(local, addr("10.0.0.2:80")).await?;
                let count = poll_fn(|cx| stream.poll_write(cx, b"hello")).await?;
                assert_eq!(count, 5);
                poll_fn(|cx| stream.poll_shutdown(cx)).await?;
                let mut buffer = [0; 10];
                assert_eq!(poll_fn(|cx| stream.poll_read(cx, &mut buffer)).await?, 0);
                Ok(())
            }
        },
        move |runtime| {
            let heard = heard.clone();
            async move {
                let listener = runtime.listen_tcp(addr("0.0.0.0:80"))?;
                assert_eq!(listener.local_address()?, addr("0.0.0.0:80"));
                let stream = poll_fn(|cx| listener.poll_accept(cx)).await?;
                let mut buffer = [0; 10];
                let count = poll_fn(|cx| stream.poll_read(cx, &mut buffer)).await?;
                let text = String::from_utf8_lossy(buffer.get(..count).unwrap_or_default());
                heard.add(format!("{text} from {}", stream.remote_address()?));
                assert_eq!(poll_fn(|cx| stream.poll_read(cx, &mut buffer)).await?, 0);
                Ok(())
            }
        },
    );
    notes.all()
}

#[rstest]
#[case::paused(connected::<Paused>())]
#[case::lock_step(connected::<LockStep>())]
fn connections_are_made_over_the_border(#[case] told: Vec<String>) {
    assert_eq!(told, ["connection refused", "hello from 10.0.0.1:4000"]);
}

/// A task that is given to a host from outside, by a program that holds its surroundings.
/// The software of the host may have ended by then.
fn given<R: Runner<Observer = ()>>(ended: bool) -> Vec<(Instant, WallTime, String)> {
    let mut run = R::new(two_lans());
    run.stage().set_wall_time(WallTime::from_unix(Duration::from_secs(1_000)));
    run.stage().set_name("turn.example", vec![addr("11.0.0.7:0").ip()]);
    run.host("a", move || async move {
        if !ended {
            std::future::pending::<()>().await;
        }
        io::Result::Ok(())
    });
    run.run_until(at(10)).expect("no program fails");

    let (runtime, (sender, receiver)) = (run.stage().surroundings("a"), std::sync::mpsc::channel());
    runtime.spawn(Box::pin(async move {
        let mut timer = runtime.timer(at(5_000));
        timer.as_mut().reset(at(30));
        poll_fn(|cx| timer.as_mut().poll(cx)).await;
        let unknown = runtime.resolver().resolve("nobody.example").await;
        assert_eq!(unknown.expect_err("no such name").kind(), io::ErrorKind::NotFound);
        let found = runtime.resolver().resolve("turn.example").await.expect("it has a name");
        assert_eq!(Surroundings::here().expect("it runs on a host"), runtime);
        let _ = sender.send((runtime.now(), runtime.wall_time(), format!("{found:?}")));
    }));
    run.run_until(at(100)).expect("no program fails");
    receiver.try_iter().collect()
}

#[rstest]
#[case::paused(given::<Paused>(false))]
#[case::lock_step(given::<LockStep>(false))]
#[case::paused_and_idle(given::<Paused>(true))]
#[case::lock_step_and_idle(given::<LockStep>(true))]
fn a_task_is_given_to_a_host_from_outside(#[case] told: Vec<(Instant, WallTime, String)>) {
    let wall = WallTime::from_unix(Duration::from_millis(1_000_030));
    assert_eq!(told, [(at(30), wall, "[11.0.0.7]".to_owned())]);
}

#[test]
fn seeds_differ_by_call_host_and_world_and_by_nothing_else() {
    let draw = |seed: u64| {
        let net = Network::builder(seed)
            .lan("lan", "10.0.0.0/24")
            .host("a", Host::on("lan"))
            .host("b", Host::on("lan"))
            .build()
            .expect("the description fits together");
        let run = Paused::new(net);
        let (a, b) = (run.stage().surroundings("a"), run.stage().surroundings("b"));
        [&a, &a, &b].map(|host| host.seed().expect("the world is there"))
    };
    let (once, other) = (draw(1), draw(2));
    assert_eq!(draw(1), once);
    let mut all: Vec<_> = once.into_iter().chain(other).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 6);
}

#[test]
fn sockets_outlive_their_world_as_errors() {
    let run = Paused::new(two_lans());
    let runtime = run.stage().surroundings("a");
    let socket = runtime.bind_udp(addr("0.0.0.0:7"), None).expect("the port is free");
    assert_eq!(socket.local_address().expect("it is bound"), addr("0.0.0.0:7"));
    std::thread::scope(|scope| {
        let elsewhere = scope.spawn(|| socket.local_address().map_err(|error| error.kind()));
        let told = elsewhere.join().expect("no panic");
        assert_eq!(told, Err(io::ErrorKind::NotConnected), "its world is on this thread");
    });
    drop(run);
    let error = socket.local_address().expect_err("the world has ended");
    assert_eq!(error.kind(), io::ErrorKind::NotConnected);
    assert!(runtime.bind_udp(addr("0.0.0.0:8"), None).is_err());
}
