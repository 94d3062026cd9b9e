//! Dialogues of a sender with a scripted peer.

mod board;
mod dialogue;
mod rings;
mod talk;
mod turns;

use talk::Talk;
