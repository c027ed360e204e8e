//! The tables in memory: events change them, nothing else does.

use std::collections::HashMap;

use super::{AccessToken, Code, CodeFate, Event, Family, Fingerprint, RefreshToken};
use crate::clock::Millis;

#[derive(Default)]
pub(crate) struct Tables {
    codes: HashMap<Fingerprint, Code>,
    families: HashMap<u64, Family>,
    refresh: HashMap<Fingerprint, RefreshToken>,
    access: HashMap<Fingerprint, AccessToken>,
    last_family: u64,
    last_serial: u64,
}

impl Tables {
    pub(crate) fn code(&self, code: &str) -> Option<&Code> {
        self.codes.get(&Fingerprint::of(code))
    }

    pub(crate) fn refresh_token(&self, token: &str) -> Option<(&RefreshToken, &Family)> {
        let found = self.refresh.get(&Fingerprint::of(token))?;
        Some((found, self.families.get(&found.family)?))
    }

    pub(crate) fn access_token(&self, token: &str) -> Option<(&AccessToken, &Family)> {
        let found = self.access.get(&Fingerprint::of(token))?;
        Some((found, self.families.get(&found.family)?))
    }

    /// The newest access token of this refresh token and scope that is valid and whose text was kept.
    pub(crate) fn current_access(
        &self,
        refresh: &RefreshToken,
        scope: &str,
        now: Millis,
    ) -> Option<&AccessToken> {
        let tokens = self.families.get(&refresh.family)?.access.iter().rev();
        let fits = |token: &&AccessToken| {
            token.refresh == Some(refresh.serial)
                && token.text.is_some()
                && token.scope == scope
                && token.expires_at > now
        };
        tokens.filter_map(|fingerprint| self.access.get(fingerprint)).find(fits)
    }

    /// The living families of a user, with one client or with all.
    pub(crate) fn families_of<'a>(
        &'a self,
        user: &'a str,
        client_id: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Family> {
        self.families.values().filter(move |family| {
            !family.revoked && family.user == user && client_id.is_none_or(|id| id == family.client_id)
        })
    }

    pub(crate) const fn next_family(&self) -> u64 {
        self.last_family + 1
    }

    pub(crate) const fn next_serial(&self) -> u64 {
        self.last_serial + 1
    }

    pub(super) fn apply(&mut self, event: Event) {
        match event {
            Event::CodeIssued(code) => drop(self.codes.insert(code.fingerprint, code)),
            Event::CodeBurned(code) => self.set_fate(code, CodeFate::Burned),
            Event::CodeRedeemed { code, family } => self.set_fate(code, CodeFate::Redeemed(family)),
            Event::FamilyStarted(family) => self.start_family(family),
            Event::RefreshIssued(token) => self.add_refresh(token),
            Event::RefreshUsed { token, at, kills_access } => self.use_refresh(token, at, kills_access),
            Event::AccessIssued { token, at } => self.add_access(token, at),
            Event::AccessRevoked(token) => drop(self.access.remove(&token)),
            Event::FamilyRevoked(id) => self.revoke_family(id),
        }
    }

    fn set_fate(&mut self, code: Fingerprint, fate: CodeFate) {
        if let Some(code) = self.codes.get_mut(&code) {
            code.fate = fate;
        }
    }

    fn start_family(&mut self, family: Family) {
        self.last_family = self.last_family.max(family.id);
        self.families.insert(family.id, family);
    }

    fn add_refresh(&mut self, token: RefreshToken) {
        self.last_serial = self.last_serial.max(token.serial);
        self.refresh.insert(token.fingerprint, token);
    }

    fn use_refresh(&mut self, token: Fingerprint, at: Millis, kills_access: bool) {
        let Some(token) = self.refresh.get_mut(&token) else { return };
        token.first_used_at.get_or_insert(at);
        let (serial, family) = (token.serial, token.family);
        if kills_access {
            self.retain_access(family, |access| access.refresh != Some(serial));
        }
    }

    fn add_access(&mut self, token: AccessToken, at: Millis) {
        self.retain_access(token.family, |access| access.expires_at > at);
        if let Some(family) = self.families.get_mut(&token.family) {
            family.access.push(token.fingerprint);
        }
        self.access.insert(token.fingerprint, token);
    }

    fn revoke_family(&mut self, id: u64) {
        self.retain_access(id, |_| false);
        if let Some(family) = self.families.get_mut(&id) {
            family.revoked = true;
        }
    }

    fn retain_access(&mut self, family: u64, keep: impl Fn(&AccessToken) -> bool) {
        let Some(family) = self.families.get_mut(&family) else { return };
        family.access.retain(|fingerprint| {
            let kept = self.access.get(fingerprint).is_some_and(&keep);
            if !kept {
                self.access.remove(fingerprint);
            }
            kept
        });
    }
}
