//! Dialogues of a sender with a scripted peer.

mod board;
mod cost;
mod crafted;
mod dialogue;
mod loss;
mod model;
mod oracle;
mod partial;
mod resets;
mod rings;
mod talk;
mod turns;
mod window;

use talk::Talk;
