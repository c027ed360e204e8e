//! A rotator and an api process, each with the keys of its role alone.

mod apart;
mod keys;
mod logins;
