"""The words every room shares: ids, money, units, time, statuses, offers, plans, API schemas and errors."""
