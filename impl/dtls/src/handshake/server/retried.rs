//! What a server takes up that answered the first ClientHello with a HelloRetryRequest and kept nothing but
//! what the cookie says.

use base::Writer;

use crate::{
    CipherSuite, Misdeed, Version,
    cookie::extensions_digest,
    flight::Incoming,
    handshake::{Context, tls13},
    wire::{ClientHello, Cookie, ExtensionBlock, ExtensionType, HandshakeType, Message},
};

/// What a HelloRetryRequest asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retried {
    /// The suite.
    pub(crate) suite: CipherSuite,
    /// The group that a share was asked of.
    pub(crate) group: Option<crypto::NamedGroup>,
    /// What is known of the first ClientHello.
    pub(crate) first: First,
}

/// What is known of a ClientHello that nothing was kept of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// All of it: the transcript has its hash and the request, and this is [`extensions_digest`] of it.
    Whole([u8; 16]),
    /// Its beginning, so that the second has to tell what it was. The transcript is empty.
    Beginning,
}

impl Retried {
    /// Holds the second ClientHello against what is known of the first, and completes the transcript up to
    /// the request.
    pub(super) fn take_up(
        self,
        cx: &mut Context<'_>,
        message: &Incoming<'_>,
        second: &ClientHello<'_>,
        version: Version,
    ) -> Result<(), Misdeed> {
        if version != Version::Dtls13 {
            return Err(Misdeed::SecondHelloChanged);
        }
        // RFC 8446 §4.1.2: early data is not offered again.
        if second.extensions.has(ExtensionType::EARLY_DATA) {
            return Err(Misdeed::SecondHelloChanged);
        }
        if let Some(group) = self.group {
            super::check_asked_share(second, group.into())?;
        }
        match self.first {
            First::Whole(digest) if digest == extensions_digest(cx.config.provider, second) => {
                Ok(())
            }
            First::Whole(_) => Err(Misdeed::SecondHelloChanged),
            First::Beginning => self.rebuild(cx, message.message_seq, second),
        }
    }

    /// The first ClientHello was the second without the cookie (RFC 8446 §4.1.2), and the request is what it
    /// always is. If the first was another, no Finished will be right.
    fn rebuild(
        self,
        cx: &mut Context<'_>,
        message_seq: u16,
        second: &ClientHello<'_>,
    ) -> Result<(), Misdeed> {
        let cookie = second.extensions.get::<Cookie<'_>>()?.ok_or(Misdeed::BadCookie)?.cookie;
        let mut block = ExtensionBlock::new();
        let others = second.extensions.iter().filter(|(kind, _)| *kind != ExtensionType::COOKIE);
        others.for_each(|(kind, value)| {
            block.put_raw(kind, value);
        });
        let first = ClientHello { extensions: block.as_extensions(), ..*second };
        let extensions = tls13::retry_extensions(self.group, Some(cookie));
        let request = tls13::retry_request(self.suite, &extensions);
        cx.transcript.add(HandshakeType::CLIENT_HELLO, message_seq, &body(&first));
        cx.transcript.choose(cx.config.provider, Version::Dtls13, self.suite.hash());
        cx.transcript.restart_with_message_hash();
        cx.transcript.add(HandshakeType::SERVER_HELLO, message_seq, &body(&request));
        Ok(())
    }
}

fn body<'m, M: Message<'m>>(message: &M) -> Vec<u8> {
    let mut body = Vec::new();
    message.write(&mut Writer::new(&mut body));
    body
}
