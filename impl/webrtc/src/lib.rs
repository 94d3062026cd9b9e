//! WebRTC for applications: the facade over the machines, and the drivers that give them sockets and time.
