// A host of the core, with one header dropped in.
#include <cstdio>

#include <bgxfer.hpp>

int main() {
  bgxfer::RangeSet arrived;
  arrived.add({0, 1'000});
  arrived.add({5'000, 1'000});
  for (bgxfer::ByteRange gap : arrived.gaps({0, 10'000})) {
    std::printf("missing: %llu bytes from %llu\n", static_cast<unsigned long long>(gap.length),
                static_cast<unsigned long long>(gap.offset));
  }

  const bgxfer::JobId id = bgxfer::JobId::from_random(1, 2);
  const bgxfer::Error error(bgxfer::Errc::stalled, bgxfer::ErrorContext::transport, "example.org");
  std::printf("job %s: %s\n", id.to_string().c_str(), error.message().c_str());
  return error.code() == bgxfer::Failure::transient && bgxfer::make_steady_clock() ? 0 : 1;
}
