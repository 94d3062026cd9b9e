//! How each end introduces itself: what INIT and INIT ACK say.

use std::time::Duration;

use base::Writer;

use super::state::Local;
use crate::{
    Config, Features, Misdeed, Tsn,
    wire::{ChunkType, Init, Parameter, ParameterType},
};

/// Smaller windows are refused (RFC 9260 §3.3.2).
const MIN_WINDOW: u32 = 1_500;
/// The only way to find errors without a checksum that is spoken here: packets travel over DTLS (RFC 9653).
const DTLS: u32 = 1;
/// Bytes of unknown parameters that are reported at most; an answer does not outgrow its question much.
const MAX_REPORT: usize = 1_024;

/// What the peer said of itself, as far as both ends have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Introduction {
    /// What it wants in every packet.
    pub(crate) tag: u32,
    /// Bytes that it has room for.
    pub(crate) window: u32,
    /// Streams that it wants to send on.
    pub(crate) outgoing: u16,
    /// Streams that it takes.
    pub(crate) incoming: u16,
    /// The first number of its user data.
    pub(crate) tsn: Tsn,
    /// What both ends have; of checksums, whether this end may leave them out.
    pub(crate) features: Features,
}

/// An introduction, and what comes with it.
#[derive(Debug)]
pub(super) struct Introduced<'a> {
    pub(super) peer: Introduction,
    pub(super) cookie: Option<&'a [u8]>,
    /// Parameters that nobody here knows and that are to be reported, each whole and unpadded.
    pub(super) unknown: Vec<&'a [u8]>,
    /// By how much the cookie is to live longer.
    pub(super) longer: Option<Duration>,
}

impl<'a> Introduced<'a> {
    /// Reads an INIT or INIT ACK. `own` is what this end has.
    pub(super) fn read(init: &Init<'a>, own: Features) -> Result<Self, Misdeed> {
        if init.initiate_tag == 0 {
            return Err(Misdeed::ZeroTag);
        }
        if init.outbound_streams == 0 || init.inbound_streams == 0 {
            return Err(Misdeed::ZeroStreams);
        }
        if init.a_rwnd < MIN_WINDOW {
            return Err(Misdeed::TinyWindow);
        }
        let mut offer = Offer::default();
        let mut introduced = Self {
            peer: Introduction {
                tag: init.initiate_tag,
                window: init.a_rwnd,
                outgoing: init.outbound_streams,
                incoming: init.inbound_streams,
                tsn: init.initial_tsn,
                features: Features::NONE,
            },
            cookie: None,
            unknown: Vec::new(),
            longer: None,
        };
        for parameter in init.parameters.iter() {
            if introduced.take(&mut offer, &parameter?)?.is_none() {
                break;
            }
        }
        introduced.peer.features = offer.common(own);
        Ok(introduced)
    }

    /// Takes in a parameter; `None` if none after it is to be looked at (RFC 9260 §3.2.1).
    fn take(
        &mut self,
        offer: &mut Offer,
        parameter: &Parameter<'a>,
    ) -> Result<Option<()>, Misdeed> {
        match parameter {
            Parameter::StateCookie(cookie) => self.cookie = Some(cookie),
            Parameter::CookiePreservative(millis) => {
                self.longer = Some(Duration::from_millis((*millis).into()));
            }
            // RFC 9260 §5.1.2 B: nobody may name a host any more.
            Parameter::HostName(_) => return Err(Misdeed::HostName),
            Parameter::ForwardTsnSupported => offer.forward_tsn = true,
            Parameter::EcnCapable => offer.ecn = true,
            Parameter::ZeroChecksum(method) => offer.zero_checksum = *method == DTLS,
            Parameter::SupportedExtensions(kinds) => {
                offer.reconfig |= kinds.contains(ChunkType::RE_CONFIG);
                offer.forward_tsn |= kinds.contains(ChunkType::FORWARD_TSN);
                offer.i_data |= kinds.contains(ChunkType::I_DATA);
                offer.i_forward_tsn |= kinds.contains(ChunkType::I_FORWARD_TSN);
            }
            // RFC 4820 §4: padding is not even reported.
            Parameter::Unknown(raw) if raw.kind != ParameterType::PADDING => {
                let action = raw.kind.unknown_action();
                let reported: usize = self.unknown.iter().map(|bytes| bytes.len() + 8).sum();
                if action.reports() && reported + raw.bytes().len() <= MAX_REPORT {
                    self.unknown.push(raw.bytes());
                }
                if action.stops() {
                    return Ok(None);
                }
            }
            // Addresses are not acted on: there is one path, and the layer below chose it.
            _ => {}
        }
        Ok(Some(()))
    }
}

