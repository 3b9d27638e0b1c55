-- Read the length of the history list: undo that no purge has removed yet. Needs no privilege on MariaDB.
-- kind: read
-- needs: -
SELECT CAST(VARIABLE_VALUE AS SIGNED) AS length
FROM information_schema.GLOBAL_STATUS
WHERE VARIABLE_NAME = 'Innodb_history_list_length'
