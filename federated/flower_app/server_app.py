"""The server: rounds over one adapter, then figures of every user, then the report."""

from __future__ import annotations

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from federated.deploy.rounds import serve
from federated.server import run
from federated.settings import Settings

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """All of a run: `federated.deploy.rounds` with real devices, or `federated.server`."""
    settings = Settings.from_config(context.run_config)
    (serve if settings.deployed else run)(grid, settings)
