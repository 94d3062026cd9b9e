//! A datagram in a line, for ladders.

use super::{
    Fragment, Header,
    code::{content, handshake},
    split,
};

/// What a datagram of DTLS says, as far as it can be seen without keys; `None` if it is none.
#[must_use]
pub fn summary(datagram: &[u8]) -> Option<String> {
    if !matches!(datagram.first()?, 20..=63) {
        return None;
    }
    let (records, is_whole) = split(datagram, 0);
    let mut words: Vec<String> = records
        .iter()
        .map(|record| match &record.header {
            Header::Plain { content: content::HANDSHAKE, epoch: 0, sequence, .. } => {
                format!("{}#{sequence}", messages(&record.body))
            }
            Header::Plain { content, epoch, sequence, .. } => {
                format!("{} {epoch}#{sequence}", name(*content))
            }
            Header::Unified { epoch_bits, .. } => format!("record ..{epoch_bits}"),
        })
        .collect();
    if !is_whole {
        words.push("rest".to_owned());
    }
    Some(format!("DTLS {}", words.join(", ")))
}

const fn name(kind: u8) -> &'static str {
    match kind {
        content::CHANGE_CIPHER_SPEC => "ChangeCipherSpec",
        content::ALERT => "Alert",
        content::HANDSHAKE => "Handshake",
        content::APPLICATION_DATA => "Data",
        content::ACK => "ACK",
        _ => "record",
    }
}

fn messages(payload: &[u8]) -> String {
    let Some(fragments) = Fragment::read_all(payload) else { return "Handshake".to_owned() };
    let words: Vec<String> = fragments
        .iter()
        .map(|piece| {
            let name = handshake::name(piece.kind);
            if piece.data.len() == piece.total {
                name.to_owned()
            } else {
                format!("{name}[{}..{} of {}]", piece.offset, piece.end(), piece.total)
            }
        })
        .collect();
    words.join("+")
}
