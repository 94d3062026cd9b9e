//! A TCP echo server and its client, as anybody writes them for tokio.
//!
//! The parent module says what `TcpListener`, `TcpStream` and `spawn` are: tokio's own, or those of a
//! simulated host.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{sleep, timeout},
};

use super::{TcpListener, TcpStream, spawn};

/// Takes connections at `address` and sends back what comes by them, forever.
pub(crate) async fn server(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        spawn(echo(stream));
    }
}

/// Sends back what comes, until the other side is done.
async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 4096];
    let (mut reading, mut writing) = stream.split();
    loop {
        let len = reading.read(&mut buffer).await?;
        if len == 0 {
            return writing.shutdown().await;
        }
        writing.write_all(buffer.get(..len).unwrap_or_default()).await?;
    }
}

/// How long the client waits for an answer before it connects anew.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long it waits before it tries again.
const PAUSE: Duration = Duration::from_millis(250);

/// Sends `size` bytes to the server and reads them back, until it has succeeded `times` times; `report`
/// is told of every attempt.
pub(crate) async fn client(
    server: &str,
    size: usize,
    times: u32,
    report: impl Fn(&str),
) -> io::Result<()> {
    let mut left = times;
    while left > 0 {
        match timeout(PATIENCE, exchange(server, size)).await {
            Ok(Ok(())) => {
                report("answered");
                left -= 1;
            }
            Ok(Err(error)) => report(&format!("{:?}", error.kind())),
            Err(_) => report("no answer"),
        }
        sleep(PAUSE).await;
    }
    Ok(())
}

/// Sends and receives at the same time: the buffers on the way need not hold everything.
async fn exchange(server: &str, size: usize) -> io::Result<()> {
    let question: Vec<u8> = (0..=255).cycle().take(size).collect();
    let (mut reading, mut writing) = TcpStream::connect(server).await?.into_split();
    let asked = question.clone();
    let asking = spawn(async move {
        writing.write_all(&asked).await?;
        writing.shutdown().await
    });
    let mut answer = Vec::new();
    reading.read_to_end(&mut answer).await?;
    asking.await.map_err(io::Error::other)??;
    if answer == question {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is not the question"))
}
