//! Packets out of the blue, and those that carry another tag than ours: RFC 9260 §8.4, §8.5.1.

use base::Writer;

use super::{Association, state::State};
use crate::{
    DropReason,
    wire::{Abort, Cause, Chunk, Chunks},
};

impl Association {
    /// A packet that does not carry our tag, if there is one, and begins with neither INIT nor COOKIE ECHO.
    pub(super) fn take_strange(&mut self, tag: u32, chunks: Chunks<'_>) -> Result<(), DropReason> {
        // RFC 9260 §8.5.1 A: only INIT carries no tag.
        if tag == 0 {
            return Err(DropReason::WrongTag);
        }
        // RFC 9260 §8.5.1 B, C: a peer that knows no association reflects the tag that we sent, its own.
        if self.state.peer_tag() == Some(tag) {
            let mut ahead = chunks;
            match ahead.next() {
                Some(Ok(Chunk::Abort(abort))) if abort.is_reflected => {
                    self.on_abort(&abort);
                    return Ok(());
                }
                Some(Ok(Chunk::ShutdownComplete(complete))) if complete.is_reflected => {
                    return self.on_shutdown_complete();
                }
                _ => {}
            }
        }
        match self.state {
            State::Closed => self.answer_blue(tag, chunks),
            State::CookieWait(_) | State::CookieEchoed(_) => {
                // RFC 9260 §8.5.1 E: perhaps the last association ended with a loss. Nothing else is
                // answered that bears a tag of nobody's.
                let is_shutdown_ack = |chunk| matches!(chunk, Ok(Chunk::ShutdownAck(_)));
                if { chunks }.any(is_shutdown_ack) {
                    return self.on_shutdown_ack(tag);
                }
                Err(DropReason::WrongTag)
            }
            _ => Err(DropReason::WrongTag),
        }
    }

    /// RFC 9260 §8.4: who has no association answers so that the other end comes to know it.
    fn answer_blue(&mut self, tag: u32, chunks: Chunks<'_>) -> Result<(), DropReason> {
        let mut has_shutdown_ack = false;
        let mut is_silent = false;
        for chunk in chunks {
            // What cannot be read is not even correctly formed.
            let Ok(chunk) = chunk else { return Err(DropReason::MalformedChunk) };
            match chunk {
                // RFC 9260 §12.3: an INIT has no company, and no tag.
                Chunk::Init(_) => return Err(DropReason::NotAlone),
                // 2: whatever else is in it.
                Chunk::Abort(_) if !base::mutant::active("sctp-ootb-abort-answered") => {
                    return Err(DropReason::OutOfTheBlue);
                }
                Chunk::ShutdownAck(_) => has_shutdown_ack = true,
                // 6, 7.
                Chunk::ShutdownComplete(_) | Chunk::CookieAck(_) => is_silent = true,
                Chunk::Error(error) => {
                    let is_stale = |cause| matches!(cause, Ok(Cause::StaleCookie(_)));
                    is_silent |= error.causes.iter().any(is_stale);
                }
                _ => {}
            }
        }
        if has_shutdown_ack {
            self.answer_shutdown_complete(tag, true);
        } else if !is_silent {
            let mut chunk = Vec::new();
            let abort = Abort { is_reflected: true, causes: [].as_slice().into() };
            abort.write(&mut Writer::new(&mut chunk));
            self.answer(tag, chunk);
        }
        Err(DropReason::OutOfTheBlue)
    }
}
