-- Read how many undo logs purge has not removed yet.
-- kind: read
-- needs: -
SHOW GLOBAL STATUS LIKE 'Innodb_history_list_length'
