"""The two processes under their supervisor: what dies comes back, what is stopped drains, nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.e2e.product import ROOT, Product, gone


@pytest.mark.parametrize("plane", ["proxy", "api"])
def test_a_child_that_is_killed_comes_back_and_it_says_so(make_waybill: Callable[[], Product], plane: str) -> None:
    product = make_waybill().start()
    before, said = product.child(plane), len(product.output)
    os.kill(before, signal.SIGKILL)
    told = json.loads(product.wait_for("child died", since=said))
    assert (told["child"], told["ended"]) == (plane, "killed by SIGKILL")
    product.wait_for("child started again", since=said)
    product.wait_ready(plane)
    assert product.child(plane) != before
    assert product.ask().status_code == 200


def test_the_proxy_answers_while_the_api_is_away(make_waybill: Callable[[], Product]) -> None:
    product = make_waybill().start()
    api = product.child("api")
    os.kill(api, signal.SIGSTOP)
    try:
        assert product.ask().status_code == 200
    finally:
        os.kill(api, signal.SIGKILL)  # stopped, it would not notice that its supervisor ends


def test_a_killed_supervisor_leaves_no_orphan_and_can_be_started_again(make_waybill: Callable[[], Product]) -> None:
    product = make_waybill().start()
    children = [product.child("proxy"), product.child("api")]
    product.process.kill()
    assert all(gone(child) for child in children)
    product.process.wait()
    assert product.start().ask().status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_open_request_is_finished_before_it_stops(make_waybill: Callable[[], Product], number: signal.Signals) -> None:
    product = make_waybill().start()
    children = [product.child("proxy"), product.child("api")]
    body = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}], "stream": True, "max_tokens": 64}
    headers = {"authorization": f"Bearer {product.token}"}
    with httpx.stream(
        "POST", f"{product.made.proxy_url}/v1/chat/completions", json=body, headers=headers, timeout=30
    ) as answer:
        lines = answer.iter_lines()
        first = next(lines)
        product.process.send_signal(number)
        rest = list(lines)
    assert answer.status_code == 200
    assert first.startswith("data: ")
    assert "data: [DONE]" in rest
    assert product.process.wait(30) == 0
    assert all(gone(child) for child in children)


def test_a_log_that_cannot_be_written_harms_neither_requests_nor_the_stop(make_waybill: Callable[[], Product]) -> None:
    product = make_waybill()
    with Path("/dev/full").open("w") as full:
        process = subprocess.Popen(product.command, cwd=ROOT, env=product.environment(), stdout=full, stderr=full)
    try:
        product.wait_ready("proxy")
        product.wait_ready("api")
        assert product.ask().status_code == 200
        key = {"authorization": f"Bearer {product.made.admin.api_key}"}
        answer = httpx.post(f"{product.made.api_url}/graphql", json={"query": "{ viewer { email } }"}, headers=key)
        assert answer.json()["data"] == {"viewer": {"email": "admin@localhost"}}
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    finally:
        process.kill()
        process.wait()


def test_the_second_ctrl_c_stops_at_once(make_waybill: Callable[[], Product]) -> None:
    product = make_waybill().start()
    children = [product.child("proxy"), product.child("api")]
    os.kill(children[0], signal.SIGSTOP)  # it cannot drain
    product.process.send_signal(signal.SIGINT)
    product.wait_for("draining")
    product.process.send_signal(signal.SIGINT)
    assert product.process.wait(10) == 0
    assert all(gone(child) for child in children)


def test_a_second_serve_on_the_same_data_is_refused_in_one_line(waybill: Product) -> None:
    other = Product(waybill.data)
    refused = subprocess.run(other.command, env=other.environment(), capture_output=True, text=True, timeout=30, check=False)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert f"`waybill serve` (process {waybill.process.pid}) already runs on this data folder" in refused.stderr
    assert waybill.ask().status_code == 200


@pytest.mark.parametrize("plane", ["proxy", "api"])
def test_a_second_plane_on_the_same_data_is_refused_in_one_line(waybill: Product, plane: str) -> None:
    other = Product(waybill.data, (sys.executable, "-m", "waybill", plane))
    refused = subprocess.run(other.command, env=other.environment(), capture_output=True, text=True, timeout=30, check=False)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert f"`waybill {plane}`" in refused.stderr
