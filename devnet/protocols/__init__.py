"""Deployment of each protocol, and what is known about it afterwards.

Every protocol has its own deployer account, so that adding one never moves another's addresses.
"""
