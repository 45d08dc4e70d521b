"""The pipelines behind the commands: load, plan, show or apply, report."""
