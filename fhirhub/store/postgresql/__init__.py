"""The database port on PostgreSQL: what waits together goes together (`store/database.py`)."""
