//! Relayed packets per second of CPU time: `peerlab-turn` beside coturn's `turnserver`, in the same run.
//!
//! Clients send 1,200 bytes at a time through channels to peers that count them, as fast as a window of
//! packets in flight lets them; what is measured is the CPU time (user and system) that the server's
//! process takes for each packet that arrived. Both servers relay with one thread.
//!
//! `cargo bench -p peerlab --bench relay`; `-- --seconds N` measures longer than three seconds.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock, that is what it is for"
)]

#[path = "../tests/peerlab_turn/control.rs"]
#[expect(dead_code, reason = "tests use more of it")]
mod control;
#[path = "relay/generator.rs"]
mod generator;
#[path = "../tests/peerlab_turn/program.rs"]
#[expect(dead_code, reason = "tests use more of it")]
mod program;

use std::{
    io,
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use self::{
    control::Control,
    generator::{Generator, Sends},
    program::{Folder, PEER, Program, SERVER, free_port},
};

/// Clients, each with an allocation and a channel to a peer of its own.
const CLIENTS: usize = 4;
/// How long a server is measured, unless told otherwise.
const SECONDS: u64 = 3;

/// What was measured of one server.
#[derive(Clone, Copy, Debug)]
struct Figures {
    packets: u64,
    lost: u64,
    wall: Duration,
    cpu: Duration,
}

impl Figures {
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    fn per_cpu_second(&self) -> f64 {
        self.packets as f64 / self.cpu.as_secs_f64()
    }

    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    fn per_wall_second(&self) -> f64 {
        self.packets as f64 / self.wall.as_secs_f64()
    }
}

fn main() -> io::Result<()> {
    let seconds = std::env::args().skip_while(|it| it != "--seconds").nth(1);
    let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    let time = Duration::from_secs(seconds);
    println!("1,200-byte payloads, {CLIENTS} clients, one relay thread, {seconds} s each\n");
    println!(
        "{:<34} {:>14} {:>14} {:>10} {:>8}",
        "", "packets/CPU s", "packets/s", "CPU share", "lost"
    );
    for sends in [Sends::OneByOne, Sends::Batches] {
        let ours = ours(time, sends)?;
        print("peerlab-turn", sends, ours);
        match coturn(time, sends)? {
            Some(theirs) => {
                print("coturn turnserver", sends, theirs);
                let ratio = ours.per_cpu_second() / theirs.per_cpu_second();
                println!("{:<34} {ratio:>13.2}x\n", "ratio");
            }
            None => println!("coturn: not run: it is not installed (Debian: apt install coturn)\n"),
        }
    }
    Ok(())
}

fn print(name: &str, sends: Sends, figures: Figures) {
    let name = format!("{name}, {}", sends.name());
    let share = 100.0 * figures.cpu.as_secs_f64() / figures.wall.as_secs_f64();
    let (per_cpu, per_wall) = (figures.per_cpu_second(), figures.per_wall_second());
    let lost = figures.lost;
    println!("{name:<34} {per_cpu:>14.0} {per_wall:>14.0} {share:>9.0}% {lost:>8}");
}

fn ours(time: Duration, sends: Sends) -> io::Result<Figures> {
    let program = Program::start("")?;
    measure(program.address, program.pid(), time, sends)
}

/// A running `turnserver`, which ends with its owner.
struct Coturn(Child, #[expect(dead_code, reason = "kept for its end")] Folder);

impl Drop for Coturn {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn coturn(time: Duration, sends: Sends) -> io::Result<Option<Figures>> {
    let address = SocketAddr::new(SERVER, free_port(SERVER)?);
    let folder = Folder::new()?;
    let (ip, port) = (SERVER.to_string(), address.port().to_string());
    let mut command = Command::new("turnserver");
    command.args(["-n", "--no-tls", "--no-dtls", "--no-cli", "--allow-loopback-peers"]);
    command.args(["--lt-cred-mech", "--user", "alice:hunter2", "--realm", "example.org"]);
    command.args(["-L", &ip, "-E", &ip, "-p", &port, "-m", "1", "--log-file", "stdout"]);
    command.args(["--simple-log", "--pidfile", "turn.pid", "--db", "turn.db"]);
    command.current_dir(&folder.0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let server = match command.spawn() {
        Ok(child) => Coturn(child, folder),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    await_server(address)?;
    measure(address, server.0.id(), time, sends).map(Some)
}

/// Waits until something answers at an address: a question every tenth of a second.
fn await_server(address: SocketAddr) -> io::Result<()> {
    let mut last = Err(io::ErrorKind::TimedOut.into());
    for _ in 0..50 {
        let mut control = Control::new(PEER, address)?;
        control.socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        last = control.ask(stun::wire::Method::BINDING, |_| {}).map(drop);
        if last.is_ok() {
            break;
        }
    }
    last
}

fn measure(server: SocketAddr, pid: u32, time: Duration, sends: Sends) -> io::Result<Figures> {
    let mut generator = Generator::new(server, CLIENTS, sends)?;
    // So that caches are warm and the sockets of both servers as large as they get.
    generator.run(Instant::now() + time / 6)?;
    let (cpu, wall) = (cpu_time(pid)?, Instant::now());
    let (packets, lost) = generator.run(wall + time)?;
    Ok(Figures { packets, lost, wall: wall.elapsed(), cpu: cpu_time(pid)? - cpu })
}

/// User and system time of a process, in the hundredths of a second that Linux counts in.
fn cpu_time(pid: u32) -> io::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name may hold anything; fields are counted from behind it.
    let fields = stat.rsplit_once(')').map(|(_, fields)| fields).unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|it| it.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}
