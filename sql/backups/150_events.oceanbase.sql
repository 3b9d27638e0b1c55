-- OceanBase has no table of events.
-- kind: read
-- values: schema
SELECT NULL AS name, NULL AS text FROM DUAL WHERE :schema IS NULL
