//! What a payload says, in a few words.

use std::fmt::Write as _;

use stun::{
    Message,
    wire::{
        ChangeRequest, Class, ErrorCode, Method, Padding, ResponsePort, UseCandidate, Username,
        XorMappedAddress,
    },
};

/// A payload in a few words, for ladders: STUN messages as what they ask or say, datagrams of flows by
/// their number. `None` for other bytes.
#[must_use]
pub fn words(payload: &[u8]) -> Option<String> {
    let Ok(message) = Message::parse(payload) else { return datagram(payload) };
    if message.method() != Method::BINDING {
        return Some(format!("STUN {:?} {:?}", message.method(), message.class()));
    }
    Some(match message.class() {
        Class::Request => request(&message),
        Class::Success => success(&message),
        Class::Error => {
            let code = message.get::<ErrorCode<'_>>().map(|error| format!(" {}", error.code));
            format!("STUN error{}", code.unwrap_or_default())
        }
        Class::Indication => "STUN indication".to_owned(),
    })
}

/// A datagram of a flow: its number, the time it was sent, and nothing else.
fn datagram(payload: &[u8]) -> Option<String> {
    let (number, rest) = payload.split_first_chunk()?;
    let (_, rest) = rest.split_first_chunk::<8>()?;
    let number = u64::from_be_bytes(*number);
    let plausible = number < 1 << 32 && rest.iter().all(|byte| *byte == 0);
    plausible.then(|| format!("data {number}, {} bytes", payload.len()))
}

/// A question to a server, or a check between peers, which names them.
fn request(message: &Message<'_>) -> String {
    let mut text = match message.get::<Username<'_>>() {
        // RFC 8445 §7.2.2: the one who is asked comes first.
        Some(name) => match name.as_str().split_once(':') {
            Some((asked, asking)) => format!("check by {asking} of {asked}"),
            None => format!("STUN request of {name}"),
        },
        None => "STUN: who am I?".to_owned(),
    };
    match message.get::<ChangeRequest>() {
        Some(ChangeRequest { ip: true, port: true }) => {
            text.push_str(" Answer from your other address and port");
        }
        Some(ChangeRequest { ip: true, port: false }) => {
            text.push_str(" Answer from your other address");
        }
        Some(ChangeRequest { ip: false, port: true }) => {
            text.push_str(" Answer from your other port");
        }
        _ => {}
    }
    if let Some(ResponsePort(port)) = message.get() {
        let _ = write!(text, " Answer to port {port}");
    }
    if message.get::<Padding>().is_some() {
        text.push_str(" (padded)");
    }
    if message.get::<UseCandidate>().is_some() {
        text.push_str(", to use");
    }
    text
}

fn success(message: &Message<'_>) -> String {
    match message.get::<XorMappedAddress>() {
        Some(XorMappedAddress(mapped)) => format!("STUN: you are {mapped}"),
        None => "STUN success".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use stun::{
        Builder,
        wire::{Class, Method, TransactionId},
    };

    use super::*;

    fn built(class: Class, build: impl FnOnce(&mut Builder<'_>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        let id = TransactionId::new([7; 12]);
        let mut builder = Builder::new(&mut bytes, Method::BINDING, class, id);
        build(&mut builder);
        builder.finish().unwrap();
        bytes
    }

    #[test]
    fn messages_are_said_as_questions_and_answers() {
        let question = built(Class::Request, |_| {});
        assert_eq!(words(&question).unwrap(), "STUN: who am I?");
        let other = built(Class::Request, |it| {
            it.put(&ChangeRequest { ip: false, port: true });
        });
        assert_eq!(words(&other).unwrap(), "STUN: who am I? Answer from your other port");
        let check = built(Class::Request, |it| {
            it.put(&Username::new("bob:alice").unwrap()).put(&UseCandidate);
        });
        assert_eq!(words(&check).unwrap(), "check by alice of bob, to use");
        let answer = built(Class::Success, |it| {
            it.put(&XorMappedAddress("11.0.0.5:6000".parse().unwrap()));
        });
        assert_eq!(words(&answer).unwrap(), "STUN: you are 11.0.0.5:6000");
        assert_eq!(words(b"hello"), None);
    }
}
