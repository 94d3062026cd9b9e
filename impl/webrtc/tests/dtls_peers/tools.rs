//! Programs of others as peers: found, started, listened to, ended.

use std::{
    future::Future,
    io::{BufRead as _, BufReader, Read, Write as _},
    net::UdpSocket,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use libtest_mimic::Failed;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// No program is waited for longer.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Runs a test to its end, on a runtime of its own.
pub(crate) fn in_time(test: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = tokio.block_on(async { tokio::time::timeout(3 * LIMIT, test).await });
    done.map_err(|_| Failed::from("took longer than a minute"))?
}

/// Whether a program is on the path.
pub(crate) fn has(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}

/// A port of loopback that nobody uses at the moment.
pub(crate) fn free_port() -> Result<u16, Failed> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A program that ends with its owner, what it says, and what it said.
pub(crate) struct Program {
    child: Child,
    input: Option<ChildStdin>,
    lines: UnboundedReceiver<String>,
    said: Vec<String>,
}

impl Program {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Result<Self, Failed> {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn()?;
        let (tell, lines) = unbounded_channel();
        listen(child.stdout.take(), tell.clone());
        listen(child.stderr.take(), tell);
        let input = child.stdin.take();
        Ok(Self { child, input, lines, said: Vec::new() })
    }

    /// Waits until it says a line with `words` in it, now or earlier, and gives the line.
    pub(crate) async fn says(&mut self, words: &str) -> Result<String, Failed> {
        if let Some(line) = self.said.iter().find(|line| line.contains(words)) {
            return Ok(line.clone());
        }
        loop {
            let next = tokio::time::timeout(LIMIT, self.lines.recv()).await;
            let Ok(Some(line)) = next else {
                return Err(format!("no line with `{words}` came:\n{}", self.said_by_now()).into());
            };
            self.said.push(line.clone());
            if line.contains(words) {
                return Ok(line);
            }
        }
    }

    /// Everything it said so far.
    pub(crate) fn said_by_now(&mut self) -> String {
        while let Ok(line) = self.lines.try_recv() {
            self.said.push(line);
        }
        self.said.join("\n")
    }

    /// Writes a line to it.
    pub(crate) fn tell(&mut self, line: &str) -> Result<(), Failed> {
        let input = self.input.as_mut().ok_or("its input is closed")?;
        writeln!(input, "{line}")?;
        Ok(input.flush()?)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Hands on the lines of a stream until its end, which comes with the program's.
fn listen(stream: Option<impl Read + Send + 'static>, tell: UnboundedSender<String>) {
    let Some(stream) = stream else { return };
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if tell.send(text).is_err() {
                return;
            }
            line.clear();
        }
    });
}

/// A folder for keys, gone with its owner.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes one.
    pub(crate) fn new(name: &str) -> Result<Self, Failed> {
        let path = std::env::temp_dir().join(format!("peerlab-dtls-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Writes DER as PEM and says where.
    pub(crate) fn pem(&self, name: &str, label: &str, der: &[u8]) -> Result<PathBuf, Failed> {
        let path = self.0.join(name);
        let mut text = format!("-----BEGIN {label}-----\n");
        let digits = base64(der);
        let mut rest = digits.as_str();
        while !rest.is_empty() {
            let (line, more) = rest.split_at(rest.len().min(64));
            text.push_str(line);
            text.push('\n');
            rest = more;
        }
        text.push_str(&format!("-----END {label}-----\n"));
        std::fs::write(&path, text)?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let padded =
            [three.first(), three.get(1), three.get(2)].map(|byte| byte.copied().unwrap_or(0));
        let word = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        for digit in 0..4 {
            if digit > three.len() {
                text.push('=');
                continue;
            }
            let index = word >> (18 - 6 * digit) & 63;
            let index = usize::try_from(index).unwrap_or(0);
            text.push(char::from(DIGITS.get(index).copied().unwrap_or(b'=')));
        }
    }
    text
}
