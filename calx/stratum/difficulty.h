// Share difficulties of this server: powers of two alone, so that no client can round one apart.
#pragma once

#include <string>

#include "calx/work/target.h"

namespace calx::stratum {

inline constexpr int kLog2DifficultyMin = -33;  // every hash meets it
inline constexpr int kLog2DifficultyMax = 60;

/// 2^k.
double difficulty_of(int k) noexcept;

/// The target of difficulty 2^k. \pre kLog2DifficultyMin <= k <= kLog2DifficultyMax
work::Target target_of_difficulty(int k);

/// The greatest k whose target lets every hash through that meets `target`: a miner at 2^k misses
/// no share of a job with this target.
int log2_difficulty_for(const work::Target& target);

/// floor(log2 difficulty), within the two bounds. \pre difficulty > 0
int log2_difficulty_below(double difficulty) noexcept;

/// 2^k as a JSON number that reads back exactly; an integer from k = 0, since old clients read one.
std::string difficulty_text(int k);

}  // namespace calx::stratum
