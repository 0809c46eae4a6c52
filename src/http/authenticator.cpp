#include "authenticator.hpp"

#include <algorithm>
#include <utility>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "challenge.hpp"
#include "text.hpp"

namespace bgxfer::inline v0::http::detail {

namespace {

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

/// Empty for what is no Base64.
std::string from_base64(std::string_view text) {
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size <= 0) return {};
  const auto padding = text.size() - text.substr(0, text.find_last_not_of('=') + 1).size();
  bytes.resize(static_cast<std::size_t>(size) - std::min<std::size_t>(padding, 2));
  return bytes;
}

std::string random_text() {
  unsigned char bytes[18] = {};
  RAND_bytes(bytes, sizeof bytes);
  return base64(std::string_view(reinterpret_cast<const char*>(bytes), sizeof bytes));
}

}  // namespace

void ProofMemory::learn(const Key& key, std::optional<DigestChallenge> challenge) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&key](const Entry& entry) { return entry.key == key; });
  Turn turn;
  turn.challenge = std::move(challenge);
  entries_.emplace_front(key, std::move(turn));
  if (entries_.size() > entries_max) entries_.pop_back();
}

std::optional<ProofMemory::Turn> ProofMemory::next(const Key& key, std::string_view nonce) {
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&key](const Entry& entry) { return entry.key == key; });
  if (found == entries_.end()) return std::nullopt;
  if (!nonce.empty() && (!found->turn.challenge || found->turn.challenge->nonce != nonce)) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, found);
  ++found->turn.count;
  return found->turn;
}

void ProofMemory::forget(const Key& key) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&key](const Entry& entry) { return entry.key == key; });
}

std::string basic_proof(const Credentials& credentials) {
  return "Basic " + base64(credentials.user + ":" + credentials.password);
}

Authenticator::Authenticator(std::shared_ptr<ProofMemory> memory, const std::vector<Credentials>& credentials,
                             CredentialTarget target, Origin place, bool in_clear)
    : memory_(std::move(memory)), target_(target), place_(std::move(place)), in_clear_(in_clear) {
  std::copy_if(credentials.begin(), credentials.end(), std::back_inserter(credentials_),
               [target](const Credentials& known) { return known.target == target; });
}

const Credentials* Authenticator::find(CredentialScheme scheme) const noexcept {
  const auto found = std::find_if(credentials_.begin(), credentials_.end(),
                                  [scheme](const Credentials& known) { return known.scheme == scheme; });
  return found == credentials_.end() ? nullptr : &*found;
}

std::optional<Authenticator::Question> Authenticator::question() {
  // A place that has asked before is shown a ticket at once. NTLM answers to what the server says first.
  if (const Credentials* known = find(CredentialScheme::negotiate); known && !begun_) {
    if (memory_->next(ProofMemory::Key{place_, *known})) {
      context_ = std::make_shared<GssContext>(*known, place_.host);
      token_scheme_ = known->scheme;
      question_.emplace(context_, std::string());
    }
  }
  begun_ = true;
  return std::exchange(question_, std::nullopt);
}

void Authenticator::answer(GssStep step) {
  token_ = std::move(step.token);
  if (step.why.empty()) return;
  why_ = std::move(step.why);
  context_.reset();
  bound_ = false;
  gave_up_ = challenged_;
}

/// Goes on with the proof that has begun, or begins one.
bool Authenticator::refused_by_gss(const Credentials& known, const std::string& token) {
  const ProofMemory::Key key{place_, known};
  const std::string name = known.scheme == CredentialScheme::ntlm ? "NTLM" : "Negotiate";
  const bool tried = tried_ == known.scheme && context_;
  if (tried && !token.empty()) {
    std::string answer = from_base64(token);
    if (answer.empty()) {
      why_ = "its challenge is not understood (" + name + ")";
      return false;
    }
    question_.emplace(context_, std::move(answer));
    bound_ = true;
    return true;
  }
  // The first refusal of a ticket that was shown unasked may only mean that it has been seen before.
  if (tried && (challenged_ || bound_)) {
    memory_->forget(key);
    context_.reset();
    token_.clear();
    bound_ = false;
    why_ = known.scheme == CredentialScheme::ntlm ? "the user name or the password is wrong (NTLM)"
                                                  : "it does not take the ticket (Negotiate)";
    return false;
  }
  challenged_ = true;
  bound_ = false;
  token_.clear();
  token_scheme_ = known.scheme;
  if (known.scheme == CredentialScheme::negotiate) memory_->learn(key, std::nullopt);
  context_ = std::make_shared<GssContext>(known, place_.host);
  question_.emplace(context_, std::string());
  return true;
}

