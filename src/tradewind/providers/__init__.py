"""One package per provider, the protocols they keep, and the registry that finds them."""
