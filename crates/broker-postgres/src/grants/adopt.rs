//! The compare-and-set that makes an answer the grant's token set.

use broker_core::ports::{AdoptOutcome, Adoption, Lineage, ReplacedTokens, StoreError};
use broker_core::{AttemptKind, GrantId, Timestamp};
use sqlx::PgPool;
use uuid::Uuid;

use super::attempts::{authorization_of, kind_word};
use crate::batch::{Answers, Batch};
use crate::columns::{foreign_text, generation, kept, life, micros, uuid};

/// Adoptions that come at the same time.
pub(crate) struct Adoptions {
    pub(crate) pool: PgPool,
}

impl Batch for Adoptions {
    type Ask = Adoption;
    type Answer = AdoptOutcome;
    const NAME: &'static str = "adopt";

    fn grant(adoption: &Adoption) -> GrantId {
        adoption.attempt.grant_id()
    }

    async fn run(&self, adoptions: &[Adoption]) -> Result<Answers<Self>, sqlx::Error> {
        let attempt = |from: fn(&Adoption) -> Uuid| adoptions.iter().map(from).collect::<Vec<Uuid>>();
        let text = |from: fn(&Adoption) -> String| adoptions.iter().map(from).collect::<Vec<String>>();
        let time = |from: fn(&Adoption) -> Timestamp| {
            adoptions.iter().map(|adoption| from(adoption).as_unix_micros()).collect::<Vec<i64>>()
        };
        let optional_time = |from: fn(&Adoption) -> Option<Timestamp>| {
            adoptions.iter().map(|adoption| micros(from(adoption))).collect::<Vec<Option<i64>>>()
        };
        let presentations: Vec<i32> =
            adoptions.iter().map(|a| a.attempt.presentation_no.try_into().unwrap_or(i32::MAX)).collect();
        let authorizations: Vec<Option<Uuid>> = adoptions
            .iter()
            .map(|a| authorization_of(&a.attempt).map(|authorization| uuid(authorization.as_bytes())))
            .collect();
        let refresh_tokens: Vec<Option<&[u8]>> =
            adoptions.iter().map(|a| a.tokens.refresh_token.as_ref().map(|token| token.as_bytes())).collect();
        let api_base_urls: Vec<Option<String>> =
            adoptions.iter().map(|a| a.tokens.api_base_url.as_deref().map(foreign_text)).collect();
        let accounts: Vec<Option<&[u8]>> =
            adoptions.iter().map(|a| a.origin.account.as_ref().map(|account| account.0.as_slice())).collect();
        let fingerprints: Vec<Option<&[u8]>> = adoptions
            .iter()
            .map(|a| a.origin.refresh_token.as_ref().map(|token| token.0.as_slice()))
            .collect();
        let outcomes = sqlx::query!(
            r#"SELECT d.outcome AS "outcome!", d.detail
               FROM adopt_answers(ARRAY(
                   SELECT ROW(q.n, q.grant_id, q.tenant, q.provider, q.user_id, q.account, q.attempt, q.kind,
                              q.authorization_id, q.registration, q.lineage, q.generation, q.presentation_no, q.owner,
                              q.claimed_at, q.sent_at, q.consented_at, q.base, q.access_token, q.refresh_token,
                              q.token_type, q.scopes, q.api_base_url, q.issued_at, q.expires_at, q.dies_at, q.due_at,
                              q.at, q.replaced, q.authorization_ends_at, q.refresh_token_timeout, q.first_notice_at,
                              q.overruns_window, q.upstream_account, q.may_change_account,
                              q.token_fingerprint)::answer
                   FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[],
                               $8::uuid[], $9::text[], $10::uuid[], $11::bigint[], $12::int[], $13::uuid[],
                               $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bytea[], $19::bytea[],
                               $20::text[], $21::text[], $22::text[], $23::bigint[], $24::bigint[], $25::bigint[],
                               $26::bigint[], $27::bigint[], $28::text[], $29::bigint[], $30::bigint[], $31::bigint[],
                               $32::boolean[], $33::bytea[], $34::boolean[], $35::bytea[])
                        WITH ORDINALITY AS q (grant_id, tenant, provider, user_id, account, attempt, kind,
                                              authorization_id, registration, lineage, generation, presentation_no,
                                              owner, claimed_at, sent_at, consented_at, base, access_token,
                                              refresh_token, token_type, scopes, api_base_url, issued_at, expires_at,
                                              dies_at, due_at, at, replaced, authorization_ends_at, refresh_token_timeout,
                                              first_notice_at, overruns_window, upstream_account, may_change_account,
                                              token_fingerprint, n)
               )) d ORDER BY d.n"#,
            &attempt(|a| uuid(a.attempt.grant_id().as_bytes())),
            &text(|a| a.attempt.key.tenant.to_string()),
            &text(|a| a.attempt.key.provider.to_string()),
            &text(|a| a.attempt.key.user.to_string()),
            &text(|a| a.attempt.key.account.to_string()),
            &attempt(|a| uuid(a.attempt.id.as_bytes())),
            &text(|a| kind_word(a.attempt.kind).to_owned()),
            &authorizations as &[Option<Uuid>],
            &text(|a| a.attempt.registration.to_string()),
            &attempt(|a| uuid(a.attempt.lineage.as_bytes())),
            &adoptions.iter().map(|a| kept(a.attempt.generation)).collect::<Vec<_>>(),
            &presentations,
            &attempt(|a| uuid(a.attempt.owner.as_bytes())),
            &time(|a| a.attempt.claimed_at),
            &optional_time(|a| a.attempt.sent_at) as &[Option<i64>],
            &optional_time(consented_at) as &[Option<i64>],
            &adoptions.iter().map(|a| kept(a.base)).collect::<Vec<_>>(),
            &adoptions.iter().map(|a| a.tokens.access_token.as_bytes()).collect::<Vec<_>>() as &[&[u8]],
            &refresh_tokens as &[Option<&[u8]>],
            &text(|a| foreign_text(&a.tokens.token_type)),
            &text(|a| foreign_text(&a.tokens.scopes.join(" "))),
            &api_base_urls as &[Option<String>],
            &time(|a| a.tokens.issued_at),
            &time(|a| a.tokens.expires_at),
            &optional_time(|a| a.tokens.end.dies_at) as &[Option<i64>],
            &optional_time(|a| a.tokens.due_at) as &[Option<i64>],
            &time(|a| a.at),
            &text(|a| replaced_word(a.replaced).to_owned()),
            &optional_time(|a| a.tokens.end.authorization_ends_at) as &[Option<i64>],
            &adoptions.iter().map(|a| life(a.tokens.end.refresh_token_timeout)).collect::<Vec<_>>()
                as &[Option<i64>],
            &optional_time(|a| a.tokens.first_notice_at) as &[Option<i64>],
            &adoptions.iter().map(|a| a.overruns_window).collect::<Vec<_>>(),
            &accounts as &[Option<&[u8]>],
            &adoptions.iter().map(|a| a.origin.may_change_account).collect::<Vec<bool>>(),
            &fingerprints as &[Option<&[u8]>],
        )
        .map(|row| outcome(&row.outcome, row.detail))
        .fetch_all(&self.pool)
        .await?;
        Ok(outcomes)
    }
}

