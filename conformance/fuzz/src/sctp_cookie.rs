//! State cookies that were changed, and those that were not.

use arbitrary::{Arbitrary, Unstructured};
use base::Writer;
use sctp::{
    AssociationState, DropReason,
    wire::{Chunk, CookieEcho, Header, Packet, seal},
};

use crate::sctp_life::World;

/// What is done to a cookie.
#[derive(Arbitrary, Debug)]
enum Change {
    Flip { at: u16, bit: u8 },
    Cut { to: u16 },
    Append { bytes: Vec<u8> },
    Replace { bytes: Vec<u8> },
}

/// Changes a genuine cookie in any way and brings it to an end that waits, and to one that stands: neither
/// moves. The genuine one sets the association up.
pub fn sctp_cookie(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok((bits, stands, changes)) = <(u16, bool, Vec<Change>)>::arbitrary(&mut input) else {
        return;
    };
    let bits = bits & !8;
    let mut world = World::new(bits);
    let now = world.now;
    world.end(0).connect(now).expect("nothing is under way");
    world.settle();
    world.deliver(0, 1);
    world.settle();
    world.deliver(1, 1);
    world.settle();
    let genuine = world.wire(0).front().cloned().expect("a cookie is brought back");
    if stands {
        world.deliver(0, 1);
        world.settle();
        world.deliver(1, 1);
    }
    let before = world.end(1).state();
    let forged = forge(&genuine, &changes);
    world.hand(1, &forged);
    let is_genuine = forged == genuine;
    if is_genuine {
        assert_eq!(world.end(1).state(), AssociationState::Established);
    } else {
        assert_eq!(world.end(1).state(), before);
        let dropped = world.end(1).stats().dropped;
        assert!(dropped.count(DropReason::BadCookie) > 0 || dropped.total() > 0);
    }
    world.settle();
    world.hand(1, &genuine);
    assert_eq!(world.end(1).state(), AssociationState::Established, "the genuine one is good");
    world.send(0, 1, 1_000, &sctp::SendOptions::default());
    world.heal();
    world.check();
}

/// The packet with its cookie changed and everything else made to fit.
fn forge(packet: &[u8], changes: &[Change]) -> Vec<u8> {
    let parsed = Packet::parse(packet).expect("a packet of ours");
    let first = parsed.chunks().next();
    let Some(Ok(Chunk::CookieEcho(echo))) = first else { panic!("COOKIE ECHO is first") };
    let mut cookie = echo.cookie.to_vec();
    for change in changes {
        match change {
            Change::Flip { at, bit } => {
                let at = usize::from(*at) % cookie.len().max(1);
                if let Some(byte) = cookie.get_mut(at) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Change::Cut { to } => cookie.truncate(usize::from(*to)),
            Change::Append { bytes } => cookie.extend(bytes),
            Change::Replace { bytes } => cookie.clone_from(bytes),
        }
        cookie.truncate(1_000);
    }
    let mut forged = Vec::new();
    let mut writer = Writer::new(&mut forged);
    let Header { source_port, destination_port, verification_tag } = parsed.header;
    Header { source_port, destination_port, verification_tag }.write(&mut writer);
    CookieEcho { cookie: &cookie }.write(&mut writer);
    for chunk in parsed.chunks().skip(1).flatten() {
        chunk.write(&mut writer);
    }
    seal(writer.written_mut());
    forged
}
