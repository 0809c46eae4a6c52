#include <bgxfer/legacy/group.hpp>

#include <algorithm>
#include <charconv>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <bgxfer/bits.hpp>

namespace bgxfer::inline v0::legacy {

namespace {

constexpr std::string_view tag_prefix = "bgxfer-group ";
constexpr std::uint32_t notify_flags_known = notify_group_done | notify_disabled;
constexpr std::uint32_t only_priority = 1;
constexpr std::uint32_t protocol_http = 1;
constexpr std::size_t class_id_bytes_max = 64;

Error not_supported(std::string what) {
  return Error(std::make_error_code(std::errc::not_supported), ErrorContext::queue, std::move(what));
}

/// What a group knows beyond its job, in the job's tag: "bgxfer-group GROUP JOB FLAGS CLASS". The nil id is no job.
struct Card {
  Guid group{};
  Guid job{};
  std::uint32_t notify_flags = notify_group_done;
  std::string class_id{};

  [[nodiscard]] std::string text() const {
    return std::string(tag_prefix) + group.to_string() + ' ' + job.to_string() + ' ' + std::to_string(notify_flags) +
           ' ' + class_id;
  }
};

std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.size(), word.size() + 1));
  return word;
}

std::optional<Card> read_card(std::string_view tag) {
  if (!tag.starts_with(tag_prefix)) return std::nullopt;
  tag.remove_prefix(tag_prefix.size());
  const std::optional<Guid> group = Guid::parse(take_word(tag));
  const std::optional<Guid> job = Guid::parse(take_word(tag));
  const std::string_view flags = take_word(tag);
  Card card;
  const auto [end, error] = std::from_chars(flags.data(), flags.data() + flags.size(), card.notify_flags);
  if (!group || !job || error != std::errc{} || end != flags.data() + flags.size()) return std::nullopt;
  card.group = *group;
  card.job = *job;
  card.class_id = tag;
  return card;
}

/// The card of a job that is known to be a group's. Its host may have written something else over it since.
Card card_of(const Job& job) { return read_card(job.options().tag).value_or(Card{}); }

std::uint32_t cut(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, std::numeric_limits<std::uint32_t>::max()));
}

Result<std::uint32_t> progress_of(const Job& job, ProgressKind kind) {
  const Progress progress = job.progress();
  switch (kind) {
    case ProgressKind::percent_done:
      if (!progress.bytes_total || *progress.bytes_total == 0) return std::uint32_t{0};
      return static_cast<std::uint32_t>(100.0 * static_cast<double>(progress.bytes_transferred) /
                                        static_cast<double>(*progress.bytes_total));
    case ProgressKind::bytes_done: return cut(progress.bytes_transferred);
    case ProgressKind::time_done: break;
  }
  return not_supported("progress: time was never supported");
}

std::uint32_t bits_of(const Job& job) {
  const JobState state = job.state();
  const bool done = state == JobState::transferred || state == JobState::completed;
  std::uint32_t bits = done ? group_complete : group_incomplete;
  const bool at_rest = done || state == JobState::suspended || state == JobState::error;
  if (at_rest) bits |= group_suspended;
  if (state == JobState::error) bits |= group_error;
  if (job.options().priority == Priority::foreground) bits |= group_foreground;
  return bits;
}

GroupJobStatus job_status_of(const Job& job) {
  const JobState state = job.state();
  GroupJobStatus status;
  status.bits = state == JobState::transferred || state == JobState::completed ? job_complete : job_incomplete;
  if (state == JobState::error) status.bits |= job_error;
  status.retries = job.error_count();
  const std::optional<Error> error = job.error();
  if (!error) return status;
  if (error->code().category() == http_category()) {
    status.transport_error = static_cast<std::uint32_t>(error->code().value());
  } else {
    status.system_error = bits_code(*error);
  }
  return status;
}

Result<void> set_card(Job job, const Card& card) {
  return job.configure([&card](JobOptions& options) { options.tag = card.text(); });
}

}  // namespace

GroupObserver::~GroupObserver() = default;

Guid GroupJob::id() const { return id_; }

GroupJobStatus GroupJob::status() const { return job_status_of(job_); }

Result<std::uint32_t> GroupJob::progress(ProgressKind kind) const { return progress_of(job_, kind); }

std::size_t GroupJob::file_count() const { return job_.files().size(); }

Result<FileSetInfo> GroupJob::file(std::size_t index) const {
  const std::vector<File> files = job_.files();
  if (index >= files.size()) {
    return Error(Errc::not_found, ErrorContext::queue,
                 "file " + std::to_string(index) + " of " + std::to_string(files.size()));
  }
  return FileSetInfo{files[index].url(), files[index].target(), 0};
}

CommandResult GroupJob::add_files(std::vector<FileSetInfo> files) {
  std::vector<FileSpec> specs;
  specs.reserve(files.size());
  for (FileSetInfo& file : files) {
    FileSpec& spec = specs.emplace_back();
    spec.url = std::move(file.remote_name);
    spec.target = std::move(file.local_name);
  }
  return job_.add(std::move(specs));
}

CommandResult GroupJob::switch_to_foreground() { return job_.set_priority(Priority::foreground); }

CommandResult GroupJob::cancel() { return job_.complete(); }

Guid Group::id() const { return card_of(job_).group; }

