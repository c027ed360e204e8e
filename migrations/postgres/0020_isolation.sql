-- Who may see what: three roles that own nothing, and row-level security on every table with rows of tenants. The
-- broker's database user is a member of the roles and acts as one of them on every connection (docs/postgres.md).
--
-- `token_broker.tenant` names the tenant a transaction is for, or `*` for all. Without it every role but the rotator
-- sees no row.
--
-- Expand: everything here is new; who connects as a superuser notices nothing.

-- Roles belong to the whole server: another database of it may have made them, or be making them now.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['token_broker_api', 'token_broker_rotator', 'token_broker_admin'] LOOP
        CONTINUE WHEN EXISTS (SELECT 1 FROM pg_roles WHERE rolname = wanted);
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'this user may not create the role %', wanted USING
                    ERRCODE = 'TB001',
                    HINT = 'As a superuser: CREATE ROLE token_broker_api NOLOGIN; '
                        || 'CREATE ROLE token_broker_rotator NOLOGIN; CREATE ROLE token_broker_admin NOLOGIN';
        END;
    END LOOP;
END $$;

-- Puts a table under row-level security. The column names the tenant of a row. The owner is held to it too, and says `*`
-- in migrations and in the functions below.
CREATE PROCEDURE isolate_tenants(of_table regclass, tenant_column name) LANGUAGE plpgsql AS $$
DECLARE
    named text := format('%I = current_setting(''token_broker.tenant'', true)', tenant_column);
    named_or_all text := format('current_setting(''token_broker.tenant'', true) IN (%I, ''*'')', tenant_column);
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', of_table);
    EXECUTE format('CREATE POLICY owner ON %s TO CURRENT_USER USING (%s)', of_table, named_or_all);
    EXECUTE format('CREATE POLICY admin ON %s TO token_broker_admin USING (%s)', of_table, named_or_all);
    EXECUTE format('CREATE POLICY rotator ON %s TO token_broker_rotator USING (true)', of_table);
    EXECUTE format('CREATE POLICY api ON %s TO token_broker_api USING (%s)', of_table, named);
END $$;

CALL isolate_tenants('tenants', 'id');
CALL isolate_tenants('data_keys', 'tenant');
CALL isolate_tenants('client_registrations', 'tenant');
CALL isolate_tenants('client_secrets', 'tenant');
CALL isolate_tenants('registration_pauses', 'tenant');
CALL isolate_tenants('authorizations', 'tenant');
CALL isolate_tenants('grants', 'tenant');
CALL isolate_tenants('grant_rotation', 'tenant');
CALL isolate_tenants('grant_secrets', 'tenant');
CALL isolate_tenants('grant_use', 'tenant');
CALL isolate_tenants('attempts', 'tenant');
CALL isolate_tenants('unread_answers', 'tenant');
CALL isolate_tenants('revocations', 'tenant');
CALL isolate_tenants('access_policies', 'tenant');
CALL isolate_tenants('create_requests', 'tenant');
CALL isolate_tenants('refresh_pauses', 'tenant');
CALL isolate_tenants('tenant_deletions', 'tenant');
CALL isolate_tenants('key_rotations', 'tenant');
CALL isolate_tenants('rotation_requests', 'tenant');
CALL isolate_tenants('audit_inbox', 'tenant');
CALL isolate_tenants('audit_records', 'chain');
CALL isolate_tenants('audit_heads', 'chain');
CALL isolate_tenants('audit_checkpoints', 'chain');

-- Keys of the other purpose do not exist for it.
ALTER POLICY api ON data_keys
    USING (tenant = current_setting('token_broker.tenant', true) AND purpose = 'access');

-- Nor does the key that chains records, which has the same purpose. These are keys of no tenant.
ALTER TABLE audit_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON audit_keys TO CURRENT_USER USING (true);
CREATE POLICY rotator ON audit_keys TO token_broker_rotator USING (true);
CREATE POLICY api ON audit_keys TO token_broker_api USING (purpose = 'access');

-- Anyone may add a record, of any tenant or of none (''): vends of many tenants are recorded in one statement. Only
-- rotators read them.
CREATE POLICY append ON audit_inbox FOR INSERT TO token_broker_api, token_broker_rotator, token_broker_admin
    WITH CHECK (true);

-- A view shows what its reader may see, not what its owner may.
ALTER VIEW grant_rows SET (security_invoker = true);
ALTER VIEW registration_rows SET (security_invoker = true);

DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO token_broker_api, token_broker_rotator, token_broker_admin',
                   current_schema());
END $$;

