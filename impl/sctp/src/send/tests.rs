//! Dialogues of a sender with a scripted peer.

mod dialogue;
mod talk;

use talk::Talk;