Result<PropertyValue> Group::property(GroupProperty which) const {
  switch (which) {
    case GroupProperty::priority: return PropertyValue(only_priority);
    case GroupProperty::protocol_flags: return PropertyValue(protocol_http);
    case GroupProperty::notify_flags: return PropertyValue(card_of(job_).notify_flags);
    case GroupProperty::notify_class_id: return PropertyValue(card_of(job_).class_id);
    case GroupProperty::display_name: return PropertyValue(job_.options().display_name);
    case GroupProperty::description: return PropertyValue(job_.options().description);
    default: break;
  }
  return not_supported("group property " + std::to_string(static_cast<std::uint32_t>(which)));
}

CommandResult Group::set_property(GroupProperty which, PropertyValue value) {
  const auto refuse = [which](std::string_view why) {
    return Error(Errc::invalid_argument, ErrorContext::queue,
                 "group property " + std::to_string(static_cast<std::uint32_t>(which)) + ": " + std::string(why));
  };
  auto* number = std::get_if<std::uint32_t>(&value);
  auto* text = std::get_if<std::string>(&value);
  Card card = card_of(job_);
  switch (which) {
    case GroupProperty::priority:
      if (!number || *number != only_priority) return refuse("only the number 1 is allowed");
      return Result<void>{};
    case GroupProperty::protocol_flags:
      if (!number || *number != protocol_http) return refuse("only the number 1, HTTP, is allowed");
      return Result<void>{};
    case GroupProperty::notify_flags:
      if (!number || (*number & ~notify_flags_known) != 0) return refuse("a number of 0x04 and 0x40");
      card.notify_flags = *number;
      return set_card(job_, card);
    case GroupProperty::notify_class_id:
      if (!text || text->size() > class_id_bytes_max) return refuse("a text of at most 64 bytes");
      card.class_id = std::move(*text);
      return set_card(job_, card);
    case GroupProperty::display_name:
      if (!text) return refuse("a text");
      return job_.configure([text](JobOptions& options) { options.display_name = std::move(*text); });
    case GroupProperty::description:
      if (!text) return refuse("a text");
      return job_.configure([text](JobOptions& options) { options.description = std::move(*text); });
    default: return not_supported("group property " + std::to_string(static_cast<std::uint32_t>(which)));
  }
}

Result<std::uint32_t> Group::progress(ProgressKind kind) const { return progress_of(job_, kind); }

std::uint32_t Group::status() const { return bits_of(job_); }

std::uint32_t Group::size() const {
  const std::optional<std::uint64_t> total = job_.progress().bytes_total;
  return total && *total <= std::numeric_limits<std::uint32_t>::max() ? static_cast<std::uint32_t>(*total) : 0;
}

Result<GroupJob> Group::create_job(Guid id) {
  if (id == Guid{}) return Error(Errc::invalid_argument, ErrorContext::queue, "the nil id names no job");
  if (is_active(job_.state())) return Error(Errc::invalid_state, ErrorContext::queue, "create_job: the group runs");
  Card card = card_of(job_);
  if (card.job != Guid{}) return not_supported("create_job: a group has one job");
  card.job = id;
  Result<void> kept = set_card(job_, card);
  if (!kept) return kept.error();
  return GroupJob(job_, id);
}

Result<GroupJob> Group::find_job(Guid id) const {
  const Card card = card_of(job_);
  if (id == Guid{} || card.job != id) return Error(Errc::not_found, ErrorContext::queue, "job " + id.to_string());
  return GroupJob(job_, id);
}

std::vector<Guid> Group::jobs() const {
  const Card card = card_of(job_);
  if (card.job == Guid{}) return {};
  return {card.job};
}

CommandResult Group::suspend() { return job_.suspend(); }

CommandResult Group::resume() { return job_.resume(); }

CommandResult Group::cancel() { return job_.complete(); }

CommandResult Group::switch_to_foreground() { return job_.set_priority(Priority::foreground); }

Job Group::modern_job() const { return job_; }

Subscription Group::set_observer(std::shared_ptr<GroupObserver> observer) {
  return job_.on_event([job = job_, observer = std::move(observer)](const Event& event) {
    const auto* failed = std::get_if<JobFailed>(&event);
    if (!failed && !std::holds_alternative<JobTransferred>(event)) return;
    const Card card = card_of(job);
    if ((card.notify_flags & notify_disabled) != 0) return;
    if (!failed && (card.notify_flags & notify_group_done) == 0) return;
    GroupStatus status;
    status.group = card.group;
    status.job = card.job;
    if (failed) status.file = failed->error.file();
    status.bits = bits_of(job);
    status.job_status = job_status_of(job);
    if (!observer->on_status(status)) throw std::runtime_error("the observer has not handled the status");
  });
}

Result<Group> QueueManager::create_group(Guid id) {
  if (id == Guid{}) return Error(Errc::invalid_argument, ErrorContext::queue, "the nil id names no group");
  if (find_group(id)) return Error(Errc::invalid_argument, ErrorContext::queue, "there is a group " + id.to_string());
  Card card;
  card.group = id;
  JobOptions options;
  options.tag = card.text();
  Result<Job> job = queue_.add(std::move(options));
  if (!job) return job.error();
  return Group(*std::move(job));
}

Result<Group> QueueManager::find_group(Guid id) const {
  for (Job& job : queue_.jobs()) {
    const std::optional<Card> card = read_card(job.options().tag);
    if (card && card->group == id) return Group(std::move(job));
  }
  return Error(Errc::not_found, ErrorContext::queue, "group " + id.to_string());
}

std::vector<Guid> QueueManager::groups() const {
  std::vector<Guid> found;
  for (const Job& job : queue_.jobs()) {
    if (const std::optional<Card> card = read_card(job.options().tag)) found.push_back(card->group);
  }
  return found;
}

}  // namespace bgxfer::inline v0::legacy
