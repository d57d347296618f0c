"""A sealed key opens with its private key alone, and says what it is bound to."""

from __future__ import annotations

import base64

import pytest

from core.sealing import SealError, generate_keys, seal, unseal


def test_what_was_sealed_is_read_with_the_private_key() -> None:
    private, public = generate_keys()
    secret = unseal(private, seal(public, "openai", "https://api.openai.com", "sk-secret"))
    assert (secret.provider, secret.origin, secret.key) == ("openai", "https://api.openai.com", "sk-secret")


def test_key_files_may_end_with_a_newline() -> None:
    private, public = generate_keys()
    assert unseal(private + b"\n", seal(public + b"\n", "p", "http://x", "k")).key == "k"


def test_keys_of_32_raw_bytes_are_taken_as_they_are() -> None:
    private, public = map(base64.b64decode, generate_keys())
    assert (len(private), len(public)) == (32, 32)
    assert unseal(private, seal(public, "p", "http://x", "k")).key == "k"


def test_the_same_key_sealed_twice_gives_two_different_boxes() -> None:
    _, public = generate_keys()
    assert seal(public, "p", "http://x", "k") != seal(public, "p", "http://x", "k")


@pytest.mark.parametrize("damage", [lambda box: box[:-1], lambda box: bytes([box[0] ^ 1]) + box[1:], lambda box: b""])
def test_a_damaged_box_is_refused_without_showing_anything(damage: object) -> None:
    private, public = generate_keys()
    box = base64.b64decode(seal(public, "p", "http://x", "very-secret"))
    with pytest.raises(SealError) as caught:
        unseal(private, base64.b64encode(damage(box)).decode())  # type: ignore[operator]  # a table of lambdas
    assert "very-secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_another_private_key_does_not_open_it() -> None:
    _, public = generate_keys()
    other, _ = generate_keys()
    with pytest.raises(SealError):
        unseal(other, seal(public, "p", "http://x", "k"))


@pytest.mark.parametrize("key", [b"", b"not base64!", b"c2hvcnQ="])
def test_a_public_key_that_is_none_is_refused(key: bytes) -> None:
    with pytest.raises(SealError):
        seal(key, "p", "http://x", "k")


def test_the_representation_of_a_secret_does_not_show_it() -> None:
    private, public = generate_keys()
    assert "hidden-key" not in repr(unseal(private, seal(public, "p", "http://x", "hidden-key")))
