//! The world in network namespaces, with the kernel's NAT in the middle.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the kernel's timers run on real time"
)]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{IpAddr, SocketAddr},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    questions::{STREAM, UNREPLIED},
    world::{Fault, Host, Reply, SERVER, SERVER_TOO, Socket, World, box_address},
};

/// The world in four namespaces. They are removed when it is dropped.
#[derive(Debug)]
pub struct Netfilter {
    names: Names,
    agents: Vec<(Host, Agent)>,
    begin: Instant,
}

/// Names of the namespaces, which differ from those of other worlds on the machine.
#[derive(Debug)]
struct Names(String);

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_millis(400);
/// How long a TCP connection may take: enough for the first SYN alone.
const TCP_PATIENCE: Duration = Duration::from_millis(800);

/// The hosts, their addresses and those of the box towards them.
const HOSTS: [(Host, &str, &str, &str); 3] = [
    (Host::Alice, "alice", "192.168.7.10/24", "192.168.7.1/24"),
    (Host::Bob, "bob", "192.168.8.10/24", "192.168.8.1/24"),
    (Host::Server, "outside", "198.18.0.3/16", "198.18.0.9/16"),
];

impl Netfilter {
    /// Lays out the namespaces, loads `ruleset` into the box, and starts `program` with the argument
    /// `agent` in each host's.
    ///
    /// # Errors
    ///
    /// If a namespace cannot be made, or the kernel refuses the ruleset: ask [`lacking`] first.
    pub fn new(program: &Path, label: &str, ruleset: &str) -> Result<Self, Fault> {
        let names = Names(format!("peerlab-{}-{label}", std::process::id()));
        let mut world = Self { names, agents: Vec::new(), begin: Instant::now() };
        world.lay_out()?;
        world.load(ruleset)?;
        for (host, name, ..) in HOSTS {
            let space = world.names.of(name);
            world.agents.push((host, Agent::start(program, &space)?));
        }
        world.begin = Instant::now();
        Ok(world)
    }

    fn lay_out(&self) -> Result<(), Fault> {
        let the_box = self.names.of("box");
        for space in self.names.all() {
            ip(&format!("netns add {space}"))?;
            ip(&format!("-n {space} link set lo up"))?;
        }
        for (host, name, address, gateway) in HOSTS {
            let space = self.names.of(name);
            ip(&format!("-n {the_box} link add {name} type veth peer name eth0 netns {space}"))?;
            ip(&format!("-n {the_box} address add {gateway} dev {name}"))?;
            ip(&format!("-n {the_box} link set {name} up"))?;
            ip(&format!("-n {space} address add {address} dev eth0"))?;
            ip(&format!("-n {space} link set eth0 up"))?;
            if host == Host::Server {
                ip(&format!("-n {space} address add {SERVER_TOO}/16 dev eth0"))?;
            } else {
                let via = gateway.split('/').next().unwrap_or(gateway);
                ip(&format!("-n {space} route add default via {via}"))?;
            }
        }
        Ok(())
    }

    /// Gives the box its ruleset, and short timers so that questions about time take seconds.
    fn load(&self, ruleset: &str) -> Result<(), Fault> {
        let the_box = self.names.of("box");
        let mut nft = Command::new("ip");
        nft.args(["netns", "exec", &the_box, "nft", "-f", "-"]).stdin(Stdio::piped());
        feed(nft, ruleset)?;
        let settings = [
            ("net.ipv4.ip_forward", 1),
            ("net.netfilter.nf_conntrack_udp_timeout", UNREPLIED.as_secs()),
            ("net.netfilter.nf_conntrack_udp_timeout_stream", STREAM.as_secs()),
        ];
        for (key, value) in settings {
            ip(&format!("netns exec {the_box} sysctl -q -w {key}={value}"))?;
        }
        Ok(())
    }

    fn ask(&mut self, host: Host, command: &str) -> Result<String, Fault> {
        let agent = self.agents.iter_mut().find(|entry| entry.0 == host);
        agent.ok_or_else(|| Fault::Broken("no such host".into()))?.1.ask(command)
    }

    fn address(host: Host) -> Result<IpAddr, Fault> {
        let own = HOSTS.iter().find(|entry| entry.0 == host).map(|entry| entry.2);
        let own = own.and_then(|own| own.split('/').next()).and_then(|own| own.parse().ok());
        own.ok_or_else(|| Fault::Broken("no such host".into()))
    }
}

impl World for Netfilter {
    fn bind(&mut self, host: Host, address: Option<IpAddr>, port: u16) -> Result<Socket, Fault> {
        let ip = address.map_or_else(|| Self::address(host), Ok)?;
        self.ask(host, &format!("bind {}", SocketAddr::new(ip, port)))?;
        let agent = self.agents.iter_mut().find(|entry| entry.0 == host);
        let number = agent.map_or(0, |entry| entry.1.count());
        Ok(Socket { host, number })
    }

    fn send(&mut self, from: Socket, to: SocketAddr) -> Result<(), Fault> {
        self.ask(from.host, &format!("send {} {to}", from.number)).map(|_| ())
    }

    fn receive(&mut self, at: Socket) -> Result<Option<SocketAddr>, Fault> {
        let command = format!("receive {} {}", at.number, PATIENCE.as_millis());
        Ok(match reply(&self.ask(at.host, &command)?)? {
            Reply::From(source) => Some(source),
            Reply::Refused | Reply::Silence => None,
        })
    }

