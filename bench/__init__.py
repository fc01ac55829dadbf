"""Stoker and its peers, measured side by side: `make bench`. See README.md."""
