"""What may be shown to anybody: text without secrets."""
