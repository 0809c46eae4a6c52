// Only its place matters here.
