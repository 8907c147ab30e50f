"""The program `rider`: one file for each group of commands, put together in `main`."""
