-- Rows of two tenants in every table that has rows of tenants.
DO $$
DECLARE
    t text;
    g uuid;
    a uuid;
BEGIN
    FOREACH t IN ARRAY ARRAY['acme', 'globex'] LOOP
        g := md5(t || 'grant')::uuid;
        a := md5(t || 'attempt')::uuid;
        INSERT INTO tenants VALUES (t, t, 1, 1, 1);
        INSERT INTO data_keys (tenant, number, id, purpose, envelope, wrapping_key, created_at)
        VALUES (t, 1, md5(t || 'access')::uuid, 'access', '\x01', 'kek', 1),
               (t, 2, md5(t || 'rotation')::uuid, 'rotation', '\x02', 'kek', 1);
        INSERT INTO client_registrations
            (tenant, provider, id, client_id, secrets_made, redirect_uri, scopes, return_to, created_at, updated_at, version)
        VALUES (t, 'evercam', 'main', 'client', 1, '', '', '{}', 1, 1, 1);
        INSERT INTO client_secrets (tenant, provider, registration, number, position, client_secret, created_at)
        VALUES (t, 'evercam', 'main', 1, 1, '\x03', 1);
        INSERT INTO registration_pauses VALUES (t, 'evercam', 'main', 1, 1, 1, false, NULL);
        INSERT INTO authorizations
            (id, tenant, provider, user_id, account, grant_id, registration, lineage, redirect_uri, scopes, state_digest,
             verifier, status, created_at, expires_at, hosted, code, completion_digest)
        VALUES (a, t, 'evercam', 'ada', 'default', g, 'main', a, '', '', sha256(t::bytea), '\x04', 'pending', 1, 1, true,
                '\x09', sha256(t::bytea));
        INSERT INTO device_authorizations (authorization_id, tenant, device_code, poll_interval, next_poll_at)
        VALUES (a, t, '\x09', 5000, 1);
        INSERT INTO grants
            (id, tenant, provider, user_id, account, registration, token_type, scopes, issued_at, expires_at, consented_at,
             created_at, revoked_at)
        VALUES (g, t, 'evercam', 'ada', 'default', 'main', 'Bearer', '', 1, 1, 1, 1, 5);
        INSERT INTO grant_rotation
            (grant_id, tenant, provider, lineage, generation, lifecycle, phase, tainted, adopted_from_generation,
             adopted_from_presentation_no, updated_at)
        VALUES (g, t, 'evercam', a, 1, 'active', 'idle', false, 0, 1, 1);
        INSERT INTO grant_secrets VALUES (g, t, 1, '\x05', '\x06');
        INSERT INTO grant_use VALUES (g, t, 1);
        INSERT INTO attempts
            (id, tenant, provider, user_id, account, grant_id, kind, registration, lineage, generation, presentation_no, owner,
             claimed_at)
        VALUES (a, t, 'evercam', 'ada', 'default', g, 'refresh', 'main', a, 1, 1, a, 1);
        INSERT INTO unread_answers VALUES (a, t, 200, 1, '\x07');
        INSERT INTO revocations (grant_id, tenant, registration, lineage, generation, access_token, created_at, due_at)
        VALUES (g, t, 'main', a, 1, '\x08', 1, 1);
        INSERT INTO access_policies VALUES (g, sha256(t::bytea), 'p', 'vend', t, '*', '', NULL, '', 1);
        INSERT INTO create_requests VALUES (t, g, sha256(t::bytea), 'r', 1);
        INSERT INTO refresh_pauses VALUES (t, NULL, 1, 'p', '', 1);
        INSERT INTO tenant_deletions VALUES (t, 1, 5);
        INSERT INTO key_rotations (id, kind, tenant, state, walk, done, remaining, failed, created_at)
        VALUES (g, 'dek', t, 'running', 'first', 0, 0, 0, 1);
        INSERT INTO machine_credentials (grant_id, tenant, provider, user_id, account, api_key_id, api_key_secret, created_at,
                                         updated_at, version)
        VALUES (md5(t || 'machine')::uuid, t, 'evercam', 'camera', 'default', '\x09', '\x0a', 1, 1, 1);
        INSERT INTO webhooks (id, tenant, url, types, description, state, secret_number, secret, delivered, next_at,
                              created_at, updated_at, version)
        VALUES (md5(t || 'webhook')::uuid, t, 'https://hooks.example/', '', '', 'enabled', 1, '\x0b', 0, 1, 1, 1, 1);
        INSERT INTO rotation_requests (grant_id, generation, tenant, round, answered, requested_at, wanted_until)
        VALUES (g, 1, t, 1, 0, 1, 1);
        INSERT INTO audit_inbox (tenant, at, action, resource, outcome, reason, purpose)
        VALUES (t, 1, 'rotate', '', 'succeeded', '', '');
        INSERT INTO audit_records (chain, sequence, tenant, at, action, resource, outcome, reason, purpose, previous_hash, hash)
        VALUES (t, 1, t, 1, 'rotate', '', 'succeeded', '', '', sha256('x'), sha256(t::bytea));
        INSERT INTO audit_heads VALUES (t, 1, sha256(t::bytea), sha256('x'));
        INSERT INTO audit_checkpoints VALUES (t, 1, sha256(t::bytea), sha256('x'));
        -- The trigger has put one event of each grant into the inbox.
        INSERT INTO events (sequence, type, at, tenant, provider, user_id, account, grant_id, generation, registration)
        VALUES ((SELECT count(*) + 1 FROM events), 'grant.created', 1, t, 'evercam', 'ada', 'default', g, 1, 'main');
    END LOOP;
END $$;
