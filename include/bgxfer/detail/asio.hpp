#ifndef BGXFER_DETAIL_ASIO_HPP
#define BGXFER_DETAIL_ASIO_HPP

// The one place where Asio enters the public headers.
#ifndef ASIO_STANDALONE
#define ASIO_STANDALONE 1
#endif
#include <asio/detail/config.hpp>

#if !defined(ASIO_HAS_CO_AWAIT)
#error \
    "bgxfer needs Asio with coroutines: build as C++20, and with clang and Asio before 1.26 define ASIO_HAS_CO_AWAIT=1 and ASIO_HAS_STD_COROUTINE=1"
#endif

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#endif
