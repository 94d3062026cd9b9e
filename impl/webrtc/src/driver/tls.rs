//! TLS around connections, and connections as tokio sees them.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use base::{StreamEnd, StreamSecurity};
use runtime::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, pki_types::ServerName},
};

/// A connection that bytes can be read from and written to.
pub(super) trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// A connection of a runtime, as tokio's traits want it.
pub(super) struct Plain(pub(super) Box<dyn TcpStream>);

impl AsyncRead for Plain {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(self.0.poll_read(cx, buffer.initialize_unfilled()))?;
        buffer.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Plain {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}

/// Puts around `stream` what the machine wants there.
pub(super) async fn secure(
    stream: Box<dyn TcpStream>,
    security: StreamSecurity,
    config: Option<Arc<ClientConfig>>,
) -> Result<Box<dyn Bytes>, StreamEnd> {
    let name = match security {
        StreamSecurity::Plain => return Ok(Box::new(Plain(stream))),
        StreamSecurity::Tls { name } => name,
    };
    let name = ServerName::try_from(name).map_err(|_| StreamEnd::Insecure)?;
    let connector = TlsConnector::from(config.ok_or(StreamEnd::Insecure)?);
    match connector.connect(name, Plain(stream)).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => {
            tracing::debug!(%error, "TLS handshake failed");
            Err(match error.kind() {
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::TimedOut => super::streams::end_of(&error),
                _ => StreamEnd::Insecure,
            })
        }
    }
}
