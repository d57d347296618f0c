"""What looks like a live secret is found in any file, by the shapes that its issuers give it; what only looks long is not.

The keys are made here, so that none stands in the sources.
"""

from __future__ import annotations

import base64
import hashlib
import random
import secrets
import string
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.leaks import Leak, leaks, masked
from core.sealing import generate_keys, seal

ALNUM = string.ascii_letters + string.digits
URLSAFE = ALNUM + "-_"
SAMPLE = Path(__file__).parents[2] / "config-repo"
dice = random.Random(4)


def some(alphabet: str, length: int) -> str:
    return "".join(dice.choices(alphabet, k=length))


MARKED: dict[str, Callable[[], str]] = {
    "a token of ours": lambda: "sk-lr-" + secrets.token_urlsafe(32),
    "an API key of ours": lambda: "wb-" + secrets.token_urlsafe(32),
    "OpenAI, older": lambda: "sk-" + some(ALNUM, 20) + "T3Blbk" + "FJ" + some(ALNUM, 20),
    "OpenAI, project": lambda: "sk-proj-" + some(URLSAFE, 74) + "T3Blbk" + "FJ" + some(URLSAFE, 74),
    "OpenAI, service account": lambda: "sk-svcacct-" + some(URLSAFE, 120),
    "OpenAI, admin": lambda: "sk-admin-" + some(URLSAFE, 120),
    "Anthropic": lambda: "sk-ant-api03-" + some(URLSAFE, 93) + "AA",
    "Anthropic, admin": lambda: "sk-ant-admin01-" + some(URLSAFE, 86),
    "DeepSeek": lambda: "sk-" + some("0123456789abcdef", 32),
    "OpenRouter": lambda: "sk-or-v1-" + some("0123456789abcdef", 64),
    "Google": lambda: "AIza" + "Sy" + some(URLSAFE, 33),
    "Google, newer": lambda: "AQ." + "Ab8RN6" + some(URLSAFE, 44),
    "xAI": lambda: "xai-" + some(ALNUM, 80),
    "Groq": lambda: "gsk_" + some(ALNUM, 52),
    "Together": lambda: "tgp_v1_" + some(URLSAFE, 43),
    "Cerebras": lambda: "csk-" + some(string.ascii_lowercase + string.digits, 48),
    "Azure, newer": lambda: some(ALNUM, 52) + "JQQJ9" + "9" + some(ALNUM, 26),
    "AWS id": lambda: "AKIA" + some(string.ascii_uppercase + "234567", 16),
    "AWS id, for an hour": lambda: "ASIA" + some(string.ascii_uppercase + "234567", 16),
    "AWS Bedrock": lambda: "ABSK" + base64.b64encode(dice.randbytes(99)).decode(),
    "GitHub": lambda: "ghp_" + some(ALNUM, 36),
    "GitHub, fine-grained": lambda: "github_pat_" + some(ALNUM, 22) + "_" + some(ALNUM, 59),
    "GitLab": lambda: "glpat-" + some(ALNUM, 20),
    "Slack": lambda: "xoxb-" + some("0123456789", 12) + "-" + some(ALNUM, 24),
    "Stripe": lambda: "sk_live_" + some(ALNUM, 24),
    "PEM": lambda: "-----BEGIN " + "PRIVATE KEY-----",
    "PEM, RSA": lambda: "-----BEGIN RSA " + "PRIVATE KEY-----",
    "PGP": lambda: "-----BEGIN PGP " + "PRIVATE KEY BLOCK-----",
}
UNMARKED: dict[str, str] = {
    "Azure, older": "api-key: {}".format("3f9a01" + some("0123456789abcdef", 26)),
    "Mistral": "MISTRAL_API_KEY={}".format("a1b2" + some(ALNUM, 28)),
    "Cohere": '"api_key": "{}"'.format("x9Y8" + some(ALNUM, 36)),
    "AWS secret": "aws_secret_access_key = {}".format("wJ4lrXU7nFEMI5K2" + some(ALNUM, 20) + "/+9z"),
    "in a header": "Authorization: Bearer {}".format("q1W2" + some(ALNUM, 36)),
    "just a key": "key: {}".format("Zq8w" + some(ALNUM, 36)),
    "Mistral, shorter": "MISTRAL_KEY={}".format("b7C8" + some(ALNUM, 28)),
    "Azure, called so": "AZURE_OPENAI_KEY={}".format("5e6f" + some("0123456789abcdef", 28)),
    "a password": "password: {}".format("p4Ss" + some(ALNUM, 32)),
    "a token": "token: {}".format("t0Ke" + some(ALNUM, 32)),
    "a file that is its content": "credential: {{file: {}}}".format("s3Cr" + some(ALNUM, 36)),
    "on the next line": "api_key: >-\n  {}".format("Zq8w" + some(ALNUM, 28)),
    "on the next line, with a comment": "api_key: |2- # ours\r\n  {}".format("Zq8w" + some(ALNUM, 28)),
    "in a list": "token:\n  - {}".format("Zq8w" + some(ALNUM, 28)),
    "without a digit": f"MISTRAL_API_KEY={some(string.ascii_letters, 32)}",
    "Azure subscription": "Ocp-Apim-Subscription-Key: {}".format("77ab" + some("0123456789abcdef", 28)),
}

