-- Find the next interactions of one user or product along (parent, timestamp, id); their ids as one value.
-- kind: read
-- needs: SELECT on user_product_interactions
-- names: column, key
-- values: parent, last_timestamp, last_id, limit
SELECT GROUP_CONCAT(`id` ORDER BY `timestamp`, `id`) AS ids, CAST(MAX(`timestamp`) AS CHAR) AS last_timestamp
FROM (
    SELECT `id`, `timestamp`
    FROM user_product_interactions FORCE INDEX ({key})
    WHERE {column} = :parent
      AND `timestamp` >= :last_timestamp
      AND (`timestamp` > :last_timestamp OR `id` > :last_id)
    ORDER BY `timestamp`, `id`
    LIMIT :limit
) AS next_rows
