-- Read the sizes of the tables' files in bytes; a partition is a file of its own, and so is a subpartition.
-- MariaDB writes the names as in the file system (@0020 is a space), with #P# before a partition's.
-- kind: read
-- needs: PROCESS ON *.*
-- names: -
-- values: schema, tables
SELECT
  SUBSTRING_INDEX(LOWER(SUBSTRING(s.NAME, CHAR_LENGTH(f.folder) + 1)), '#p#', 1) AS name,
  SUBSTRING_INDEX(SUBSTRING(LOWER(s.NAME), LOCATE('#p#', LOWER(s.NAME)) + 3), '#sp#', 1) AS part,
  SUM(s.FILE_SIZE) AS file_bytes,
  COUNT(*) AS files
FROM information_schema.INNODB_SYS_TABLESPACES AS s
JOIN (
  SELECT CONCAT(CONVERT(CAST(CONVERT(:schema USING filename) AS BINARY) USING utf8mb4), '/') AS folder
) AS f
WHERE CONVERT(LEFT(s.NAME, CHAR_LENGTH(f.folder)) USING utf8mb4) COLLATE utf8mb4_bin = f.folder
GROUP BY 1, 2
HAVING name IN :tables
