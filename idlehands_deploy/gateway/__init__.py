"""The gateway's own formats and endpoints: config, onboarding, HTTP and CDP."""
