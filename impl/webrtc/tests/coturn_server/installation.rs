//! coturn on this machine: found, started, ended.

use std::{
    fmt,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// Something that is not installed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Missing {
    tool: &'static str,
    remedy: &'static str,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not run: {} is not installed ({})", self.tool, self.remedy)
    }
}

fn is_installed(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}

/// coturn, if it is missing.
pub(crate) fn missing() -> Option<Missing> {
    let missing = Missing { tool: "coturn", remedy: "Debian: apt install coturn" };
    (!is_installed("turnserver")).then_some(missing)
}

/// OpenSSL, if it is missing.
pub(crate) fn no_openssl() -> Option<Missing> {
    let missing = Missing { tool: "openssl", remedy: "Debian: apt install openssl" };
    (!is_installed("openssl")).then_some(missing)
}

/// IPv6 on the loopback interface, if it is missing.
pub(crate) fn no_ipv6() -> Option<Missing> {
    let missing = Missing { tool: "::1", remedy: "sysctl net.ipv6.conf.lo.disable_ipv6=0" };
    TcpListener::bind("[::1]:0").is_err().then_some(missing)
}

/// A folder that goes with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("peerlab-coturn-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running `turnserver`, which ends with its owner.
pub(crate) struct Coturn {
    child: Child,
    folder: Folder,
    options: Vec<String>,
    /// Where it listens for UDP and TCP.
    pub(crate) address: SocketAddr,
    /// Where it listens for TLS.
    pub(crate) tls_address: SocketAddr,
}

impl Coturn {
    /// One with the user `user`, password `password`.
    pub(crate) async fn start(options: &[&str]) -> std::io::Result<Self> {
        let options = ["--lt-cred-mech", "--user", "user:password"].iter().chain(options);
        Self::start_with(options.map(ToString::to_string).collect(), Folder::new()?).await
    }

    /// One with time-limited credentials under this secret.
    pub(crate) async fn with_secret(secret: &str) -> std::io::Result<Self> {
        let options = ["--use-auth-secret", "--static-auth-secret", secret];
        Self::start_with(options.map(str::to_string).to_vec(), Folder::new()?).await
    }

    /// One with a certificate for `localhost`, whose DER is returned.
    pub(crate) async fn with_certificate() -> std::io::Result<(Self, Vec<u8>)> {
        let folder = Folder::new()?;
        let (certificate, key, der) =
            (folder.file("cert.pem"), folder.file("key.pem"), folder.file("cert.der"));
        let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
             -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
             -addext basicConstraints=critical,CA:FALSE";
        let made = arguments.split_whitespace().chain(["-keyout", &key, "-out", &certificate]);
        run(Command::new("openssl").args(made))?;
        let read = ["x509", "-in", &certificate, "-outform", "DER", "-out", &der];
        run(Command::new("openssl").args(read))?;
        let der = std::fs::read(der)?;
        let options = ["--lt-cred-mech", "--user", "user:password", "--cert", &certificate];
        let options = options.into_iter().chain(["--pkey", &key]).map(str::to_string);
        Ok((Self::start_with(options.collect(), folder).await?, der))
    }

    async fn start_with(options: Vec<String>, folder: Folder) -> std::io::Result<Self> {
        let (plain, tls) = (free_port()?, free_port()?);
        let child = spawn(&options, &folder, plain, tls)?;
        let address = SocketAddr::from(([127, 0, 0, 1], plain));
        let tls_address = SocketAddr::from(([127, 0, 0, 1], tls));
        let mut server = Self { child, folder, options, address, tls_address };
        server.wait_until_ready().await?;
        Ok(server)
    }

    /// Ends it and starts another in its place, which knows nothing of the former.
    pub(crate) async fn restart(&mut self) -> std::io::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        let (plain, tls) = (self.address.port(), self.tls_address.port());
        self.child = spawn(&self.options, &self.folder, plain, tls)?;
        self.wait_until_ready().await
    }

    /// It is ready when it accepts connections.
    async fn wait_until_ready(&mut self) -> std::io::Result<()> {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        for _ in 0..400 {
            ticks.tick().await;
            if let Some(status) = self.child.try_wait()? {
                let log = std::fs::read_to_string(self.folder.file("log")).unwrap_or_default();
                return Err(std::io::Error::other(format!("turnserver ended: {status}\n{log}")));
            }
            if tokio::net::TcpStream::connect(self.address).await.is_ok() {
                return Ok(());
            }
        }
        Err(std::io::Error::other("turnserver does not accept connections"))
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(command: &mut Command) -> std::io::Result<()> {
    let done = command.stdout(Stdio::null()).stderr(Stdio::piped()).output()?;
    let error = || std::io::Error::other(String::from_utf8_lossy(&done.stderr).into_owned());
    if done.status.success() { Ok(()) } else { Err(error()) }
}

fn spawn(options: &[String], folder: &Folder, plain: u16, tls: u16) -> std::io::Result<Child> {
    let (plain, tls) = (plain.to_string(), tls.to_string());
    let mut command = Command::new("turnserver");
    command
        .args(["-n", "--no-cli", "--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1"])
        .args(["--allow-loopback-peers", "--realm", "peerlab.test"])
        .args(["--listening-port", &plain, "--tls-listening-port", &tls])
        .args(["--relay-threads", "1", "--no-stdout-log", "--simple-log"])
        .args(["--log-file", &folder.file("log"), "--pidfile", &folder.file("pid")])
        .args(["--userdb", &folder.file("db")])
        .args(options);
    command.current_dir(Path::new(&folder.0));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
