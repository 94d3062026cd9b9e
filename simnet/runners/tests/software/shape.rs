//! What sockets in tokio's shape do as those of a system do.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    sync::Arc,
};

use rstest::rstest;
use runners::{Paused, Runner, TcpListener, TcpStream, UdpSocket, lookup_host, spawn};
use simnet::{Host, Network};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{sleep, timeout},
};

use crate::support::{Notes, at, ms};

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// Runs `software` on `a`, one of three hosts on a LAN, to its end. The others send back what they get on
/// port 7, over UDP and TCP.
fn on_a<F: Future<Output = io::Result<()>> + 'static>(software: impl Fn() -> F + 'static) {
    let net = Network::builder(1)
        .lan("lan", "10.0.0.0/24 fd00::/64")
        .host("a", Host::on("lan").address("10.0.0.1").address("fd00::1"))
        .host("b", Host::on("lan").address("10.0.0.2").address("fd00::2"))
        .host("c", Host::on("lan").address("10.0.0.3").address("fd00::3"))
        .build()
        .expect("the description fits together");
    let mut run = Paused::new(net);
    for name in ["b", "c"] {
        run.host(name, || async {
            spawn(crate::unchanged::tcp_echo::server("0.0.0.0:7"));
            crate::unchanged::udp_echo::server("0.0.0.0:7").await
        });
    }
    run.host("a", software);
    let ended = run.run_until_ended(&["a"], at(10_000)).expect("no program fails");
    assert!(ended, "it comes to an end");
}

/// A socket that others have answered to: b with one byte, c with two.
async fn answered(connect: Option<&str>) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind("0.0.0.0:0").await?;
    socket.send_to(b"b", "b:7").await?;
    socket.send_to(b"cc", "c:7").await?;
    if let Some(peer) = connect {
        socket.connect(peer).await?;
    }
    sleep(ms(10)).await;
    Ok(socket)
}

#[test]
fn a_connected_socket_hears_from_its_peer_alone() {
    on_a(|| async {
        let socket = answered(Some("c:7")).await?;
        assert_eq!(socket.recv(&mut [0; 9]).await?, 2);
        assert_eq!(socket.try_recv(&mut [0; 9]).map_err(|it| it.kind()), would_block());
        assert_eq!(socket.peer_addr()?, addr("10.0.0.3:7"));
        assert_eq!(socket.local_addr()?.ip(), addr("10.0.0.1:0").ip(), "no wildcard any more");
        Ok(())
    });
}

fn would_block<T>() -> Result<T, io::ErrorKind> {
    Err(io::ErrorKind::WouldBlock)
}

#[test]
fn datagrams_are_looked_at_cut_off_and_collected() {
    on_a(|| async {
        let socket = answered(None).await?;
        let mut buffer = [0; 9];
        assert_eq!(socket.peek_from(&mut buffer).await?, (1, addr("10.0.0.2:7")));
        assert_eq!(
            socket.try_recv_from(&mut buffer)?,
            (1, addr("10.0.0.2:7")),
            "it was left there"
        );
        assert_eq!(
            socket.try_recv_from(&mut buffer[..1])?,
            (1, addr("10.0.0.3:7")),
            "its end is lost"
        );
        assert_eq!(socket.try_recv_from(&mut buffer).map_err(|it| it.kind()), would_block());

        let socket = answered(None).await?;
        let mut collected = Vec::new();
        socket.recv_buf_from(&mut collected).await?;
        socket.recv_buf_from(&mut collected).await?;
        assert_eq!(collected, b"bcc");
        Ok(())
    });
}

#[test]
fn every_task_that_waits_for_a_socket_is_woken() {
    on_a(|| async {
        let socket = Arc::new(UdpSocket::bind("0.0.0.0:0").await?);
        let waits = || {
            let socket = Arc::clone(&socket);
            spawn(async move { timeout(ms(50), socket.readable()).await.is_ok() })
        };
        let tasks = [waits(), waits(), waits()];
        sleep(ms(1)).await;
        socket.send_to(b"b", "b:7").await?;
        for task in tasks {
            assert!(task.await.map_err(io::Error::other)?);
        }
        Ok(())
    });
}

#[test]
fn a_dropped_socket_gives_its_port_back() {
    on_a(|| async {
        let first = UdpSocket::bind("0.0.0.0:5000").await?;
        let taken = UdpSocket::bind("0.0.0.0:5000").await.map(drop).map_err(|it| it.kind());
        assert_eq!(taken, Err(io::ErrorKind::AddrInUse));
        drop(first);
        UdpSocket::bind("0.0.0.0:5000").await?;
        let listener = TcpListener::bind("0.0.0.0:5000").await?;
        assert!(TcpListener::bind("0.0.0.0:5000").await.is_err());
        drop(listener);
        TcpListener::bind("0.0.0.0:5000").await.map(drop)
    });
}

#[test]
fn names_and_addresses_are_given_in_every_way() {
    on_a(|| async {
        let of = |all: Vec<SocketAddr>| all.iter().map(SocketAddr::to_string).collect::<Vec<_>>();
        let mut b: Vec<_> = lookup_host("b:7").await?.collect();
        b.sort_unstable();
        assert_eq!(of(b), ["10.0.0.2:7", "[fd00::2]:7"]);
        assert_eq!(of(lookup_host(("10.0.0.9", 7)).await?.collect()), ["10.0.0.9:7"]);
        assert_eq!(of(lookup_host("[fd00::9]:7").await?.collect()), ["[fd00::9]:7"]);
        assert_eq!(of(lookup_host((Ipv4Addr::LOCALHOST, 7)).await?.collect()), ["127.0.0.1:7"]);
        assert_eq!(of(lookup_host(&[addr("1.2.3.4:5")][..]).await?.collect()), ["1.2.3.4:5"]);
        let kind = async |text: &str| lookup_host(text).await.map(drop).map_err(|it| it.kind());
        assert_eq!(kind("nobody:7").await, Err(io::ErrorKind::NotFound));
        assert_eq!(kind("b").await, Err(io::ErrorKind::InvalidInput));
        assert_eq!(kind("b:seven").await, Err(io::ErrorKind::InvalidInput));
        Ok(())
    });
}

