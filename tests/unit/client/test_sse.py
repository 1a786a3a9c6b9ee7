"""The reader of event streams gives the same events however the bytes are cut."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tradewind.client.sse import SseEvent, SseReader


def read_by_lines(stream: bytes) -> list[SseEvent]:
    """The standard's own algorithm, line by line, slow and plain."""
    text = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    events = []
    data: list[bytes] = []
    kind, last_id = "", ""
    for line in text.split(b"\n")[:-1]:
        if not line:
            if data:
                events.append(SseEvent(kind or "message", b"\n".join(data), last_id))
            data, kind = [], ""
            continue
        name, _, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if name == b"data":
            data.append(value)
        elif name == b"event":
            kind = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            last_id = value.decode("utf-8", "replace")
    return events


LINES = st.one_of(
    st.sampled_from(
        [b"", b"", b"data", b"data:", b"id: 7", b"id:", b"event: log", b": keep-alive", b"retry: 5", b"x: y"]
    ),
    st.binary(max_size=8).map(lambda tail: b"data: " + tail.replace(b"\r", b"").replace(b"\n", b"")),
    st.text(max_size=5).map(lambda tail: b"id: " + tail.replace("\r", "").replace("\n", "").encode()),
)
STREAMS = st.tuples(
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"])), max_size=30),
).map(lambda parts: parts[0] + b"".join(line + end for line, end in parts[1]))


@given(STREAMS, st.lists(st.integers(0, 400), max_size=12))
def test_the_cuts_do_not_matter(stream: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reader = SseReader()
    events = [event for start, end in pairwise(edges) for event in reader.feed(stream[start:end])]
    assert events == read_by_lines(stream)


@given(STREAMS)
def test_byte_by_byte(stream: bytes) -> None:
    reader = SseReader()
    events = [event for byte in stream for event in reader.feed(bytes([byte]))]
    assert events == read_by_lines(stream)


def test_an_event_that_was_cut_short_is_not_given_out() -> None:
    reader = SseReader()
    assert reader.feed(b"id: 1\ndata: whole\n\nid: 2\ndata: half\n") == [SseEvent("message", b"whole", "1")]
    assert reader.last_id == "1"


def test_an_id_stays_until_the_next_one() -> None:
    reader = SseReader("before")
    events = reader.feed(b"data: a\n\nid: 5\ndata: b\n\ndata: c\n\n")
    assert [event.id for event in events] == ["before", "5", "5"]


def test_a_large_event_in_small_pieces() -> None:
    payload = b"x" * 300_000
    stream = b"event: log\ndata: " + payload + b"\n\n"
    reader = SseReader()
    events = [event for i in range(0, len(stream), 1000) for event in reader.feed(stream[i : i + 1000])]
    assert events == [SseEvent("log", payload, "")]
