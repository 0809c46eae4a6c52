// The table of contents of bgxfer::httplib: every source, in order. The build reads its list of sources from here.
// HTTP itself is read and judged by the pure units of bgxfer::http, which this library links.
// clang-format off
#include "httplib/crew.cpp"
#include "httplib/handoff.cpp"
#include "httplib/plug.cpp"
#include "httplib/wire.cpp"
#include "httplib/filter.cpp"
#include "httplib/client.cpp"
#include "httplib/httplib_transport.cpp"
