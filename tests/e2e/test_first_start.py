"""What a new user does: start it, read the screen, send a request, start it again."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import yaml
from openai import OpenAI

from tests.e2e.product import Product


def screen(product: Product) -> list[str]:
    """What it printed for people: everything that is no log line."""
    return [line.rstrip("\n") for line in product.output if not line.startswith("{")]


def test_the_credentials_file_has_exactly_what_scripts_are_promised(waybill: Product) -> None:
    file = waybill.data / "initial-credentials.yaml"
    assert file.stat().st_mode & 0o777 == 0o600
    assert waybill.data.stat().st_mode & 0o777 == 0o700
    made = yaml.safe_load(file.read_text())
    assert set(made) == {
        "proxy_url", "api_url", "proxy_ops_url", "api_ops_url", "config_repository", "admin", "projects",
    }  # fmt: skip
    assert set(made["admin"]) == {"email", "password", "api_key"}
    assert [set(project) for project in made["projects"]] == [{"slug", "token"}] * 2
    assert all(
        re.fullmatch(r"http://127\.0\.0\.1:\d+", made[f"{name}_url"]) for name in ("proxy", "api", "proxy_ops", "api_ops")
    )
    assert Path(made["config_repository"]).is_absolute()


def test_the_screen_shows_it_all_within_24_lines(waybill: Product) -> None:
    made, shown = waybill.made, screen(waybill)
    assert len(shown) <= 24
    text = "\n".join(shown)
    for fact in (
        made.proxy_url, made.api_url, made.admin.email, made.admin.password, made.projects[0].token, made.config_repository,
    ):  # fmt: skip
        assert fact in text


def test_the_curl_command_works_as_printed(waybill: Product) -> None:
    shown = "\n".join(screen(waybill))
    command = re.search(r"^curl .*?[^\\]$", shown, re.MULTILINE | re.DOTALL)
    assert command
    answer = subprocess.run(["sh", "-c", command[0]], capture_output=True, text=True, check=True).stdout
    assert '"chat.completion"' in answer


def test_the_python_snippet_works_as_printed(waybill: Product) -> None:
    lines = screen(waybill)
    first = next(number for number, line in enumerate(lines) if line.startswith("from openai"))
    snippet = "\n".join(lines[first : lines.index("", first)])
    answer = subprocess.run([sys.executable, "-c", snippet], capture_output=True, text=True, check=True).stdout
    assert answer.strip()


def test_the_clone_command_works_as_printed(waybill: Product, tmp_path: Path) -> None:
    command = next(line for line in screen(waybill) if line.startswith("git clone "))
    subprocess.run(["sh", "-c", f"{command} clone"], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "clone/waybill.yaml").exists()
    checked = subprocess.run(
        [sys.executable, "-m", "waybill", "check", str(tmp_path / "clone")], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr


def test_every_project_token_and_the_admins_key_work(waybill: Product) -> None:
    for project in waybill.made.projects:
        client = OpenAI(base_url=f"{waybill.made.proxy_url}/v1", api_key=project.token, max_retries=0)
        assert client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "Hi"}]).choices
        client.close()
    for key, status in ((waybill.made.admin.api_key, 200), ("wb-wrong", 401)):
        answer = httpx.post(
            f"{waybill.made.api_url}/graphql",
            json={"query": "{ viewer { email } }"},
            headers={"authorization": f"Bearer {key}"},
        )
        assert answer.status_code == status


def test_health_readiness_and_metrics_have_ports_of_their_own(waybill: Product) -> None:
    for url in (waybill.made.proxy_ops_url, waybill.made.api_ops_url):
        for path in ("/healthz", "/readyz", "/metrics"):
            assert httpx.get(url + path).status_code == 200


def test_a_second_start_keeps_everything_and_shows_no_secret(make_waybill: Callable[[], Product]) -> None:
    product = make_waybill().start()
    before = (product.data / "initial-credentials.yaml").read_bytes()
    made = product.made
    head = subprocess.run(["git", "-C", made.config_repository, "rev-parse", "main"], capture_output=True, check=True).stdout
    assert product.stop() == 0
    product.start()
    assert (product.data / "initial-credentials.yaml").read_bytes() == before
    again = subprocess.run(["git", "-C", made.config_repository, "rev-parse", "main"], capture_output=True, check=True).stdout
    assert again == head
    shown = "".join(product.output)
    assert len(screen(product)) == 1
    for secret in (made.admin.password, made.admin.api_key, *(project.token for project in made.projects)):
        assert secret not in shown
    assert product.ask().status_code == 200


def test_no_secret_is_in_the_log_or_in_git(waybill: Product) -> None:
    made = waybill.made
    assert waybill.ask().status_code == 200
    logged = "".join(line for line in waybill.output if line.startswith("{"))
    grep = ["git", "-C", made.config_repository, "grep", "-c", "-F"]
    for secret in (made.admin.password, made.admin.api_key, *(project.token for project in made.projects)):
        assert secret not in logged
        assert subprocess.run([*grep, "-e", secret, "main"], capture_output=True).returncode == 1
