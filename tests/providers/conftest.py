"""Nothing but the deliberate mistakes, which have to be made before any adapter is imported."""

from tests.providers.mutating import mutate

mutate()
