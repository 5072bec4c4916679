"""Tamper evidence: the Merkle log, checkpoints, exports and the offline verifier."""
