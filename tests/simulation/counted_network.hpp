#ifndef BGXFER_TESTS_SIMULATION_COUNTED_NETWORK_HPP
#define BGXFER_TESTS_SIMULATION_COUNTED_NETWORK_HPP

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include <bgxfer/network.hpp>

namespace bgxfer::simulation {

/// A network, and how many connections each origin has at the moment.
class CountedNetwork final : public Network {
 public:
  /// `counted` hears after each new connection how many its origin has now.
  CountedNetwork(std::shared_ptr<Network> real, std::function<void(std::size_t)> counted)
      : real_(std::move(real)), origins_(std::make_shared<Origins>()), counted_(std::move(counted)) {}

  asio::awaitable<Result<std::unique_ptr<ByteStream>>> connect(ConnectRequest request) override {
    const std::string origin = (request.secure ? "s" : "") + request.host + ':' + std::to_string(request.port);
    Result<std::unique_ptr<ByteStream>> connected = co_await real_->connect(std::move(request));
    if (!connected) co_return connected.error();
    const auto place = origins_->try_emplace(origin).first;
    counted_(++place->second);
    co_return std::make_unique<Counted>(*std::move(connected), origins_, place->second);
  }

 private:
  using Origins = std::map<std::string, std::size_t>;

  class Counted final : public ByteStream {
   public:
    Counted(std::unique_ptr<ByteStream> real, std::shared_ptr<Origins> origins, std::size_t& count)
        : real_(std::move(real)), origins_(std::move(origins)), count_(count) {}
    ~Counted() override { leave(); }

    asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) override { return real_->read(into); }
    asio::awaitable<Result<void>> write(std::span<const std::byte> bytes) override { return real_->write(bytes); }
    void close() noexcept override {
      leave();
      real_->close();
    }
    bool reusable() noexcept override { return real_->reusable(); }
    bool public_peer() const noexcept override { return real_->public_peer(); }

   private:
    void leave() noexcept {
      if (!std::exchange(closed_, true)) --count_;
    }

    const std::unique_ptr<ByteStream> real_;
    const std::shared_ptr<Origins> origins_;
    std::size_t& count_;
    bool closed_ = false;
  };

  const std::shared_ptr<Network> real_;
  const std::shared_ptr<Origins> origins_;
  const std::function<void(std::size_t)> counted_;
};

}  // namespace bgxfer::simulation

#endif