    fn knock(&mut self, host: Host, port: u16, to: SocketAddr) -> Result<Reply, Fault> {
        let local = SocketAddr::new(Self::address(host)?, port);
        reply(&self.ask(host, &format!("knock {local} {to} {}", PATIENCE.as_millis()))?)
    }

    fn listen(&mut self, port: u16) -> Result<(), Fault> {
        for address in [SERVER, SERVER_TOO] {
            self.ask(Host::Server, &format!("listen {}", SocketAddr::new(address, port)))?;
        }
        Ok(())
    }

    fn connect(&mut self, host: Host, port: u16, to: SocketAddr) -> Result<Reply, Fault> {
        let local = SocketAddr::new(Self::address(host)?, port);
        reply(&self.ask(host, &format!("connect {local} {to} {}", TCP_PATIENCE.as_millis()))?)
    }

    fn wait_until(&mut self, time: Duration) -> Result<(), Fault> {
        std::thread::sleep(time.saturating_sub(self.now()));
        Ok(())
    }

    fn now(&self) -> Duration {
        self.begin.elapsed()
    }
}

impl Drop for Netfilter {
    fn drop(&mut self) {
        self.agents.clear();
        for space in self.names.all() {
            // One that was never made cannot be removed, and needs not be.
            let _ = ip(&format!("netns delete {space}"));
        }
    }
}

impl Names {
    fn of(&self, name: &str) -> String {
        format!("{}-{name}", self.0)
    }

    fn all(&self) -> [String; 4] {
        ["box", "alice", "bob", "outside"].map(|name| self.of(name))
    }
}

/// The process in a namespace.
#[derive(Debug)]
struct Agent {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    bound: u32,
}

impl Agent {
    fn start(program: &Path, space: &str) -> Result<Self, Fault> {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", space]).arg(program).arg("agent");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| broken(&error))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (commands, answers) = pipes.ok_or_else(|| Fault::Broken("no pipes".into()))?;
        Ok(Self { child, commands, answers: BufReader::new(answers), bound: 0 })
    }

    fn ask(&mut self, command: &str) -> Result<String, Fault> {
        writeln!(self.commands, "{command}").map_err(|error| broken(&error))?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).map_err(|error| broken(&error))?;
        let answer = answer.trim().to_owned();
        match answer.strip_prefix("error ") {
            Some(reason) => Err(Fault::Broken(format!("`{command}`: {reason}"))),
            None if answer.is_empty() => Err(Fault::Broken(format!("`{command}`: no answer"))),
            None => Ok(answer),
        }
    }

    /// The number of the socket that was bound last.
    const fn count(&mut self) -> u32 {
        self.bound += 1;
        self.bound - 1
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn reply(answer: &str) -> Result<Reply, Fault> {
    match answer {
        "refused" => Ok(Reply::Refused),
        "silence" => Ok(Reply::Silence),
        _ => {
            let source = answer.strip_prefix("from ").and_then(|source| source.parse().ok());
            source.map(Reply::From).ok_or_else(|| Fault::Broken(format!("answered `{answer}`")))
        }
    }
}

/// What this machine lacks to ask its kernel, in one line each with the remedy.
#[must_use]
pub fn lacking() -> Vec<String> {
    let mut lacking = Vec::new();
    for (tool, package) in [("ip", "iproute2"), ("nft", "nftables"), ("sysctl", "procps")] {
        if runs(tool, if tool == "ip" { "-V" } else { "--version" }) {
            continue;
        }
        lacking.push(format!(
            "the program `{tool}` is missing: install it with `apt install {package}`"
        ));
    }
    if lacking.is_empty() {
        let space = format!("peerlab-{}-try", std::process::id());
        match ip(&format!("netns add {space}")) {
            Err(error) => lacking.push(format!(
                "network namespaces cannot be made here ({error}): run as root, or with \
                 CAP_SYS_ADMIN and CAP_NET_ADMIN"
            )),
            Ok(()) => {
                if let Err(error) = ip(&format!("netns exec {space} nft list ruleset")) {
                    lacking.push(format!("the kernel has no nf_tables ({error})"));
                }
                // It was made two lines above.
                let _ = ip(&format!("netns delete {space}"));
            }
        }
    }
    lacking
}

/// The kernel's release, as `uname -r` prints it.
#[must_use]
pub fn release() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.trim().to_owned()
}

fn runs(program: &str, argument: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(argument).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Runs `ip` with these words.
fn ip(words: &str) -> Result<(), Fault> {
    let mut command = Command::new("ip");
    command.args(words.split_whitespace()).stdin(Stdio::null());
    finish(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn(), &format!("ip {words}"))
}

/// Runs a command with `text` on its standard input.
fn feed(mut command: Command, text: &str) -> Result<(), Fault> {
    let mut child = command.stderr(Stdio::piped()).spawn().map_err(|error| broken(&error))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes()).map_err(|error| broken(&error))?;
    }
    finish(Ok(child), "nft -f -")
}

fn finish(child: std::io::Result<Child>, words: &str) -> Result<(), Fault> {
    let output = child.and_then(Child::wait_with_output).map_err(|error| broken(&error))?;
    if output.status.success() {
        return Ok(());
    }
    let says = String::from_utf8_lossy(&output.stderr);
    Err(Fault::Broken(format!("`{words}`: {}", says.trim())))
}

fn broken(error: &std::io::Error) -> Fault {
    Fault::Broken(error.to_string())
}

/// The box's outside address is the same in both worlds.
const _: () = assert!(matches!(box_address(0).ip(), IpAddr::V4(ip) if ip.octets()[3] == 9));
