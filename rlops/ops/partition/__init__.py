"""The interactions partitioned by month: made, kept ahead, expired, and taken back, with referential integrity kept."""
