-- Read the schema's events, to find those that mention the tables.
-- kind: read
-- needs: EVENT on the schema
-- values: schema
SELECT EVENT_NAME AS name, EVENT_DEFINITION AS text
FROM information_schema.EVENTS
WHERE EVENT_SCHEMA = :schema
