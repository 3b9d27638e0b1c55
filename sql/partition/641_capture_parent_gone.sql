-- Once a parent is gone: delete from the other table the rows whose keys were noted, which the cascade took.
-- kind: write
-- needs: TRIGGER on the parent, and to set a definer
-- locks: the parent, for a moment
-- names: definer, trigger, shadow, parent, key_columns, time_column, gone
CREATE DEFINER = {definer} TRIGGER {trigger} AFTER DELETE ON {parent} FOR EACH ROW
BEGIN
  DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;
  IF @@SESSION.foreign_key_checks THEN
    DELETE rlops_copy
      FROM JSON_TABLE(@{gone}, '$[*]' COLUMNS (id BIGINT PATH '$[0]', at DATETIME(6) PATH '$[1]')) AS rlops_row
      STRAIGHT_JOIN {shadow} AS rlops_copy
        ON rlops_copy.{key_columns} = rlops_row.id AND rlops_copy.{time_column} = rlops_row.at;
    SET @{gone} = NULL;
  END IF;
END
