"""Started by the tests to be killed: records a journal until it dies, watching limits, and says `ready` once it began."""

import asyncio
import sys
from pathlib import Path

from api.alerts.watch import LimitWatch
from api.recorder import Recorder
from tests.api.journalled import AT_MS
from tests.api.test_alerts import config, limits, rule


async def main(journal: Path, url: str) -> None:
    watch = LimitWatch(lambda: AT_MS)
    watch.configure(config(project=limits(*(rule("calls", "yearly", value) for value in range(100, 9_001, 100)))), None)
    recorder = Recorder(journal, url, lambda rows: print(rows[-1].position, flush=True), watch)
    await recorder.start()
    print("ready", flush=True)
    await recorder.run()


asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
