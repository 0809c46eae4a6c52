#include <bgxfer/transfer_queue.hpp>

#include <chrono>
#include <map>
#include <random>
#include <string>
#include <system_error>
#include <utility>

#include <unistd.h>

#include <bgxfer/clock.hpp>

#include "../engine/commands.hpp"
#include "../engine/conditions.hpp"
#include "../engine/engine.hpp"
#include "../model/validate.hpp"

namespace bgxfer::inline v0 {

namespace {

/// The seed that the host gave, or bits of the system's, which make job ids unguessable. With the time, because the
/// ids of one run must not come again in the next, which finds the jobs of the first in its journal.
detail::Random seeded(const QueueOptions& options) {
  if (options.seed != 0) {
    const auto now = options.clock ? options.clock->wall_now() : std::chrono::system_clock::now();
    return detail::Random(options.seed, static_cast<std::uint64_t>(now.time_since_epoch().count()));
  }
  std::random_device system;
  const auto bits = [&system] { return std::uint64_t{system()} << 32 | system(); };
  const std::uint64_t high = bits();
  return detail::Random(high, bits());
}

/// Whom the process works for, as its system names him.
Owner owner_of_process() {
  const uid_t user = ::geteuid();
  Owner owner;
  owner.name = "uid " + std::to_string(user);
  owner.elevated = user == 0;
  return owner;
}

}  // namespace

TransferQueue::TransferQueue(asio::any_io_executor executor, QueueOptions options) {
  detail::validate_queue(options).value();
  if (options.owner.name.empty()) options.owner = owner_of_process();
  engine_ = std::make_shared<detail::Engine>(std::move(executor), options, seeded(options));
  std::map<std::string, detail::CoreHandler> handlers;
  for (const auto& [name, handler] : options.notify_handlers) {
    if (handler && !name.empty()) handlers.emplace(name, Job::from_inside(handler));
  }
  engine_->set_handlers(std::move(handlers));
  engine_->start();
}

TransferQueue::TransferQueue(TransferQueue&&) noexcept = default;

TransferQueue& TransferQueue::operator=(TransferQueue&& other) noexcept {
  std::swap(engine_, other.engine_);
  return *this;
}

TransferQueue::~TransferQueue() {
  if (engine_) engine_->close();
}

std::vector<Job> TransferQueue::jobs() const {
  detail::Model::Lock lock = engine_->model()->lock();
  std::vector<Job> jobs;
  for (detail::Model::Core& core : engine_->model()->jobs(lock)) {
    if (!is_final(core->record.state)) jobs.push_back(Job(std::move(core)));
  }
  return jobs;
}

std::optional<Job> TransferQueue::find(JobId id) const {
  detail::Model::Lock lock = engine_->model()->lock();
  detail::Model::Core core = engine_->model()->find(lock, id);
  if (!core || is_final(core->record.state)) return std::nullopt;
  return Job(std::move(core));
}

Result<Job> TransferQueue::add(JobOptions options) {
  Result<detail::Model::Core> core = detail::add_job(*engine_->model(), std::move(options));
  if (!core) return core.error();
  return Job(*std::move(core));
}

Metrics TransferQueue::metrics() const { return engine_->metrics(); }

void TransferQueue::cost_changed(NetworkCost now) { engine_->cost_changed(now); }

void TransferQueue::network_changed(Connectivity now) { engine_->network_changed(now == Connectivity::online); }

void TransferQueue::close() { engine_->close(); }

asio::awaitable<Result<RestoreReport>> TransferQueue::restored() const& { return detail::queue_restored(engine_); }
asio::awaitable<Result<void>> TransferQueue::saved() const& { return detail::queue_saved(engine_); }
asio::awaitable<void> TransferQueue::drained() const& { return detail::queue_drained(engine_); }
asio::awaitable<void> TransferQueue::closed() const& { return detail::queue_closed(engine_); }

Subscription TransferQueue::on_event(std::function<void(const Event&)> callback) {
  detail::Model& model = *engine_->model();
  Subscription subscription(model.hub().subscribe(std::nullopt, std::move(callback)));
  detail::Model::Lock lock = model.lock();
  model.remind(lock, std::nullopt);
  return subscription;
}

}  // namespace bgxfer::inline v0
