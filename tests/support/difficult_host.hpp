#ifndef BGXFER_TESTS_SUPPORT_DIFFICULT_HOST_HPP
#define BGXFER_TESTS_SUPPORT_DIFFICULT_HOST_HPP

#include <functional>
#include <stdexcept>
#include <utility>

#include <bgxfer/job.hpp>
#include <bgxfer/options.hpp>

namespace bgxfer::test {

/// Something of the host's that asks its job, which has one file, once more while it is destroyed.
struct Asks {
  Asks(Job asked_for, int& asked) : job(std::move(asked_for)), answers(asked) {}
  ~Asks() { answers += job.progress().files_total == 1; }
  Asks(const Asks&) = delete;
  Asks& operator=(const Asks&) = delete;
  Job job;
  int& answers;
};

/// A dispatcher that does not take the next `refusals` calls, and makes the others at once.
inline Dispatcher refusing(int& refusals) {
  return [&refusals](const std::function<void()>& work) {
    if (refusals-- > 0) throw std::runtime_error("no room");
    work();
  };
}

}  // namespace bgxfer::test

#endif
