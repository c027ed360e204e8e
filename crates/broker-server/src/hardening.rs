//! What the process gives up at start: core dumps would hold every secret in memory.

/// Forbids core dumps and attaching by processes of the same user.
pub(crate) fn harden() -> Result<(), rustix::io::Errno> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}
