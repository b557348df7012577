"""How an operator sees what happens inside: logs, figures, traces, and a dashboard and alarms over them."""
