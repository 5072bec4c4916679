"""What people read: figures, statements, reconciliations and pages."""
