-- Read whether the instruments are on that count index reads and statements.
-- kind: read
-- needs: SELECT ON performance_schema.*
SELECT
  (SELECT ENABLED FROM performance_schema.setup_instruments WHERE NAME = 'wait/io/table/sql/handler') AS index_reads,
  (SELECT ENABLED FROM performance_schema.setup_consumers WHERE NAME = 'global_instrumentation') AS everything,
  (SELECT ENABLED FROM performance_schema.setup_consumers WHERE NAME = 'statements_digest') AS statements
