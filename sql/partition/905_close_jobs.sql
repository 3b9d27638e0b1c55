-- Close the jobs of a change of form that is given up, so that the next one doesn't go on where it stopped.
-- kind: write
-- needs: UPDATE on rlops_job
-- locks: nothing of the shop's
-- values: names
UPDATE rlops_job
   SET state = 'aborted', request = 'abort', requested_by = 'rlops jobs abort', waiting = NULL, finished_at = UTC_TIMESTAMP(6)
 WHERE kind IN :names AND state IN ('running', 'paused', 'interrupted')
