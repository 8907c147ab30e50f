"""`/metrics`: what the processes count, and what is read at each scrape, in one registry."""
