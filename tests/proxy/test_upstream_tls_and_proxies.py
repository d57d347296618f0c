"""TLS against a private authority, and outgoing proxies: both by real handshakes on loopback."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from proxy.upstream import ConnectFailed, Origin, UpstreamRequest, Upstreams, UpstreamTimeout, read_all
from proxy.upstream.proxies import OutgoingProxy, proxy_for
from tests.proxy.servers import ConnectProxy, answering, sized, until, upstream


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """A certificate authority that SSL_CERT_FILE makes the trusted one."""
    made = trustme.CA()
    file = tmp_path / "ca.pem"
    made.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return made


def server_context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    authority.issue_cert(*names).configure_cert(context)
    return context


async def get(upstreams: Upstreams, origin: Origin, *, connect_timeout_s: float = 2.0) -> bytes:
    by = asyncio.get_running_loop().time() + 3
    request = UpstreamRequest(origin, b"GET", b"/path", [])
    return await read_all(await upstreams.open(request, connect_timeout_s=connect_timeout_s, by=by), by, 10_000_000)


async def test_tls_is_verified_named_and_negotiated(authority: trustme.CA) -> None:
    seen: list[tuple[str | None, str | None]] = []
    names: list[str | None] = []
    context = server_context(authority, "localhost")
    context.sni_callback = lambda _socket, name, _context: names.append(name)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tls = writer.get_extra_info("ssl_object")
        seen.append((tls.selected_alpn_protocol(), tls.version()))
        await answering(sized(b"x" * 3_000_000))(reader, writer)

    upstreams = Upstreams(environ={})
    async with upstream(script, context) as peer:
        for _ in range(3):
            assert await get(upstreams, Origin("https", "localhost", peer.port)) == b"x" * 3_000_000
        assert (peer.connections, names, seen[0][0]) == (1, ["localhost"], "http/1.1")
        await upstreams.close()


@pytest.mark.parametrize("fault", ["another name", "an unknown authority", "no TLS at all"])
async def test_a_certificate_that_does_not_hold_is_a_connect_failure(authority: trustme.CA, fault: str) -> None:
    signer = trustme.CA() if fault == "an unknown authority" else authority
    context = server_context(signer, "other.test" if fault == "another name" else "localhost")
    upstreams = Upstreams(environ={})
    async with upstream(answering(sized(b"secret")), None if fault == "no TLS at all" else context) as peer:
        with pytest.raises((ConnectFailed, UpstreamTimeout)) as caught:
            await get(upstreams, Origin("https", "localhost", peer.port), connect_timeout_s=0.3)
        assert fault == "no TLS at all" or "certificate" in str(caught.value).lower() or "mismatch" in str(caught.value).lower()
    assert upstreams.open_connections == 0


async def test_cancelling_a_handshake_closes_its_socket(authority: trustme.CA) -> None:
    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass
        gone.set()

    upstreams = Upstreams(environ={})
    async with upstream(silent) as peer:
        task = asyncio.create_task(get(upstreams, Origin("https", "localhost", peer.port)))
        await until(lambda: peer.connections)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(gone.wait(), 1)
        with pytest.raises(UpstreamTimeout, match="connect"):
            await get(upstreams, Origin("https", "localhost", peer.port), connect_timeout_s=0.05)


async def test_https_goes_through_a_tunnel_with_credentials(authority: trustme.CA) -> None:
    async with upstream(answering(sized(b"hello")), server_context(authority, "provider.test")) as peer:
        proxy = ConnectProxy(target_port=peer.port)
        async with upstream(proxy.script) as proxying:
            upstreams = Upstreams(environ={"HTTPS_PROXY": f"http://me:p%40ss@127.0.0.1:{proxying.port}"})
            for _ in range(2):
                assert await get(upstreams, Origin("https", "provider.test", 443)) == b"hello"
            assert proxy.heads == [
                b"CONNECT provider.test:443 HTTP/1.1\r\nhost: provider.test:443\r\n"
                b"proxy-authorization: Basic bWU6cEBzcw==\r\n\r\n"
            ]
            await upstreams.close()


async def test_http_goes_through_a_proxy_with_the_whole_url() -> None:
    async with upstream(answering(sized(b"hello"))) as peer:
        proxy = ConnectProxy(target_port=peer.port)
        async with upstream(proxy.script) as proxying:
            upstreams = Upstreams(environ={"http_proxy": f"http://me:secret@127.0.0.1:{proxying.port}"})
            assert await get(upstreams, Origin("http", "provider.test", 8000)) == b"hello"
            lines = proxy.heads[0].split(b"\r\n")
            assert lines[0] == b"GET http://provider.test:8000/path HTTP/1.1"
            assert b"proxy-authorization: Basic bWU6c2VjcmV0" in lines
            await upstreams.close()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407"),
        (b"nonsense\r\n\r\n", "HTTP"),
        (b"x" * 20_000, "too long"),
        (b"", "closed"),
    ],
)
async def test_a_proxy_that_refuses_is_a_connect_failure_without_its_password(answer: bytes, says: str) -> None:
    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with upstream(refusing) as proxying:
        upstreams = Upstreams(environ={"https_proxy": f"http://me:hunter2@127.0.0.1:{proxying.port}"})
        with pytest.raises(ConnectFailed, match=says) as caught:
            await get(upstreams, Origin("https", "provider.test", 443))
        assert "hunter2" not in str(caught.value)
        assert upstreams.open_connections == 0


SECURE = Origin("https", "api.provider.test", 443)
ROUTES: list[tuple[str, Origin, dict[str, str], OutgoingProxy | None]] = [
    ("nothing set", SECURE, {}, None),
    ("upper case", SECURE, {"HTTPS_PROXY": "http://p:1"}, OutgoingProxy("p", 1, b"")),
    ("lower case wins", SECURE, {"HTTPS_PROXY": "http://p:1", "https_proxy": "http://q:2"}, OutgoingProxy("q", 2, b"")),
    ("without a scheme", SECURE, {"https_proxy": "p:1"}, OutgoingProxy("p", 1, b"")),
    ("for everything", SECURE, {"ALL_PROXY": "http://p"}, OutgoingProxy("p", 80, b"")),
    ("of the other scheme", SECURE, {"http_proxy": "http://p:1"}, None),
    ("star", SECURE, {"https_proxy": "http://p:1", "no_proxy": "*"}, None),
    ("the host itself", SECURE, {"https_proxy": "http://p:1", "NO_PROXY": "a, API.provider.test"}, None),
    ("a parent domain", SECURE, {"https_proxy": "http://p:1", "no_proxy": "provider.test"}, None),
    ("a parent domain with a dot", SECURE, {"https_proxy": "http://p:1", "no_proxy": ".provider.test"}, None),
    ("only the end of a name", SECURE, {"https_proxy": "http://p:1", "no_proxy": "vider.test"}, OutgoingProxy("p", 1, b"")),
    ("the port", SECURE, {"https_proxy": "http://p:1", "no_proxy": "provider.test:443"}, None),
    ("another port", SECURE, {"https_proxy": "http://p:1", "no_proxy": "provider.test:80"}, OutgoingProxy("p", 1, b"")),
    ("a range", Origin("http", "10.1.2.3", 80), {"http_proxy": "http://p:1", "no_proxy": "10.0.0.0/8"}, None),
    ("another range", Origin("http", "11.1.2.3", 80), {"http_proxy": "http://p:1", "no_proxy": "10.0.0.0/8"},
     OutgoingProxy("p", 1, b"")),
    ("an IPv6 address", Origin("http", "::1", 80), {"http_proxy": "http://p:1", "no_proxy": "[::1]"}, None),
    ("an IPv6 range", Origin("http", "fd00::1", 80), {"http_proxy": "http://p:1", "no_proxy": "fd00::/8"}, None),
    ("loopback is not special", Origin("http", "127.0.0.1", 80), {"http_proxy": "http://p:1"}, OutgoingProxy("p", 1, b"")),
]  # fmt: skip


@pytest.mark.parametrize(("origin", "environ", "expected"), [row[1:] for row in ROUTES], ids=[row[0] for row in ROUTES])
def test_the_environment_says_which_way(origin: Origin, environ: dict[str, str], expected: OutgoingProxy | None) -> None:
    assert proxy_for(origin, environ) == expected


@pytest.mark.parametrize("url", ["socks5://me:hunter2@p:1", "https://me:hunter2@p:1", "http://me:hunter2@p:port"])
def test_a_proxy_that_is_not_spoken_to_is_said_so_without_its_password(url: str) -> None:
    with pytest.raises(ConnectFailed) as caught:
        proxy_for(SECURE, {"https_proxy": url})
    assert "hunter2" not in str(caught.value)
