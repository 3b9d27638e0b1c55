-- Find the next expired rows along (timestamp, id); their ids as one value.
-- kind: read
-- needs: SELECT on user_product_interactions
-- values: cutoff, last_timestamp, last_id, limit
SELECT GROUP_CONCAT(`id` ORDER BY `timestamp`, `id`) AS ids, CAST(MAX(`timestamp`) AS CHAR) AS last_timestamp
FROM (
    SELECT `id`, `timestamp`
    FROM user_product_interactions FORCE INDEX (idx_timestamp)
    WHERE `timestamp` < :cutoff
      AND `timestamp` >= :last_timestamp
      AND (`timestamp` > :last_timestamp OR `id` > :last_id)
    ORDER BY `timestamp`, `id`
    LIMIT :limit
) AS next_rows
