"""Talking through a browser: its microphone and loudspeaker as a robot's ears and mouth."""
