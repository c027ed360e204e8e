//! Generates the contract from `proto/`, without protoc.

mod redact;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost::Message as _;
use redact::RedactedDebug;

#[expect(clippy::print_stdout, reason = "cargo reads the output of a build script")]
fn main() -> Result<(), Box<dyn Error>> {
    let crate_dir = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let proto = crate_dir.join("../../proto");
    let google = crate_dir.join("third_party/googleapis");
    for tree in [&proto, &google, &crate_dir.join("envoy")] {
        println!("cargo::rerun-if-changed={}", tree.display());
    }

    let mut compiler = protox::Compiler::new([&proto, &google])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(protos(&proto.join("tokenbroker/v1"))?)?;
    compiler.open_file(google.join("google/rpc/error_details.proto"))?;
    let descriptors = compiler.encode_file_descriptor_set();
    let redacted = RedactedDebug::of(&compiler.descriptor_pool(), "tokenbroker.v1");

    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("tokenbroker_descriptor.bin"), &descriptors)?;
    fs::write(out.join("redacted_debug.rs"), redacted.source())?;
    let mut names = tonic_prost_build::Config::new();
    names.enable_type_names();
    tonic_prost_build::configure()
        .generate_default_stubs(true)
        .skip_debug(redacted.messages())
        .extern_path(".google.rpc", "::tonic_types::pb")
        .compile_fds_with_config(prost_types::FileDescriptorSet::decode(descriptors.as_slice())?, names)?;
    external_authorization(&crate_dir, &google, &out)
}

/// What Envoy asks is no part of the contract: not of its descriptors, nor of what breaking changes are looked for in.
fn external_authorization(crate_dir: &Path, google: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let mut compiler = protox::Compiler::new([crate_dir, google])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_file(crate_dir.join("envoy/service/auth/v3/external_auth.proto"))?;
    let descriptors = compiler.encode_file_descriptor_set();
    let redacted = RedactedDebug::of(&compiler.descriptor_pool(), "envoy.service.auth.v3");
    fs::write(out.join("external_authorization_debug.rs"), redacted.source())?;
    let mut names = tonic_prost_build::Config::new();
    names.enable_type_names();
    tonic_prost_build::configure()
        .skip_debug(redacted.messages())
        .extern_path(".google.rpc", "::tonic_types::pb")
        .compile_fds_with_config(prost_types::FileDescriptorSet::decode(descriptors.as_slice())?, names)?;
    Ok(())
}

fn protos(dir: &Path) -> Result<Vec<PathBuf>, std::io::Error> {
    let mut files =
        fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "proto"));
    files.sort();
    Ok(files)
}
