"""Use cases, one a file. They know the ports, not what is behind them."""
