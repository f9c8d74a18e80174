//! Schema, migrations, queries on SQLite and PostgreSQL.
