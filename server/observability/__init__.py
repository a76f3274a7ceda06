"""What the people who run a gateway see of it: logs, metrics and traces."""
