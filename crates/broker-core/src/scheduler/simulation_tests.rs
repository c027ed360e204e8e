//! The scheduler in a world of simulated providers and time: its own queue, gates, budgets and due times, no database.

mod backlog;
mod wave;
mod world;
