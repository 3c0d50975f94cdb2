"""Services that answer for whole ranges of a chain at once: SQD Network's portal and Envio's HyperSync.

They are quicker than a node and less is known of how they come by their answers; both have been seen to leave blocks out. So
an answer counts for the blocks that it states itself, must hang together, and is doubted where it looks thin.
"""
