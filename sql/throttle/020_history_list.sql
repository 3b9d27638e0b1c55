-- Read how many undo logs purge has not removed yet.
-- kind: read
-- needs: PROCESS ON *.*
SELECT `COUNT` AS Value FROM information_schema.INNODB_METRICS WHERE NAME = 'trx_rseg_history_len'
