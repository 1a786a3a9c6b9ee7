"""The HTTP API: authentication, validation, paging and streams. Thin: every decision is made in the rooms below."""
