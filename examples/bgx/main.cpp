// bgx: a command-line client for background transfers, and the largest example of how to use bgxfer.
//
//     bgx get https://example.org/file.iso        docs/bgx.md has more

#include <algorithm>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <bgxfer/version.hpp>

#include "arguments.hpp"
#include "commands.hpp"
#include "help.hpp"
#include "session.hpp"
#include "text.hpp"

namespace bgx {
namespace {

struct Verb {
  std::string_view name;
  Session::Mode mode;
  void (*check)(const Arguments& arguments);
  Session::Verb run;
};

constexpr Verb verbs[] = {
    {"get", Session::Mode::fetch, check_get, get},
    {"add", Session::Mode::look, check_add, add},
    {"run", Session::Mode::fetch, check_no_words, run},
    {"list", Session::Mode::look, check_no_words, list},
    {"show", Session::Mode::look, check_one_id, show},
    {"suspend", Session::Mode::look, check_one_id, suspend},
    {"resume", Session::Mode::look, check_one_id, resume},
    {"cancel", Session::Mode::look, check_one_id, cancel},
    {"complete", Session::Mode::look, check_one_id, complete},
    {"set", Session::Mode::look, check_set, set},
};

int print_help(const std::string& verb) {
  const std::string_view text = help_text(verb);
  if (text.empty()) throw UsageError(fmt::format("there is no verb {}; `bgx help` lists the verbs", verb));
  fmt::print("{}", std::string(text));
  return exit_done;
}

int dispatch(const Arguments& arguments) {
  if (arguments.version) {
    fmt::print("bgx {}.{}.{}\n", BGXFER_VERSION_MAJOR, BGXFER_VERSION_MINOR, BGXFER_VERSION_PATCH);
    return exit_done;
  }
  if (arguments.help) return print_help(arguments.verb == "help" ? std::string() : arguments.verb);
  if (arguments.verb == "help") return print_help(arguments.words.empty() ? std::string() : arguments.words.front());
  if (arguments.verb.empty()) throw UsageError("say what to do: bgx get URL, or `bgx help`");

  if (arguments.verb == "doctor") {
    check_options(arguments);
    check_no_words(arguments);
    return doctor(arguments);
  }

  const Verb* verb = std::find_if(std::begin(verbs), std::end(verbs),
                                  [&](const Verb& candidate) { return candidate.name == arguments.verb; });
  if (verb == std::end(verbs))
    throw UsageError(fmt::format("there is no verb {}; `bgx help` lists the verbs", arguments.verb));
  check_options(arguments);
  verb->check(arguments);
  Session session(arguments, verb->mode);
  return session.run(verb->run);
}

}  // namespace
}  // namespace bgx

int main(int count, char** words) {
  try {
    return bgx::dispatch(bgx::parse_arguments(std::vector<std::string>(words + std::min(count, 1), words + count)));
  } catch (const bgx::UsageError& error) {
    fmt::print(stderr, "bgx: {}\n", bgx::printable(error.what()));
    return bgx::exit_usage;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bgx: {}\n", bgx::printable(error.what()));
    return bgx::exit_failed;
  }
}
