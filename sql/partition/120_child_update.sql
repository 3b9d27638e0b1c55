-- Refuse to point a row at a parent that isn't there (1452), as the foreign key did.
-- In a session that isn't strict, and with IGNORE, the server makes a 0 of NULL, and only after this: so that is what is looked for.
-- kind: write
-- needs: TRIGGER on the table, and to set a definer
-- locks: the table, for a moment
-- names: definer, trigger, table, column, parent, parent_key, condition
CREATE DEFINER = {definer} TRIGGER {trigger} BEFORE UPDATE ON {table} FOR EACH ROW
BEGIN
  DECLARE found BIGINT;
  IF @@SESSION.foreign_key_checks AND {condition} AND NOT (COALESCE(NEW.{column}, 0) <=> OLD.{column}) THEN
    SELECT COUNT(*) INTO found FROM {parent} WHERE {parent_key} = COALESCE(NEW.{column}, 0) LOCK IN SHARE MODE;
    IF found = 0 AND NEW.{column} IS NULL THEN
      SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 1048, MESSAGE_TEXT = 'Column cannot be null (integrity trigger of rlops)';
    END IF;
    IF found = 0 THEN
      SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 1452,
        MESSAGE_TEXT = 'Cannot add or update a child row: its parent does not exist (integrity trigger of rlops)';
    END IF;
  END IF;
END
