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

void columns2(const ColumnTable &table, const std::uint8_t *line,
              std::int16_t *HWY_RESTRICT to) {
  const std::int32_t *at = table.offset;
  const std::uint8_t *code = table.code;
  for (int i = 0; i < table.steps; i++) {
    hn::StoreU(products(gathered(line, at, 1), code), i16, to);
    at += kBlocks;
    code += 2 * kVector;
    to += kLanes;
  }
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

void columns4(const ColumnTable &table, const std::uint8_t *line,
              std::int16_t *HWY_RESTRICT to) {
  const std::int32_t *at = table.offset;
  const std::uint8_t *code = table.code;
  for (int i = 0; i < table.steps; i++) {
    const Words a = products(gathered(line, at, 2), code);
    const Words b = products(gathered(line, at + 1, 2), code + 2 * kVector);
    hn::StoreU(neighbour_sums(a, b), i16, to);
    at += 2 * kBlocks;
    code += 4 * kVector;
    to += kLanes;
  }
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
