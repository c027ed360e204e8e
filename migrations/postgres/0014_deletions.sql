-- Deleting tenants: what stands here of a tenant is that it is being deleted, or was. Its row in `tenants` stays, so that
-- its id is never given again.
--
-- Expand: everything here is new.

CREATE TABLE tenant_deletions (
    tenant       text COLLATE "C" PRIMARY KEY REFERENCES tenants (id),
    began_at     bigint NOT NULL,
    -- When its data keys were destroyed.
    destroyed_at bigint
);

CREATE INDEX tenant_deletions_destroyed ON tenant_deletions (destroyed_at) WHERE destroyed_at IS NOT NULL;

-- Whether it begins now; NULL: there is no such tenant. Links that users hold are worth nothing from here on.
CREATE FUNCTION begin_deletion(of_tenant text, begin_at bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    begins boolean;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM tenants t WHERE t.id = of_tenant) THEN
        RETURN NULL;
    END IF;
    INSERT INTO tenant_deletions (tenant, began_at) VALUES (of_tenant, begin_at) ON CONFLICT (tenant) DO NOTHING;
    begins := FOUND;
    UPDATE authorizations SET status = 'failed', failure = 'revoked', settled_at = begin_at
    WHERE tenant = of_tenant AND status = 'pending';
    RETURN begins;
END $$;

-- Whether an answer to some attempt of the tenant may still come to light: it is open; or it was closed without one, not
-- before `settled_since`, and is still read, or its owner is neither alive nor drained.
CREATE FUNCTION may_be_answered(of_tenant text, settled_since bigint, alive_since bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    -- The second condition is for the index of what is open.
    RETURN EXISTS (SELECT 1 FROM attempts a
                   WHERE a.tenant = of_tenant AND a.closed_at IS NULL AND a.owner IS NOT NULL)
        OR EXISTS (SELECT 1 FROM attempts a LEFT JOIN replicas r ON r.incarnation = a.owner
                   WHERE a.tenant = of_tenant AND a.closed_at >= settled_since AND a.sent_at >= settled_since
                     AND a.adopted_generation IS NULL
                     AND (a.conclusion = 'reading_late'
                          OR (r.drained_at IS NULL AND coalesce(r.heartbeat_at, 0) < alive_since)));
END $$;

-- Destroys the tenant's data keys and erases what was sealed under them, if every grant is revoked upstream and no answer
-- can come any more. `true`: they are destroyed, now or before.
CREATE FUNCTION destroy_keys(of_tenant text, destroy_at bigint, settled_since bigint, alive_since bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    d tenant_deletions;
BEGIN
    -- Whoever makes a data key locks it too.
    PERFORM 1 FROM tenants t WHERE t.id = of_tenant FOR NO KEY UPDATE;
    SELECT * INTO d FROM tenant_deletions WHERE tenant = of_tenant FOR UPDATE;
    IF NOT FOUND OR d.destroyed_at IS NOT NULL THEN
        RETURN FOUND;
    END IF;
    IF EXISTS (SELECT 1 FROM grant_rotation r WHERE r.tenant = of_tenant AND r.lifecycle <> 'revoked')
       OR EXISTS (SELECT 1 FROM revocations v JOIN grants g ON g.id = v.grant_id
                  WHERE g.tenant = of_tenant AND v.ended_at IS NULL)
       OR may_be_answered(of_tenant, settled_since, alive_since) THEN
        RETURN false;
    END IF;
    DELETE FROM data_keys WHERE tenant = of_tenant;
    DELETE FROM client_secrets WHERE tenant = of_tenant;
    UPDATE authorizations SET verifier = '' WHERE tenant = of_tenant;
    DELETE FROM device_authorizations WHERE tenant = of_tenant;
    DELETE FROM unread_answers WHERE tenant = of_tenant;
    UPDATE tenant_deletions SET destroyed_at = destroy_at WHERE tenant = of_tenant;
    PERFORM audit_resource(of_tenant, NULL, 'destroy_keys', '', destroy_at);
    RETURN true;
END $$;
