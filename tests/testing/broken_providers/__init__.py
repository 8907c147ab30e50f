"""Good providers, and broken ones, each with one fault that a contract test must find."""
