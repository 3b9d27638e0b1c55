-- Let the tables change places, all in one atomic statement: no reader or writer ever finds none.
-- kind: write
-- needs: ALTER and DROP on the tables, CREATE and INSERT on their new names
-- locks: the tables and (MySQL) their parents exclusively, for a moment at any size
-- algorithm: instant
-- names: renames
RENAME TABLE {renames}
