//! `peerlab-turn` as a child of a test or a benchmark.

use std::{
    io::{self, BufRead as _, BufReader},
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

/// How long the program may take to say something.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the server is.
pub(crate) const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1));
/// Where peers are: not on the server's address, which no peer may have.
pub(crate) const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// A port that was free a moment ago, below those that servers relay from.
pub(crate) fn free_port(ip: IpAddr) -> io::Result<u16> {
    for _ in 0..1_000 {
        let port = UdpSocket::bind(SocketAddr::new(ip, 0))?.local_addr()?.port();
        if port < 49_152 {
            return Ok(port);
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// A folder for the files of one program, which goes with its owner.
#[derive(Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("peerlab-turn-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running `peerlab-turn`, which ends with its owner.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    folder: Folder,
    log: Receiver<String>,
    /// Where it serves UDP and TCP.
    pub(crate) address: SocketAddr,
}

/// A configuration that serves alice with the password hunter2 on loopback, and more lines of `[relay]`.
pub(crate) fn configuration(address: SocketAddr, relay: &str) -> String {
    format!(
        r#"[listen]
udp = ["{address}"]
tcp = ["{address}"]
[relay]
ipv4 = "{}"
{relay}
[access]
realm = "example.org"
[[access.users]]
name = "alice"
password = "hunter2"
[policy]
allow = ["127.0.0.0/8"]
[quotas]
allocations_per_user = 1000
challenges_per_second = 0
[log]
level = "info"
[shutdown]
drain = 5
"#,
        address.ip()
    )
}

impl Program {
    /// Starts it and waits until it serves.
    pub(crate) fn start(relay: &str) -> io::Result<Self> {
        let address = SocketAddr::new(SERVER, free_port(SERVER)?);
        let folder = Folder::new()?;
        let path = folder.0.join("turn.toml");
        std::fs::write(&path, configuration(address, relay))?;
        let mut child = Command::new(env!("CARGO_BIN_EXE_peerlab-turn"))
            .arg("--config")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let (said, log) = channel();
        if let Some(stderr) = child.stderr.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    // Nobody may be there to listen any more.
                    let _ = said.send(line);
                }
            });
        }
        let program = Self { child, folder, log, address };
        program.hear("transport=TCP")?;
        Ok(program)
    }

    /// Waits for a line of the log that has `text`.
    pub(crate) fn hear(&self, text: &str) -> io::Result<String> {
        loop {
            match self.log.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(text) => return Ok(line),
                Ok(_) => {}
                Err(error) => {
                    return Err(io::Error::other(format!("no {text:?} in the log: {error}")));
                }
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes another configuration.
    pub(crate) fn configure(&self, text: &str) -> io::Result<()> {
        std::fs::write(self.folder.0.join("turn.toml"), text)
    }

    /// Sends a signal, by its name without SIG.
    pub(crate) fn signal(&self, name: &str) -> io::Result<()> {
        let status =
            Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other("kill failed")) }
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
