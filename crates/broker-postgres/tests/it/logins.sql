-- Users as an installation has them. They belong to the whole server, and other databases of it have them too.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['token_broker_api', 'token_broker_rotator', 'token_broker_admin'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END LOOP;
    FOREACH wanted IN ARRAY ARRAY['broker_test_owner', 'broker_test_member', 'broker_test_api', 'broker_test_stranger'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I LOGIN PASSWORD ''broker''', wanted);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END LOOP;
    GRANT token_broker_api, token_broker_rotator, token_broker_admin TO broker_test_member;
    GRANT token_broker_api TO broker_test_api;
    EXECUTE format('ALTER DATABASE %I OWNER TO broker_test_owner', current_database());
END $$;
