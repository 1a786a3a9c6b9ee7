"""The controllers, the lease runner that drives them, recovery, and the collection of what agents say."""
