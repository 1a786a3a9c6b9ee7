"""A secret is shown by nothing but `reveal`."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle

import pytest
import structlog
from pydantic import BaseModel, ValidationError

from tradewind.domain.secrets import REDACTED, Secret

TEXT = "https://hooks.example/T0/B0/very-secret"


class Holder(BaseModel):
    """A model with a secret in it."""

    url: Secret


def test_nothing_that_prints_shows_it() -> None:
    secret = Secret(TEXT)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>40}",
        f"{secret!r}",
        "{} {!r}".format(secret, secret),  # noqa: UP032
    ]
    shown += [str([secret]), str({"url": secret}), repr(Holder(url=secret)), str(Holder(url=secret))]
    assert not any("very" in text for text in shown)
    assert secret.reveal() == TEXT


def test_models_read_it_and_do_not_write_it() -> None:
    holder = Holder.model_validate_json(json.dumps({"url": TEXT}))
    assert holder.url.reveal() == TEXT
    assert holder == Holder(url=Secret(TEXT))
    assert json.loads(holder.model_dump_json()) == {"url": REDACTED}
    assert holder.model_dump(mode="json") == {"url": REDACTED}
    assert isinstance(holder.model_dump()["url"], Secret)
    assert Holder.model_json_schema()["properties"]["url"]["writeOnly"] is True
    with pytest.raises(ValidationError):
        Holder.model_validate({"url": 5})


def test_it_is_neither_encoded_nor_pickled_by_accident() -> None:
    with pytest.raises(TypeError):
        json.dumps({"url": Secret(TEXT)})
    assert TEXT not in json.dumps({"url": Secret(TEXT)}, default=str)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret(TEXT))
    assert copy.deepcopy(Secret(TEXT)) == copy.copy(Secret(TEXT)) == Secret(TEXT)


def test_logs_do_not_show_it() -> None:
    out = io.StringIO()
    for renderer in (structlog.processors.KeyValueRenderer(), structlog.processors.JSONRenderer(default=str)):
        log = structlog.wrap_logger(
            structlog.PrintLogger(out), processors=[renderer], wrapper_class=structlog.BoundLogger
        )
        log.info("event", url=Secret(TEXT), nested={"deep": [Secret(TEXT)]})
    handler = logging.StreamHandler(out)
    handler.emit(logging.LogRecord("x", logging.INFO, "", 0, "sent to %s", (Secret(TEXT),), None))
    assert "very" not in out.getvalue()
    assert out.getvalue().count(REDACTED) >= 3


def test_secrets_compare_by_what_they_are() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")
    with pytest.raises(TypeError):
        Secret(b"bytes")  # type: ignore[arg-type]
