#ifndef BGXFER_HTTP_AUTHENTICATOR_HPP
#define BGXFER_HTTP_AUTHENTICATOR_HPP

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <bgxfer/http_options.hpp>

#include "digest_access.hpp"
#include "gss_context.hpp"
#include "head.hpp"
#include "url.hpp"

namespace bgxfer::inline v0::http::detail {

/// What servers and proxies have asked for before, so that the next request need not be refused first. Any thread.
class ProofMemory {
 public:
  /// The ones used last are kept.
  static constexpr std::size_t entries_max = 64;

  /// Whom, and with what: a proof for one user at one place is never used for another.
  struct Key {
    Origin place{};
    Credentials credentials{};
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Turn {
    std::optional<DigestChallenge> challenge{};  ///< Empty: Basic, Negotiate.
    std::uint32_t count = 0;                     ///< How often the nonce has been used, this time included.
  };

  void learn(const Key& key, std::optional<DigestChallenge> challenge);
  /// What to answer to, where the place has asked before, and with this nonce if one is named. Counts the use of the
  /// nonce.
  [[nodiscard]] std::optional<Turn> next(const Key& key, std::string_view nonce = {});
  void forget(const Key& key);

 private:
  struct Entry {
    Entry(Key entry_key, Turn entry_turn) : key(std::move(entry_key)), turn(std::move(entry_turn)) {}
    Key key;
    Turn turn;
  };
  std::mutex mutex_;
  std::list<Entry> entries_;
};

/// Proves to one place, over the hops of one request, who is asking. Decides; does no I/O: what has to be asked of
/// GSSAPI it hands out as a question.
class Authenticator {
 public:
  struct Question {
    Question(std::shared_ptr<GssContext> whom, std::string what) : context(std::move(whom)), token(std::move(what)) {}
    std::shared_ptr<GssContext> context;
    std::string token;
  };

  /// `place` is the origin of the server, or of the proxy. `in_clear` permits Basic and Bearer there.
  Authenticator(std::shared_ptr<ProofMemory> memory, const std::vector<Credentials>& credentials,
                CredentialTarget target, Origin place, bool in_clear);

  /// What to ask GSSAPI before the next attempt; empty for nothing. The answer goes to `answer`.
  [[nodiscard]] std::optional<Question> question();
  void answer(GssStep step);
  /// The other side asked for what cannot be had here: another attempt makes no sense.
  [[nodiscard]] bool gave_up() const noexcept { return gave_up_; }
  /// The next attempt belongs to the connection of the last one: what is said there continues.
  [[nodiscard]] bool bound() const noexcept { return bound_; }

  /// The value of (Proxy-)Authorization for the next attempt; empty for none.
  [[nodiscard]] std::optional<std::string> proof(std::string_view method, std::string_view target);

  /// Takes in a refusal (401 or 407) and says whether another attempt may fare better.
  [[nodiscard]] bool refused(const Head& head);

  /// Why it did not: for people, without secrets.
  [[nodiscard]] const std::string& why() const noexcept { return why_; }

 private:
  const Credentials* find(CredentialScheme scheme) const noexcept;
  bool refused_by_gss(const Credentials& known, const std::string& token);

  std::shared_ptr<ProofMemory> memory_;
  std::vector<Credentials> credentials_;  // Of the target alone.
  CredentialTarget target_;
  Origin place_;
  bool in_clear_;
  std::optional<CredentialScheme> tried_{};  // What the last attempt carried.
  std::string tried_nonce_{};
  std::optional<DigestChallenge> own_{};  // What this conversation was asked last, whatever others were asked since.
  bool challenged_ = false;
  // Negotiate and NTLM.
  std::shared_ptr<GssContext> context_{};
  std::optional<Question> question_{};
  std::string token_{};  // What GSSAPI gave for the next attempt.
  CredentialScheme token_scheme_{};
  bool begun_ = false, bound_ = false, gave_up_ = false;
  std::string why_{};
};

/// `user:password` in Base64 (RFC 7617).
[[nodiscard]] std::string basic_proof(const Credentials& credentials);

}  // namespace bgxfer::inline v0::http::detail

#endif
