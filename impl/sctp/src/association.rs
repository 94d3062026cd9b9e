//! The association: set-up, shutdown, streams reset and added, packets in and out.
