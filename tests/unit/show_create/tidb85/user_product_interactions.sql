CREATE TABLE `user_product_interactions` (
  `id` bigint NOT NULL AUTO_INCREMENT COMMENT 'Surrogate key',
  `user_id` bigint NOT NULL COMMENT 'Who acted: users.id',
  `product_id` bigint NOT NULL COMMENT 'On which product: product.id',
  `interaction_type` varchar(50) COLLATE utf8mb4_unicode_ci NOT NULL COMMENT 'VIEW, CLICK, CART_ADD, PURCHASE, WISHLIST, REMOVE_CART or REMOVE_WISHLIST',
  `session_id` varchar(255) COLLATE utf8mb4_unicode_ci DEFAULT NULL COMMENT 'Browser or app session',
  `timestamp` datetime NOT NULL DEFAULT CURRENT_TIMESTAMP COMMENT 'When it happened',
  `context` json DEFAULT NULL COMMENT 'category_id, price_range (min, max), device_type, referrer, position, page',
  `reward` decimal(10,2) DEFAULT '0.00' COMMENT 'Reward by interaction type: VIEW 0.1, CLICK 0.5, CART_ADD 2, PURCHASE 10, WISHLIST 1, REMOVE_CART -1, REMOVE_WISHLIST -0.5',
  PRIMARY KEY (`id`) /*T![clustered_index] NONCLUSTERED */,
  KEY `idx_user_timestamp` (`user_id`,`timestamp`),
  KEY `idx_product_timestamp` (`product_id`,`timestamp`),
  KEY `idx_interaction_type` (`interaction_type`),
  KEY `idx_session` (`session_id`),
  KEY `idx_timestamp` (`timestamp`),
  CONSTRAINT `fk_user_product_interactions_user` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_user_product_interactions_product` FOREIGN KEY (`product_id`) REFERENCES `product` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci /*T! SHARD_ROW_ID_BITS=4 */ COMMENT='Every user-product interaction, for training and analysis'
