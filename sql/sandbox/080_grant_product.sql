-- Let the application work with product.
-- kind: write
-- needs: GRANT OPTION
-- locks: nothing
-- names: schema
-- values: user, host
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.`product` TO :user@:host
