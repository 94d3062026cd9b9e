//! RE-CONFIG (RFC 6525).

use super::{
    Chunk, Tlv,
    code::{chunk, parameter},
};
use crate::dtls::Cursor;

/// A parameter of RE-CONFIG (RFC 6525 §4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The sender resets outgoing streams of its own; all of them if there are none (RFC 6525 §4.1).
    Outgoing {
        /// The number of the request.
        request: u32,
        /// The number of the request that this answers, or the last one that was seen.
        response: u32,
        /// The last number of data before the reset.
        last_tsn: u32,
        /// The streams.
        streams: Vec<u16>,
    },
    /// The receiver is asked to reset outgoing streams of its own (RFC 6525 §4.2).
    Incoming {
        /// The number of the request.
        request: u32,
        /// The streams.
        streams: Vec<u16>,
    },
    /// Everything begins anew (RFC 6525 §4.3).
    Tsn {
        /// The number of the request.
        request: u32,
    },
    /// The answer to a request (RFC 6525 §4.4).
    Response {
        /// The number of the request.
        request: u32,
        /// [`code::result`](super::code::result).
        result: u32,
        /// The next numbers of the sender and of the receiver, after everything was reset.
        next: Option<(u32, u32)>,
    },
    /// The sender wants more outgoing streams (RFC 6525 §4.5), or more incoming ones (RFC 6525 §4.6).
    Add {
        /// Whether the incoming ones are meant.
        incoming: bool,
        /// The number of the request.
        request: u32,
        /// How many.
        count: u16,
    },
    /// Something else.
    Other(Tlv),
}

impl Change {
    /// The parameters of a RE-CONFIG; `None` if it is none or makes no sense.
    #[must_use]
    pub fn read_all(from: &Chunk) -> Option<Vec<Self>> {
        if from.kind != chunk::RECONFIG {
            return None;
        }
        Tlv::read_all(&from.value)?.iter().map(Self::read).collect()
    }

    /// A RE-CONFIG with these parameters.
    #[must_use]
    pub fn chunk(changes: &[Self]) -> Chunk {
        let list: Vec<Tlv> = changes.iter().map(Self::tlv).collect();
        Chunk::new(chunk::RECONFIG, Tlv::encode_all(&list))
    }

    /// The number of the request or of the request that is answered.
    #[must_use]
    pub const fn number(&self) -> Option<u32> {
        match self {
            Self::Outgoing { request, .. }
            | Self::Incoming { request, .. }
            | Self::Tsn { request }
            | Self::Response { request, .. }
            | Self::Add { request, .. } => Some(*request),
            Self::Other(_) => None,
        }
    }

    /// Whether it asks for something.
    #[must_use]
    pub const fn is_request(&self) -> bool {
        !matches!(self, Self::Response { .. } | Self::Other(_))
    }

    fn read(tlv: &Tlv) -> Option<Self> {
        let mut cursor = Cursor::new(&tlv.value);
        let number = |cursor: &mut Cursor<'_>| cursor.array().map(u32::from_be_bytes);
        Some(match tlv.kind {
            parameter::OUTGOING_RESET => Self::Outgoing {
                request: number(&mut cursor)?,
                response: number(&mut cursor)?,
                last_tsn: number(&mut cursor)?,
                streams: streams(cursor)?,
            },
            parameter::INCOMING_RESET => {
                Self::Incoming { request: number(&mut cursor)?, streams: streams(cursor)? }
            }
            parameter::TSN_RESET => Self::Tsn { request: number(&mut cursor)? },
            parameter::RESPONSE => {
                let (request, result) = (number(&mut cursor)?, number(&mut cursor)?);
                let next = number(&mut cursor).zip(number(&mut cursor));
                Self::Response { request, result, next }
            }
            parameter::ADD_OUTGOING | parameter::ADD_INCOMING => Self::Add {
                incoming: tlv.kind == parameter::ADD_INCOMING,
                request: number(&mut cursor)?,
                count: cursor.u16()?,
            },
            _ => Self::Other(tlv.clone()),
        })
    }

    fn tlv(&self) -> Tlv {
        let list = |streams: &[u16]| streams.iter().flat_map(|id| id.to_be_bytes()).collect();
        let (kind, parts): (u16, Vec<Vec<u8>>) = match self {
            Self::Outgoing { request, response, last_tsn, streams } => {
                let numbers = [*request, *response, *last_tsn];
                let numbers = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
                (parameter::OUTGOING_RESET, vec![numbers, list(streams)])
            }
            Self::Incoming { request, streams } => {
                (parameter::INCOMING_RESET, vec![request.to_be_bytes().to_vec(), list(streams)])
            }
            Self::Tsn { request } => (parameter::TSN_RESET, vec![request.to_be_bytes().to_vec()]),
            Self::Response { request, result, next } => {
                let mut value = vec![request.to_be_bytes().to_vec(), result.to_be_bytes().to_vec()];
                if let Some((sender, receiver)) = next {
                    value.push(sender.to_be_bytes().to_vec());
                    value.push(receiver.to_be_bytes().to_vec());
                }
                (parameter::RESPONSE, value)
            }
            Self::Add { incoming, request, count } => {
                let kind =
                    if *incoming { parameter::ADD_INCOMING } else { parameter::ADD_OUTGOING };
                (
                    kind,
                    vec![request.to_be_bytes().to_vec(), count.to_be_bytes().to_vec(), vec![0; 2]],
                )
            }
            Self::Other(tlv) => return tlv.clone(),
        };
        Tlv::new(kind, parts.concat())
    }
}

fn streams(mut cursor: Cursor<'_>) -> Option<Vec<u16>> {
    let mut streams = Vec::new();
    while !cursor.is_done() {
        streams.push(cursor.u16()?);
    }
    Some(streams)
}