-- What a start looks at.
GRANT SELECT ON installation TO token_broker_api, token_broker_rotator, token_broker_admin;
DO $$
BEGIN
    -- The table of `token-broker migrate`; not there where the files were run by hand.
    IF to_regclass('_sqlx_migrations') IS NOT NULL THEN
        GRANT SELECT ON _sqlx_migrations TO token_broker_api, token_broker_rotator, token_broker_admin;
    END IF;
END $$;

-- Vending: a grant with its access token, and the access keys of its tenant.
GRANT SELECT ON tenants, data_keys, grants, grant_rotation, grant_rows, access_version TO token_broker_api;
GRANT SELECT (grant_id, tenant, refresh_token_generation, access_token) ON grant_secrets TO token_broker_api;

-- It asks for rotations; the answers are not its to write.
GRANT SELECT, INSERT (grant_id, generation, tenant, round, answered, requested_at, wanted_until),
      UPDATE (round, requested_at, taken_at, wanted_until)
    ON rotation_requests TO token_broker_api;

-- A record that is chained is never changed or deleted by the broker.
GRANT INSERT ON audit_inbox TO token_broker_api, token_broker_rotator, token_broker_admin;
GRANT SELECT, INSERT ON audit_keys TO token_broker_api;
GRANT SELECT, INSERT, UPDATE ON audit_keys, audit_heads TO token_broker_rotator;
GRANT SELECT, INSERT ON audit_records, audit_checkpoints TO token_broker_rotator;

-- Rotation, consent, revocation, the fleet and keys.
GRANT SELECT, INSERT, UPDATE, DELETE
    ON grants, grant_rotation, grant_secrets, grant_use, attempts, unread_answers, revocations, authorizations,
       registration_pauses, data_keys, key_rotations, key_encryption_keys, replicas, provider_breakers,
       provider_successes, rotation_requests, create_requests
    TO token_broker_rotator;
GRANT SELECT ON tenants, client_registrations, grant_rows, registration_rows, access_version TO token_broker_rotator;
-- To lock a row takes this.
GRANT UPDATE (updated_at) ON tenants, client_registrations TO token_broker_rotator;
GRANT SELECT, UPDATE, DELETE ON client_secrets TO token_broker_rotator;
GRANT SELECT, UPDATE ON tenant_deletions TO token_broker_rotator;
GRANT SELECT, DELETE ON audit_inbox, refresh_pauses TO token_broker_rotator;
GRANT UPDATE ON installation TO token_broker_rotator;

-- What operators do. New data keys and secrets pass through its hands, and tokens never.
GRANT SELECT, INSERT, UPDATE ON tenants, client_registrations, create_requests TO token_broker_admin;
GRANT INSERT ON data_keys TO token_broker_admin;
GRANT SELECT, INSERT, DELETE ON client_secrets, access_policies TO token_broker_admin;
GRANT SELECT, UPDATE, DELETE ON registration_pauses TO token_broker_admin;
GRANT SELECT, INSERT, UPDATE, DELETE ON refresh_pauses TO token_broker_admin;
GRANT SELECT, INSERT ON tenant_deletions TO token_broker_admin;
GRANT SELECT (id, tenant, status), UPDATE (status, failure, settled_at) ON authorizations TO token_broker_admin;
GRANT SELECT (grant_id, tenant, refresh_token_generation) ON grant_secrets TO token_broker_admin;
GRANT SELECT ON grants, grant_rotation, attempts, replicas, provider_successes, grant_rows, registration_rows
    TO token_broker_admin;
GRANT SELECT, UPDATE ON access_version TO token_broker_admin;

-- The one read of a vend. The setting ends with the transaction, which is this call.
CREATE FUNCTION vendable_grant(of_tenant text, of_provider text, of_user text, of_account text)
RETURNS TABLE (held grant_rows, access_token bytea) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('token_broker.tenant', of_tenant, true);
    RETURN QUERY
    SELECT g, s.access_token FROM grant_rows g JOIN grant_secrets s ON s.grant_id = g.id
    WHERE g.tenant = of_tenant AND g.provider = of_provider AND g.user_id = of_user AND g.account = of_account;
END $$;

-- What an api process has to know of all tenants at once, and nothing besides. These functions see as their owner does,
-- under `*`; whoever changes one decides what an api process can learn of every tenant. Each puts the setting back.

CREATE FUNCTION revoked_since(since bigint, most bigint)
RETURNS TABLE (tenant text, provider text, user_id text, account text) LANGUAGE plpgsql AS $$
DECLARE
    before text := current_setting('token_broker.tenant', true);
BEGIN
    PERFORM set_config('token_broker.tenant', '*', true);
    RETURN QUERY SELECT g.tenant, g.provider, g.user_id, g.account FROM grants g WHERE g.revoked_at >= since LIMIT most;
    PERFORM set_config('token_broker.tenant', before, true);
END $$;

