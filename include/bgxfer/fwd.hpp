#ifndef BGXFER_FWD_HPP
#define BGXFER_FWD_HPP

#include <cstdint>

/// Forward declarations of the public types, for headers that only name them.
namespace bgxfer::inline v0 {

class BackgroundThread;
class ByteStream;
class CertificateValidator;
class ClientCertificateSource;
class Clock;
class CommitGuard;
class Download;
class Error;
class File;
class Job;
class JobId;
class LogFile;
class Network;
class PartialFile;
class RangeSet;
class RequestBody;
class RequestProvider;
class SecretStore;
class Sha256Stream;
class Storage;
class Subscription;
class TransferQueue;
class Transport;
struct ByteRange;
struct Credentials;
struct DownloadOptions;
struct FileSpec;
struct Header;
struct HttpOptions;
struct JobOptions;
struct JobTimes;
struct Limits;
struct LogEntry;
struct Metrics;
struct NetworkCost;
struct NotifyCommand;
struct NotifyOptions;
struct Owner;
struct Progress;
struct ProxyOptions;
struct QueueOptions;
struct Request;
struct ResponseHead;
struct RestoreReport;
struct PieceHashes;
struct Sha256;
struct TlsOptions;
struct Waiting;
template <class T>
class Result;
enum class CostState : std::uint32_t;
enum class Errc;
enum class Failure;
enum class ErrorContext : std::uint8_t;
enum class FileIndex : std::uint32_t;
enum class JobState : std::uint8_t;
enum class LogEvent : std::uint8_t;
enum class LogLevel : std::uint8_t;
enum class Notify : std::uint32_t;
enum class NotifyResult : std::uint8_t;
enum class Priority : std::uint8_t;
enum class TransferPolicy : std::uint32_t;
enum class WaitReason : std::uint8_t;

}  // namespace bgxfer::inline v0

#endif
