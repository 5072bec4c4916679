"""The doors: settings, assembly, HTTP and the command line."""
