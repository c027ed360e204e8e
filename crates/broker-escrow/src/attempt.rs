//! An attempt in the clear: the part of a record from its kind to its registration.

use broker_core::{
    AccountLabel, Attempt, AttemptId, AttemptKind, AttemptPhase, AuthorizationId, Generation, GrantKey,
    IncarnationId, LineageId, ProviderName, RegistrationId, TenantId, Timestamp, UserId,
};

use crate::reader::Reader;

/// `None` if a text is too long.
pub(crate) fn put(out: &mut Vec<u8>, attempt: &Attempt) -> Option<()> {
    let (kind, authorization) = match attempt.kind {
        AttemptKind::Refresh => (0, [0; 16]),
        AttemptKind::CodeExchange(id) => (1, *id.as_bytes()),
    };
    out.push(kind);
    out.extend(authorization);
    out.extend(attempt.id.as_bytes());
    out.extend(attempt.lineage.as_bytes());
    out.extend(attempt.generation.get().to_be_bytes());
    out.extend(attempt.presentation_no.to_be_bytes());
    out.extend(attempt.owner.as_bytes());
    put_progress(out, attempt);
    put_texts(out, attempt)
}

fn put_progress(out: &mut Vec<u8>, attempt: &Attempt) {
    out.push(match attempt.phase {
        AttemptPhase::Claimed => 0,
        AttemptPhase::Sent => 1,
        AttemptPhase::Closed => 2,
    });
    out.extend(attempt.claimed_at.as_unix_micros().to_be_bytes());
    out.push(attempt.sent_at.is_some().into());
    out.extend(attempt.sent_at.map_or(0, Timestamp::as_unix_micros).to_be_bytes());
}

fn put_texts(out: &mut Vec<u8>, attempt: &Attempt) -> Option<()> {
    let GrantKey { tenant, provider, user, account } = &attempt.key;
    let key = [tenant.as_str(), provider.as_str(), user.as_str(), account.as_str()];
    for text in key.into_iter().chain([attempt.registration.as_str()]) {
        out.extend(u16::try_from(text.len()).ok()?.to_be_bytes());
        out.extend(text.as_bytes());
    }
    Some(())
}

/// `None` if none is there.
pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Attempt> {
    let [kind] = reader.bytes()?;
    // The fields are read in the order in which they are named.
    Some(Attempt {
        kind: kind_of(kind, AuthorizationId::from_bytes(reader.bytes()?))?,
        id: AttemptId::from_bytes(reader.bytes()?),
        lineage: LineageId::from_bytes(reader.bytes()?),
        generation: Generation::new(u64::from_be_bytes(reader.bytes()?)),
        presentation_no: u32::from_be_bytes(reader.bytes()?),
        owner: IncarnationId::from_bytes(reader.bytes()?),
        phase: phase_of(reader.bytes()?)?,
        claimed_at: reader.time()?,
        sent_at: sent_at(reader)?,
        key: key(reader)?,
        registration: RegistrationId::new(reader.text()?).ok()?,
    })
}

fn kind_of(kind: u8, authorization: AuthorizationId) -> Option<AttemptKind> {
    match kind {
        0 => Some(AttemptKind::Refresh),
        1 => Some(AttemptKind::CodeExchange(authorization)),
        _ => None,
    }
}

fn phase_of([phase]: [u8; 1]) -> Option<AttemptPhase> {
    match phase {
        0 => Some(AttemptPhase::Claimed),
        1 => Some(AttemptPhase::Sent),
        2 => Some(AttemptPhase::Closed),
        _ => None,
    }
}

fn sent_at(reader: &mut Reader<'_>) -> Option<Option<Timestamp>> {
    let [sent] = reader.bytes()?;
    reader.time().map(|at| Some(at).filter(|_| sent == 1))
}

fn key(reader: &mut Reader<'_>) -> Option<GrantKey> {
    Some(GrantKey {
        tenant: TenantId::new(reader.text()?).ok()?,
        provider: ProviderName::new(reader.text()?).ok()?,
        user: UserId::new(reader.text()?).ok()?,
        account: AccountLabel::new(reader.text()?).ok()?,
    })
}
