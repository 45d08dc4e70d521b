"""The long-running watch: its decisions, restarts, notifications and journal."""