/// The extensions that a peer has named.
#[derive(Debug, Default)]
struct Offer {
    forward_tsn: bool,
    i_forward_tsn: bool,
    i_data: bool,
    reconfig: bool,
    zero_checksum: bool,
    ecn: bool,
}

impl Offer {
    fn common(&self, own: Features) -> Features {
        let interleaving = own.interleaving && self.i_data;
        // RFC 8260 §2.3.1: interleaved messages are given up with a chunk of their own or not at all.
        let may_give_up = if interleaving { self.i_forward_tsn } else { self.forward_tsn };
        Features {
            forward_tsn: own.forward_tsn && may_give_up,
            interleaving,
            reconfig: own.reconfig && self.reconfig,
            zero_checksum: own.zero_checksum && self.zero_checksum,
            ecn: own.ecn && self.ecn,
        }
    }
}

/// What goes into an introduction of ours besides what every one says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extra<'a> {
    pub(super) cookie: Option<&'a [u8]>,
    pub(super) unknown: &'a [&'a [u8]],
    pub(super) longer: Option<Duration>,
    /// The streams that the other end takes, where it has said so.
    pub(super) most_streams: Option<u16>,
}

/// Appends an INIT or INIT ACK of ours.
pub(super) fn write(
    kind: ChunkType,
    config: &Config,
    local: Local,
    extra: Extra<'_>,
    writer: &mut Writer<'_>,
) {
    let Features { forward_tsn, interleaving, reconfig, zero_checksum, ecn } = config.features;
    let mut parameters = Vec::with_capacity(8);
    if let Some(cookie) = extra.cookie {
        parameters.push(Parameter::StateCookie(cookie));
    }
    if let Some(longer) = extra.longer {
        let millis = u32::try_from(longer.as_millis()).unwrap_or(u32::MAX);
        parameters.push(Parameter::CookiePreservative(millis));
    }
    if ecn {
        parameters.push(Parameter::EcnCapable);
    }
    if zero_checksum {
        parameters.push(Parameter::ZeroChecksum(DTLS));
    }
    if forward_tsn {
        parameters.push(Parameter::ForwardTsnSupported);
    }
    let extensions = [
        (reconfig, ChunkType::RE_CONFIG),
        (forward_tsn, ChunkType::FORWARD_TSN),
        (interleaving, ChunkType::I_DATA),
        (interleaving && forward_tsn, ChunkType::I_FORWARD_TSN),
    ];
    let named = extensions.iter().filter(|(has, _)| *has).map(|(_, kind)| *kind);
    let named: Vec<_> = named.collect();
    if !named.is_empty() {
        parameters.push(Parameter::SupportedExtensions(named.as_slice().into()));
    }
    parameters.extend(extra.unknown.iter().map(|&bytes| Parameter::Unrecognized(bytes)));
    // RFC 9260 §3.3.3: an answer asks for no more streams than the question allows.
    let most = extra.most_streams.unwrap_or(u16::MAX);
    let init = Init {
        initiate_tag: local.tag,
        a_rwnd: config.receiver(1).initial_window().max(MIN_WINDOW),
        outbound_streams: config.outgoing_streams.clamp(1, most.max(1)),
        inbound_streams: config.incoming_streams.max(1),
        initial_tsn: local.tsn,
        parameters: parameters.as_slice().into(),
    };
    init.write(kind, writer);
}
