"""What training programs do differently with memory and time, where it is known.

Only habits that no switch of a workload says. Read from the programs' own documentation and sources' behaviour; the
sizes that follow are measured (`data/finetune_calibration.csv`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """The habits of one training program."""

    name: str | None = None
    #: The head has weights of its own even where the model shares them with the embedding.
    unties_head: bool = False
    #: A quantised base includes the head; other programs leave it in half precision.
    quantises_head: bool = False
    #: Fully sharded layers are not freed again before the step ends, so that each device comes to hold all of them.
    gathers_whole_model: bool = False
    #: Parameters that the optimizer handles at once in fp32 copies (a sub-group of ZeRO-3); 0: it makes none.
    parameters_per_step_group: float = 0.0


USUAL: Final = Framework()
_KNOWN: Final[Mapping[str, Framework]] = {
    "litgpt": Framework(name="litgpt", unties_head=True, quantises_head=True, gathers_whole_model=True),
    "transformers": Framework(name="transformers", parameters_per_step_group=1e9),
    "torchtune": Framework(name="torchtune"),
}


def framework_named(name: str | None) -> Framework:
    """The habits of a program; what is usual for one that is not known."""
    return _KNOWN.get((name or "").strip().lower(), USUAL)
