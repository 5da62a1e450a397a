// SHA-256 by instructions that do several rounds of one message. The one algorithm of the kernels
// shani and armv8. Four messages run side by side: one alone waits for its own latency.
//
// Included by a kernel file inside its own anonymous namespace, so that no two kernels share a
// symbol, after it has defined the vocabulary of its CPU:
//   CALX_TARGET   its [[gnu::target]] attribute; no compiler flag is needed
//   V             a register of four words, word 0 lowest; all-zero is V{}
//   Pair          the eight state words in the order that the instructions want
//   make_pair, split_words, rounds_4, last_word, message_1, message_2, add, load, load_big_endian,
//   store, set
// where message_1(w[0..3], w[4..7]) adds sigma0 and message_2(x, w[8..11], w[12..15]) adds the
// rest, which gives w[16..19].
//
// No pragma once: the file is private to these kernels and each includes it once.

#define CALX_INLINE CALX_TARGET [[gnu::always_inline]] inline

constexpr std::size_t kLanes = 4;

struct alignas(16) Constants {
  std::uint32_t round[64];
};

constexpr Constants kConstants = [] {
  Constants all{};
  for (int t = 0; t < 64; ++t) all.round[t] = kRoundConstants[t];
  return all;
}();

/// One message under way: m[i] holds schedule words 4i..4i+3 of the last 16.
struct Lane {
  Pair state;
  V m[4];
};

/// Words 4 kGroup .. 4 kGroup + 3, from the 16 before them, into their place.
template <int kGroup>
CALX_INLINE V next_words(V (&m)[4]) {
  V& oldest = m[kGroup & 3];
  if constexpr (kGroup >= 4) {
    oldest =
        message_2(message_1(oldest, m[(kGroup + 1) & 3]), m[(kGroup + 2) & 3], m[(kGroup + 3) & 3]);
  }
  return oldest;
}

template <int kGroup>
CALX_INLINE V round_constants() {
  return load(kConstants.round + 4 * kGroup);
}

template <int kGroup, class... Lanes>
CALX_INLINE void group(Lanes&... lanes) {
  const V k = round_constants<kGroup>();
  (rounds_4(lanes.state, add(next_words<kGroup>(lanes.m), k)), ...);
}

/// Groups kGroup .. kEnd - 1, each of four rounds, of all lanes in step.
template <int kGroup, int kEnd, class... Lanes>
CALX_INLINE void run(Lanes&... lanes) {
  if constexpr (kGroup < kEnd) {
    group<kGroup>(lanes...);
    run<kGroup + 1, kEnd>(lanes...);
  }
}

/// Groups whose K + W are constants.
template <int kGroup, int kEnd, class... Lanes>
CALX_INLINE void run_constant(const std::uint32_t* sums, Lanes&... lanes) {
  if constexpr (kGroup < kEnd) {
    const V sum = load(sums + 4 * kGroup);
    (rounds_4(lanes.state, sum), ...);
    run_constant<kGroup + 1, kEnd>(sums, lanes...);
  }
}

CALX_INLINE void load_block(Lane& lane, const std::uint8_t* block) {
  for (int i = 0; i < 4; ++i) lane.m[i] = load_big_endian(block + 16 * i);
}

CALX_INLINE Pair sum(const Pair& a, const Pair& b) { return {add(a.x, b.x), add(a.y, b.y)}; }

CALX_INLINE void store_words(const Pair& state, std::uint32_t* words) {
  V low, high;
  split_words(state, low, high);
  store(low, words);
  store(high, words + 4);
}

CALX_INLINE void store_digest(const Pair& state, Digest& digest) {
  V low, high;
  split_words(state, low, high);
  store_big_endian(low, digest.data());
  store_big_endian(high, digest.data() + 16);
}

CALX_TARGET void compress(State& state, const std::uint8_t* blocks,
                          std::size_t block_count) noexcept {
  Lane lane;
  Pair sums = make_pair(state.data());
  for (; block_count > 0; --block_count, blocks += 64) {
    lane.state = sums;
    load_block(lane, blocks);
    run<0, 16>(lane);
    sums = sum(sums, lane.state);
  }
  store_words(sums, state.data());
}

