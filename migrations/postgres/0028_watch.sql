-- What a process that hands out tokens looks at for those who watch: which grants have changed of late, of every tenant.
-- It sees as its owner does, like its kin in 0020_isolation.sql, and says no more than keys and times.
CREATE FUNCTION changed_since(since bigint, most bigint)
RETURNS TABLE (tenant text, provider text, user_id text, account text, changed_at bigint) LANGUAGE plpgsql AS $$
DECLARE
    before text := current_setting('token_broker.tenant', true);
BEGIN
    PERFORM set_config('token_broker.tenant', '*', true);
    RETURN QUERY
    SELECT g.tenant, g.provider, g.user_id, g.account, c.at
    FROM (
        (SELECT a.grant_id, a.closed_at FROM attempts a WHERE a.closed_at >= since ORDER BY a.closed_at DESC LIMIT most)
        UNION
        (SELECT r.id, r.revoked_at FROM grants r WHERE r.revoked_at >= since ORDER BY r.revoked_at DESC LIMIT most)
    ) AS c (grant_id, at)
    JOIN grants g ON g.id = c.grant_id
    ORDER BY c.at DESC LIMIT most;
    PERFORM set_config('token_broker.tenant', before, true);
END $$;

DO $$
DECLARE
    shared CONSTANT regprocedure := 'changed_since(bigint, bigint)'::regprocedure;
BEGIN
    EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = %I, pg_temp', shared, current_schema());
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', shared);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO token_broker_api, token_broker_rotator', shared);
END $$;
