// Some inputs of the fuzz target, the same on every run: so that what it found
// once is not lost where nobody fuzzes.
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz.cc"

static std::vector<std::uint8_t> file_of(const std::string &name) {
  std::ifstream file("../preproc/testdata/jpeg/" + name + ".jpg",
                     std::ios::binary);
  CHECK(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

static void choose_any(test::Random &random, std::vector<std::uint8_t> input) {
  for (std::size_t i = 0; i < kChosen; i++)
    input.push_back(std::uint8_t(random.below(256)));
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

int main() {
  test::Random random;
  for (const char *name : {"422", "420", "gray", "progressive", "rgb", "411"}) {
    const std::vector<std::uint8_t> file = file_of(name);
    for (int i = 0; i < 20; i++) choose_any(random, file);
    for (int i = 0; i < 20; i++) {
      std::vector<std::uint8_t> damaged = file;
      for (int k = 0; k < 3; k++)
        damaged[random.below(int(damaged.size()))] ^= 1 << random.below(8);
      choose_any(random, damaged);
    }
  }
  for (int i = 0; i < 200; i++)
    choose_any(random, std::vector<std::uint8_t>(i % 7, std::uint8_t(i)));
}
