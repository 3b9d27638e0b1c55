-- Read a page of one user's or product's rows as one value, and hash it: a line of CSV for each row.
-- kind: read
-- needs: SELECT on user_product_interactions
-- names: line, column, key
-- values: parent, last_timestamp, last_id, until, until_id
SELECT row_count, CAST(page AS BINARY) AS page, SHA2(page, 256) AS sha256
FROM (
    SELECT COUNT(*) AS row_count, GROUP_CONCAT({line} ORDER BY `timestamp`, `id` SEPARATOR '\n') AS page
    FROM user_product_interactions FORCE INDEX ({key})
    WHERE {column} = :parent
      AND `timestamp` >= :last_timestamp AND `timestamp` <= :until
      AND (`timestamp` > :last_timestamp OR `id` > :last_id)
      AND (`timestamp` < :until OR `id` <= :until_id)
) AS packed
