"""A laboratory for gateway failures: network namespaces, nginx and HAProxy, servers that misbehave."""
