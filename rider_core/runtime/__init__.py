"""Puts the parts of one process together, and starts and watches the processes. `services` is where to begin."""
