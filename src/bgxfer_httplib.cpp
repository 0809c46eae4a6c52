// The table of contents of bgxfer::httplib: every source, in order. The build reads its list of sources from here.
