//! Frames on a TCP connection of ICE, beside a reader that has all of it at once.

use std::net::SocketAddr;

use arbitrary::{Arbitrary, Unstructured};
use base::{Instant, StreamId, StreamInput};
use ice::{Connections, Frame, MAX_UNVALIDATED_FRAME, TcpConfig, TcpEvent, TcpType};

/// Takes frames off a stream that is cut anywhere: the same as when it comes whole, and no more than
/// may be from a stranger.
pub fn ice_stream(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(is_validated) = bool::arbitrary(&mut input) else { return };
    let cuts = <[u8; 8]>::arbitrary(&mut input).unwrap_or_default();
    let stream = input.take_rest();
    let (mut tcp, id) = open();
    if is_validated {
        tcp.validate(id);
    }
    let (found, is_ended) = cut(&mut tcp, id, stream, &cuts);
    let expected = whole(stream, is_validated);
    assert_eq!((found, is_ended), expected, "cut at {cuts:?}");
}

fn open() -> (Connections, StreamId) {
    let now = Instant::ZERO;
    let local = SocketAddr::from(([10, 0, 0, 2], 40_000));
    let remote = SocketAddr::from(([192, 0, 2, 1], 50_000));
    let mut tcp = Connections::new(TcpConfig::default(), now);
    let id = tcp.connect(now, local, remote, TcpType::Active).expect("it is the first");
    tcp.handle_stream(now, StreamInput::Connected { id, local, remote });
    assert!(matches!(tcp.poll_event(), Some(TcpEvent::Opened { .. })));
    (tcp, id)
}

/// The frames of a stream that comes in pieces, and whether the connection was ended for them.
fn cut(tcp: &mut Connections, id: StreamId, stream: &[u8], cuts: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let now = Instant::ZERO;
    let (mut found, mut scratch, mut rest) = (Vec::new(), Vec::new(), stream);
    let mut sizes = cuts.iter().cycle().map(|&size| usize::from(size).max(1));
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(1).min(rest.len());
        let (mut bytes, later) = rest.split_at(size);
        rest = later;
        if !tcp.handle_stream(now, StreamInput::Received { id, bytes }) {
            break;
        }
        while let Some(frame) = tcp.next_frame(now, id, &mut bytes, &mut scratch) {
            found.push(match frame {
                Frame::Here(frame) => frame.to_vec(),
                Frame::Scratch => scratch.clone(),
            });
        }
    }
    (found, matches!(tcp.poll_event(), Some(TcpEvent::Closed { .. })))
}

/// The same of a stream that is all there.
fn whole(mut rest: &[u8], is_validated: bool) -> (Vec<Vec<u8>>, bool) {
    let mut found = Vec::new();
    while let Some((header, content)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*header));
        if !is_validated && length > MAX_UNVALIDATED_FRAME {
            return (found, true);
        }
        let Some((frame, later)) = content.split_at_checked(length) else { break };
        rest = later;
        if frame.is_empty() {
            continue;
        }
        if !is_validated && !stun::Message::is_likely(frame) {
            return (found, true);
        }
        found.push(frame.to_vec());
    }
    (found, false)
}
