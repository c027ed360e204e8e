//! `token-broker`, built along with the tests that start it as a child process.

fn main() -> std::process::ExitCode {
    broker_server::main()
}
