//! The providers known by name. One file each: data, no code.

use crate::ProviderDefinition;

mod eagle_eye;
mod evercam;
mod oauth2;

/// A named starting point for a provider's definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adapter {
    /// Evercam.
    Evercam,
    /// Eagle Eye Networks.
    EagleEye,
    /// Any other OAuth 2.0 authorization server.
    OAuth2,
}

impl Adapter {
    const ALL: [Self; 3] = [Self::Evercam, Self::EagleEye, Self::OAuth2];

    /// The name in configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Evercam => "evercam",
            Self::EagleEye => "eagle-eye",
            Self::OAuth2 => "oauth2",
        }
    }

    /// The adapter of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|adapter| adapter.as_str() == name)
    }

    /// What is known of it.
    pub fn definition(self) -> ProviderDefinition {
        match self {
            Self::Evercam => ProviderDefinition::evercam(),
            Self::EagleEye => ProviderDefinition::eagle_eye(),
            Self::OAuth2 => ProviderDefinition::oauth2(),
        }
    }
}
