-- Refuse a new row whose parent isn't there (1452), as the foreign key did; the parent's row stays locked until the commit.
-- kind: write
-- needs: TRIGGER on the table, and to set a definer
-- locks: the table, for a moment
-- names: definer, trigger, table, column, parent, parent_key
CREATE DEFINER = {definer} TRIGGER {trigger} BEFORE INSERT ON {table} FOR EACH ROW
BEGIN
  DECLARE found BIGINT;
  IF @@SESSION.foreign_key_checks AND NEW.{column} IS NOT NULL THEN
    SELECT COUNT(*) INTO found FROM {parent} WHERE {parent_key} = NEW.{column} LOCK IN SHARE MODE;
    IF found = 0 THEN
      SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 1452,
        MESSAGE_TEXT = 'Cannot add or update a child row: its parent does not exist (integrity trigger of rlops)';
    END IF;
  END IF;
END
