-- Fill in 500 products in 20 categories.
-- kind: write
-- needs: INSERT on product
-- locks: the new rows
-- names: schema
INSERT INTO {schema}.`product` (`id`, `name`, `category_id`, `price`)
SELECT `n`, CONCAT('Product ', `n`), 1 + MOD(`n`, 20), 4.99 + MOD(`n` * 37, 200)
FROM (
  SELECT 1 + `ones`.`digit` + 10 * `tens`.`digit` + 100 * `hundreds`.`digit` AS `n`
  FROM
    (SELECT 0 AS `digit` UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4
      UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) AS `ones`
    CROSS JOIN (SELECT 0 AS `digit` UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4
      UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) AS `tens`
    CROSS JOIN (SELECT 0 AS `digit` UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) AS `hundreds`
) AS `numbers`
