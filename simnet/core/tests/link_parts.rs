//! The parts of links, one by one and at random: rates, queues, chance, path MTUs, files.

#[path = "link_parts/chance.rs"]
mod chance;
#[path = "link_parts/delays.rs"]
mod delays;
#[path = "link_parts/files.rs"]
mod files;
#[path = "link_parts/pair.rs"]
mod pair;
#[path = "link_parts/path_mtu.rs"]
mod path_mtu;
#[path = "link_parts/queues.rs"]
mod queues;
#[path = "link_parts/random.rs"]
mod random;
#[path = "link_parts/rates.rs"]
mod rates;
