"""The truth: money, facts, canonical bytes, the journal and the vault."""
