"""The gateway's own formats and doors: its config, its onboarding, its HTTP and CDP endpoints."""
