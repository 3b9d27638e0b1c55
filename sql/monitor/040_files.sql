-- Read the sizes of the tables' files in bytes; a partition is a file of its own, and so is a subpartition.
-- MySQL writes the names plainly, with #p# before a partition's.
-- kind: read
-- needs: PROCESS ON *.*
-- names: -
-- values: schema, tables
SELECT
  SUBSTRING_INDEX(LOWER(SUBSTRING(NAME, CHAR_LENGTH(:schema) + 2)), '#p#', 1) AS name,
  SUBSTRING_INDEX(SUBSTRING(LOWER(NAME), LOCATE('#p#', LOWER(NAME)) + 3), '#sp#', 1) AS part,
  SUM(FILE_SIZE) AS file_bytes,
  COUNT(*) AS files
FROM information_schema.INNODB_TABLESPACES
WHERE CONVERT(LEFT(NAME, CHAR_LENGTH(:schema) + 1) USING utf8mb4) COLLATE utf8mb4_bin = CONCAT(:schema, '/')
GROUP BY 1, 2
HAVING name IN :tables