INNOCENT = {
    "a hash": lambda: f"sha256: {hashlib.sha256(dice.randbytes(9)).hexdigest()}\nprefix: sk-lr-ab12\n",
    "a former hash": lambda: "former: {sha256: " + hashlib.sha256(dice.randbytes(9)).hexdigest() + "}\n",
    "a sealed box": lambda: f"credential:\n  sealed: {seal(PUBLIC, 'openai', 'https://api.openai.com', MARKED['Groq']())}\n",
    "a reference": lambda: "credential: {env: WAYBILL_SECRET_OPENAI_PRODUCTION_EUROPE_2, origin: https://api.openai.com}\n",
    "the name of a key": lambda: "api_key: WAYBILL_SECRET_OPENAI_PRODUCTION_EUROPE_WEST_2026_11\n",
    "a path": lambda: "api key: projects/acme-models/secrets/openai-production/versions/12\n",
    "a placeholder": lambda: "api_key: sk-" + "x" * 48 + "\n",
    "an example": lambda: "sk-your-key-here, AIza…, sk-proj-…, wb-…, gsk_…, <api key>\n",
    "a project's id": lambda: "id: 01jd8q3v5n9z2k4m6p7r0t1w3x\n",
    "a commit": lambda: f"revert {hashlib.sha1(dice.randbytes(9)).hexdigest()}\n",
    "a public key": lambda: f"public key: {PUBLIC.decode()}\n",
    "an idempotency key": lambda: "Waybill-Idempotency-Key: " + dice.randbytes(16).hex() + "\n",
    "names written together": lambda: "api_key: theNameOfTheKeyThatIsInTheVaultOfProduction\n",
    "a key and a hash": lambda: f"key: one\nsha256: {hashlib.sha256(dice.randbytes(9)).hexdigest()}\n",
    "a certificate": lambda: "-----BEGIN CERTIFICATE-----\nMIIB\n-----BEGIN PUBLIC KEY-----\n",
    "words": lambda: "desk-organisation-of-the-whole-company-and-of-its-many-subsidiaries-2026\n",
}
PRIVATE, PUBLIC = generate_keys()


@pytest.mark.parametrize("make", MARKED.values(), ids=MARKED)
@pytest.mark.parametrize("around", ["{}", "key: {}\n", "# {} is the key", '{{"k":"{}"}}', "x={} y", "({})"])
def test_a_marked_key_is_found_wherever_it_stands(make: Callable[[], str], around: str) -> None:
    for _ in range(20):
        (leak,) = leaks(b"first: line\n" + around.format(make()).encode())
        assert leak.line == 2


@pytest.mark.parametrize("before", ["/", "_", "-", "x/y_", "https://example.org/?k="])
def test_a_token_is_found_as_a_part_of_a_name_too(before: str) -> None:
    assert [leak.kind for leak in leaks((before + MARKED["a token of ours"]()).encode())] == ["a Waybill token"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_token_is_found_in_a_wide_encoding(encoding: str) -> None:
    (leak,) = leaks(f"a: 1\n{MARKED['a token of ours']()}\n".encode(encoding))
    assert leak == Leak(2, "a Waybill token")


@pytest.mark.parametrize("line", UNMARKED.values(), ids=UNMARKED)
def test_a_key_without_a_mark_is_found_where_it_is_called_a_key(line: str) -> None:
    assert list(leaks(f"a: 1\n# for tests\n{line}\n".encode())) == [Leak(3 + line.count("\n"), "a key")]


@pytest.mark.parametrize("length", [32, 36])
def test_of_random_keys_without_a_mark_next_to_none_slips_through(length: int) -> None:
    slipped = [key for _ in range(5_000) if not list(leaks(f"mistral_api_key: {(key := some(ALNUM, length))}\n".encode()))]
    assert len(slipped) <= 5, slipped


@pytest.mark.parametrize("name", [*UNMARKED, *MARKED])
def test_what_is_found_is_taken_out_of_a_text(name: str) -> None:
    line = UNMARKED.get(name) or f"my {MARKED[name]()} x"
    text = masked(f"Ü {line} ß")
    assert list(leaks(text.encode())) == []
    assert text.startswith("Ü ")
    assert ", taken out]" in text


@pytest.mark.parametrize("make", INNOCENT.values(), ids=INNOCENT)
def test_a_text_without_a_secret_stays(make: Callable[[], str]) -> None:
    text = make()
    assert masked(text) == text


def test_the_whole_of_a_private_key_is_taken_out() -> None:
    assert masked("a " + MARKED["PEM"]() + "\nMIIEvQIBADANBgkq\n") == "a [a private key, taken out]"


def test_a_line_is_named_once_and_the_value_never() -> None:
    key = MARKED["OpenAI, project"]()
    (leak,) = leaks(f"api_key: {key}\n".encode())
    assert leak == Leak(1, "an API key")
    assert key not in repr(leak)


@pytest.mark.parametrize("make", INNOCENT.values(), ids=INNOCENT)
def test_what_is_no_secret_passes(make: Callable[[], str]) -> None:
    for _ in range(100):
        text = make()
        assert list(leaks(text.encode())) == [], text


@pytest.mark.parametrize("part", [" ", "\t", "key ", "key:#", "key: >- ", "key:\n", "key=bearer ", "sk-", "-----BEGIN A ", "A"])
def test_no_text_takes_long_to_look_through(part: str) -> None:
    began = time.process_time()
    for start in ("", "key", "key:", "key: #", "-----BEGIN "):
        list(leaks((start + part * (400_000 // len(part))).encode()))
    assert time.process_time() - began < 10.0


def test_the_sample_configuration_passes() -> None:
    assert [path for path in SAMPLE.rglob("*") if path.is_file() and list(leaks(path.read_bytes()))] == []
