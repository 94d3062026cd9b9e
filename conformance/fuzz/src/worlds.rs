//! Whole worlds, as files describe them.

use std::time::Duration;

use arbitrary::{Arbitrary as _, Unstructured};
use lab::Scenario;

/// Longest time that a world lasts here: long enough for peers to meet.
const LONGEST: Duration = Duration::from_millis(400);

/// Draws a world and lets it live. It fits together, every packet of it is accounted for, and the books of
/// its NATs are in order.
pub fn worlds(data: &[u8]) {
    let Ok(mut scenario) = Scenario::arbitrary(&mut Unstructured::new(data)) else { return };
    scenario.duration = scenario.duration.min(LONGEST);
    let mut world = match scenario.build(()) {
        Ok(world) => world,
        Err(problem) => panic!("it does not fit together: {problem}\n{}", scenario.to_toml()),
    };
    world.run();
    if let Err(fault) = world.audit() {
        panic!("{fault}\n{}", scenario.to_toml());
    }
}
