-- How many grants of other users are of the same account, counted up to a bound: an account that thousands share cost each
-- look at one of their grants thousands of rows.
--
-- Expand: `account_sharers` (0023) stays, for the version before and for adopting.

CREATE FUNCTION account_sharers_up_to(most bigint, of_tenant text, of_grant uuid) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        SELECT count(*) FROM (
            SELECT 1 FROM grants mine
            JOIN grants other ON other.tenant = mine.tenant AND other.provider = mine.provider
                             AND other.upstream_account = mine.upstream_account AND other.user_id <> mine.user_id
            JOIN grant_rotation r ON r.grant_id = other.id
            WHERE mine.id = of_grant AND mine.tenant = of_tenant AND r.lifecycle NOT IN ('revoking', 'revoked')
            LIMIT most) few);
END $$;
