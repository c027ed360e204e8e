//! SENT: durable before the first byte of a request is written.

use broker_core::GrantId;
use broker_core::ports::{SentMark, SentOutcome, StoreError};
use sqlx::PgPool;
use uuid::Uuid;

use super::attempts::kind_word;
use crate::batch::{Answers, Batch};
use crate::columns::{kept, uuid};

/// SENT marks that come at the same time.
pub(crate) struct SentMarks {
    pub(crate) pool: PgPool,
}

impl Batch for SentMarks {
    type Ask = SentMark;
    type Answer = SentOutcome;
    const NAME: &'static str = "mark_sent";

    fn grant(mark: &SentMark) -> GrantId {
        mark.attempt.grant_id()
    }

    async fn run(&self, marks: &[SentMark]) -> Result<Answers<Self>, sqlx::Error> {
        let ids: Vec<Uuid> = marks.iter().map(|m| uuid(m.attempt.grant_id().as_bytes())).collect();
        let tenants: Vec<String> = marks.iter().map(|m| m.attempt.key.tenant.to_string()).collect();
        let attempts: Vec<Uuid> = marks.iter().map(|m| uuid(m.attempt.id.as_bytes())).collect();
        let kinds: Vec<String> = marks.iter().map(|m| kind_word(m.attempt.kind).to_owned()).collect();
        let lineages: Vec<Uuid> = marks.iter().map(|m| uuid(m.attempt.lineage.as_bytes())).collect();
        let generations: Vec<i64> = marks.iter().map(|m| kept(m.attempt.generation)).collect();
        let ats: Vec<i64> = marks.iter().map(|m| m.at.as_unix_micros()).collect();
        let graces: Vec<Option<i64>> = marks.iter().map(grace).collect();
        let outcomes = sqlx::query_scalar!(
            r#"SELECT s.outcome AS "outcome!"
               FROM mark_all_sent(ARRAY(
                   SELECT ROW(q.n, q.grant_id, q.tenant, q.attempt, q.kind, q.lineage, q.generation, q.at,
                              q.replay_within)::sent_mark
                   FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::uuid[], $6::bigint[], $7::bigint[],
                               $8::bigint[])
                        WITH ORDINALITY AS q (grant_id, tenant, attempt, kind, lineage, generation, at, replay_within, n)
               )) s ORDER BY s.n"#,
            &ids,
            &tenants,
            &attempts,
            &kinds,
            &lineages,
            &generations,
            &ats,
            &graces as &[Option<i64>],
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(outcomes.iter().map(|word| outcome(word)).collect())
    }
}

fn outcome(word: &str) -> Result<SentOutcome, StoreError> {
    match word {
        "marked" => Ok(SentOutcome::Marked),
        "overtaken" => Ok(SentOutcome::Overtaken),
        "grace_over" => Ok(SentOutcome::GraceOver),
        _ => Err(StoreError::Inconsistent("a SENT mark has an outcome nobody knows")),
    }
}

/// Microseconds; a grace that does not fit is as good as none.
fn grace(mark: &SentMark) -> Option<i64> {
    mark.replay_within.map(|span| i64::try_from(span.as_micros()).unwrap_or(i64::MAX))
}
