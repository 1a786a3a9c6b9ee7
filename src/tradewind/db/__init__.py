"""Tables, migrations and the `Store` seam."""