fn consented_at(adoption: &Adoption) -> Option<Timestamp> {
    match adoption.lineage {
        Lineage::Present => None,
        Lineage::New { consented_at, .. } => Some(consented_at),
    }
}

fn replaced_word(replaced: ReplacedTokens) -> &'static str {
    match replaced {
        ReplacedTokens::Revoke => "revoke",
        ReplacedTokens::LetGo => "let_go",
    }
}

fn outcome(word: &str, detail: Option<i64>) -> Result<AdoptOutcome, StoreError> {
    let named = detail.map(|detail| generation(detail, "generation")).transpose()?;
    match (word, named) {
        ("adopted", Some(generation)) => Ok(AdoptOutcome::Adopted(generation)),
        ("already_adopted", Some(generation)) => Ok(AdoptOutcome::AlreadyAdopted(generation)),
        ("moved", Some(generation)) => Ok(AdoptOutcome::Moved(generation)),
        ("superseded", None) => Ok(AdoptOutcome::Superseded),
        ("revoking", None) => Ok(AdoptOutcome::Revoking),
        ("account_changed", None) => Ok(AdoptOutcome::AccountChanged),
        ("duplicate_token", None) => Ok(AdoptOutcome::DuplicateToken),
        ("misfit", None) => Err(MISFIT),
        _ => Err(StoreError::Inconsistent("an adoption has an outcome nobody knows")),
    }
}

const MISFIT: StoreError = StoreError::Inconsistent("an adoption does not fit its attempt");

/// What no caller may ask for.
pub(crate) fn check(adoption: &Adoption) -> Result<(), StoreError> {
    let attempt = &adoption.attempt;
    let fits = match adoption.lineage {
        Lineage::Present => attempt.kind == AttemptKind::Refresh && adoption.base >= attempt.generation,
        Lineage::New { authorization, .. } => authorization_of(attempt) == Some(authorization),
    };
    match fits && adoption.tokens.generation == adoption.base.next() {
        true => Ok(()),
        false => Err(MISFIT),
    }
}
