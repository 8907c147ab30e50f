"""What the core's own tests share. What plugins' tests use as well is in `rider_core.testing`."""
