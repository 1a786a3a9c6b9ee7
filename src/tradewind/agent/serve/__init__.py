"""`serve`: the far end of one connection. Answers framed requests on its standard streams; listens on nothing."""
