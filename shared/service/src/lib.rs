//! The doors that every service has: settings, telemetry, readiness, shutdown, the follower.
