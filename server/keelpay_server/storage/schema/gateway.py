"""Tables of the `gateway` room."""
