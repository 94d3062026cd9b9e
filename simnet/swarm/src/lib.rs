//! Swarms: thousands of seeded worlds, each of which keeps its promises.
