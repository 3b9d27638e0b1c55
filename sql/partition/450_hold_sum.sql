-- Count and hash the rows of a range of the hold table, to compare them with the part that archived it.
-- kind: read
-- needs: SELECT on the hold table
-- names: hold, digest, hash
-- values: last_timestamp, last_id, until, until_id
SELECT MIN(`id`) AS min_id, MAX(`id`) AS max_id, {hash}
FROM (
    SELECT `id`, {digest} AS `d` FROM {hold} FORCE INDEX (idx_timestamp)
    WHERE `timestamp` >= :last_timestamp AND `timestamp` <= :until
      AND (`timestamp` > :last_timestamp OR `id` > :last_id)
      AND (`timestamp` < :until OR `id` <= :until_id)
    LIMIT 18446744073709551615
) AS held
