//! Plays the executors of every uniform.
