"""What can be rebuilt from the journal: balances, traces, donors, flows."""
