// Usage: PROGRAM WAY FORMAT WIDTH HEIGHT OUTPUT FRAMES
//
// Answers each line of standard input with one of standard output:
//   run N           preprocesses the next N frames; the answer is the CPU time
//                   of the process for them, user and system, in nanoseconds
//   frame I FILE    preprocesses frame I and writes what came of it; 0
#include "contender.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>

namespace bench {

void fail(const std::string &what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

Frames::Frames(const std::string &file) {
  std::ifstream lengths(file + ".lengths");
  std::size_t total = 0;
  std::vector<std::size_t> sizes;
  for (std::size_t n; lengths >> n; total += n) sizes.push_back(n);
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 || sizes.empty()) fail(file + ": no frames");
  // As a driver's buffers are: there before they are read.
  void *memory =
      mmap(nullptr, total, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (memory == MAP_FAILED) fail(file + ": cannot be mapped");
  close(fd);
  auto *data = static_cast<const std::uint8_t *>(memory);
  for (std::size_t n : sizes) {
    frames_.push_back({data, n});
    data += n;
  }
}

namespace {

std::int64_t cpu_time() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto nanoseconds = [](const timeval &t) {
    return std::int64_t(t.tv_sec) * 1000000000 + std::int64_t(t.tv_usec) * 1000;
  };
  return nanoseconds(use.ru_utime) + nanoseconds(use.ru_stime);
}

void write_output(const Contender &contender, const std::string &name) {
  std::ofstream file(name, std::ios::binary);
  const Bytes out = contender.output();
  file.write(reinterpret_cast<const char *>(out.data),
             std::streamsize(out.size));
  if (!file.flush()) fail(name + ": not written");
}

void serve(Contender &contender, const Frames &frames) {
  std::size_t next = 0, n = 0;
  for (std::string word; std::cin >> word >> n;) {
    const std::int64_t before = cpu_time();
    std::int64_t answer = 0;
    if (word == "run") {
      contender.run(frames, next, n);
      answer = cpu_time() - before;
      next += n;
    } else {
      std::string name;
      std::cin >> name;
      contender.run(frames, n, 1);
      write_output(contender, name);
    }
    std::cout << answer << std::endl;
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char **argv) {
  using namespace bench;
  if (argc != 7) fail("usage: PROGRAM WAY FORMAT WIDTH HEIGHT OUTPUT FRAMES");
  const Job job{argv[1], argv[2], std::atoi(argv[3]), std::atoi(argv[4]),
                argv[5], argv[6]};
  const Frames frames(job.file);
  const std::unique_ptr<Contender> contender = make_contender(job);
  if (contender == nullptr) fail(job.way + " does not do " + job.output);
  serve(*contender, frames);
}
