//! Dialogues of a sender with a scripted peer.

mod board;
mod dialogue;
mod loss;
mod model;
mod oracle;
mod rings;
mod talk;
mod turns;
mod window;

use talk::Talk;
