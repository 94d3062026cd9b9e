//! The process that lives in a namespace: opens sockets and tells what they see.
//!
//! It reads one command a line and answers each with one line.
//!
//! | command | answer |
//! |---|---|
//! | `bind ADDRESS` | `ok`; sockets are numbered from 0 |
//! | `send NUMBER DESTINATION` | `ok` |
//! | `receive NUMBER MILLISECONDS` | `from ADDRESS` or `silence` |
//! | `knock LOCAL DESTINATION MILLISECONDS` | `from ADDRESS`, `refused` or `silence` |
//! | `listen ADDRESS` | `ok` |
//! | `connect LOCAL DESTINATION MILLISECONDS` | `from ADDRESS` (as the server sees it), `refused` or `silence` |
//!
//! Anything that goes wrong is answered `error` with a reason.

use std::{
    io::{self, BufRead, ErrorKind, Read as _, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket},
    time::Duration,
};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// Answers commands until they end.
///
/// # Errors
///
/// If `commands` cannot be read or `answers` not be written.
pub fn serve(commands: impl BufRead, mut answers: impl Write) -> io::Result<()> {
    let mut agent = Agent::default();
    for line in commands.lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = agent.obey(&words).unwrap_or_else(|error| format!("error {error}"));
        writeln!(answers, "{answer}")?;
        answers.flush()?;
    }
    Ok(())
}

#[derive(Default)]
struct Agent {
    sockets: Vec<UdpSocket>,
    /// Connections stay open, so that none frees its port for the next.
    open: Vec<TcpStream>,
}

impl Agent {
    fn obey(&mut self, words: &[&str]) -> io::Result<String> {
        match *words {
            ["bind", local] => {
                self.sockets.push(UdpSocket::bind(address(local)?)?);
                Ok("ok".into())
            }
            ["send", number, destination] => {
                self.socket(number)?.send_to(b"?", address(destination)?)?;
                Ok("ok".into())
            }
            ["receive", number, patience] => receive(self.socket(number)?, milliseconds(patience)?),
            ["knock", local, destination, patience] => {
                knock(address(local)?, address(destination)?, milliseconds(patience)?)
            }
            ["listen", local] => {
                let listener = TcpListener::bind(address(local)?)?;
                std::thread::spawn(move || welcome(&listener));
                Ok("ok".into())
            }
            ["connect", local, destination, patience] => {
                self.connect(address(local)?, address(destination)?, milliseconds(patience)?)
            }
            _ => Err(invalid("no such command")),
        }
    }

    fn socket(&self, number: &str) -> io::Result<&UdpSocket> {
        let number = number.parse::<usize>().ok();
        let socket = number.and_then(|number| self.sockets.get(number));
        socket.ok_or_else(|| invalid("no such socket"))
    }

    fn connect(
        &mut self,
        local: SocketAddr,
        destination: SocketAddr,
        patience: Duration,
    ) -> io::Result<String> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.bind(&SockAddr::from(local))?;
        if let Err(error) = socket.connect_timeout(&SockAddr::from(destination), patience) {
            return verdict(&error).map(Into::into).ok_or(error);
        }
        let mut stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(patience))?;
        let mut seen = String::new();
        stream.read_to_string(&mut seen)?;
        self.open.push(stream);
        Ok(format!("from {seen}"))
    }
}

/// Tells everybody who connects whom it sees.
fn welcome(listener: &TcpListener) {
    for mut stream in listener.incoming().flatten() {
        let Ok(peer) = stream.peer_addr() else { continue };
        // A client that is gone needs no answer.
        let _ = write!(stream, "{peer}").and_then(|()| stream.shutdown(Shutdown::Write));
    }
}

fn receive(socket: &UdpSocket, patience: Duration) -> io::Result<String> {
    socket.set_read_timeout(Some(patience))?;
    match socket.recv_from(&mut [0; 64]) {
        Ok((_, source)) => Ok(format!("from {source}")),
        Err(error) => verdict(&error).map(Into::into).ok_or(error),
    }
}

fn knock(local: SocketAddr, destination: SocketAddr, patience: Duration) -> io::Result<String> {
    let socket = UdpSocket::bind(local)?;
    socket.connect(destination)?;
    socket.send(b"?")?;
    receive(&socket, patience)
}

/// What an error says about the other side, if it does.
fn verdict(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::HostUnreachable => Some("refused"),
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Some("silence"),
        _ => None,
    }
}

fn address(word: &str) -> io::Result<SocketAddr> {
    word.parse().map_err(|_| invalid("not an address and port"))
}

fn milliseconds(word: &str) -> io::Result<Duration> {
    word.parse().map(Duration::from_millis).map_err(|_| invalid("not a number of milliseconds"))
}

fn invalid(says: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, says)
}
