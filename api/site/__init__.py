"""The pages of the service: what a browser shows to the public, donors, programme staff, finance and auditors."""
