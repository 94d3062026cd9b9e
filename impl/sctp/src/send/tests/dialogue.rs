//! The plain course of things.

use super::*;
use crate::send::Acknowledged;

#[test]
fn a_message_leaves_in_fragments_and_is_acknowledged() {
    let mut talk = Talk::new();
    talk.send(3, 3_000);
    assert_eq!(
        talk.packets(),
        [
            "---B 1:3.0 1172".replace("---B", "--B-"),
            "---- 2:3.0 1172".into(),
            "I--E 3:3.0 656".into()
        ]
    );
    assert_eq!((talk.sender.outstanding(), talk.sender.total_buffered()), (3, 0));
    talk.wait(50);
    assert_eq!(talk.sack(3, &[]), Acknowledged::Progress);
    assert!(talk.sender.is_idle());
    assert_eq!(talk.sender.deadline(), None);
    assert_eq!(talk.sender.in_flight(), 0);
}
