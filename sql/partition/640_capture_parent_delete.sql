-- Before a parent's deletion: put its rows into the other table, where they stay until the parent is gone, and note their keys.
-- A cascade fires no trigger of the child, and an ignored error (DELETE IGNORE) undoes none: what was deleted here would be lost.
-- Row by row along the primary key, and each row put there first, so that no gap is locked: see the trigger for deletions.
-- Where the keys are more than a packet holds, the rows go from there at once.
-- kind: write
-- needs: TRIGGER on the parent, and to set a definer
-- locks: the parent, for a moment
-- names: definer, trigger, table, shadow, columns, column, parent, parent_key, key_columns, time_column, index, gone, replaced
CREATE DEFINER = {definer} TRIGGER {trigger} BEFORE DELETE ON {parent} FOR EACH ROW
BEGIN
  DECLARE CONTINUE HANDLER FOR 1146, 1452 BEGIN END;
  IF @@SESSION.foreign_key_checks THEN
    INSERT INTO {shadow} ({columns})
    SELECT /*+ INDEX(rlops_child {index}) */ {columns} FROM {table} AS rlops_child WHERE rlops_child.{column} = OLD.{parent_key} FOR UPDATE
        ON DUPLICATE KEY UPDATE {shadow}.{key_columns} = {shadow}.{key_columns};
    SELECT /*+ INDEX(rlops_child {index}) */ JSON_ARRAYAGG(JSON_ARRAY(rlops_child.{key_columns}, rlops_child.{time_column}))
      INTO @{gone} FROM {table} AS rlops_child WHERE rlops_child.{column} = OLD.{parent_key} FOR UPDATE;
    IF @{gone} IS NULL THEN
      DELETE /*+ INDEX(rlops_child {index}) */ rlops_copy FROM {table} AS rlops_child STRAIGHT_JOIN {shadow} AS rlops_copy
          ON rlops_copy.{key_columns} = rlops_child.{key_columns} AND rlops_copy.{time_column} = rlops_child.{time_column}
       WHERE rlops_child.{column} = OLD.{parent_key};
    END IF;
    SET @{replaced} = SUBSTRING_INDEX(CONCAT_WS(',', CAST(OLD.{parent_key} AS BINARY), @{replaced}), ',', 64);
  END IF;
END
