-- Read of each member of the group whether it takes part, and how many transactions it has received and not applied yet.
-- kind: read
-- needs: SELECT ON performance_schema.*
SELECT CONCAT(m.MEMBER_HOST, ':', m.MEMBER_PORT) AS place, m.MEMBER_STATE AS state,
       s.COUNT_TRANSACTIONS_REMOTE_IN_APPLIER_QUEUE AS queue
  FROM performance_schema.replication_group_members AS m
  LEFT JOIN performance_schema.replication_group_member_stats AS s ON s.MEMBER_ID = m.MEMBER_ID
