"""Cold storage: interactions as Parquet files, each compared with the server before anything of it is deleted.

Nothing but these modules imports pyarrow, and only a command that works with the archive imports them.
"""
