-- Create user_product_interactions: every user-product interaction, for training and analysis.
-- Its key is not the order of storage: TiDB never changes a key that is (8200), and partitions by month want another one;
-- so the rows have hidden ids, of which the four highest bits spread the inserts over sixteen regions.
-- kind: write
-- needs: CREATE on the schema, REFERENCES on users and product
-- locks: nothing; the table is new
-- algorithm: new
CREATE TABLE `user_product_interactions` (
  `id` BIGINT NOT NULL AUTO_INCREMENT COMMENT 'Surrogate key',
  `user_id` BIGINT NOT NULL COMMENT 'Who acted: users.id',
  `product_id` BIGINT NOT NULL COMMENT 'On which product: product.id',
  `interaction_type` VARCHAR(50) NOT NULL COMMENT 'VIEW, CLICK, CART_ADD, PURCHASE, WISHLIST, REMOVE_CART or REMOVE_WISHLIST',
  `session_id` VARCHAR(255) NULL DEFAULT NULL COMMENT 'Browser or app session',
  `timestamp` DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP COMMENT 'When it happened',
  `context` JSON NULL COMMENT 'category_id, price_range (min, max), device_type, referrer, position, page',
  `reward` DECIMAL(10,2) NULL DEFAULT 0.00 COMMENT 'Reward by interaction type: VIEW 0.1, CLICK 0.5, CART_ADD 2, PURCHASE 10, WISHLIST 1, REMOVE_CART -1, REMOVE_WISHLIST -0.5',
  PRIMARY KEY (`id`) NONCLUSTERED,
  INDEX `idx_user_timestamp` (`user_id`, `timestamp`),
  INDEX `idx_product_timestamp` (`product_id`, `timestamp`),
  INDEX `idx_interaction_type` (`interaction_type`),
  INDEX `idx_session` (`session_id`),
  INDEX `idx_timestamp` (`timestamp`),
  CONSTRAINT `fk_user_product_interactions_user`
    FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_user_product_interactions_product`
    FOREIGN KEY (`product_id`) REFERENCES `product` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci SHARD_ROW_ID_BITS=4
  COMMENT='Every user-product interaction, for training and analysis';
