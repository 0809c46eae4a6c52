#include "redirect.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "../base/mutant.hpp"
#include "text.hpp"

namespace bgxfer::inline v0::http::detail {

namespace {

/// Headers that say nothing about who is asking.
constexpr std::array<std::string_view, 3> harmless_fields = {"accept", "accept-language", "user-agent"};

bool is_harmless(const Header& header) noexcept {
  return std::any_of(harmless_fields.begin(), harmless_fields.end(),
                     [&header](std::string_view name) { return equal_ignoring_case(header.name, name); });
}

}  // namespace

bool is_redirect(int status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

RedirectTrail::RedirectTrail(Request& request, Url start) : request_(request), here_(std::move(start)) {}

Result<void> RedirectTrail::follow(const Head& head) {
  const auto refused = [this](Errc code, const std::string& why) {
    return Error(code, ErrorContext::remote_file, public_url(here_.to_string()) + ": " + why);
  };
  if (request_.redirects.hops_max == 0) return refused(Errc::redirect_refused, "redirects are not followed");
  if (hops_ == request_.redirects.hops_max)
    return refused(Errc::too_many_redirects, "the limit is " + std::to_string(hops_));

  const std::optional<std::string_view> location = head.field("location");
  if (!location || location->empty()) return refused(Errc::invalid_response, "a redirect without Location");
  Result<Url> next = BGXFER_MUTANT(18) ? parse_url(*location) : resolve(here_, *location);
  if (!next) return refused(Errc::invalid_response, "a redirect to a bad URL: " + next.error().detail());

  if (request_.redirects.mode == RedirectMode::refuse) {
    if (request_.refused_redirect) *request_.refused_redirect = next->to_string();
    return Error(http_status(head.status), ErrorContext::remote_file,
                 public_url(here_.to_string()) + ": leads to " + public_url(next->to_string()));
  }
  if (here_.origin.secure && !next->origin.secure && !request_.redirects.allow_https_to_http && !BGXFER_MUTANT(17)) {
    return refused(Errc::redirect_refused, "from https to http");
  }
  if (request_.method != "GET" && request_.method != "HEAD") {
    // A body has been sent and cannot be had again; only 303 says that the answer is a plain GET away.
    if (head.status != 303) return refused(Errc::redirect_refused, "of a " + request_.method + " request");
    request_.method = "GET";
    request_.body.reset();
  }
  if (!moved()) visited_.insert(here_.to_string());
  if (!visited_.insert(next->to_string()).second) return refused(Errc::too_many_redirects, "a loop");

  if (next->origin != here_.origin) {
    std::erase_if(request_.headers, [](const Header& h) { return !is_harmless(h); });
    std::erase_if(request_.credentials, [](const Credentials& c) { return c.target == CredentialTarget::server; });
    // A certificate names its owner as a password does.
    request_.tls.client = ClientCertificate{};
    request_.tls.client_source.reset();
  }
  here_ = *std::move(next);
  ++hops_;
  return {};
}

}  // namespace bgxfer::inline v0::http::detail
