//! The keeper: owns processes. Spawns, signals, reaps; knows nothing of profiles, policies or timers.

pub mod protocol;
