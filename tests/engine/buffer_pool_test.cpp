#include "engine/buffer_pool.hpp"

#include <doctest/doctest.h>

using bgxfer::detail::BufferPool;

namespace {

constexpr std::size_t chunk = 256 * 1024;

}  // namespace

TEST_CASE("a buffer beyond the budget is a small one, and nobody is turned away") {
  const auto pool = std::make_shared<BufferPool>(chunk, 8, 2 * chunk);
  const BufferPool::Loan first = pool->borrow();
  const BufferPool::Loan second = pool->borrow();
  CHECK(first.bytes().size() == chunk);
  CHECK(second.bytes().size() == chunk);
  CHECK(pool->borrow().bytes().size() == BufferPool::small_bytes);
}

TEST_CASE("a second buffer is had from one half of the budget only, so that others get their first") {
  const auto pool = std::make_shared<BufferPool>(chunk, 8, 4 * chunk);
  const BufferPool::Loan first = pool->borrow();
  const std::optional<BufferPool::Loan> another = pool->borrow_another();
  REQUIRE(another);
  CHECK(another->bytes().size() == chunk);
  CHECK_FALSE(pool->borrow_another());
  CHECK(pool->borrow().bytes().size() == chunk);
  CHECK(pool->figures().lent == 2);
}

TEST_CASE("a buffer that comes back is lent again, and so many are kept") {
  const auto pool = std::make_shared<BufferPool>(chunk, 1, 8 * chunk);
  const std::byte* where = nullptr;
  {
    const BufferPool::Loan first = pool->borrow();
    const BufferPool::Loan second = pool->borrow();
    where = second.bytes().data();
  }
  CHECK(pool->figures().lent == 0);
  CHECK(pool->figures().spare == 1);
  CHECK(pool->borrow().bytes().data() == where);
}
