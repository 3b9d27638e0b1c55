-- Let the shadow count on from past the table's own ids, so that no id of a row deleted meanwhile is given again.
-- kind: write
-- needs: ALTER on the shadow
-- locks: the shadow, which nobody uses yet
-- algorithm: inplace
-- names: shadow
-- values: value
ALTER TABLE {shadow} AUTO_INCREMENT = :value
