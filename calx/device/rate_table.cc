#include "calx/device/rate_table.h"

#include <algorithm>
#include <set>

namespace calx::device {

RateRow rate_row(const Rate& rate, double difficulty) {
  const double hashes = rate.hashes_per_second;
  const double bits = bits_per_second(hashes, difficulty);
  RateRow row{.difficulty = difficulty,
              .stock = difficulty >= rate.mask,
              .returns_per_second = returns_per_second(hashes, difficulty),
              .wait = wait_for(hashes, difficulty),
              .free_bits_per_second = bits,
              .latent_seconds = kLatentBits / bits,
              .stamp_seconds = stamp_wait(hashes, difficulty, rate.mask).mean};
  if (rate.watts) {
    const double spent = std::max(difficulty, rate.mask);
    row.joules_per_stamp = joules_per_return(*rate.watts, hashes, spent);
    row.joules_per_byte = joules_per_byte(*rate.watts, hashes, difficulty);
  }
  return row;
}

std::vector<RateRow> rate_table(const Rate& rate) {
  std::set<double> difficulties = {1, 16, 64, 256, 8192};
  difficulties.insert(rate.mask);
  std::vector<RateRow> rows;
  for (const double difficulty : difficulties) rows.push_back(rate_row(rate, difficulty));
  return rows;
}

}  // namespace calx::device
