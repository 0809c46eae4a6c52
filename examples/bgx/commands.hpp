#ifndef BGX_COMMANDS_HPP
#define BGX_COMMANDS_HPP

#include <asio/awaitable.hpp>

#include "session.hpp"

namespace bgx {

// The verbs. Each answers with what the program ends with, or throws `UsageError`.

asio::awaitable<int> get(Session& session);
asio::awaitable<int> add(Session& session);
asio::awaitable<int> run(Session& session);
asio::awaitable<int> list(Session& session);
asio::awaitable<int> show(Session& session);
asio::awaitable<int> suspend(Session& session);
asio::awaitable<int> resume(Session& session);
asio::awaitable<int> cancel(Session& session);
asio::awaitable<int> complete(Session& session);
asio::awaitable<int> set(Session& session);

/// Reads the journal without opening the queue, and changes nothing.
int doctor(const Arguments& arguments);

/// Throws `UsageError` for what can be seen to be wrong before a journal is touched.
void check_get(const Arguments& arguments);
void check_add(const Arguments& arguments);
void check_no_words(const Arguments& arguments);
void check_one_id(const Arguments& arguments);
void check_set(const Arguments& arguments);

}  // namespace bgx

#endif
