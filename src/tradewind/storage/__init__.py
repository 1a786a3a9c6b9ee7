"""Workdirs, checkpoints, artifacts and logs: on disk now, behind an interface that object stores will share."""
