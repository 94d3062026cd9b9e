//! Hearing an endpoint through a network that loses what the case wants lost.

use base::Instant;

use super::script::*;

/// Answers everything for `duration` but what `is_lost` picks, which the suite's peer never hears of; gives
/// everything the endpoint sent, and when it came.
pub(super) fn serve_losing(
    s: &mut SctpStage,
    t: &mut Ctl<'_>,
    duration: Duration,
    mut is_lost: impl FnMut(&Packet) -> bool,
) -> Vec<(Instant, Packet)> {
    let until = t.now() + duration;
    let mut all = Vec::new();
    while let Some(packet) = s.lose(t, until - t.now()) {
        if !is_lost(&packet) {
            for answer in s.peer.receive(&packet.encode()) {
                s.send(t, &answer);
            }
        }
        all.push((t.now(), packet));
    }
    all
}

/// Whether a packet carries data on this stream.
pub(super) fn has_data_on(packet: &Packet, stream: u16) -> bool {
    data_of(packet).iter().any(|data| data.stream == stream)
}

/// The DATA chunks of a packet.
pub(super) fn data_of(packet: &Packet) -> Vec<Data> {
    packet.chunks.iter().filter_map(Data::read).collect()
}

/// The DATA chunks on a stream in what came, in order.
pub(super) fn data_on(came: &[(Instant, Packet)], stream: u16) -> Vec<Data> {
    let all = came.iter().flat_map(|(_, packet)| data_of(packet));
    all.filter(|data| data.stream == stream).collect()
}

/// What FORWARD-TSNs in what came say, in order.
pub(super) fn forwards(came: &[(Instant, Packet)]) -> Vec<ForwardTsn> {
    let chunks = came.iter().flat_map(|(_, packet)| &packet.chunks);
    chunks.filter_map(ForwardTsn::read).collect()
}

/// How often a number occurs among these chunks at most.
pub(super) fn most_often(data: &[Data]) -> usize {
    let count = |tsn: u32| data.iter().filter(|one| one.tsn == tsn).count();
    data.iter().map(|one| count(one.tsn)).max().unwrap_or_default()
}

/// A profile of a peer without this extension, neither by list nor by parameter.
pub(super) fn without(profile: &mut Profile, extension: u8) {
    if extension == chunk::FORWARD_TSN {
        profile.parameters.retain(|parameter| parameter.kind != parameter::FORWARD_TSN);
    }
    for parameter in &mut profile.parameters {
        if parameter.kind == parameter::SUPPORTED_EXTENSIONS {
            parameter.value.retain(|kind| *kind != extension);
        }
    }
}
