#include <bgxfer/httplib/httplib_transport.hpp>

#include <doctest/doctest.h>

#include "contract/transport_contract.hpp"

TEST_CASE("the transport through cpp-httplib keeps the contract of transports") {
  http_test::check_transport_contract([] { return bgxfer::httplib::make_transport(); });
}
