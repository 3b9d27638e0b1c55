-- Read what cold storage holds of each month; a purge's part alone does not make it finished.
-- kind: read
-- needs: SELECT ON {schema}.`rlops_part`
SELECT DATE_FORMAT(month, '%Y-%m') AS month, COUNT(*) AS parts, SUM(COALESCE(row_count, 0)) AS row_count,
       SUM(COALESCE(file_bytes, 0)) AS bytes,
       MIN(state NOT IN ('planned', 'exported')) AND MAX(only_column IS NULL) AS finished, MAX(held) AS held
FROM rlops_part
GROUP BY month
ORDER BY month
