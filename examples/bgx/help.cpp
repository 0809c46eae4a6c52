#include "help.hpp"

namespace bgx {

namespace {

struct Page {
  std::string_view verb;
  std::string_view text;
};

constexpr Page pages[] = {
    {"", R"(bgx fetches files in the background, and goes on where it was after any interruption.

  bgx get URL... [-o FILE | -d FOLDER]    fetch now, and wait for it
  bgx add [--name N] URL FILE [...]       put a job into the queue; prints its id
  bgx run                                 work the queue until nothing is left to do
  bgx list                                the jobs of the queue
  bgx show ID                             everything about one job
  bgx suspend | resume | cancel ID        hold a job, let it go on, give it up
  bgx complete ID                         keep the files that are whole, give up the rest
  bgx set ID KEY=VALUE...                 change a job
  bgx doctor                              say what the queue's file holds and what the next start would do
  bgx help [VERB]                         this page, or more about a verb
  bgx --version

An ID may be shortened as long as it names one job only.

Everywhere (--compact-at, --log and --stats not in doctor):
  --journal FILE           where the queue is kept (default: $XDG_STATE_HOME/bgx/queue.journal,
                           or ~/.local/state/bgx/queue.journal)
  --compact-at BYTES       how large the queue's file may grow before it is rewritten (1M, and 4 times what it must hold)
  --json                   JSON lines on stdout
  --quiet, -q              no progress
  --log FILE               append what happens inside, a line each
  --stats                  at the end, what the queue has counted: requests, bytes, retries, syncs
Where something is fetched (an option that a verb has no use for is an error):
  --priority P             foreground, high, normal or low
  --parallel N             files of a job at the same time, 1 to 64
  --connections N          connections for one file at the same time, 1 to 32 (1)
  --mirror URL             another URL of the same file; for a single file, may be given again
  --limit-rate BYTES       per second; k, M and G are understood
  --retry-delay S          seconds to wait after the first failed attempt (1); later waits grow
  --no-progress-timeout S  give up after so many seconds of failures without a byte (300)
  --max-time S             give up after so many seconds of transfer
  --max-size BYTES         give up rather than fetch more than this for a job
  --cost POLICY            networks that may be used: always, not_roaming, no_surcharge, standard or unrestricted
  --header 'K: V'          sent to the server with every request; never stored
  --sha256 HEX             what the file must have; for a single file
  --range FIRST-LAST       only these bytes; more in `bgx help get`
  --on-demand              only these bytes, of a file that may be wanted whole later; `bgx help get`
  --cacert FILE            authorities to trust for https, in place of the system's
  --user NAME:PASSWORD     for servers that ask (Basic or Digest); never stored. @FILE reads it from a file
  --proxy URL|none         http://server:port or socks5://server:port, in place of the environment's
  --cert FILE, --method M, --insecure-...  and more: `bgx help http`

Exit: 0 done, 1 a job failed, 2 the command line is wrong, 3 the journal is in use or damaged, 130 interrupted.
)"},
    {"get", R"(bgx get URL... [-o FILE | -d FOLDER] [options]

Fetches the files as one job, waits, and puts them in place. A URL is http://, https:// or, for a file on this machine
or on a mounted share, file:///path. Run again after an interruption, a crash or a
failure, the same command goes on with the same job: nothing that has arrived is fetched twice.

  -o FILE      the name of the file; only with a single URL
  -d FOLDER    the folder for the files; it must exist (default: the current folder)

  --range FIRST-LAST[@PLACE]  only these bytes, both counted from 0; FIRST- means to the end. Given again, the file is
               the ranges one behind the other; with @PLACE each goes to that place of the file. For a single URL
  --on-demand  each --range goes to its own place, and the rest of the file is left for later: prints where the bytes are
               until then. Ask again for more of it; without --on-demand the same command fetches what is missing

Without -o a file is named after the last part of its URL, never after what the server says. A file that has the
name already is replaced, once the new one is complete. The job goes before others of the queue (priority
foreground). Headers are not stored: give --header again to go on.
)"},
    {"add", R"(bgx add [--name N] [options] URL FILE [URL FILE]...

Puts a job into the queue and prints its id. `bgx run` fetches it. The folders of the files must exist. Headers are
not stored: a job that was added with --header waits until `bgx run --header` or `bgx resume --header` gives them.
)"},
    {"http", R"(How servers are reached and proven, for `get`, `add`, `run` and `resume`:

  --user NAME:PASSWORD        for servers that ask for it, by Basic or Digest. Others on this computer see command
                              lines: @FILE takes it from the first line of a file
  --negotiate                 prove --user by Kerberos (NAME@REALM:PASSWORD); without --user, with the ticket of kinit
  --ntlm                      prove --user by NTLM ('DOMAIN\NAME:PASSWORD')
  --insecure-auth             let the password of --user go over plain http, where everybody on the way can read it
  --proxy URL|none            the proxy: http://server:port or socks5://server:port; none: no proxy at all
                              (default: http_proxy, https_proxy, all_proxy and no_proxy of the environment)
  --proxy-bypass 'HOST...'    hosts to reach without the proxy; *.example.org for all names below one, <local> for
                              names without a dot
  --proxy-user NAME:PASSWORD  for proxies that ask for it; @FILE as above
  --proxy-negotiate, --proxy-ntlm   as --negotiate and --ntlm, for --proxy-user
  --proxy-account             show proxies that ask what this account has (the ticket of kinit, NTLM); kept with the job
  --cert FILE                 the certificate to show to servers that ask for one: PEM or PKCS#12
  --key FILE                  its key, if that is not in the same file
  --key-password PASSWORD     of the key, or of the PKCS#12 file; @FILE as above
  --pin HEX                   the only key that the server may have: the SHA-256 of its public key; may be given again
  --crl FILE                  refuse certificates that these revocation lists (PEM) name, or are silent about
  --redirects follow|report|refuse   report: followed, and `bgx show` and --json tell where the file comes from;
                              refuse: a redirect is an error that says where it leads
  --insecure-redirects        follow redirects from https to http
  --method M                  another method than GET; nothing of it is resumed, and no failure retried

What a server's certificate may lack, one by one, for the jobs that it is given to:
  --insecure-ca               an authority that is known here
  --insecure-expired          a date that is valid
  --insecure-host             the name of the host
  --insecure-usage            the purpose of serving

Names, passwords and headers are never stored: give them again to go on after an interruption.
)"},
    {"run", R"(bgx run [options]

Works the queue until nothing is left to do, and puts finished files in place. Jobs that are suspended are left
alone. Jobs that stopped with an error are named on stderr, and the program ends with 1; `bgx resume ID` lets one
try again. --limit-rate is for all jobs together; other options are given to every job, but headers and passwords only
to those that wait for them.
)"},
    {"list", R"(bgx list

Shows the jobs of the queue, in the order in which they were added. Fetches nothing. While another bgx works the
queue, the journal is in use (exit 3).
)"},
    {"show", R"(bgx show ID

Shows everything about one job: its state, its last failure, its options and its files, with what is known of each:
where a redirect led, whether it was found to be right, what the server said of it. Fetches nothing. What may be secret
is left out: user names, passwords and queries of URLs, cookies and the like.
)"},
    {"suspend", R"(bgx suspend ID

Holds a job: `bgx run` leaves it alone until `bgx resume ID`. Everything that has arrived is kept.
)"},
    {"resume", R"(bgx resume ID [--header 'K: V']

Lets a job go on that was suspended, or that stopped with an error, at the next `bgx run`.
)"},
    {"cancel", R"(bgx cancel ID

Gives a job up: it leaves the queue, and what has arrived of its files is deleted.
)"},
    {"complete", R"(bgx complete ID

Ends a job as it is: files that are whole are put in place, the rest is given up.
)"},
    {"set", R"(bgx set ID KEY=VALUE...

Changes a job; all of it or nothing. Keys:
  name=TEXT                priority=foreground|high|normal|low
  parallel=N               connections=N
  limit-rate=BYTES (0: no limit)
  retry-delay=SECONDS      no-progress-timeout=SECONDS
  description=TEXT         max-time=SECONDS (0: no limit)
  cost=always|not_roaming|no_surcharge|standard|unrestricted
These go alone; what has arrived stays if the new URL proves to have the same:
  url=URL                  where the file of a job of one file comes from
  url-from=P url-to=P      what the URLs that begin with the one begin with instead
)"},
    {"doctor", R"(bgx doctor

Reads the file of the queue (--journal) and says what is in it, whether it is whole, which temporary files are not what
they should be, and what the next start would do. Changes nothing, and works while another bgx uses the queue. Ends with
1 if the file is damaged, 3 if it is no journal.
)"},
    {"help", R"(bgx help [VERB]

Explains bgx, or one verb.
)"},
};

}  // namespace

std::string_view help_text(std::string_view verb) {
  for (const Page& page : pages) {
    if (page.verb == verb) return page.text;
  }
  return {};
}

}  // namespace bgx
