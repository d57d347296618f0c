"""Started by the tests to be killed: records a journal until it dies, and says `ready` once it began."""

import asyncio
import sys
from pathlib import Path

from api.recorder import Recorder


async def main(journal: Path, url: str) -> None:
    recorder = Recorder(journal, url, lambda rows: print(rows[-1].position, flush=True))
    await recorder.start()
    print("ready", flush=True)
    await recorder.run()


asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
