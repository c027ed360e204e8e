-- Whose account at the provider a lineage is of, and which refresh token began it (rule 13 of docs/rotation.md).
--
-- Expand: everything here is new. Adopting (0007) calls what stands here.

CREATE INDEX grants_of_account ON grants (tenant, provider, upstream_account) WHERE upstream_account IS NOT NULL;
CREATE INDEX grants_of_token ON grants (tenant, refresh_token_fingerprint) WHERE refresh_token_fingerprint IS NOT NULL;

-- Whether the token began an active grant of the tenant; `other_than` is left out.
CREATE FUNCTION began_grant(of_tenant text, fingerprint bytea, other_than uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN EXISTS (
        SELECT 1 FROM grants g JOIN grant_rotation r ON r.grant_id = g.id
        WHERE g.tenant = of_tenant AND g.refresh_token_fingerprint = fingerprint AND r.lifecycle = 'active'
          AND g.id IS DISTINCT FROM other_than);
END $$;

-- How many grants of other users are of the same account.
CREATE FUNCTION account_sharers(of_tenant text, of_grant uuid) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        SELECT count(*) FROM grants mine
        JOIN grants other ON other.tenant = mine.tenant AND other.provider = mine.provider
                         AND other.upstream_account = mine.upstream_account AND other.user_id <> mine.user_id
        JOIN grant_rotation r ON r.grant_id = other.id
        WHERE mine.id = of_grant AND mine.tenant = of_tenant AND r.lifecycle NOT IN ('revoking', 'revoked'));
END $$;

-- Closes the attempt of a refused answer. `false`: it was closed before, or a fail-over has lost its row.
CREATE FUNCTION close_refused(a answer, why text, action text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE attempts SET closed_at = a.at, conclusion = why WHERE id = a.attempt AND closed_at IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE authorizations SET status = 'failed', failure = why, settled_at = a.at
    WHERE tenant = a.tenant AND id = a.authorization_id AND status = 'exchanging';
    PERFORM audit_grant(a.tenant, a.provider, a.user_id, a.account, action, NULL, 'attempts/' || a.attempt, a.at);
    RETURN true;
END $$;

-- The grant is due at once: whether it lived through the consent is not known.
CREATE FUNCTION settle_changed_account(a answer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT close_refused(a, 'account_changed', 'refuse_account') THEN
        RETURN;
    END IF;
    IF a.replaced = 'revoke' THEN
        PERFORM keep_for_revocation(a);
    END IF;
    UPDATE grant_rotation SET due_at = a.at, updated_at = a.at
    WHERE grant_id = a.grant_id AND lifecycle = 'active' AND phase = 'idle' AND due_at > a.at;
END $$;

-- The outcome an answer is refused with, settled; NULL if it is not. `r` is NULL where the grant has no row.
CREATE FUNCTION refuse_origin(a answer, r grant_rotation) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    pinned bytea;
BEGIN
    IF a.consented_at IS NULL THEN
        RETURN NULL;
    END IF;
    IF r.lifecycle NOT IN ('revoking', 'revoked') THEN
        SELECT g.upstream_account INTO pinned FROM grants g WHERE g.id = a.grant_id;
    END IF;
    IF pinned IS NOT NULL AND pinned IS DISTINCT FROM a.upstream_account AND NOT a.may_change_account THEN
        PERFORM settle_changed_account(a);
        RETURN 'account_changed';
    END IF;
    IF a.token_fingerprint IS NULL OR NOT began_grant(a.tenant, a.token_fingerprint, a.grant_id) THEN
        RETURN NULL;
    END IF;
    PERFORM close_refused(a, 'duplicate_token', 'refuse_token');
    RETURN 'duplicate_token';
END $$;

-- Keeps what is known of a lineage that has begun, and records what its users should know.
CREATE FUNCTION keep_origin(a answer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE grants SET upstream_account = a.upstream_account, refresh_token_fingerprint = a.token_fingerprint
    WHERE id = a.grant_id;
    IF a.refresh_token IS NULL THEN
        PERFORM audit_grant(a.tenant, a.provider, a.user_id, a.account, 'no_offline_access', a.base + 1,
                            'attempts/' || a.attempt, a.at);
    END IF;
    IF account_sharers(a.tenant, a.grant_id) > 0 THEN
        PERFORM audit_grant(a.tenant, a.provider, a.user_id, a.account, 'share_account', a.base + 1,
                            'attempts/' || a.attempt, a.at);
    END IF;
END $$;
