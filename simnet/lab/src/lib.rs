//! Scenario files, presets, pictures and lessons for the deterministic network.
