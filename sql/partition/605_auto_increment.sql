-- Let the shadow count on from where the table's own ids are.
-- kind: write
-- needs: ALTER on the shadow
-- locks: the shadow, for a moment
-- algorithm: inplace
-- names: shadow
-- values: value
ALTER TABLE {shadow} AUTO_INCREMENT = :value
