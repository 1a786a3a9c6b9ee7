"""Sources of prices that are no provider's own: what ships, other catalogues, and a user's own file."""
