//! Packets, chunks, parameters and causes as bytes.
