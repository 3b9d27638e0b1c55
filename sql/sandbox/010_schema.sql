-- Create the synthetic shop's schema.
-- kind: write
-- needs: CREATE on the server
-- locks: nothing
-- names: schema
CREATE DATABASE {schema} CHARACTER SET utf8mb4
