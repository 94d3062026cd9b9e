//! Whose code runs where: tasks, crashes, partitions, scripts.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use rstest::rstest;
use runners::{LockStep, Paused, Runner, UdpSocket};
use simnet::{Change, Host, Network};
use tokio::time::{sleep, timeout};

use crate::support::{Notes, at, ms};

/// Three hosts on one LAN.
fn lan(seed: u64) -> Network {
    Network::builder(seed)
        .lan("lan", "10.0.0.0/24")
        .host("a", Host::on("lan").address("10.0.0.1"))
        .host("b", Host::on("lan").address("10.0.0.2"))
        .host("c", Host::on("lan").address("10.0.0.3"))
        .build()
        .expect("the description fits together")
}

/// The address the code that calls this would send from.
async fn own_address() -> io::Result<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").await?;
    socket.connect("10.0.0.9:9").await?;
    Ok(socket.local_addr()?.ip())
}

/// How software spawns a task that tells its address.
#[derive(Clone, Copy, Debug)]
enum Spawn {
    Local,
    Ours,
    Tokios,
}

/// Every host spawns a task that spawns a task that tells its address, after all have started.
fn addresses<R: Runner<Observer = ()>>(spawn: Spawn) -> Vec<(&'static str, io::Result<IpAddr>)> {
    let mut run = R::new(lan(1));
    let notes = Notes::default();
    for name in ["a", "b", "c"] {
        let notes = notes.clone();
        run.host(name, move || {
            let notes = notes.clone();
            async move {
                let task = async {
                    sleep(ms(5)).await;
                    own_address().await
                };
                let told = match spawn {
                    Spawn::Local => tokio::task::spawn_local(task).await,
                    Spawn::Ours => runners::spawn(async { runners::spawn(task).await? }).await,
                    Spawn::Tokios => tokio::spawn(async { tokio::spawn(task).await? }).await,
                };
                notes.add((name, told.map_err(io::Error::other)?));
                io::Result::Ok(())
            }
        });
    }
    assert!(run.run_until_ended(&["a", "b", "c"], at(100)).expect("no program fails"));
    notes.all()
}

#[rstest]
#[case::paused_local(addresses::<Paused>(Spawn::Local))]
#[case::paused_ours(addresses::<Paused>(Spawn::Ours))]
#[case::lock_step_local(addresses::<LockStep>(Spawn::Local))]
#[case::lock_step_ours(addresses::<LockStep>(Spawn::Ours))]
#[case::lock_step_tokios(addresses::<LockStep>(Spawn::Tokios))]
fn a_spawned_task_has_the_address_of_its_host(
    #[case] told: Vec<(&'static str, io::Result<IpAddr>)>,
) {
    let told: Vec<_> =
        told.into_iter().map(|(name, ip)| (name, ip.expect("it may").to_string())).collect();
    let own = |name, ip: &str| (name, ip.to_owned());
    assert_eq!(told, [own("a", "10.0.0.1"), own("b", "10.0.0.2"), own("c", "10.0.0.3")]);
}

/// All hosts share one runtime there, so that nobody can know whose task it is.
#[test]
fn a_task_that_belongs_to_no_host_makes_no_socket() {
    for (_, told) in addresses::<Paused>(Spawn::Tokios) {
        let error = told.expect_err("it belongs to no host");
        assert!(error.to_string().contains("no simulated host is running here"), "{error}");
    }
}

/// Notes the times at which it lives, every 10 ms, and says in the end that it was dropped.
async fn live(notes: Notes<&'static str>) -> io::Result<()> {
    struct Last(Notes<&'static str>);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.add("dropped");
        }
    }
    let _last = Last(notes.clone());
    notes.add("started");
    let _socket = UdpSocket::bind("0.0.0.0:7").await?;
    sleep(Duration::from_secs(3_600)).await;
    Ok(())
}

fn scripted<R: Runner<Observer = ()>>() -> Vec<&'static str> {
    let mut run = R::new(lan(1));
    let notes = Notes::default();
    let told = notes.clone();
    run.host("a", move || live(told.clone()));
    run.stage().with_network(|net| {
        let a = net.node("a");
        net.schedule(at(100), Change::Crash(a));
        net.schedule(at(200), Change::Restart(a));
        net.schedule(at(300), Change::Crash(a));
    });
    run.run_until(at(150)).expect("no program fails");
    assert!(!run.is_running("a"));
    notes.add("150 ms");
    run.run_until(at(250)).expect("no program fails");
    assert!(run.is_running("a"));
    notes.add("250 ms");
    run.run_until(at(400)).expect("no program fails");
    notes.all()
}

