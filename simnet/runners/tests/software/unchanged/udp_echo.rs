//! A UDP echo server and its client, as anybody writes them for tokio.
//!
//! The parent module says what `UdpSocket` is: tokio's own, or that of a simulated host.

use std::{io, time::Duration};

use tokio::time::{Instant, sleep, timeout};

use super::UdpSocket;

/// Sends back everything that arrives at `address`, forever.
pub(crate) async fn server(address: &str) -> io::Result<()> {
    let socket = UdpSocket::bind(address).await?;
    let mut buffer = [0; 1500];
    loop {
        let (len, source) = socket.recv_from(&mut buffer).await?;
        let question = buffer.get(..len).unwrap_or_default();
        socket.send_to(question, source).await?;
    }
}

/// What became of one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It came back after this time.
    After(Duration),
    /// It did not come back within [`PATIENCE`].
    Lost,
}

/// How long the client waits for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_millis(400);
/// From one question to the next, at least.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

/// Asks `count` questions, one after the other, and tells `report` what became of each.
pub(crate) async fn client(server: &str, count: u32, report: impl Fn(Answer)) -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0").await?;
    socket.connect(server).await?;
    for question in 0..count {
        let asked = Instant::now();
        socket.send(&question.to_be_bytes()).await?;
        let answer = timeout(PATIENCE, answer_to(&socket, question)).await;
        report(match answer {
            Ok(answer) => {
                answer?;
                Answer::After(asked.elapsed())
            }
            Err(_) => Answer::Lost,
        });
        sleep(PAUSE).await;
    }
    Ok(())
}

/// Waits for the answer to `question`; answers to earlier ones are late and do not count.
async fn answer_to(socket: &UdpSocket, question: u32) -> io::Result<()> {
    let mut buffer = [0; 1500];
    loop {
        let len = socket.recv(&mut buffer).await?;
        if buffer.get(..len) == Some(&question.to_be_bytes()) {
            return Ok(());
        }
    }
}
