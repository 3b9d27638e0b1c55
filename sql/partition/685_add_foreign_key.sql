-- Give the shadow a foreign key without reading its rows: the compared copy has no row without a parent, and stays so.
-- With foreign_key_checks = 0 the dictionary alone changes; with 1 it would copy the table.
-- kind: write
-- needs: ALTER on the shadow, REFERENCES on the parent
-- locks: the shadow, the table whose triggers write there, and (MySQL) the parent, for a moment
-- algorithm: inplace
-- names: shadow, changes
ALTER TABLE {shadow} ADD {changes}, ALGORITHM = INPLACE
