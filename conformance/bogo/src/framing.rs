//! Datagrams and commands of the runner over its TCP connection.
//!
//! Everything begins with a byte that says what it is; numbers are big-endian. The runner moves the
//! clock: it alone says how much time has passed.

use std::{
    io::{self, Read, Write},
    time::Duration,
};

/// What the runner says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// A datagram.
    Packet(Vec<u8>),
    /// Time passes. To be acknowledged before anything that the passing of time brings about.
    Advance(Duration),
    /// Datagrams have at most this length from now on.
    Mtu(usize),
    /// The next deadline must be so far away; with nothing, there must be none.
    ExpectDeadline(Option<Duration>),
    /// The first timeout of a flight is this one from now on, of the flight on its way too.
    InitialTimeout(Duration),
}

/// Longest datagram that is read: more than any that UDP carries.
const MAX_PACKET: u32 = 1 << 17;

/// Reads the next command; nothing if the runner has closed the connection.
///
/// # Errors
///
/// Those of the connection, and commands that are not known.
pub(crate) fn read(from: &mut impl Read) -> io::Result<Option<Command>> {
    let mut kind = [0];
    match from.read_exact(&mut kind) {
        Ok(()) => {}
        Err(error) if is_end(&error) => return Ok(None),
        Err(error) => return Err(error),
    }
    let command = match kind {
        [b'P'] => {
            let length = read_u32(from)?;
            if length > MAX_PACKET {
                return Err(io::Error::other(format!("a packet of {length} bytes")));
            }
            let mut packet = Vec::new();
            from.take(length.into()).read_to_end(&mut packet)?;
            Command::Packet(packet)
        }
        [b'T'] => Command::Advance(Duration::from_nanos(read_u64(from)?)),
        [b'M'] => Command::Mtu(usize::try_from(read_u32(from)?).unwrap_or(usize::MAX)),
        [b'E'] => Command::ExpectDeadline(match read_u64(from)? {
            u64::MAX => None,
            nanoseconds => Some(Duration::from_nanos(nanoseconds)),
        }),
        [b'U'] => Command::InitialTimeout(Duration::from_millis(read_u32(from)?.into())),
        [other] => return Err(io::Error::other(format!("command {other:#04x} is not known"))),
    };
    Ok(Some(command))
}

/// Whether an error only says that the runner is gone.
pub(crate) fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}

/// Sends a datagram.
pub(crate) fn write_packet(to: &mut impl Write, packet: &[u8]) -> io::Result<()> {
    let length = u32::try_from(packet.len()).map_err(io::Error::other)?;
    let mut frame = Vec::with_capacity(packet.len().saturating_add(5));
    frame.push(b'P');
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(packet);
    to.write_all(&frame)
}

/// Says that the passing of time was noticed.
pub(crate) fn acknowledge_time(to: &mut impl Write) -> io::Result<()> {
    to.write_all(b"t")
}

fn read_u32(from: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes).map(|()| u32::from_be_bytes(bytes))
}

fn read_u64(from: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes).map(|()| u64::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::packet(b"P\0\0\0\x02hi", Command::Packet(b"hi".to_vec()))]
    #[case::time(b"T\0\0\0\0\x17\xd7\x84\0", Command::Advance(Duration::from_millis(400)))]
    #[case::mtu(b"M\0\0\x01\0", Command::Mtu(256))]
    #[case::deadline(
        b"E\0\0\0\0\x05\xf5\xe1\0",
        Command::ExpectDeadline(Some(Duration::from_millis(100)))
    )]
    #[case::no_deadline(b"E\xff\xff\xff\xff\xff\xff\xff\xff", Command::ExpectDeadline(None))]
    #[case::timeout(b"U\0\0\0\xfa", Command::InitialTimeout(Duration::from_millis(250)))]
    fn commands_are_read(#[case] mut bytes: &[u8], #[case] expected: Command) {
        assert_eq!(read(&mut bytes).unwrap(), Some(expected));
        assert_eq!(read(&mut bytes).unwrap(), None, "then the runner is gone");
    }

    #[rstest::rstest]
    #[case::unknown(b"X")]
    #[case::cut_short(b"T\0\0")]
    #[case::too_long(b"P\xff\xff\xff\xff")]
    fn nonsense_is_an_error(#[case] mut bytes: &[u8]) {
        read(&mut bytes).unwrap_err();
    }

    #[test]
    fn packets_are_written_as_they_are_read() {
        let mut bytes = Vec::new();
        write_packet(&mut bytes, b"packet").unwrap();
        let packet = read(&mut bytes.as_slice()).unwrap();
        assert_eq!(packet, Some(Command::Packet(b"packet".to_vec())));
    }
}
