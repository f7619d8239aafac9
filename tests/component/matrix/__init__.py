"""Every route of the proxy that leads to a provider, and every way a request to it can end."""
