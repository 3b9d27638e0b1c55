-- Let the application work with users.
-- kind: write
-- needs: GRANT OPTION
-- names: schema
-- values: user, host
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.`users` TO :user@:host
