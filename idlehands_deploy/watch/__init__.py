"""The long-running watch: what it decides, does, tells and writes down."""
