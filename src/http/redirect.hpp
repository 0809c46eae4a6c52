#ifndef BGXFER_HTTP_REDIRECT_HPP
#define BGXFER_HTTP_REDIRECT_HPP

#include <set>
#include <string>

#include <bgxfer/result.hpp>
#include <bgxfer/transport.hpp>

#include "head.hpp"
#include "url.hpp"

namespace bgxfer::inline v0::http::detail {

/// Whether the status sends the request elsewhere. 300, 304 and 305 do not: they need somebody who can choose.
[[nodiscard]] BGXFER_API bool is_redirect(int status) noexcept;

/// The way of one request from hop to hop. Decides, does no I/O.
///
/// Only http and https are ever followed, each hop is counted and remembered (loops end at once), and once the origin
/// has changed only harmless headers travel on: it stays that way even if a later hop leads back, since whoever stood
/// between could have sent it anywhere (security.md parts 2 and 4).
class BGXFER_API RedirectTrail {
 public:
  /// `request` outlives the trail. `start` is its parsed URL.
  RedirectTrail(Request& request, Url start);

  /// Where the request goes now.
  [[nodiscard]] const Url& here() const noexcept { return here_; }
  [[nodiscard]] bool moved() const noexcept { return hops_ > 0; }
  /// The same as text; as it was asked for, where nothing led elsewhere: another spelling is no redirect.
  [[nodiscard]] std::string final_url() const { return moved() ? here_.to_string() : request_.url; }

  /// Takes the hop that `head` asks for and edits the request for it, or says why not: `too_many_redirects`,
  /// `redirect_refused`, or `invalid_response` for a Location that is missing or makes no sense.
  [[nodiscard]] Result<void> follow(const Head& head);

 private:
  Request& request_;
  Url here_;
  std::uint32_t hops_ = 0;
  std::set<std::string> visited_;
};

}  // namespace bgxfer::inline v0::http::detail

#endif
