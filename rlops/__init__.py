"""rlops carries the recommender's three tables through their life inside a shop's MySQL or MariaDB database."""

__version__ = "0.1.0"
