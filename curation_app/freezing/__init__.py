"""The page Freeze in parts: what would be exported, and decisions to and from other tools."""
