"""Every question about usage: a request, a selection of rows, and one pure module per section."""
