-- Deleting tenants: what stands here of a tenant is that it is being deleted, or was. Its row in `tenants` stays, so that
-- its id is never given again.

CREATE TABLE tenant_deletions (
    tenant       TEXT    NOT NULL PRIMARY KEY REFERENCES tenants (id),
    began_at     INTEGER NOT NULL,
    -- When its data keys were destroyed.
    destroyed_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX tenant_deletions_destroyed ON tenant_deletions (destroyed_at) WHERE destroyed_at IS NOT NULL;
