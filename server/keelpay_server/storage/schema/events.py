"""Tables of the `events` room."""
