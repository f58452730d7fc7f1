"""The Flower app: a client, a server, and nothing else; all they do is in `federated`."""
