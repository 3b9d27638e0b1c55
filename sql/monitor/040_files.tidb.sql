-- Read the sizes of the tables in TiKV's regions, as PD knows them: one copy, in whole megabytes, written as bytes.
-- kind: read
-- needs: PROCESS ON *.*
-- names: -
-- values: schema, tables
SELECT TABLE_NAME AS name, NULL AS part, SUM(TABLE_SIZE) * 1048576 AS file_bytes, SUM(REGION_COUNT) AS files
FROM information_schema.TABLE_STORAGE_STATS
WHERE TABLE_SCHEMA = :schema AND TABLE_NAME IN :tables
GROUP BY TABLE_NAME
