//! coturn's `turnutils_uclient` against `peerlab-turn`, on loopback, with `turnutils_peer` as its peer.
//!
//! Runs where coturn is installed, and says so where it is not.

#[path = "peerlab_turn/program.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod program;

use std::{
    io::Read as _,
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::mpsc::channel,
    time::Duration,
};

use libtest_mimic::{Arguments, Failed, Trial};

use self::program::{PEER, Program, SERVER, free_port};

/// No load takes longer, whatever hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// Name of a load, options of `turnutils_uclient`, messages that must have come back.
const LOADS: [(&str, &[&str], u64); 8] = [
    ("channels_over_udp", &["-m", "4", "-n", "100", "-l", "1200", "-z", "5"], 400),
    ("send_indications_over_udp", &["-s", "-m", "4", "-n", "100", "-l", "400", "-z", "5"], 400),
    ("channels_over_tcp", &["-t", "-m", "4", "-n", "100", "-l", "1200", "-z", "5"], 400),
    (
        "send_indications_over_tcp",
        &["-t", "-s", "-m", "4", "-n", "100", "-l", "400", "-z", "5"],
        400,
    ),
    ("client_to_client", &["-y", "-m", "4", "-n", "50", "-l", "800", "-z", "5"], 200),
    ("connections_to_peers", &["-T", "-m", "2", "-n", "50", "-l", "800", "-z", "5"], 100),
    ("dont_fragment", &["-g", "-m", "2", "-n", "50", "-l", "800", "-z", "5"], 100),
    ("extra_requests", &["-G", "-m", "2", "-n", "50", "-l", "400", "-z", "5"], 100),
];

fn main() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has = |tool: &str| std::env::split_paths(&path).any(|folder| folder.join(tool).is_file());
    let is_missing = !has("turnutils_uclient") || !has("turnutils_peer");
    if is_missing {
        eprintln!("not run: coturn is not installed (Debian: apt install coturn)");
    }
    let trial = |(name, options, messages)| {
        Trial::test(name, move || load(options, messages)).with_ignored_flag(is_missing)
    };
    libtest_mimic::run(&Arguments::from_args(), LOADS.into_iter().map(trial).collect()).exit();
}

/// A child that ends with its owner.
struct Owned(Child);

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn load(options: &[&str], messages: u64) -> Result<(), Failed> {
    let program = Program::start("tcp = true\nchannels_of_old = true")?;
    let peer = SocketAddr::new(PEER, free_port(PEER)?);
    let quiet = |command: &mut Command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map(Owned)
    };
    let (ip, port) = (PEER.to_string(), peer.port().to_string());
    let _peer = quiet(Command::new("turnutils_peer").args(["-L", &ip, "-p", &port]))?;
    let mut client = Command::new("turnutils_uclient");
    client.args(["-u", "alice", "-w", "hunter2", "-L", "127.0.0.3"]);
    client.args(["-p", &program.address.port().to_string(), "-e", &ip, "-r", &port]);
    client.args(options).arg(SERVER.to_string());
    let client =
        client.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let said = output_of(Owned(client))?;
    let summary: Vec<&str> = said.lines().filter(|line| line.contains("tot_recv_msgs=")).collect();
    let received = summary.last().and_then(|line| line.split("tot_recv_msgs=").nth(1));
    let received: u64 = received.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let lost = said.lines().rev().find(|line| line.contains("Total lost packets")).unwrap_or("-");
    eprintln!("{options:?}: {received} messages back; {lost}");
    if received == messages && lost.contains("lost packets 0 (0.000000%)") {
        Ok(())
    } else {
        Err(format!("{messages} messages were to come back:\n{said}").into())
    }
}

/// What a child says until its end, which is to come in time.
fn output_of(mut child: Owned) -> Result<String, Failed> {
    let mut stdout = child.0.stdout.take().ok_or("no output")?;
    let (ended, wait) = channel();
    std::thread::spawn(move || {
        let mut said = String::new();
        let _ = stdout.read_to_string(&mut said);
        let _ = ended.send(said);
    });
    wait.recv_timeout(LIMIT)
        .map_err(|_| Failed::from("turnutils_uclient took longer than a minute"))
}
