// Downloads one file and prints how far it is, without a coroutine.
// What a program that already has an io_context needs, all of it.
// Run: twenty_lines http://example.org/file.iso file.iso
// [twenty_lines]
#include <asio/io_context.hpp>
#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>

int main(int, char** argv) {
  asio::io_context io;
  bgxfer::TransferQueue queue(io.get_executor(),
                              {.transport = bgxfer::http::make_transport(), .storage = bgxfer::disk::make_storage()});
  bgxfer::Job job = queue.add({.files = {{.url = argv[1], .target = std::filesystem::absolute(argv[2])}}}).value();
  const auto events = job.on_event([&job](const bgxfer::Event& event) {
    if (const auto* made = std::get_if<bgxfer::ProgressMade>(&event)) fmt::print("{}\n", made->progress);
    if (std::holds_alternative<bgxfer::JobTransferred>(event)) job.complete();
  });
  job.resume();
  io.run();  // Returns when nothing is left to do.
}
// [twenty_lines]
