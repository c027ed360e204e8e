-- What a tenant has is counted before it gets more.

-- Grants that were never revoked, or consented to since. No rotation changes the condition.
CREATE INDEX grants_living ON grants (tenant) WHERE revoked_at IS NULL;
CREATE INDEX authorizations_pending ON authorizations (tenant, expires_at) WHERE status = 'pending';
CREATE INDEX access_policies_of_tenant ON access_policies (tenant);
