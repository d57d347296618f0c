"""The command line. Each command imports what it needs when it runs: the proxy starts without the API plane and rich."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from waybill.errors import BadArgument, CommandError
from waybill.options import Options

DATA_HELP = "The data folder: repository, database, journal, keys."


def version_text() -> str:
    """`waybill 0.1.0`."""
    from importlib.metadata import version

    return f"waybill {version('waybill')}"


app = App(
    name="waybill",
    help="A self-hosted LLM router: configuration in Git, budgets that hold, a waybill for every request.",
    version=version_text,
    help_epilogue="Every HOST:PORT and the data folder may also come from the environment: WAYBILL_DATA, WAYBILL_PROXY, "
    "WAYBILL_API, WAYBILL_PROXY_OPS, WAYBILL_API_OPS, as --fsync from WAYBILL_FSYNC. Everything else is configuration, in Git.",
    result_action="return_value",
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 could not or found errors, 2 the command line makes no sense."""
    try:
        code = app(sys.argv[1:] if arguments is None else arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        return _complain(" ".join(str(error).split()), BadArgument.exit_code)
    except CommandError as error:
        return _complain(str(error), error.exit_code)
    except KeyboardInterrupt:
        return 130
    return code if isinstance(code, int) else 0


def _complain(message: str, code: int) -> int:
    print(f"waybill: {message}", file=sys.stderr)  # noqa: T201  # the one line that a failing command says
    return code


@app.command
def serve(*, options: Options | None = None) -> None:
    """Run the proxy and the API, supervised; make the data folder on the first start."""
    from waybill.serve import serve

    serve(options or Options())


@app.command
def proxy(*, options: Options | None = None) -> None:
    """Run the proxy alone: what applications talk to."""
    from waybill.planes import run_proxy

    run_proxy(options or Options())


@app.command
def api(*, options: Options | None = None) -> None:
    """Run the API alone: GraphQL, recorder, publisher."""
    from waybill.planes import run_api

    run_api(options or Options())


@app.command
def check(
    target: Annotated[
        str, Parameter(name="PATH|REV", help="A folder of files, a repository, or a revision of --data's.")
    ] = "main",
    /,
    *,
    data: Annotated[Path, Parameter(env_var="WAYBILL_DATA", help=DATA_HELP)] = Path("data"),
) -> int:
    """Validate a configuration: every error as file:line: field: reason."""
    from waybill.check import check

    return check(target, data)


@app.command
def explain(file: Annotated[Path, Parameter(allow_leading_hyphen=True)], /) -> int:
    """Decide offline what a JSON file (`-`: stdin) describes, and print the whole reasoning as JSON."""
    from waybill.explain import explain

    return explain(file)


@app.command
def seal(
    provider: str,
    /,
    *,
    data: Annotated[Path, Parameter(env_var="WAYBILL_DATA", help=DATA_HELP)] = Path("data"),
) -> None:
    """Read a provider's key from stdin and print the `credential:` for its file: only the proxy can open it."""
    from waybill.seal import seal

    seal(provider, data)


user_app = App(name="user", help="Let somebody in when nobody can: on the machine itself, also while the API runs.")
app.command(user_app)


@user_app.command(name="admin")
def user_admin(
    email: str,
    /,
    *,
    data: Annotated[Path, Parameter(env_var="WAYBILL_DATA", help=DATA_HELP)] = Path("data"),
) -> None:
    """Make a user an admin, new or not, and print a new password."""
    from waybill.user import make_admin

    make_admin(email, data)


@user_app.command(name="password")
def user_password(
    email: str,
    /,
    *,
    data: Annotated[Path, Parameter(env_var="WAYBILL_DATA", help=DATA_HELP)] = Path("data"),
) -> None:
    """Print a new password for a user, whose sessions end."""
    from waybill.user import reset_password

    reset_password(email, data)


@app.command
def version() -> None:
    """Print the version."""
    print(version_text())  # noqa: T201  # the command's answer
