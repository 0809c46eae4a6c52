// The table of contents of bgxfer::testing: every source, in order. The build reads its list of sources from here.