std::optional<std::string> Authenticator::proof(std::string_view method, std::string_view target) {
  tried_.reset();
  tried_nonce_.clear();
  if (!token_.empty()) {
    tried_ = token_scheme_;
    return (token_scheme_ == CredentialScheme::ntlm ? "NTLM " : "Negotiate ") + base64(token_);
  }
  for (CredentialScheme scheme : {CredentialScheme::digest, CredentialScheme::basic}) {
    const Credentials* known = find(scheme);
    if (!known || (scheme == CredentialScheme::basic && !in_clear_)) continue;
    const bool asked = scheme == CredentialScheme::digest && own_;
    std::optional<ProofMemory::Turn> turn =
        memory_->next(ProofMemory::Key{place_, *known}, asked ? std::string_view(own_->nonce) : std::string_view());
    if (!turn && asked) turn = ProofMemory::Turn{own_, 1};
    if (asked) own_.reset();  // Once: later ones go by the memory, which counts.
    if (!turn) continue;
    tried_ = scheme;
    if (scheme == CredentialScheme::basic) return basic_proof(*known);
    tried_nonce_ = turn->challenge->nonce;
    const auto value = digest_proof(*turn->challenge, *known, method, target, turn->count, random_text());
    if (value) return value;
    tried_.reset();
  }
  const Credentials* token = find(CredentialScheme::bearer);
  if (!token || !in_clear_) return std::nullopt;
  tried_ = CredentialScheme::bearer;
  return "Bearer " + token->password;
}

bool Authenticator::refused(const Head& head) {
  const std::string_view field = target_ == CredentialTarget::proxy ? "proxy-authenticate" : "www-authenticate";
  std::vector<Challenge> challenges;
  for (const Header& header : head.fields) {
    if (lowered(header.name) != field) continue;
    Result<std::vector<Challenge>> more = parse_challenges(header.value);
    if (!more) {
      why_ = "its challenge is not understood (" + more.error().detail() + ")";
      continue;
    }
    for (Challenge& challenge : *more) {
      if (challenges.size() < challenges_max) challenges.push_back(std::move(challenge));
    }
  }

  std::optional<DigestChallenge> best;
  bool stale = false, basic = false;
  std::string offered;
  for (const Challenge& challenge : challenges) {
    // The name is a token of the server's choice: short, and printable.
    if (offered.size() < 80) offered += (offered.empty() ? "" : ", ") + challenge.scheme.substr(0, 20);
    basic = basic || challenge.scheme == "basic";
    std::optional<DigestChallenge> digest = DigestChallenge::read(challenge);
    if (!digest || (best && digest->algorithm <= best->algorithm)) continue;
    const auto old = challenge.parameter("stale");
    stale = old && equal_ignoring_case(*old, "true");
    best = std::move(digest);
  }

  for (CredentialScheme scheme : {CredentialScheme::negotiate, CredentialScheme::ntlm}) {
    const std::string_view name = scheme == CredentialScheme::ntlm ? "ntlm" : "negotiate";
    const Credentials* known = find(scheme);
    const auto wanted = std::find_if(challenges.begin(), challenges.end(),
                                     [name](const Challenge& challenge) { return challenge.scheme == name; });
    if (known && wanted != challenges.end()) return refused_by_gss(*known, wanted->token);
  }
  if (const Credentials* known = find(CredentialScheme::digest); known && best) {
    const ProofMemory::Key key{place_, *known};
    const bool wrong = tried_ == CredentialScheme::digest && (!stale || best->nonce == tried_nonce_) && challenged_;
    // The first refusal of a proof from memory may only mean that the nonce grew old without anybody saying so.
    challenged_ = true;
    if (!wrong) {
      own_ = best;
      memory_->learn(key, std::move(best));
      return true;
    }
    memory_->forget(key);
    why_ = "the user name or the password is wrong (Digest)";
    return false;
  }
  if (const Credentials* known = find(CredentialScheme::basic); known && basic) {
    const ProofMemory::Key key{place_, *known};
    if (!in_clear_) {
      why_ = "it asks for a password in clear (Basic) over plain http, so none was sent";
      return false;
    }
    if (tried_ != CredentialScheme::basic) {
      memory_->learn(key, std::nullopt);
      return true;
    }
    memory_->forget(key);
    why_ = "the user name or the password is wrong (Basic)";
    return false;
  }
  if (tried_ == CredentialScheme::bearer) {
    why_ = "the token is refused (Bearer)";
  } else if (find(CredentialScheme::bearer) && !in_clear_) {
    why_ = "a token (Bearer) is not sent over plain http";
  } else if (why_.empty()) {
    why_ = offered.empty() ? "it does not say what it wants" : "it asks for credentials (" + offered + ")";
  }
  return false;
}

}  // namespace bgxfer::inline v0::http::detail
