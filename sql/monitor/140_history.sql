-- Read the length of the history list: undo that no purge has removed yet.
-- kind: read
-- needs: PROCESS ON *.*
SELECT COUNT AS length FROM information_schema.INNODB_METRICS WHERE NAME = 'trx_rseg_history_len'
