"""Who holds what: own machines filled tightly, and machines of zones that have only so many."""

from __future__ import annotations

from tradewind.placement.replay.world import MANY, Option, Place, Room

#: Which own machines a job holds, or none for a rented place.
Held = tuple[int, ...]


class Machines:
    """What is free at every place."""

    def __init__(self, places: tuple[Place, ...]) -> None:
        self._places = places
        self.free: list[list[Room]] = [list(place.machines) for place in places]
        self._held = [0] * len(places)

    def held(self, place: int) -> int:
        """Machines that jobs hold at a rented place."""
        return self._held[place]

    def capacity(self, place: int, now_s: int) -> int:
        """Machines that can be held at a rented place."""
        up = self._places[place].up
        return MANY if up is None else up.at(now_s)

    def is_open(self, option: Option, now_s: int) -> bool:
        """Whether a job could start there now."""
        if self._places[option.place].is_owned:
            return self._find(option) is not None
        return self._held[option.place] + option.nodes <= self.capacity(option.place, now_s)

    def take(self, option: Option, now_s: int) -> Held:
        """Takes what the option needs.

        Raises:
            ValueError: it is not free.
        """
        if not self.is_open(option, now_s):
            raise ValueError(f"{self._places[option.place].name} has no room for it")
        if not self._places[option.place].is_owned:
            self._held[option.place] += option.nodes
            return ()
        found = self._find(option)
        assert found is not None
        free = self.free[option.place]
        for machine in found:
            free[machine] = free[machine].plus(option.room, -1)
        return found

    def give_back(self, option: Option, held: Held) -> None:
        """Frees what `take` gave."""
        if not self._places[option.place].is_owned:
            self._held[option.place] -= option.nodes
        free = self.free[option.place]
        for machine in held:
            free[machine] = free[machine].plus(option.room)

    def _find(self, option: Option) -> Held | None:
        """The fullest machines that have room: gaps stay together for those who need many accelerators."""
        free, room = self.free[option.place], option.room
        fitting = [index for index, each in enumerate(free) if room.fits_into(each)]
        if len(fitting) < option.nodes:
            return None
        if option.nodes == 1:
            return (min(fitting, key=lambda index: free[index]),)
        return tuple(sorted(fitting, key=lambda index: free[index])[: option.nodes])
