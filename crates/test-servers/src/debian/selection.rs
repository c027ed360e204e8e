//! Which packages a server needs of those an installation would bring.

/// `NAME=VERSION` of the server's own packages and of libraries, out of what `apt-get install --simulate` says.
pub(super) fn needed(simulation: &str) -> Vec<String> {
    simulation
        .lines()
        .filter_map(package)
        .filter(|(name, _)| is_needed(name))
        .map(|(n, v)| format!("{n}={v}"))
        .collect()
}

/// Of `Inst postgresql-15 (15.20-0+deb12u1 Debian:12 [amd64])`: name and version.
fn package(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix("Inst ")?.split_once(' ')?;
    let (_, version) = rest.split_once('(')?;
    Some((name, version.split(' ').next()?))
}

fn is_needed(name: &str) -> bool {
    let server = name.starts_with("postgresql-") || name.starts_with("redis-");
    // Perl is for Debian's own scripts, LLVM for compiled queries; a second C library would not fit the system's loader.
    let library = name.starts_with("lib")
        && !name.ends_with("-perl")
        && !["libllvm", "libz3", "libperl", "libc6", "libc-bin", "libgcc"]
            .iter()
            .any(|other| name.starts_with(other));
    server || library
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_and_libraries_are_needed_and_scripts_are_not() {
        let simulation = "Reading package lists...\n\
            Inst libjson-perl (4.10000-1 Debian:12.11/oldstable [all])\n\
            Inst libllvm14 (1:14.0.6-12 Debian:12.11/oldstable [amd64])\n\
            Inst libpq5 [15.1-0] (15.20-0+deb12u1 Debian-Security:12/oldstable-security [amd64])\n\
            Inst postgresql-15 (15.20-0+deb12u1 Debian-Security:12/oldstable-security [amd64]) []\n\
            Inst ssl-cert (1.1.2 Debian:12.11/oldstable [all])\n\
            Conf libpq5 (15.20-0+deb12u1 Debian-Security:12/oldstable-security [amd64])\n";
        assert_eq!(needed(simulation), ["libpq5=15.20-0+deb12u1", "postgresql-15=15.20-0+deb12u1"]);
    }
}
