"""JSON-RPC: transport, error classification, endpoints."""
