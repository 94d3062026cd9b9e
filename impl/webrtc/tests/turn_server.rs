//! `peerlab-turn` as a program, on loopback, with messages of our own.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what a test sets up itself is there, or the test fails")]

#[path = "peerlab_turn/control.rs"]
mod control;
#[path = "peerlab_turn/program.rs"]
mod program;

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream, UdpSocket},
    process::{Command, Output},
    time::Duration,
};

use rstest::rstest;
use stun::{
    Builder,
    wire::{Class, Lifetime, Method, TransactionId, XorMappedAddress},
};

use self::{
    control::{Control, code_of, parse},
    program::{Folder, PEER, Program, SERVER, configuration, free_port},
};

const PATIENCE: Duration = Duration::from_secs(10);

fn peer() -> UdpSocket {
    let socket = UdpSocket::bind((PEER, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_peerlab-turn")).args(arguments).output().unwrap()
}

#[test]
fn relays_both_ways_and_says_so_in_its_log() {
    let program = Program::start("").unwrap();
    let mut alice = Control::new(PEER, program.address).unwrap();
    let relayed = alice.allocate().unwrap();
    let line = program.hear("allocated").unwrap();
    assert!(line.contains("user=alice") && !line.contains("hunter2"), "{line}");
    let peer = peer();
    let peer_address = peer.local_addr().unwrap();
    assert_eq!(alice.bind(0x4000, peer_address).unwrap(), 0);
    let mut buffer = [0; 2_048];
    for size in [0, 1, 1_200, 1_400] {
        alice.send(0x4000, &vec![7; size]).unwrap();
        let (length, from) = peer.recv_from(&mut buffer).unwrap();
        assert_eq!((length, from), (size, relayed));
        peer.send_to(&vec![8; size], relayed).unwrap();
        let (length, _) = alice.socket.recv_from(&mut buffer).unwrap();
        assert_eq!(length, size + 4);
    }
    // Somebody else's port has no permission on this server: the peer's address has.
    assert_eq!(alice.bind(0x4001, SocketAddr::new(SERVER, 1)).unwrap(), 403);
    let deleted = alice.ask(Method::REFRESH, |builder| {
        builder.put(&Lifetime(0));
    });
    assert_eq!(code_of(&deleted.unwrap()).unwrap(), 0);
    let line = program.hear("released").unwrap();
    assert!(line.contains("packets_to_peers=4") && line.contains("bytes_to_client=2601"), "{line}");
}

#[test]
fn serves_over_tcp() {
    let program = Program::start("").unwrap();
    let mut stream = TcpStream::connect(program.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut request = Vec::new();
    let id = TransactionId::new([1; 12]);
    Builder::new(&mut request, Method::BINDING, Class::Request, id);
    let (first, second) = request.split_at(7);
    stream.write_all(first).unwrap();
    stream.write_all(second).unwrap();
    let mut response = [0; 32];
    stream.read_exact(&mut response).unwrap();
    let mapped = parse(&response).unwrap().get();
    assert_eq!(mapped, Some(XorMappedAddress(stream.local_addr().unwrap())));
    // What is no frame ends the connection.
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n\xff\xff").unwrap();
    assert!(matches!(stream.read(&mut response), Ok(0) | Err(_)));
}

#[test]
fn a_port_nobody_listens_on_is_told_to_the_client() {
    let program = Program::start("").unwrap();
    let mut alice = Control::new(PEER, program.address).unwrap();
    alice.allocate().unwrap();
    let nobody = SocketAddr::new(PEER, free_port(PEER).unwrap());
    assert_eq!(alice.bind(0x4000, nobody).unwrap(), 0);
    // The system hands out what the network said with the next datagram that leaves; under load several
    // leave at once, before anything was said.
    alice.socket.set_read_timeout(Some(PATIENCE / 100)).unwrap();
    let mut buffer = [0; 2_048];
    let heard = (0..100).find_map(|_| {
        alice.send(0x4000, b"anybody there?").unwrap();
        alice.socket.recv_from(&mut buffer).ok()
    });
    let (length, _) = heard.unwrap();
    let message = parse(buffer.get(..length).unwrap()).unwrap();
    let icmp: stun::wire::Icmp = message.get().unwrap();
    assert_eq!((icmp.kind, icmp.code), (3, 3));
}

#[test]
fn a_hangup_reads_accounts_anew_and_drops_nobody() {
    let program = Program::start("").unwrap();
    let mut alice = Control::new(PEER, program.address).unwrap();
    alice.allocate().unwrap();
    let peer = peer().local_addr().unwrap();
    let changed = configuration(program.address, "").replace("hunter2", "correct horse");
    program.configure(&changed).unwrap();
    program.signal("HUP").unwrap();
    program.hear("anew").unwrap();
    assert_eq!(alice.bind(0x4000, peer).unwrap(), 0);
    let mut late = Control::new(PEER, program.address).unwrap();
    assert!(late.allocate().is_err());
    late = Control::new(PEER, program.address).unwrap().with_password("correct horse");
    late.allocate().unwrap();
    // A broken file changes nothing.
    program.configure("nonsense").unwrap();
    program.signal("HUP").unwrap();
    let line = program.hear("stay as they were").unwrap();
    assert!(line.contains("turn.toml:1"), "{line}");
    assert_eq!(alice.bind(0x4000, peer).unwrap(), 0);
}

#[rstest]
#[case::terminate("TERM")]
#[case::interrupt("INT")]
fn a_signal_waits_for_allocations_and_then_ends(#[case] signal: &str) {
    let mut program = Program::start("").unwrap();
    let mut alice = Control::new(PEER, program.address).unwrap();
    alice.allocate().unwrap();
    program.signal(signal).unwrap();
    program.hear("ending").unwrap();
    let mut bob = Control::new(PEER, program.address).unwrap();
    assert!(bob.allocate().is_err(), "no more allocations");
    let deleted = alice.ask(Method::REFRESH, |builder| {
        builder.put(&Lifetime(0));
    });
    assert_eq!(code_of(&deleted.unwrap()).unwrap(), 0);
    program.hear("counters").unwrap();
    assert_eq!(program.wait().unwrap().code(), Some(0));
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut program = Program::start("").unwrap();
    let mut alice = Control::new(PEER, program.address).unwrap();
    alice.allocate().unwrap();
    program.signal("TERM").unwrap();
    program.hear("ending").unwrap();
    program.signal("TERM").unwrap();
    assert_eq!(program.wait().unwrap().code(), Some(0));
}

#[test]
fn wrong_usage_is_64_and_a_broken_file_65() {
    assert_eq!(run(&["--nonsense"]).status.code(), Some(64));
    assert_eq!(run(&[]).status.code(), Some(64));
    assert_eq!(run(&["--config", "/nowhere/turn.toml"]).status.code(), Some(4));
    let help = run(&["--help"]);
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(help.status.success() && text.contains("SIGHUP") && text.contains("--print-config"));
    let folder = Folder::new().unwrap();
    let path = folder.0.join("turn.toml");
    let path = path.to_str().unwrap();
    let printed = run(&["--print-config"]);
    std::fs::write(path, printed.stdout).unwrap();
    let broken = run(&["--config", path, "--check"]);
    let said = String::from_utf8(broken.stderr).unwrap();
    assert_eq!(broken.status.code(), Some(65));
    assert!(said.contains("turn.toml:") && said.contains("[[access.users]]"), "{said}");
    std::fs::write(path, configuration("127.0.0.1:3478".parse().unwrap(), "")).unwrap();
    assert!(run(&["--config", path, "--check"]).status.success());
}

#[test]
fn a_port_that_is_taken_is_4_with_the_remedy() {
    let program = Program::start("").unwrap();
    let folder = Folder::new().unwrap();
    let path = folder.0.join("turn.toml");
    std::fs::write(&path, configuration(program.address, "")).unwrap();
    let second = run(&["--config", path.to_str().unwrap()]);
    let said = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(4));
    assert!(said.contains("choose another in [listen]"), "{said}");
}