CALX_INLINE void compress_4(Pair (&sums)[4], const std::uint8_t* const* blocks,
                            std::size_t block_count) {
  for (std::size_t b = 0; b < block_count; ++b) {
    Lane l0, l1, l2, l3;
    l0.state = sums[0], l1.state = sums[1], l2.state = sums[2], l3.state = sums[3];
    load_block(l0, blocks[0] + 64 * b), load_block(l1, blocks[1] + 64 * b);
    load_block(l2, blocks[2] + 64 * b), load_block(l3, blocks[3] + 64 * b);
    run<0, 16>(l0, l1, l2, l3);
    sums[0] = sum(sums[0], l0.state), sums[1] = sum(sums[1], l1.state);
    sums[2] = sum(sums[2], l2.state), sums[3] = sum(sums[3], l3.state);
  }
}

CALX_TARGET void digest_many(const Batch& batch, Digest* digests) noexcept {
  const Pair initial = make_pair(kInitialState.data());
  std::size_t i = 0;
  for (; batch.count - i >= kLanes; i += kLanes) {
    Pair sums[4] = {initial, initial, initial, initial};
    if (batch.body_blocks > 0) compress_4(sums, batch.bodies + i, batch.body_blocks);
    if (batch.tail_blocks > 0) compress_4(sums, batch.tails + i, batch.tail_blocks);
    for (std::size_t n = 0; n < kLanes; ++n) store_digest(sums[n], digests[i + n]);
  }
  for (; i < batch.count; ++i) {
    State state = kInitialState;
    if (batch.body_blocks > 0) compress(state, batch.bodies[i], batch.body_blocks);
    if (batch.tail_blocks > 0) compress(state, batch.tails[i], batch.tail_blocks);
    store_digest(make_pair(state.data()), digests[i]);
  }
}

template <class... Lanes>
CALX_INLINE void digest_64_of(const std::uint8_t* messages, Digest* digests, Lanes&... lanes) {
  const Pair initial = make_pair(kInitialState.data());
  std::size_t i = 0;
  ((lanes.state = initial, load_block(lanes, messages + 64 * i++)), ...);
  run<0, 16>(lanes...);
  ((lanes.state = lanes.middle = sum(initial, lanes.state)), ...);
  run_constant<0, 16>(kPadding64.values, lanes...);
  i = 0;
  (store_digest(sum(lanes.middle, lanes.state), digests[i++]), ...);
}

/// A lane that keeps the state between two blocks.
struct TwoBlockLane : Lane {
  Pair middle;
};

CALX_TARGET void digest_64(const std::uint8_t* messages, std::size_t count,
                           Digest* digests) noexcept {
  TwoBlockLane l0, l1, l2, l3;
  for (; count >= kLanes; count -= kLanes, messages += 64 * kLanes, digests += kLanes) {
    digest_64_of(messages, digests, l0, l1, l2, l3);
  }
  for (; count > 0; --count, messages += 64, ++digests) digest_64_of(messages, digests, l0);
}

/// What follows from a key and a row: everything but the group in word 12.
struct RowFold {
  Pair state;  // after rounds 0..11
  V m2;        // words 8..11
  V m3;        // words 12..15 with word 12 = 0
  V sum3;      // m3 + K
  V m4;        // words 16..19 with word 12 = 0; word 12 is a plain term of word 19 alone
  V part5;     // words 20..23 but for message_2: word 12 does not enter
};

struct KeyFold {
  Pair state;  // after rounds 0..7, which only take the key
  V m1;        // words 4..7
  V part4;     // message_1 of words 0..7
};

CALX_INLINE KeyFold fold_key(const CounterRows& rows) {
  KeyFold key;
  Lane lane;
  lane.state = make_pair(kInitialState.data());
  lane.m[0] = load(rows.key.data());
  lane.m[1] = load(rows.key.data() + 4);
  run<0, 2>(lane);
  key.state = lane.state;
  key.m1 = lane.m[1];
  key.part4 = message_1(lane.m[0], lane.m[1]);
  return key;
}

CALX_INLINE void fold_row(const KeyFold& key, const CounterRows& rows, std::uint32_t row,
                          RowFold& fold) {
  fold.m2 = set(rows.word8, rows.word9, rows.word10, row);
  fold.m3 = set(0, 0x80000000, 0, 52 * 8);
  fold.sum3 = add(fold.m3, round_constants<3>());
  fold.state = key.state;
  rounds_4(fold.state, add(fold.m2, round_constants<2>()));
  fold.m4 = message_2(key.part4, fold.m2, fold.m3);
  fold.part5 = message_1(key.m1, fold.m2);
}

struct CounterLane : Lane {
  const RowFold* row;
  std::uint32_t group;
};