CREATE FUNCTION destroyed_since(since bigint) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    before text := current_setting('token_broker.tenant', true);
BEGIN
    PERFORM set_config('token_broker.tenant', '*', true);
    RETURN QUERY SELECT d.tenant FROM tenant_deletions d WHERE d.destroyed_at >= since;
    PERFORM set_config('token_broker.tenant', before, true);
END $$;

CREATE FUNCTION changed_data_keys(since bigint) RETURNS TABLE (tenant text, id uuid, purpose text, retired boolean)
LANGUAGE plpgsql AS $$
DECLARE
    before text := current_setting('token_broker.tenant', true);
BEGIN
    PERFORM set_config('token_broker.tenant', '*', true);
    RETURN QUERY
    SELECT k.tenant, k.id, k.purpose, k.retired_at IS NOT NULL FROM data_keys k WHERE k.created_at >= since
    UNION SELECT k.tenant, k.id, k.purpose, true FROM data_keys k WHERE k.retired_at >= since;
    PERFORM set_config('token_broker.tenant', before, true);
END $$;

-- Names of key encryption keys, by what they wrap.
CREATE FUNCTION wrapping_keys() RETURNS TABLE (purpose text, wrapping_key text) LANGUAGE plpgsql AS $$
DECLARE
    before text := current_setting('token_broker.tenant', true);
BEGIN
    PERFORM set_config('token_broker.tenant', '*', true);
    RETURN QUERY SELECT DISTINCT k.purpose, k.wrapping_key FROM data_keys k WHERE k.envelope IS NOT NULL AND k.wrapping_key IS NOT NULL;
    PERFORM set_config('token_broker.tenant', before, true);
END $$;

-- What a start opens to see that its keys fit.
CREATE FUNCTION oldest_access_keys(most bigint) RETURNS TABLE (tenant text, id uuid, envelope bytea)
LANGUAGE plpgsql AS $$
DECLARE
    before text := current_setting('token_broker.tenant', true);
BEGIN
    PERFORM set_config('token_broker.tenant', '*', true);
    RETURN QUERY
    SELECT DISTINCT ON (k.tenant) k.tenant, k.id, k.envelope FROM data_keys k
    WHERE k.envelope IS NOT NULL AND k.purpose = 'access' ORDER BY k.tenant, k.number LIMIT most;
    PERFORM set_config('token_broker.tenant', before, true);
END $$;

-- Policies of every tenant: each replica decides from memory.
CREATE FUNCTION policies_after(after uuid, most bigint) RETURNS TABLE (
    id uuid, principal text, actions text, tenant text, provider text, max_scopes text,
    requests_per_second double precision, description text, created_at bigint
) LANGUAGE plpgsql AS $$
DECLARE
    before text := current_setting('token_broker.tenant', true);
BEGIN
    PERFORM set_config('token_broker.tenant', '*', true);
    RETURN QUERY
    SELECT p.id, p.principal, p.actions, p.tenant, p.provider, p.max_scopes, p.requests_per_second, p.description,
           p.created_at
    FROM access_policies p WHERE after IS NULL OR p.id > after ORDER BY p.id LIMIT most;
    PERFORM set_config('token_broker.tenant', before, true);
END $$;

-- Rows are written in the order of their ids: two replicas that note the same grants wait for each other, and no more.
CREATE FUNCTION note_asked(of_tenants text[], of_grants uuid[], times bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    before text := current_setting('token_broker.tenant', true);
BEGIN
    PERFORM set_config('token_broker.tenant', '*', true);
    INSERT INTO grant_use AS u (grant_id, tenant, asked_at)
    SELECT g.id, g.tenant, max(q.asked_at) FROM unnest(of_tenants, of_grants, times) AS q (tenant, id, asked_at)
    JOIN grants g ON g.id = q.id AND g.tenant = q.tenant
    GROUP BY g.id ORDER BY g.id
    ON CONFLICT (grant_id) DO UPDATE SET asked_at = excluded.asked_at WHERE u.asked_at < excluded.asked_at;
    PERFORM set_config('token_broker.tenant', before, true);
END $$;

DO $$
DECLARE
    shared regprocedure;
BEGIN
    FOREACH shared IN ARRAY ARRAY[
        'revoked_since(bigint, bigint)', 'destroyed_since(bigint)', 'changed_data_keys(bigint)', 'wrapping_keys()',
        'oldest_access_keys(bigint)', 'policies_after(uuid, bigint)', 'note_asked(text[], uuid[], bigint[])'
    ]::regprocedure[] LOOP
        -- Names mean what they mean here, whatever the caller's path says.
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = %I, pg_temp', shared, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', shared);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO token_broker_api, token_broker_rotator', shared);
    END LOOP;
END $$;
