"""nginx as a reverse proxy for the same upstream: what Waybill's figures are ratios of.

Kept-alive connections on both sides, no log, one worker. `proxy_buffering` is off below /unbuffered, as everybody must
have it who streams to a person; the unary figures use nginx's default.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from bench.processes import Cores, children, free_ports, spawn, stop

_CONFIGURATION = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_rlimit_nofile 65536;
events {{ worker_connections 16384; }}
http {{
  access_log off; keepalive_requests 100000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream local {{ server 127.0.0.1:{upstream}; keepalive 1024; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://local; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    location /unbuffered/ {{
      proxy_pass http://local/; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
"""


class Nginx:
    """One nginx, its worker bound to the measured core."""

    def __init__(self, folder: Path, upstream_port: int, cores: Cores) -> None:
        folder.mkdir()
        folder.chmod(0o755)
        (self.port,) = free_ports(1)
        configuration = folder / "nginx.conf"
        configuration.write_text(_CONFIGURATION.format(folder=folder, upstream=upstream_port, port=self.port))
        program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin") or "nginx"
        self._master = spawn([program, "-c", configuration], cores=cores.measured, stderr=subprocess.DEVNULL)
        self.pid = self._worker()

    def _worker(self) -> int:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            workers = [pid for pid, command in children(self._master.pid).items() if "worker" in command[0]]
            if workers:
                return workers[0]
            time.sleep(0.02)
        raise RuntimeError("nginx did not start")

    @property
    def url(self) -> str:
        """Where it forwards chat requests."""
        return f"http://127.0.0.1:{self.port}/v1/chat/completions"

    @property
    def unbuffered_url(self) -> str:
        """The same, each piece passed on when it arrives."""
        return f"http://127.0.0.1:{self.port}/unbuffered/v1/chat/completions"

    def close(self) -> None:
        """Stop it."""
        stop(self._master)
