#include "resample.h"

#include <algorithm>
#include <cstring>

namespace preprocess {
namespace {

Axis horizontal(const Component &c, const preproc_output &o, int columns) {
  const Span x =
      span(o.bounds_x, o.bounds_width, c.scale_x, c.offset_x, c.width);
  const Axis axis = make_axis(columns, o.region_x * c.scale_x + c.offset_x,
                              o.region_width * c.scale_x, x.lo, x.hi, o.filter);
  return o.reverse_x ? reversed(axis) : axis;
}

Axis vertical(const Component &c, const preproc_output &o, int rows) {
  const Span y =
      span(o.bounds_y, o.bounds_height, c.scale_y, c.offset_y, c.height);
  return make_axis(rows, o.region_y * c.scale_y + c.offset_y,
                   o.region_height * c.scale_y, y.lo, y.hi, o.filter);
}

// The samples that an axis reaches.
Span reached(const Axis &axis) {
  const auto [first, last] =
      std::minmax_element(axis.first.begin(), axis.first.end());
  return {*first, *last + axis.taps};
}

bool same(const Axis &a, const Axis &b) {
  return a.first == b.first && a.weight == b.weight;
}

// Whether `count` components have these steps, with phases below them.
bool has_steps(const Component c[], int count, std::vector<int> steps) {
  if (std::size_t(count) != steps.size()) return false;
  for (int i = 0; i < count; i++)
    if (c[i].step != steps[i] || c[i].phase >= steps[i]) return false;
  return true;
}

}  // namespace

Resampler::Resampler(const Kernels &kernels, const Model &model,
                     const preproc_output &output, int components)
    : kernels_(kernels),
      columns_(content_columns(output)),
      rows_(content_rows(output)) {
  int count = 1;
  for (int c = 0; c < components; c += count) {
    count = 1;
    while (c + count < components &&
           model.component[c + count].plane == model.component[c].plane)
      count++;
    add(model, output, c, count);
  }
  std::size_t longest = 0;
  for (const Bank &bank : banks_)
    longest = std::max(longest, std::max(bank.bytes, bank.least));
  blended_.resize(longest);
  for (Aligned<std::uint8_t> &part : part_) part.resize(longest);
}

// The components first to first+count, which lie in one plane.
void Resampler::add(const Model &model, const preproc_output &output, int first,
                    int count) {
  const Component *c = &model.component[first];
  Bank bank;
  bank.plane = c[0].plane;
  bank.component = first;
  Axis axis[3];
  int group = 1;
  std::size_t begin = SIZE_MAX, end = 0;
  for (int i = 0; i < count; i++) {
    axis[i] = horizontal(c[i], output, columns_);
    const Span x = reached(axis[i]);
    begin = std::min(begin, std::size_t(x.lo) * c[i].step);
    end = std::max(end, std::size_t(x.hi - 1) * c[i].step + c[i].phase + 1);
    group = std::max(group, c[i].step);
  }
  // Whole groups, so that each component is at its phase.
  bank.first_byte = begin / group * group;
  end =
      std::min((end + group - 1) / group * group, model.row_bytes[bank.plane]);
  bank.bytes = end - bank.first_byte;
  add_rows(vertical(c[0], output, rows_), bank);
  add_lanes(c, axis, first, count, bank);
  banks_.push_back(std::move(bank));
}

void Resampler::add_rows(const Axis &axis, Bank &bank) const {
  std::vector<int> whole(axis.taps);
  for (int i = 0; i < rows_; i++) {
    const Reach reach = reach_of(axis, i);
    int from = 0, to = reach.end - reach.begin;
    const bool few = to <= kFewTaps;
    whole_weights(axis, i, few ? kWhole : kFineWhole, reach, whole.data());
    // Rows without weight are not read; but a row of many taps stays one.
    while (few && whole[from] == 0) from++;
    while (few && whole[to - 1] == 0) to--;
    bank.rows.push_back(
        {axis.first[i] + reach.begin + from, to - from, bank.weights.size()});
    bank.weights.insert(bank.weights.end(), whole.begin() + from,
                        whole.begin() + to);
  }
}

void Resampler::add_lane(const Component &c, const Axis &axis, int component,
                         int part, Bank &bank) const {
  bool in_place = bank.split == Split::kNone;
  Placement place{1, 0};
  if (bank.split == Split::kEach) {
    const Span x = reached(axis);
    bank.each.push_back(
        {x.lo * c.step + c.phase - int(bank.first_byte), c.step, x.hi - x.lo});
    place.shift = -x.lo;
  } else {
    // The bytes of a part are those of a phase; first_byte has the phase 0.
    place.shift = -int(bank.first_byte) / c.step;
  }
  const std::size_t length = bank.split == Split::kEach
                                 ? std::size_t(bank.each.back().count)
                                 : bank.bytes / c.step;
  Columns columns(kernels_, axis, place, length);
  if (in_place) bank.least = std::max(bank.least, columns.least());
  bank.lanes.push_back({part, component, component, std::move(columns)});
}

// Two components that lie in turns in a line, which are c[0] and c[1].
bool Resampler::add_pair(const Component c[], const Axis axis[], int component,
                         int part, Bank &bank) const {
  if (!same(axis[0], axis[1])) return false;
  // In the line, each is at every second byte.
  const int every = c[0].step / 2;
  const auto place = [&](const Component &c) {
    return Placement{2, c.phase / every - int(bank.first_byte) / every};
  };
  std::optional<Columns> columns = Columns::of_pair(
      kernels_, axis[0], place(c[0]), place(c[1]), bank.bytes / every);
  if (!columns) return false;
  if (every == 1) bank.least = std::max(bank.least, columns->least());
  bank.lanes.push_back({part, component, component + 1, std::move(*columns)});
  return true;
}

void Resampler::add_lanes(const Component c[], const Axis axis[], int first,
                          int count, Bank &bank) const {
  const auto all = [&](Split split) {
    bank.split = split;
    for (int i = 0; i < count; i++)
      add_lane(c[i], axis[i], first + i,
               split == Split::kNone   ? 0
               : split == Split::kEach ? i
                                       : c[i].phase,
               bank);
  };
  const bool even = bank.bytes % 2 == 0, whole = bank.bytes % 4 == 0;
  if (has_steps(c, count, {1})) return all(Split::kNone);
  if (has_steps(c, count, {2, 2}) && add_pair(c, axis, first, 0, bank)) return;
  if (even && (has_steps(c, count, {2}) || has_steps(c, count, {2, 2})))
    return all(Split::kTwo);
  if (whole && has_steps(c, count, {2, 4, 4}) &&
      c[1].phase % 2 == c[2].phase % 2 && c[1].phase % 2 != c[0].phase) {
    const int chroma = 1 - c[0].phase;
    bank.split = Split::kTwo;
    add_lane(c[0], axis[0], first, c[0].phase, bank);
    if (add_pair(c + 1, axis + 1, first + 1, chroma, bank)) return;
    bank.split = Split::kTwoAndTwo;
    bank.again = chroma;
    for (int i = 1; i < 3; i++)
      add_lane(c[i], axis[i], first + i, 2 + c[i].phase / 2, bank);
    return;
  }
  // The chroma of the same, without its luma.
  if (whole && has_steps(c, count, {4, 4}) &&
      c[0].phase % 2 == c[1].phase % 2) {
    bank.split = Split::kTwo;
    if (add_pair(c, axis, first, c[0].phase % 2, bank)) return;
    return all(Split::kFour);
  }
  if (bank.bytes % 3 == 0 &&
      (has_steps(c, count, {3}) || has_steps(c, count, {3, 3, 3})))
    return all(Split::kThree);
  if (whole && (has_steps(c, count, {4}) || has_steps(c, count, {4, 4, 4})))
    return all(Split::kFour);
  all(Split::kEach);
}

// The rows of a bank as one, which may be the only one itself.
const std::uint8_t *Resampler::blended(const Bank &bank, const Rows &rows) {
  if (rows.taps == 1 && bank.bytes >= bank.least) return rows.first;
  if (rows.taps == 1)
    std::memcpy(blended_.data(), rows.first, bank.bytes);
  else if (rows.taps <= kFewTaps)
    kernels_.blend(rows, bank.bytes, blended_.data());
  else
    kernels_.blend_many(rows, bank.bytes, blended_.data());
  return blended_.data();
}

void Resampler::parted(const Bank &bank, const Rows &rows,
                       const std::uint8_t *parts[]) {
  std::uint8_t *part[4];
  for (int i = 0; i < 4; i++) parts[i] = part[i] = part_[i].data();
  if (bank.split == Split::kTwo || bank.split == Split::kTwoAndTwo) {
    const bool few = rows.taps <= kFewTaps;
    const Rows one{few ? nullptr : blended(bank, rows), 0, 1, nullptr, 0};
    kernels_.blend_split2(few ? rows : one, bank.bytes, part[0], part[1]);
    if (bank.split == Split::kTwo) return;
    const Rows again{part[bank.again], 0, 1, nullptr, 0};
    return kernels_.blend_split2(again, bank.bytes / 2, part[2], part[3]);
  }
  parts[0] = blended(bank, rows);
  if (bank.split == Split::kNone) return;
  const std::uint8_t *from = parts[0];
  parts[0] = part[0];
  if (bank.split == Split::kThree)
    return kernels_.split3(from, bank.bytes / 3, part);
  if (bank.split == Split::kFour)
    return kernels_.split4(from, bank.bytes / 4, part);
  for (std::size_t k = 0; k < bank.each.size(); k++)
    for (int i = 0; i < bank.each[k].count; i++)
      part[k][i] = from[bank.each[k].first + i * bank.each[k].step];
}

void Resampler::row(const Pixels &pixels, int row, int components,
                    std::int16_t *const lines[]) {
  for (const Bank &bank : banks_) {
    if (bank.component >= components) break;
    const Row &r = bank.rows[row];
    const Row &next = bank.rows[std::min(row + 1, rows_ - 1)];
    const std::size_t stride = pixels.stride[bank.plane];
    const Rows rows{
        pixels.data[bank.plane] + r.first * stride + bank.first_byte, stride,
        r.taps, &bank.weights[r.weight], (next.first - r.first) * stride};
    const std::uint8_t *parts[4];
    parted(bank, rows, parts);
    for (const Lane &lane : bank.lanes)
      if (lane.component < components)
        lane.columns.run(kernels_, parts[lane.part], lines[lane.component],
                         lines[lane.other]);
  }
}

}  // namespace preprocess
