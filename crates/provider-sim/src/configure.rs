//! From arguments to the configurations of both providers.

use provider_sim::{ClientConfig, EagleEyeConfig, EvercamConfig, GrantPolicy};

use crate::cli::{Args, EagleEyePolicy};

pub(crate) fn evercam(args: &Args) -> EvercamConfig {
    let mut config = EvercamConfig::demo();
    override_clients(&mut config.clients, args);
    config.access_ttl = args.access_ttl.unwrap_or(config.access_ttl);
    config.code_ttl = args.code_ttl.unwrap_or(config.code_ttl);
    config.grant_policy = with_ttl(config.grant_policy, args);
    config.reuse_policy = args.reuse;
    config.state_file = args.state.as_ref().map(|directory| directory.join("evercam.log"));
    config
}

pub(crate) fn eagle_eye(args: &Args) -> EagleEyeConfig {
    let mut config = EagleEyeConfig::demo();
    override_clients(&mut config.clients, args);
    config.access_ttl = args.access_ttl.unwrap_or(config.access_ttl);
    config.code_ttl = args.code_ttl.unwrap_or(config.code_ttl);
    config.grant_policy = with_ttl(policy(args.eagle_eye_policy), args);
    config.reuse_policy = args.reuse;
    config.state_file = args.state.as_ref().map(|directory| directory.join("eagle-eye.log"));
    config
}

const fn policy(policy: EagleEyePolicy) -> GrantPolicy {
    match policy {
        EagleEyePolicy::Idle14Abs90 => GrantPolicy::idle14_abs90(),
        EagleEyePolicy::Fixed7 => GrantPolicy::fixed7(),
        EagleEyePolicy::Sliding7 => GrantPolicy::sliding7(),
        EagleEyePolicy::PermanentNonrotating => GrantPolicy::permanent_nonrotating(),
    }
}

fn with_ttl(policy: GrantPolicy, args: &Args) -> GrantPolicy {
    args.refresh_ttl.map_or(policy, |ttl| policy.with_refresh_ttl(ttl))
}

fn override_clients(clients: &mut [ClientConfig], args: &Args) {
    for client in clients {
        if let Some(id) = &args.client_id {
            client.client_id.clone_from(id);
        }
        if let Some(secret) = &args.client_secret {
            client.client_secret = Some(secret.clone());
        }
        if !args.redirect_uri.is_empty() {
            client.redirect_uris.clone_from(&args.redirect_uri);
        }
    }
}
