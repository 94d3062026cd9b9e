//! Whether the first bytes of a TCP flow look like TLS: RFC 8446 §5.1, RFC 8446 §4.

use crate::packet::{Tcp, TcpFlags};

/// Bytes that are looked at: a record header, and the type of the handshake message behind it.
const LOOKED_AT: usize = 6;
/// The content type of a handshake record.
const HANDSHAKE: u8 = 22;
/// The handshake message a client begins with.
const CLIENT_HELLO: u8 = 1;
/// The most bytes that a plaintext record may carry.
const MAX_RECORD: u16 = 1 << 14;

/// What the client of a flow has shown so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hello {
    /// The number of the next byte to look at, once the SYN was seen.
    next: Option<u32>,
    seen: [u8; LOOKED_AT],
    length: usize,
}

/// What a segment says about the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Nothing yet.
    Undecided,
    /// It is TLS.
    Tls,
    /// It is something else.
    Other,
    /// It comes before the bytes that would say.
    Ahead,
}

impl Hello {
    /// Looks at a segment; `by_client` if the side that opened the flow sent it.
    pub(super) fn look(&mut self, by_client: bool, tcp: &Tcp) -> Look {
        if !by_client {
            // A TLS server is silent until the client has spoken.
            return if tcp.payload.is_empty() { Look::Undecided } else { Look::Other };
        }
        let mut at = tcp.sequence;
        if tcp.flags.contains(TcpFlags::SYN) {
            at = at.wrapping_add(1);
            if self.length == 0 {
                self.next = Some(at);
            }
        }
        if tcp.payload.is_empty() {
            return Look::Undecided;
        }
        let next = *self.next.get_or_insert(at);
        let behind = next.wrapping_sub(at);
        // Numbers wrap: more than half of all of them behind is ahead.
        if behind > u32::MAX / 2 {
            return Look::Ahead;
        }
        let overlap = usize::try_from(behind).unwrap_or(usize::MAX);
        let mut after = next;
        for (place, byte) in
            self.seen.iter_mut().skip(self.length).zip(tcp.payload.iter().skip(overlap))
        {
            *place = *byte;
            self.length += 1;
            after = after.wrapping_add(1);
        }
        self.next = Some(after);
        self.judge()
    }

    fn judge(&self) -> Look {
        let [kind, major, minor, high, low, message] = self.seen;
        let size = u16::from_be_bytes([high, low]);
        let fits = [
            kind == HANDSHAKE,
            major == 3,
            minor <= 4,
            high <= MAX_RECORD.to_be_bytes()[0],
            (4..=MAX_RECORD).contains(&size),
            message == CLIENT_HELLO,
        ];
        if fits.iter().take(self.length).any(|fits| !fits) {
            return Look::Other;
        }
        if self.length == LOOKED_AT { Look::Tls } else { Look::Undecided }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const HELLO: &[u8] = &[22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];

    fn segment(sequence: u32, bytes: &[u8]) -> Tcp {
        Tcp::new(TcpFlags::PSH).sequence(sequence).acknowledging(1).payload(bytes.to_vec())
    }

    fn opened(at: u32) -> Hello {
        let mut hello = Hello::default();
        let syn = Tcp::new(TcpFlags::SYN).sequence(at);
        assert_eq!(hello.look(true, &syn), Look::Undecided);
        hello
    }

    #[rstest]
    #[case::client_hello(HELLO, Look::Tls)]
    #[case::half_of_it(&HELLO[..3], Look::Undecided)]
    #[case::http(b"GET / HTTP/1.1\r\n", Look::Other)]
    #[case::ssh(b"SSH-2.0-x\r\n", Look::Other)]
    #[case::alert(&[21, 3, 3, 0, 2, 1, 0], Look::Other)]
    #[case::server_hello(&[22, 3, 3, 0, 60, 2, 0], Look::Other)]
    #[case::too_long(&[22, 3, 3, 0x7f, 0xff, 1], Look::Other)]
    #[case::stun(&[0, 1, 0, 0, 0x21, 0x12], Look::Other)]
    #[case::nothing(b"", Look::Undecided)]
    fn knows_tls_by_its_first_bytes(#[case] bytes: &[u8], #[case] look: Look) {
        assert_eq!(opened(99).look(true, &segment(100, bytes)), look);
    }

    #[test]
    fn puts_segments_together_across_the_end_of_the_numbers() {
        let mut hello = opened(u32::MAX - 2);
        let first = u32::MAX - 1;
        assert_eq!(hello.look(true, &segment(first, &HELLO[..3])), Look::Undecided);
        // Sent again, and one byte further.
        assert_eq!(hello.look(true, &segment(first, &HELLO[..4])), Look::Undecided);
        assert_eq!(hello.look(true, &segment(first.wrapping_add(5), &HELLO[5..])), Look::Ahead);
        assert_eq!(hello.look(true, &segment(first.wrapping_add(4), &HELLO[4..])), Look::Tls);
    }

    #[test]
    fn a_server_that_speaks_first_is_no_tls_server() {
        assert_eq!(opened(0).look(false, &segment(7, b"220 mail")), Look::Other);
        assert_eq!(opened(0).look(false, &segment(7, b"")), Look::Undecided);
    }
}
