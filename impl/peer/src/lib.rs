//! Where the layers of a peer connection meet.
