-- Read how many bytes each index takes, as the statistics that InnoDB keeps have it; partitions together.
-- kind: read
-- needs: SELECT ON mysql.innodb_index_stats
-- names: -
-- values: schema, tables
SELECT
  SUBSTRING_INDEX(LOWER(table_name), '#p#', 1) AS name,
  index_name,
  SUM(stat_value) * @@GLOBAL.innodb_page_size AS bytes
FROM mysql.innodb_index_stats
WHERE database_name = :schema AND stat_name = 'size'
GROUP BY 1, index_name
HAVING name IN :tables
