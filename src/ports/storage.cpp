#include <bgxfer/storage.hpp>

namespace bgxfer::inline v0 {

Storage::~Storage() = default;
PartialFile::~PartialFile() = default;
LogFile::~LogFile() = default;

}  // namespace bgxfer::inline v0
