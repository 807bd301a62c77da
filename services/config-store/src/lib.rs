//! Owns projects, shipyards, services and stage configuration.
