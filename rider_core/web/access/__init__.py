"""Who may do what in the panel: users, sessions, tokens, roles, and the audit of changes.

On loopback, without a password and without users, everyone who reaches the panel is the machine's owner. Otherwise each
request needs an identity, from a session's cookie, a password (HTTP Basic), or a token. See
docs/decisions/0040-access.md.
"""
