//! The border between asynchronous code and its surroundings: sockets, time, interfaces and names.
