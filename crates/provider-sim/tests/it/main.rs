//! The wire contracts of both providers, line by line, and the machinery around them.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod answered;
mod binary;
mod control;
mod een;
mod een_api;
mod een_authorize;
mod een_client;
mod een_machine;
mod een_refresh;
mod een_token;
mod evercam;
mod evercam_api;
mod evercam_authorize;
mod evercam_device;
mod evercam_refresh;
mod evercam_token;
mod fault_bodies;
mod faults;
mod http;
mod journal;
mod policies;
mod restart;
