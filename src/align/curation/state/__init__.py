"""What people decided, and what follows from it: one module for each kind of row in the database."""
