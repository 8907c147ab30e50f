"""Adapters of the job port (`rider_core.api.job_backend`). RQ is built in; others come as plugins."""
