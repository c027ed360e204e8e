//! `token-broker`, the server's command line.

fn main() -> std::process::ExitCode {
    broker_server::main()
}
