//! Rules about the repository itself.
#![cfg(test)]
