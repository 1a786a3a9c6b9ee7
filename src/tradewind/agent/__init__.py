"""What runs next to the user's process: standard library only, CPython 3.8 or newer, nothing of ours imported.

The whole package travels as one zipapp (`tradewind.providers.bundle`). Modules are imported when a verb needs them,
because the supervisor stays in memory for as long as the command runs. That is also why `typing`, `dataclasses`,
`subprocess` and `tempfile` are not imported at the top of what the supervisor uses.
"""

PROTOCOLS = (1,)
