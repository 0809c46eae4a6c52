// Named in no table of contents, and of a room that must not know Asio.
#include <asio/post.hpp>
