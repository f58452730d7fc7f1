"""The server: rounds over one adapter, then figures of every user, then the report."""

from __future__ import annotations

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from federated.server import run
from federated.settings import Settings

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """All of a run; `federated.server` says what that is."""
    run(grid, Settings.from_config(context.run_config))
