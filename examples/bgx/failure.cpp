#include "failure.hpp"

#include <fmt/format.h>

#include "text.hpp"

namespace bgx {

namespace {

using bgxfer::Errc;

/// The file to blame, where the error's own words do not name it.
std::string blamed_file(const bgxfer::Job& job, const bgxfer::Error& error) {
  if (!error.file()) return {};
  const std::vector<bgxfer::File> files = job.files();
  if (*error.file() >= files.size()) return {};
  const bgxfer::File& file = files[*error.file()];
  const bool local = error.context() == bgxfer::ErrorContext::local_file;
  const std::string where = local ? file.target().string() : bgxfer::public_url(file.own_url());
  return error.detail().find(where) == std::string::npos ? where : std::string();
}

std::string cure_of_status(int status) {
  switch (status) {
    case 400: return "check the URL, or give a certificate with --cert if the server wants one";
    case 401: return "give a name and a password with --user, or another permission with --header 'Authorization: ...'";
    case 403: return "the server wants a permission: give it with --user, --cert or --header 'Authorization: ...'";
    case 407: return "give a name and a password with --proxy-user";
    case 301:
    case 302:
    case 303:
    case 307:
    case 308: return "use the URL that it leads to, or let it be followed: --redirects follow";
    case 404:
    case 410: return "check the URL: the server has nothing there";
    default: break;
  }
  if (status >= 500 || status == 408 || status == 429) return "the server is in trouble: try again later";
  return "check the URL";
}

std::string cure_of_errc(Errc code) {
  switch (code) {
    case Errc::invalid_url: return "use an http://, https:// or file:/// URL";
    case Errc::relative_target: return "use an absolute path";
    case Errc::unsafe_target: return "choose another file name or folder";
    case Errc::duplicate_target: return "give every URL a file of its own";
    case Errc::checksum_mismatch: return "check --sha256 and the URL; the file was not put in place";
    case Errc::certificate_untrusted:
      return "if its authority is yours, name it with --cacert FILE; --insecure-ca accepts any";
    case Errc::certificate_pin_mismatch: return "find out whether the server got a new key, and give that with --pin";
    case Errc::certificate_revoked: return "do not trust this server; tell its owner";
    case Errc::revocation_unknown:
      return "check the lists of --crl: every authority of the server's certificate needs a fresh one";
    case Errc::certificate_wrong_usage: return "tell the owner of the server; --insecure-usage accepts it";
    case Errc::client_certificate_needed: return "give a certificate with --cert FILE, and its key with --key FILE";
    case Errc::client_certificate_unusable: return "check --cert, --key and --key-password";
    case Errc::client_certificate_refused: return "give a certificate that the server knows with --cert FILE";
    case Errc::invalid_proxy: return "use --proxy http://server:port or socks5://server:port, or --proxy none";
    case Errc::proxy_failed: return "check --proxy, and whether the proxy runs";
    case Errc::certificate_expired:
      return "check the clock of this computer, or tell the owner of the server; --insecure-expired accepts it";
    case Errc::certificate_wrong_host: return "check the host name in the URL; --insecure-host accepts any";
    case Errc::headers_needed: return "give --header again, and --user and the like: they are secret and not stored";
    case Errc::random_access_unsupported:
      return "leave --on-demand out: the server sends the file from its beginning only";
    case Errc::ranges_unsupported: return "leave --range out: the server sends the file as a whole only";
    case Errc::overlapping_ranges: return "give each --range bytes of its own";
    case Errc::too_many_ranges: return "give fewer --range, or get the whole file";
    case Errc::encoded_body: return "tell the owner of the server: it sends the file in a coding that nobody asked for";
    case Errc::unproven_end: return "give the file's --sha256";
    case Errc::download_time_exceeded: return "give it more time with `bgx set ID max-time=SECONDS`, then resume it";
    case Errc::download_too_large: return "cancel it with `bgx cancel ID`, then get it with a greater --max-size";
    case Errc::read_only_after_resume:
      return "it is fixed once a job has begun: cancel that with `bgx cancel ID` first";
    case Errc::no_progress: return "tell the owner of the server: the file had to begin anew too often";
    case Errc::too_many_redirects:
    case Errc::redirect_refused: return "check the URL, or use the one that it leads to";
    case Errc::not_found: return "`bgx list` shows the jobs that there are";
    case Errc::journal_locked: return "wait for it to end, or use another --journal";
    case Errc::journal_foreign: return "name another file with --journal; this one was left as it is";
    case Errc::journal_newer: return "use the bgx that wrote it, or another --journal";
    case Errc::journal_damaged: return "move it away to start anew, or use another --journal";
    case Errc::journal_failed: return "check the disk with the journal, then run the same command again";
    default: return {};
  }
}

std::string line_of(std::string what, const std::string& where, const bgxfer::Error& error) {
  std::string line = fmt::format("bgx: {}{}", what, error.message());
  if (!where.empty()) line += fmt::format(": {}", where);
  return printable(line + fmt::format(" [{}]; {}", code_text(error), cure_of(error)));
}

}  // namespace

std::string job_failure(const bgxfer::Job& job, const bgxfer::Error& error) {
  const std::string id = job.id().to_string().substr(0, 8);
  return line_of(fmt::format("job {} ({}): ", id, title_of(job)), blamed_file(job, error), error);
}

std::string journal_failure(const std::filesystem::path& journal, const bgxfer::Error& error) {
  const bool named = error.detail().find(journal.string()) != std::string::npos;
  return line_of("journal: ", named ? std::string() : journal.string(), error);
}

std::string command_failure(const bgxfer::Error& error) { return line_of({}, {}, error); }

std::string code_text(const bgxfer::Error& error) {
  return fmt::format("{} {}", error.code().category().name(), error.code().value());
}

std::string cure_of(const bgxfer::Error& error) {
  const std::error_code code = error.code();
  std::string cure;
  if (code.category() == bgxfer::http_category()) cure = cure_of_status(code.value());
  if (code.category() == bgxfer::error_category()) cure = cure_of_errc(static_cast<Errc>(code.value()));
  if (code == std::errc::no_space_on_device) cure = "make room on the disk";
  if (code == std::errc::permission_denied || code == std::errc::read_only_file_system) {
    cure = "check the permissions of the folder, or choose another one";
  }
  if (code == std::errc::no_such_file_or_directory) cure = "make the folder first, or choose another one";
  if (code == std::errc::is_a_directory)
    cure = "move the folder away that has the file's name, or choose another target";
  if (error.context() == bgxfer::ErrorContext::remote_file) {
    // A file:// URL: what is missing is not on the side of the target.
    if (code == std::errc::permission_denied)
      cure = "check the permissions of the file and of the folders on the way to it";
    if (code == std::errc::no_such_file_or_directory) cure = "check the URL: there is no such file";
    if (code == std::errc::is_a_directory) cure = "name a file in it";
  }
  if (code == std::errc::connection_refused)
    cure = "check the host and the port in the URL, and whether the server runs";
  if (!cure.empty()) return cure;
  return code == bgxfer::Failure::transient ? "run the same command again later"
                                            : "mend the cause, then run the same command again";
}

bool is_usage(const bgxfer::Error& error) {
  if (error.code().category() != bgxfer::error_category()) return false;
  switch (static_cast<Errc>(error.code().value())) {
    case Errc::invalid_argument:
    case Errc::invalid_url:
    case Errc::relative_target:
    case Errc::unsafe_target:
    case Errc::duplicate_target:
    case Errc::empty_job:
    case Errc::overlapping_ranges:
    case Errc::too_many_ranges:
    case Errc::string_too_long:
    case Errc::unsupported_configuration:
    case Errc::read_only_after_resume:
    case Errc::too_many_files: return true;
    default: return false;
  }
}

}  // namespace bgx
