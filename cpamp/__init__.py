"""cpamp: the Manager Server for CLIProxyAPI."""

__version__ = "0.1.0"