template <class... Lanes>
CALX_INLINE void expand_lanes(std::uint32_t* words, Lanes&... lanes) {
  const Pair initial = make_pair(kInitialState.data());
  ((lanes.state = lanes.row->state), ...);
  (rounds_4(lanes.state, add(lanes.row->sum3, set(lanes.group, 0, 0, 0))), ...);
  const V k4 = round_constants<4>(), k5 = round_constants<5>();
  ((lanes.m[0] = add(lanes.row->m4, set(0, 0, 0, lanes.group)),
    rounds_4(lanes.state, add(lanes.m[0], k4))),
   ...);
  ((lanes.m[3] = add(lanes.row->m3, set(lanes.group, 0, 0, 0)),
    lanes.m[1] = message_2(lanes.row->part5, lanes.m[3], lanes.m[0]),
    rounds_4(lanes.state, add(lanes.m[1], k5))),
   ...);
  ((lanes.m[2] = lanes.row->m2), ...);
  run<6, 16>(lanes...);
  (((store_words(sum(initial, lanes.state), words)), words += 8), ...);
}

CALX_TARGET void expand(const CounterRows& rows, std::uint32_t* words) noexcept {
  const KeyFold key = fold_key(rows);
  RowFold folds[kLanes];  // four blocks in reading order touch at most four rows
  std::uint32_t row = 0, group = 0;
  const auto place = [&](CounterLane& lane) {
    lane.row = &folds[row % kLanes];
    lane.group = rows.group_first + group;
    if (++group == rows.group_count) group = 0, ++row;
  };
  std::uint32_t folded = 0;  // rows folded so far
  const std::uint64_t block_count = std::uint64_t{rows.row_count} * rows.group_count;
  CounterLane l0, l1, l2, l3;
  for (std::uint64_t left = block_count; left > 0;) {
    const std::uint32_t rows_ahead = static_cast<std::uint32_t>(
        (std::uint64_t{group} + (left < kLanes ? left : kLanes) - 1) / rows.group_count);
    for (; folded <= row + rows_ahead; ++folded) {
      fold_row(key, rows, rows.row_first + folded, folds[folded % kLanes]);
    }
    place(l0);
    if (left < kLanes) {
      expand_lanes(words, l0);
      words += 8, --left;
      continue;
    }
    place(l1), place(l2), place(l3);
    expand_lanes(words, l0, l1, l2, l3);
    words += 8 * kLanes, left -= kLanes;
  }
}

/// The last words of the double hashes of four nonces; `tail` holds words 0..2 of the second
/// block of the header.
template <class... Lanes>
CALX_INLINE void scan_lanes(const Pair& midstate, V tail, std::uint32_t nonce, std::uint32_t* top,
                            Lanes&... lanes) {
  ((lanes.state = midstate, lanes.m[0] = add(tail, set(0, 0, 0, swap_bytes(nonce++))),
    lanes.m[1] = set(0x80000000, 0, 0, 0), lanes.m[2] = V{}, lanes.m[3] = set(0, 0, 0, 80 * 8)),
   ...);
  run<0, 16>(lanes...);
  ((split_words(sum(midstate, lanes.state), lanes.m[0], lanes.m[1]),
    lanes.m[2] = set(0x80000000, 0, 0, 0), lanes.m[3] = set(0, 0, 0, 32 * 8),
    lanes.state = make_pair(kInitialState.data())),
   ...);
  run<0, 15>(lanes...);
  const V k = round_constants<15>();
  ((*top++ = last_word(lanes.state, add(next_words<15>(lanes.m), k))), ...);
}

CALX_TARGET std::optional<std::uint32_t> scan(const OpenHeader& header, std::uint32_t first,
                                              std::uint64_t count) noexcept {
  const Pair midstate = make_pair(header.midstate.data());
  const V tail = set(header.tail[0], header.tail[1], header.tail[2], 0);
  Lane l0, l1, l2, l3;
  for (std::uint64_t done = 0; done < count; done += kLanes) {
    std::uint32_t top[kLanes];
    scan_lanes(midstate, tail, static_cast<std::uint32_t>(first + done), top, l0, l1, l2, l3);
    for (std::size_t n = 0; n < kLanes; ++n) {
      if (swap_bytes(kInitialState[7] + top[n]) > header.top_max) continue;
      if (done + n >= count) return std::nullopt;
      return static_cast<std::uint32_t>(first + done + n);
    }
  }
  return std::nullopt;
}
