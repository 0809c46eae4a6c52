#ifndef BGX_HELP_HPP
#define BGX_HELP_HPP

#include <string>
#include <string_view>

namespace bgx {

/// What `bgx help [verb]` prints; the general page for an empty verb. Empty if there is no such verb.
[[nodiscard]] std::string_view help_text(std::string_view verb);

}  // namespace bgx

#endif
