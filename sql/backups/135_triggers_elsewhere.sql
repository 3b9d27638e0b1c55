-- Read the triggers of other schemas on this server, to find those that name the tables.
-- kind: read
-- needs: TRIGGER on their tables
-- values: schema
SELECT TRIGGER_NAME AS name, EVENT_OBJECT_SCHEMA AS table_schema, EVENT_OBJECT_TABLE AS table_name,
  ACTION_STATEMENT AS text
FROM information_schema.TRIGGERS
WHERE EVENT_OBJECT_SCHEMA <> :schema
ORDER BY EVENT_OBJECT_SCHEMA, TRIGGER_NAME
