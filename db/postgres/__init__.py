"""PostgreSQL: many gateways over one database."""
