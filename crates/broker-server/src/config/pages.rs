//! `[pages]`: the pages that a browser may see.

use std::collections::BTreeMap;

use broker_core::TenantId;
use serde::Deserialize;
use url::Url;

use super::{ReconsentUrl, public_url};
use crate::callback::pages::Language;

/// `[pages]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PagesConfig {
    /// The language for browsers that want none of those there are.
    pub language: Language,
    /// Where users of the operator's product begin a consent.
    pub reconsent_url: Option<String>,
    /// What the pages say of tenants.
    pub tenants: BTreeMap<String, TenantPageConfig>,
}

/// `[pages.tenants.NAME]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TenantPageConfig {
    /// The name on the pages, in place of the one the tenant was created with.
    pub display_name: Option<String>,
    /// Where browsers load its logo from.
    pub logo_url: Option<String>,
}

impl PagesConfig {
    /// Where consents begin, or what is wrong with it.
    pub fn reconsent_url(&self) -> Result<Option<ReconsentUrl>, String> {
        let url = self.reconsent_url.as_deref().map(ReconsentUrl::parse).transpose();
        url.map_err(|problem| format!("[pages] reconsent_url {problem}"))
    }

    /// Every problem, with its key.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::from_iter(self.reconsent_url().err());
        for (tenant, page) in &self.tenants {
            if let Err(problem) = TenantId::new(tenant.as_str()) {
                problems.push(format!("[pages.tenants.{tenant}] the name {problem}"));
            }
            if page.logo_url.as_deref().is_some_and(|url| !is_logo(url)) {
                problems.push(format!(
                    "[pages.tenants.{tenant}] logo_url must be an https URL without a user, or http on loopback"
                ));
            }
        }
        problems
    }
}

fn is_logo(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| public_url::is_safe(&url))
}
