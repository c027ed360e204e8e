//! What differs between the two servers as far as finding them goes.

/// One of the two servers.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) name: &'static str,
    /// The oldest major version the tests accept.
    pub(crate) least: u32,
    /// The variable with the URL of a running one.
    pub(crate) variable: &'static str,
    /// What a URL in that variable looks like.
    pub(crate) example: &'static str,
    pub(crate) image: &'static str,
    /// The variable that names another image.
    pub(crate) image_variable: &'static str,
    /// The programs an installation must have; the first one tells its version.
    pub(crate) programs: &'static [&'static str],
    /// Where installations are beside the PATH; a `*` stands for any name.
    pub(crate) places: &'static [&'static str],
    /// Where Debian's packages are unpacked, under `target/test-servers`.
    pub(crate) unpacked: &'static str,
    /// Debian's package, which depends on all else that is needed.
    pub(crate) debian: &'static str,
    pub(crate) fedora: &'static str,
    pub(crate) homebrew: &'static str,
}

pub(crate) const POSTGRES: Product = Product {
    name: "Postgres",
    least: 15,
    variable: "TEST_DATABASE_URL",
    example: "postgres://postgres@127.0.0.1:5432/postgres, of a role that may create databases",
    image: "postgres:17-alpine",
    image_variable: "TEST_POSTGRES_IMAGE",
    programs: &["postgres", "initdb"],
    places: &[
        "/usr/lib/postgresql/*/bin",
        "/usr/pgsql-*/bin",
        "/usr/local/pgsql/bin",
        "/usr/local/bin",
        "/usr/local/opt/postgresql*/bin",
        "/opt/homebrew/opt/postgresql*/bin",
    ],
    unpacked: "postgresql",
    debian: "postgresql",
    fedora: "postgresql-server",
    homebrew: "postgresql@17",
};

pub(crate) const REDIS: Product = Product {
    name: "Redis",
    least: 7,
    variable: "TEST_REDIS_URL",
    example: "redis://127.0.0.1:6379",
    image: "redis:8-alpine",
    image_variable: "TEST_REDIS_IMAGE",
    programs: &["redis-server"],
    places: &["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"],
    unpacked: "redis",
    debian: "redis-server",
    fedora: "redis",
    homebrew: "redis",
};
