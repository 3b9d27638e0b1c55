-- Drop one of rlops' triggers.
-- kind: write
-- needs: TRIGGER on its table
-- locks: its table, for a moment
-- names: trigger
DROP TRIGGER IF EXISTS {trigger}