#[test]
fn options_are_kept_and_checked() {
    on_a(|| async {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        assert_eq!((socket.ttl()?, socket.tos()?), (64, 0));
        socket.set_ttl(9)?;
        socket.set_tos(0b1011_1001)?;
        assert_eq!((socket.ttl()?, socket.tos()?), (9, 0b1011_1001));
        assert!(socket.set_ttl(0).is_err() && socket.set_ttl(256).is_err());
        assert!(socket.set_tos(256).is_err());
        let group = Ipv4Addr::new(224, 0, 0, 251);
        socket.join_multicast_v4(group, Ipv4Addr::UNSPECIFIED)?;
        socket.leave_multicast_v4(group, Ipv4Addr::UNSPECIFIED)?;
        assert!(socket.leave_multicast_v4(group, Ipv4Addr::UNSPECIFIED).is_err());
        assert!(socket.join_multicast_v4(group, Ipv4Addr::new(10, 0, 0, 9)).is_err());
        let unconnected = socket.peer_addr().map_err(|it| it.kind());
        assert_eq!(unconnected, Err(io::ErrorKind::NotConnected));
        assert!(socket.connect("[fd00::2]:7").await.is_err(), "of another family");
        Ok(())
    });
}

/// A connection from a to a, both ends.
async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("0.0.0.0:0").await?;
    let address = SocketAddr::new(addr("10.0.0.1:0").ip(), listener.local_addr()?.port());
    let (one, other) = tokio::join!(TcpStream::connect(address), listener.accept());
    Ok((one?, other?.0))
}

#[test]
fn a_stream_ends_in_order_when_it_is_dropped() {
    on_a(|| async {
        let (mut one, mut other) = pair().await?;
        assert_eq!(other.try_read(&mut [0; 9]).map_err(|it| it.kind()), would_block());
        one.write_all(b"farewell").await?;
        drop(one);
        let mut heard = String::new();
        other.read_to_string(&mut heard).await?;
        assert_eq!(heard, "farewell");
        Ok(())
    });
}

#[test]
fn a_stream_is_reset_when_it_is_dropped_with_bytes_unread() {
    on_a(|| async {
        let (one, mut other) = pair().await?;
        other.write_all(b"never read").await?;
        sleep(ms(50)).await;
        drop(one);
        sleep(ms(50)).await;
        let error = other.read(&mut [0; 9]).await.expect_err("it was reset");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let error = other.write(b"hello?").await.expect_err("it was reset");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        Ok(())
    });
}

#[test]
fn a_stream_that_nobody_reads_any_more_is_reset_by_what_comes() {
    on_a(|| async {
        let (one, mut other) = pair().await?;
        drop(one);
        other.write_all(b"too late").await?;
        sleep(ms(50)).await;
        let error = other.write(b"hello?").await.expect_err("it was reset");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        Ok(())
    });
}

#[test]
fn one_half_may_be_done_before_the_other() {
    on_a(|| async {
        let (one, mut other) = pair().await?;
        let (mut reading, writing) = one.into_split();
        drop(writing);
        assert_eq!(other.read(&mut [0; 9]).await?, 0, "nothing more will come");
        other.write_all(b"still here").await?;
        drop(other);
        let mut heard = String::new();
        reading.read_to_string(&mut heard).await?;
        assert_eq!(heard, "still here");
        Ok(())
    });
}

#[test]
fn a_full_stream_waits_for_its_reader() {
    on_a(|| async {
        let (mut one, mut other) = pair().await?;
        let written = Notes::default();
        let told = written.clone();
        let writing = tokio::task::spawn_local(async move {
            for _ in 0..40 {
                one.write_all(&[7; 100_000]).await?;
                told.add(());
            }
            io::Result::Ok(())
        });
        sleep(ms(5_000)).await;
        let before = written.all().len();
        assert!((1..40).contains(&before), "the buffers are full after {before}");
        let mut heard = Vec::new();
        other.read_to_end(&mut heard).await?;
        writing.await.map_err(io::Error::other)??;
        assert_eq!(heard.len(), 4_000_000);
        Ok(())
    });
}

#[rstest]
#[case::nobody_listens("10.0.0.2:9", io::ErrorKind::ConnectionRefused)]
#[case::no_route("11.0.0.2:9", io::ErrorKind::NetworkUnreachable)]
fn a_connection_that_cannot_be_made_says_why(
    #[case] target: &'static str,
    #[case] kind: io::ErrorKind,
) {
    on_a(move || async move {
        let error = TcpStream::connect(target).await.expect_err("it cannot be made");
        assert_eq!(error.kind(), kind);
        Ok(())
    });
}

#[test]
fn an_attempt_that_was_given_up_leaves_nothing() {
    on_a(|| async {
        let listener = TcpListener::bind("0.0.0.0:80").await?;
        let accepted = Rc::new(listener);
        assert!(timeout(ms(20), accepted.accept()).await.is_err());
        let attempt = TcpStream::connect_from(addr("10.0.0.1:4000"), addr("10.0.0.99:80"));
        assert!(timeout(ms(1), attempt).await.is_ok_and(|made| made.is_err()), "no such neighbour");
        let (made, taken) =
            tokio::join!(TcpStream::connect("10.0.0.1:80"), timeout(ms(50), accepted.accept()));
        made?;
        taken??;
        Ok(())
    });
}
