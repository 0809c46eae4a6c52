#ifndef BGXFER_BGXFER_HPP
#define BGXFER_BGXFER_HPP

/// Everything but the adapters: add <bgxfer/http/http_transport.hpp> and <bgxfer/disk/disk_storage.hpp> for the usual
/// ones, and <bgxfer/format.hpp> to print values with fmt.

#include <bgxfer/background_thread.hpp>
#include <bgxfer/bits.hpp>
#include <bgxfer/byte_range.hpp>
#include <bgxfer/clock.hpp>
#include <bgxfer/commit_guard.hpp>
#include <bgxfer/cost.hpp>
#include <bgxfer/digest.hpp>
#include <bgxfer/error.hpp>
#include <bgxfer/event.hpp>
#include <bgxfer/file.hpp>
#include <bgxfer/file_attributes.hpp>
#include <bgxfer/http_options.hpp>
#include <bgxfer/identity.hpp>
#include <bgxfer/ids.hpp>
#include <bgxfer/job.hpp>
#include <bgxfer/journal_report.hpp>
#include <bgxfer/log.hpp>
#include <bgxfer/metrics.hpp>
#include <bgxfer/network.hpp>
#include <bgxfer/notify.hpp>
#include <bgxfer/options.hpp>
#include <bgxfer/owner.hpp>
#include <bgxfer/peer_caching.hpp>
#include <bgxfer/range_set.hpp>
#include <bgxfer/request_provider.hpp>
#include <bgxfer/restore_report.hpp>
#include <bgxfer/result.hpp>
#include <bgxfer/scheme_transport.hpp>
#include <bgxfer/secret_store.hpp>
#include <bgxfer/state.hpp>
#include <bgxfer/storage.hpp>
#include <bgxfer/subscription.hpp>
#include <bgxfer/transfer_queue.hpp>
#include <bgxfer/transport.hpp>
#include <bgxfer/version.hpp>

#endif
