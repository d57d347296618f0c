"""Started by the tests to be killed: recovers as the proxy does, then appends until it dies.

Prints the ids that recovery ended, then each finished id after its record is written: what a client would have seen end.
"""

import os
import sys
from pathlib import Path

import msgspec

from core.events import RequestAdmitted, RequestFinished
from proxy import checkpoint
from proxy.journal import Journal

folder, run = Path(sys.argv[1]), int(sys.argv[2])
path = folder / "checkpoint.json"
known = checkpoint.read(path)
journal = Journal.open(folder / "journal", 60_000, floor=known.position if known else 0)
recovered = checkpoint.recover(journal, known)
for admitted in recovered.open.values():
    journal.append(msgspec.json.encode(checkpoint.crashed(admitted)))
still_open: dict[str, RequestAdmitted] = {}
checkpoint.write(path, checkpoint.Checkpoint(position=journal.position))
number = 0
while True:
    number += 1
    admitted = RequestAdmitted(
        id=f"{run:08x}{number:024x}", at_ms=1, project="p", token="t", revision="r", reserved={"cost": 5, "input_tokens": 7}
    )
    journal.append(msgspec.json.encode(admitted))
    still_open[admitted.id] = admitted
    if number % 3:
        finished = RequestFinished(
            id=admitted.id,
            at_ms=1,
            project="p",
            token="t",
            revision="r",
            status="success",
            http_status=200,
            error="x" * (number % 3000),
        )
        journal.append(msgspec.json.encode(finished))
        del still_open[admitted.id]
        os.write(1, admitted.id.encode() + b"\n")
    if number % 40 == 0:
        checkpoint.write(path, checkpoint.Checkpoint(position=journal.position, open=still_open))
