"""Started by the tests to be signalled and killed: the proxy alone, on free ports. Its log says which.

Arguments: the data folder, and settings as JSON; `file_size_limit` bounds every file that it writes, as a full disk would.
"""

import json
import resource
import signal
import sys
from pathlib import Path

import msgspec

from proxy.main import ProxySettings, serve

settings = json.loads(sys.argv[2])
if (limit := settings.pop("file_size_limit", None)) is not None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
local = ("127.0.0.1", 0)
serve(msgspec.convert({"data": Path(sys.argv[1]), "listen": local, "ops": local, **settings}, ProxySettings))
