// Named in no table of contents.
