"""The database of people's decisions: its tables, how it is opened, upgraded and saved."""
