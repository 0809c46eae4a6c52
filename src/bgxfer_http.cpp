// The table of contents of bgxfer::http: every source, in order. The build reads its list of sources from here.
