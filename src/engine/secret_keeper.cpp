#include "secret_keeper.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "../model/secrets.hpp"
#include "spawn.hpp"
#include "verdict.hpp"

namespace bgxfer::inline v0::detail {

void SecretKeeper::changed(const Model::Lock& lock, JobId job) {
  if (std::find(waiting_.begin(), waiting_.end(), job) == waiting_.end()) waiting_.push_back(job);
  if (std::exchange(running_, true)) return;
  model_->effect_began(lock);
  spawn(strand_, run(shared_from_this()), must_not_throw);
}

asio::awaitable<void> SecretKeeper::run(std::shared_ptr<SecretKeeper> self) {
  for (;;) {
    JobId id;
    std::vector<std::byte> secret;
    bool keep = false;
    {
      Model::Lock lock = self->model_->lock();
      if (self->waiting_.empty()) {
        self->running_ = false;
        self->model_->effect_ended(lock);
        co_return;
      }
      id = self->waiting_.front();
      self->waiting_.erase(self->waiting_.begin());
      const Model::Core job = self->model_->find(lock, id);
      // What was withheld is in the store still.
      if (job && !job->removed && job->record.headers_withheld) continue;
      keep = job && !job->removed && has_secrets(job->record.options.http);
      if (keep) secret = pack_secrets(job->record.options.http);
    }
    const PolicyCall<void> act = [&] {
      return keep ? self->store_->put(id.to_string(), std::move(secret)) : self->store_->erase(id.to_string());
    };
    Result<void> done = co_await caught(act);
    if (!done) self->model_->log().say(LogEvent::secrets_not_kept, done.error().message(), id);
  }
}

asio::awaitable<void> SecretKeeper::restore(JobRecord& record) {
  if (!record.headers_withheld) co_return;
  const PolicyCall<std::vector<std::byte>> get = [&] { return store_->get(record.id.to_string()); };
  Result<std::vector<std::byte>> secret = co_await caught(get);
  const Log& log = model_->log();
  if (!secret) {
    if (secret.error().code() != Errc::not_found) {
      log.say(LogEvent::secrets_not_restored, secret.error().message(), record.id);
    }
    co_return;
  }
  if (unpack_secrets(*secret, record.options.http)) {
    record.headers_withheld = false;
  } else {
    log.say(LogEvent::secrets_not_restored, "they are not what was put in", record.id);
  }
}

}  // namespace bgxfer::inline v0::detail
