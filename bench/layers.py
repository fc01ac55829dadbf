"""Cold start of a function with five layers of 50 MB, beside the same function with none.

Both are functions of one server, invoked in turn. Layers are merged and bound when the function
is made ready, so the two should take the same time.
"""

import io
import time
import zipfile

from bench import names
from bench.client import Connection, require_cold
from bench.session import Session
from bench.stoker import Stoker

PAUSE_S = 0.25  # in which a sandbox is prepared again, as in bench/cold.py
LAYERS = 5  # as many as a function may have
FILES = 500  # in each, of 100 kB: 50 MB
FILE_BYTES = 100_000


def measure(session: Session) -> None:
    stoker = Stoker(session.peers, session.folder)
    with session.running([stoker]) as alive:
        if not alive:
            return
        layers = [stoker.publish(f"big-{n}", _content(n)) for n in range(LAYERS)]
        for number in session.rounds(names.LAYERS):
            _round(session, number, stoker, layers)


def _round(session: Session, number: int, stoker: Stoker, layers: list[str]) -> None:
    pairs = [
        (f"plain-{number}-{index}", f"layered-{number}-{index}")
        for index in range(2 * session.effort.cold_starts)
    ]
    stoker.deploy(*(plain for plain, _ in pairs))
    stoker.deploy(*(layered for _, layered in pairs), layers=layers)
    idle = session.quiet()
    connection = Connection(stoker.port)
    try:
        for index, (plain, layered) in enumerate(pairs):
            starts = [(plain, names.STOKER), (layered, names.LAYERED)]
            # Whoever comes second finds caches warm: they take turns.
            for function, system in starts if index % 2 else reversed(starts):
                time.sleep(PAUSE_S)
                taken, answer = connection.timed(stoker.invocation(function))
                require_cold(answer)
                session.book.add(names.LAYERS, system, "us", number, [taken], idle=idle)
    finally:
        connection.close()
    stoker.delete(*(function for pair in pairs for function in pair))


def _content(number: int) -> bytes:
    """Files that differ from layer to layer, and that pack well."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for index in range(FILES):
            text = f"layer {number}, file {index}\n".encode()
            content = (text * (FILE_BYTES // len(text) + 1))[:FILE_BYTES]
            archive.writestr(f"python/layer_{number}/file_{index}.txt", content)
    return buffer.getvalue()
