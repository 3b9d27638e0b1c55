-- Refuse to change the key of a parent that has rows (1451), as ON UPDATE NO ACTION did.
-- The index is named so that a table whose statistics are still those of an empty one isn't read, and locked, whole.
-- kind: write
-- needs: TRIGGER on the parent, and to set a definer
-- locks: the parent, for a moment
-- names: definer, trigger, table, column, parent, parent_key, index
CREATE DEFINER = {definer} TRIGGER {trigger} BEFORE UPDATE ON {parent} FOR EACH ROW
BEGIN
  DECLARE found BIGINT DEFAULT 0;
  DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;
  DECLARE CONTINUE HANDLER FOR 1176
    SELECT COUNT(*) INTO found FROM {table} WHERE {column} = OLD.{parent_key} LOCK IN SHARE MODE;
  IF @@SESSION.foreign_key_checks AND NOT (NEW.{parent_key} <=> OLD.{parent_key}) THEN
    SELECT COUNT(*) INTO found FROM {table} FORCE INDEX ({index}) WHERE {column} = OLD.{parent_key} LOCK IN SHARE MODE;
    IF found > 0 THEN
      SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 1451,
        MESSAGE_TEXT = 'Cannot delete or update a parent row: it has interactions (integrity trigger of rlops)';
    END IF;
  END IF;
END
