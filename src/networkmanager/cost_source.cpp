#include <bgxfer/networkmanager/cost_source.hpp>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <systemd/sd-bus.h>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>

#include "../ports/strand.hpp"

namespace bgxfer::inline v0::networkmanager {

CostSource::~CostSource() = default;

namespace {

constexpr const char* service = "org.freedesktop.NetworkManager";
constexpr const char* path = "/org/freedesktop/NetworkManager";
constexpr const char* properties = "org.freedesktop.DBus.Properties";

/// NetworkManager's NMMetered: unknown 0, yes 1, no 2, guessed yes 3, guessed no 4.
NetworkCost cost_of(std::uint32_t metered) noexcept {
  NetworkCost cost;
  if (metered == 1 || metered == 3) cost.state = CostState::capped_usage_unknown;
  return cost;
}

struct CloseBus {
  void operator()(sd_bus* bus) const noexcept { sd_bus_close_unref(bus); }
};

Error bus_error(int result, const char* what) {
  return Error(std::error_code(-result, std::generic_category()), ErrorContext::none, std::string("D-Bus: ") + what);
}

/// One connection to the bus. The source owns it; its waits hold it weakly.
class Watch : public std::enable_shared_from_this<Watch> {
 public:
  Watch(const asio::any_io_executor& executor, std::function<void(NetworkCost)> changed)
      : descriptor_(asio::any_io_executor(bgxfer::detail::Strand(executor))), changed_(std::move(changed)) {}

  Result<void> open(const std::string& address) {
    sd_bus* bus = nullptr;
    int result = 0;
    if (address.empty()) {
      result = sd_bus_open_system(&bus);
      bus_.reset(bus);
    } else {
      result = sd_bus_new(&bus);
      bus_.reset(bus);
      if (result >= 0) result = sd_bus_set_address(bus, address.c_str());
      if (result >= 0) result = sd_bus_set_bus_client(bus, 1);
      if (result >= 0) result = sd_bus_start(bus);
    }
    if (result < 0) return bus_error(result, "no connection");

    // Asked anew whatever changed: the answers come in the order of the changes.
    result = sd_bus_match_signal_async(bus, nullptr, service, path, properties, "PropertiesChanged", &Watch::heard,
                                       nullptr, this);
    if (result >= 0) {
      const std::string owner = std::string(
                                    "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                                    "member='NameOwnerChanged',arg0='") +
                                service + "'";
      result = sd_bus_add_match_async(bus, nullptr, owner.c_str(), &Watch::heard, nullptr, this);
    }
    if (result >= 0) result = ask();
    if (result < 0) return bus_error(result, "no subscription");

    // The descriptor's, which closes it; no program that the host starts has it.
    const int own = ::fcntl(sd_bus_get_fd(bus), F_DUPFD_CLOEXEC, 0);
    if (own < 0) return bus_error(-errno, "no descriptor");
    descriptor_.assign(own);
    // Not from in here: what `changed` is meant to reach may not be there yet.
    asio::post(descriptor_.get_executor(), [weak = weak_from_this()] {
      if (const std::shared_ptr<Watch> watch = weak.lock()) watch->pump();
    });
    return {};
  }

  void close() {
    changed_ = nullptr;
    std::error_code ignored;
    descriptor_.close(ignored);
    bus_.reset();
  }

 private:
  int ask() {
    sd_bus_message* message = nullptr;
    int result = sd_bus_message_new_method_call(bus_.get(), &message, service, path, properties, "Get");
    if (result >= 0) result = sd_bus_message_append(message, "ss", service, "Metered");
    if (result >= 0) result = sd_bus_message_set_auto_start(message, 0);
    if (result >= 0) result = sd_bus_call_async(bus_.get(), nullptr, message, &Watch::answered, this, 0);
    sd_bus_message_unref(message);
    return result;
  }

  static int heard(sd_bus_message*, void* self, sd_bus_error*) { return static_cast<Watch*>(self)->ask(); }

  static int answered(sd_bus_message* message, void* self, sd_bus_error*) {
    std::uint32_t metered = 0;
    const bool told =
        sd_bus_message_is_method_error(message, nullptr) == 0 && sd_bus_message_read(message, "v", "u", &metered) >= 0;
    static_cast<Watch*>(self)->found_ = cost_of(told ? metered : 0);
    return 0;
  }

  /// Does what there is to do on the bus, tells the host, and waits for more.
  void pump() {
    int result = 1;
    while (result > 0) {
      result = sd_bus_process(bus_.get(), nullptr);
      if (result < 0) found_ = NetworkCost{};  // The bus has gone: nobody knows any more.
    }
    if (result >= 0) arm();
    if (!found_ || found_ == told_ || !changed_) return;
    told_ = found_;
    // Last of all, for the host may destroy the source.
    const std::function<void(NetworkCost)> tell = changed_;
    tell(*found_);
  }

  void arm() {
    std::error_code ignored;
    descriptor_.cancel(ignored);
    const int events = sd_bus_get_events(bus_.get());
    for (const auto& [event, wait] : {std::pair(POLLIN, asio::posix::stream_descriptor::wait_read),
                                      std::pair(POLLOUT, asio::posix::stream_descriptor::wait_write)}) {
      if (events < 0 || (events & event) == 0) continue;
      descriptor_.async_wait(wait, [weak = weak_from_this()](std::error_code failed) {
        const std::shared_ptr<Watch> watch = weak.lock();
        if (watch && !failed) watch->pump();
      });
    }
  }

  std::unique_ptr<sd_bus, CloseBus> bus_{};
  asio::posix::stream_descriptor descriptor_;
  std::function<void(NetworkCost)> changed_;
  std::optional<NetworkCost> found_{};
  std::optional<NetworkCost> told_{};
};

class BusCostSource final : public CostSource {
 public:
  explicit BusCostSource(std::shared_ptr<Watch> watch) : watch_(std::move(watch)) {}
  ~BusCostSource() override { watch_->close(); }

 private:
  std::shared_ptr<Watch> watch_;
};

}  // namespace

Result<std::unique_ptr<CostSource>> make_cost_source(asio::any_io_executor executor,
                                                     std::function<void(NetworkCost)> changed,
                                                     CostSourceOptions options) {
  auto watch = std::make_shared<Watch>(executor, std::move(changed));
  const Result<void> opened = watch->open(options.bus_address);
  if (!opened) return opened.error();
  return std::unique_ptr<CostSource>(std::make_unique<BusCostSource>(std::move(watch)));
}

}  // namespace bgxfer::inline v0::networkmanager
