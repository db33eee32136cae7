// The horizontal step: lines of bytes to lines of levels. See kernels.h.
#if defined(NATIVE_COLUMNS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef NATIVE_COLUMNS_INL_H
#undef NATIVE_COLUMNS_INL_H
#else
#define NATIVE_COLUMNS_INL_H
#endif

#include "ops-inl.h"
#include "plain.h"

HWY_BEFORE_NAMESPACE();
namespace preprocess {
namespace HWY_NAMESPACE {

HWY_INLINE Words products(Bytes samples, const std::uint8_t *code) {
  return pair_sums(hn::TableLookupBytes(samples, hn::LoadU(u8, code)),
                   hn::LoadU(u8, code + kVector));
}

// The blocks of two vectors are taken in turns, so that they come out in order
// where an instruction works on each 128 bits by themselves.
void columns2x2(const ColumnTable &table, const std::uint8_t *line,
                std::int16_t *HWY_RESTRICT to,
                std::int16_t *HWY_RESTRICT other) {
  const hn::Repartition<std::uint64_t, U8> u64;
  const std::int32_t *at = table.offset;
  const std::uint8_t *code = table.code;
  for (int i = 0; i < table.steps; i++) {
    const auto a = hn::BitCast(u64, products(gathered(line, at, 2), code));
    const auto b = hn::BitCast(
        u64, products(gathered(line, at + 1, 2), code + 2 * kVector));
    hn::StoreU(hn::BitCast(i16, hn::InterleaveLower(a, b)), i16, to);
    hn::StoreU(hn::BitCast(i16, hn::InterleaveUpper(u64, a, b)), i16, other);
    at += 2 * kBlocks;
    code += 4 * kVector;
    to += kLanes;
    other += kLanes;
  }
}

// The sums of Count vectors of products, each a value: of `All` that belong to
// a step, those from the first on at which `at` and `code` point.
template <int All, int Count>
HWY_INLINE Words summed(const std::uint8_t *line, const std::int32_t *at,
                        const std::uint8_t *code) {
  if constexpr (Count == 1) {
    return products(gathered(line, at, All), code);
  } else {
    constexpr int kHalf = Count / 2;
    return neighbour_sums(
        summed<All, kHalf>(line, at, code),
        summed<All, kHalf>(line, at + kHalf, code + kHalf * 2 * kVector));
  }
}

template <int All>
HWY_INLINE void columns_of(const ColumnTable &table, const std::uint8_t *line,
                           std::int16_t *HWY_RESTRICT to) {
  const std::int32_t *at = table.offset;
  const std::uint8_t *code = table.code;
  for (int i = 0; i < table.steps; i++) {
    hn::StoreU(summed<All, All>(line, at, code), i16, to);
    at += All * kBlocks;
    code += All * 2 * kVector;
    to += kLanes;
  }
}

void columns2(const ColumnTable &table, const std::uint8_t *line,
              std::int16_t *to) {
  columns_of<1>(table, line, to);
}

void columns4(const ColumnTable &table, const std::uint8_t *line,
              std::int16_t *to) {
  columns_of<2>(table, line, to);
}

void columns8(const ColumnTable &table, const std::uint8_t *line,
              std::int16_t *to) {
  columns_of<4>(table, line, to);
}

void columns16(const ColumnTable &table, const std::uint8_t *line,
               std::int16_t *to) {
  columns_of<8>(table, line, to);
}

void column_sums(const ColumnSums &sums, const std::uint8_t *line,
                 std::int16_t *HWY_RESTRICT to) {
  const hn::Full128<std::int16_t> words;
  const hn::Full128<std::int32_t> longs;
  const hn::Full64<std::uint8_t> bytes;
  constexpr int kStep = kFineWhole / kLevel;
  const std::int16_t *weight = sums.weight;
  for (int i = 0; i < sums.count; i++) {
    const std::uint8_t *from = line + sums.offset[i];
    auto sum = hn::Zero(longs);
    for (int k = 0; k < sums.taps; k += 8, weight += 8)
      sum = hn::Add(
          sum, block_products(hn::PromoteTo(words, hn::LoadU(bytes, from + k)),
                              hn::LoadU(words, weight)));
    const int whole = hn::GetLane(hn::SumOfLanes(longs, sum));
    to[i] = std::int16_t((whole + kStep / 2) / kStep);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace preprocess
HWY_AFTER_NAMESPACE();

#endif
