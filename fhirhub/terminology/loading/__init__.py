"""Large code systems from the files in which their owners publish them, into the database."""
