"""A seeded market on the deployed protocols: traders, liquidity providers, borrowers, liquidators and crashes."""
