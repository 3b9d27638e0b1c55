-- Let the application work with users.
-- kind: write
-- needs: GRANT OPTION
-- locks: nothing
-- names: schema
-- values: user, host
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.`users` TO :user@:host
