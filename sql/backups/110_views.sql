-- Read the schema's views, to find those that mention the tables.
-- kind: read
-- needs: SHOW VIEW and SELECT on the views, to see what they say
-- values: schema
SELECT TABLE_NAME AS name, VIEW_DEFINITION AS text
FROM information_schema.VIEWS
WHERE TABLE_SCHEMA = :schema
