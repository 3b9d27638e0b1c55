-- Read the schema's triggers: those of the tables travel with a rename, those of others may name the tables.
-- kind: read
-- needs: TRIGGER on the tables
-- values: schema
SELECT TRIGGER_NAME AS name, EVENT_OBJECT_TABLE AS table_name, ACTION_TIMING AS timing, EVENT_MANIPULATION AS event,
  DEFINER AS definer, ACTION_STATEMENT AS text
FROM information_schema.TRIGGERS
WHERE EVENT_OBJECT_SCHEMA = :schema
ORDER BY TRIGGER_NAME
