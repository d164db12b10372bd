"""The sections of the team page: one module is one section with `draw(project, person)`."""