#[rstest]
#[case::paused(scripted::<Paused>())]
#[case::lock_step(scripted::<LockStep>())]
fn a_crash_in_the_script_of_the_network_takes_the_software_with_it(
    #[case] notes: Vec<&'static str>,
) {
    let wanted = ["started", "dropped", "150 ms", "started", "250 ms", "dropped"];
    assert_eq!(notes, wanted);
}

/// b tells when it hears a, which sends every 10 ms; they are cut off from each other for a while.
fn cut_off<R: Runner<Observer = ()>>() -> Vec<u8> {
    let mut run = R::new(lan(1));
    let notes = Notes::default();
    let heard = notes.clone();
    run.host("a", || async {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        for tick in 0..30_u8 {
            socket.send_to(&[tick], "b:7").await?;
            sleep(ms(10)).await;
        }
        io::Result::Ok(())
    });
    run.host("b", move || {
        let heard = heard.clone();
        async move {
            let socket = UdpSocket::bind("0.0.0.0:7").await?;
            let mut buffer = [0; 1];
            loop {
                socket.recv_from(&mut buffer).await?;
                heard.add(buffer[0]);
            }
            #[expect(unreachable_code, reason = "it says what the errors of the loop are")]
            io::Result::Ok(())
        }
    });
    run.run_until(at(95)).expect("no program fails");
    run.partition(&["a"], &["b", "c"]);
    run.run_until(at(195)).expect("no program fails");
    run.heal(&["a"], &["b", "c"]);
    run.run_until(at(400)).expect("no program fails");
    notes.all()
}

#[rstest]
#[case::paused(cut_off::<Paused>())]
#[case::lock_step(cut_off::<LockStep>())]
fn hosts_that_are_cut_off_do_not_hear_each_other(#[case] heard: Vec<u8>) {
    let ticks: Vec<u8> = (0..10).chain(20..30).collect();
    assert_eq!(heard, ticks);
}

fn orders<R: Runner<Observer = ()>>() -> Vec<&'static str> {
    let mut run = R::new(lan(1));
    let notes = Notes::default();
    for name in ["c", "a", "b"] {
        let notes = notes.clone();
        run.host(name, move || {
            let notes = notes.clone();
            async move {
                for _ in 0..2 {
                    sleep(ms(10)).await;
                    notes.add(name);
                }
                io::Result::Ok(())
            }
        });
    }
    run.run_until(at(50)).expect("no program fails");
    notes.all()
}

#[rstest]
#[case::paused(orders::<Paused>())]
#[case::lock_step(orders::<LockStep>())]
fn hosts_act_in_the_order_in_which_they_were_given_software(#[case] order: Vec<&'static str>) {
    assert_eq!(order, ["c", "a", "b", "c", "a", "b"]);
}

#[rstest]
#[case::paused(fails::<Paused>())]
#[case::lock_step(fails::<LockStep>())]
fn an_error_of_software_ends_the_run(#[case] says: String) {
    assert_eq!(says, "the software of `b` failed: address 0.0.0.0:7 is in use, at 0.020000s");
}

fn fails<R: Runner<Observer = ()>>() -> String {
    let mut run = R::new(lan(1));
    run.host("b", || async {
        sleep(ms(20)).await;
        let _first = UdpSocket::bind("0.0.0.0:7").await?;
        UdpSocket::bind("0.0.0.0:7").await.map(drop)
    });
    let failure = run.run_until(at(1_000)).expect_err("the port is taken");
    format!("{failure}, at {}", run.stage().now())
}

/// What a connected and an unconnected socket hear of a port where nobody listens.
fn refused<R: Runner<Observer = ()>>() -> Vec<Option<io::ErrorKind>> {
    let mut run = R::new(lan(1));
    let notes = Notes::default();
    let told = notes.clone();
    run.host("a", move || {
        let told = told.clone();
        async move {
            let target: SocketAddr = "10.0.0.2:99".parse().map_err(io::Error::other)?;
            for connected in [true, false] {
                let socket = UdpSocket::bind("0.0.0.0:0").await?;
                if connected {
                    socket.connect(target).await?;
                }
                socket.send_to(b"anybody?", target).await?;
                let answer = timeout(ms(100), socket.recv_from(&mut [0])).await;
                told.add(answer.ok().map(|answer| {
                    answer.map_or_else(|error| error.kind(), |_| io::ErrorKind::Other)
                }));
            }
            io::Result::Ok(())
        }
    });
    assert!(run.run_until_ended(&["a"], at(1_000)).expect("no program fails"));
    notes.all()
}

#[rstest]
#[case::paused(refused::<Paused>())]
#[case::lock_step(refused::<LockStep>())]
fn only_a_connected_socket_hears_that_nobody_listens(#[case] told: Vec<Option<io::ErrorKind>>) {
    assert_eq!(told, [Some(io::ErrorKind::ConnectionRefused), None]);
}
