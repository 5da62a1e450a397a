// SHA-256 with one message per vector lane. The one algorithm of the kernels avx2 and avx512.
//
// Included by a kernel file inside its own anonymous namespace, so that no two kernels share a
// symbol, after it has defined the vocabulary of its CPU:
//   CALX_TARGET   its [[gnu::target]] attribute; no compiler flag is needed
//   V, kLanes     a vector of kLanes 32-bit words; all-zero is V{}
//   add, sum0, sum1, sigma0, sigma1, choose, majority, broadcast, iota, swap_bytes,
//   lanes_at_most, load_block, store_rows
//
// The state lies in s[8]; instead of moving words, round T finds `a` in s[-T mod 8].
// No pragma once: the file is private to the two kernels and each includes it once.

#define CALX_INLINE CALX_TARGET [[gnu::always_inline]] inline

struct Constants {
  std::uint32_t round[64];
  std::uint32_t initial[8];
};

constexpr Constants kConstants = [] {
  Constants all{};
  for (int t = 0; t < 64; ++t) all.round[t] = kRoundConstants[t];
  for (std::size_t i = 0; i < 8; ++i) all.initial[i] = kInitialState[i];
  return all;
}();

/// The same pointer, about which the compiler knows nothing more. g++ 12 otherwise hoists a
/// register for every one of the 64 broadcast constants out of the loop, and spills them: half the
/// speed. This way each stays a memory operand of the addition.
template <class T>
CALX_INLINE const T* opaque(const T* pointer) {
  asm volatile("" : "+r"(pointer) : : "memory");
  return pointer;
}

/// What a Shape leaves to be done ahead: the constant parts of the schedule, K + W of the words
/// that do not vary, and the state before the first round that varies. Of that round all but the
/// addition of its word is done: `d` and `h` hold what is missing only W.
struct Folded {
  V part[64];
  V sum[64];
  V state[8];
};

template <int T>
CALX_INLINE void round(V (&s)[8], V sum) {
  const V a = s[-T & 7], b = s[(1 - T) & 7], c = s[(2 - T) & 7];
  const V e = s[(4 - T) & 7], f = s[(5 - T) & 7], g = s[(6 - T) & 7];
  V& d = s[(3 - T) & 7];
  V& h = s[(7 - T) & 7];
  const V t1 = add(add(add(h, sum), choose(e, f, g)), sum1(e));
  d = add(d, t1);
  h = add(t1, add(sum0(a), majority(a, b, c)));
}

template <int T, int kEnd>
CALX_INLINE void run_constant(V (&s)[8], const std::uint32_t* sums) {
  if constexpr (T < kEnd) {
    round<T>(s, broadcast(sums[T]));
    run_constant<T + 1, kEnd>(s, sums);
  }
}

template <int T, int kEnd>
CALX_INLINE void run_constant(V (&s)[8], const V* sums) {
  if constexpr (T < kEnd) {
    round<T>(s, sums[T]);
    run_constant<T + 1, kEnd>(s, sums);
  }
}

/// Schedule word T, one that varies, from and into the ring of the last 16.
template <Shape kShape, int T>
CALX_INLINE V next_word(V (&w)[16], const Folded* folded) {
  if constexpr (T < 16) {
    return w[T];
  } else {
    V x{};
    if constexpr (kShape.is_variable(T - 16)) x = w[T & 15];
    if constexpr (!kShape.is_zero(T)) x = add(x, folded->part[T]);
    if constexpr (kShape.is_variable(T - 7)) x = add(x, w[(T - 7) & 15]);
    if constexpr (kShape.is_variable(T - 15)) x = add(x, sigma0(w[(T - 15) & 15]));
    if constexpr (kShape.is_variable(T - 2)) x = add(x, sigma1(w[(T - 2) & 15]));
    w[T & 15] = x;
    return x;
  }
}

/// Rounds T .. kEnd - 1 of a message of that shape; w[t] holds message word t where it varies.
template <Shape kShape, int T, int kEnd>
CALX_INLINE void run(V (&s)[8], V (&w)[16], const Folded* folded, const Constants* constants) {
  if constexpr (T < kEnd) {
    if constexpr (!kShape.is_variable(T)) {
      round<T>(s, folded->sum[T]);
    } else if constexpr (kShape != kBlockShape && T == kShape.first_round()) {
      s[(3 - T) & 7] = add(s[(3 - T) & 7], w[T]);
      s[(7 - T) & 7] = add(s[(7 - T) & 7], w[T]);
    } else {
      round<T>(s, add(next_word<kShape, T>(w, folded), broadcast(constants->round[T])));
    }
    run<kShape, T + 1, kEnd>(s, w, folded, constants);
  }
}

template <Shape kShape, int kEnd>
CALX_INLINE void run_folded(V (&s)[8], V (&w)[16], const Folded* folded,
                            const Constants* constants) {
  for (int i = 0; i < 8; ++i) s[i] = folded->state[i];
  run<kShape, kShape.first_round(), kEnd>(s, w, folded, constants);
}

/// Word t where it does not vary.
template <int T>
CALX_INLINE V constant_word(const V (&message)[16], const Folded& folded) {
  if constexpr (T < 16) {
    return message[T];
  } else {
    return folded.part[T];
  }
}

template <Shape kShape, int T>
CALX_INLINE void fold_words(const V (&message)[16], Folded& folded, const Constants* constants) {
  if constexpr (T < 64) {
    if constexpr (T > 15 && !kShape.is_zero(T)) {
      V x{};
      if constexpr (!kShape.is_variable(T - 16) && !kShape.is_zero(T - 16)) {
        x = constant_word<T - 16>(message, folded);
      }
      if constexpr (!kShape.is_variable(T - 7) && !kShape.is_zero(T - 7)) {
        x = add(x, constant_word<T - 7>(message, folded));
      }
      if constexpr (!kShape.is_variable(T - 15) && !kShape.is_zero(T - 15)) {
        x = add(x, sigma0(constant_word<T - 15>(message, folded)));
      }
      if constexpr (!kShape.is_variable(T - 2) && !kShape.is_zero(T - 2)) {
        x = add(x, sigma1(constant_word<T - 2>(message, folded)));
      }
      folded.part[T] = x;
    }
    if constexpr (!kShape.is_variable(T)) {
      V word{};
      if constexpr (!kShape.is_zero(T)) word = constant_word<T>(message, folded);
      folded.sum[T] = add(word, broadcast(constants->round[T]));
    }
    fold_words<kShape, T + 1>(message, folded, constants);
  }
}

/// Fills `folded` for messages whose constant words are those of `message`; `state` is the state
/// after kDone rounds.
template <Shape kShape, int kDone>
CALX_INLINE void fold(const V (&message)[16], const V (&state)[8], Folded& folded,
                      const Constants* constants) {
  fold_words<kShape, 0>(message, folded, constants);
  V s[8];
  for (int i = 0; i < 8; ++i) s[i] = state[i];
  constexpr int kFirst = kShape.first_round();
  run_constant<kDone, kFirst>(s, folded.sum);
  const V d = s[(3 - kFirst) & 7];
  s[(3 - kFirst) & 7] = V{};
  round<kFirst>(s, broadcast(constants->round[kFirst]));  // leaves h + ... in d, the new a in h
  s[(3 - kFirst) & 7] = add(s[(3 - kFirst) & 7], d);
  for (int i = 0; i < 8; ++i) folded.state[i] = s[i];
}

CALX_INLINE void set_initial(V (&s)[8], const Constants* constants) {
  for (int i = 0; i < 8; ++i) s[i] = broadcast(constants->initial[i]);
}

CALX_INLINE void add_initial(V (&s)[8], const Constants* constants) {
  for (int i = 0; i < 8; ++i) s[i] = add(s[i], broadcast(constants->initial[i]));
}

CALX_TARGET [[gnu::noinline]] void compress_lanes(V (&state)[8], const std::uint8_t* const* blocks,
                                                  std::size_t offset) {
  V s[8], w[16];
  for (int i = 0; i < 8; ++i) s[i] = state[i];
  load_block(blocks, offset, w);
  run<kBlockShape, 0, 64>(s, w, nullptr, opaque(&kConstants));
  for (int i = 0; i < 8; ++i) state[i] = add(state[i], s[i]);
}

/// Writes eight words a lane, `stride` words from lane to lane, the first `count` lanes only.
CALX_INLINE void store_lanes(const V (&s)[8], std::uint32_t* words, std::size_t stride,
                             std::size_t count) {
  if (count == kLanes) {
    store_rows(s, words, stride);
    return;
  }
  alignas(64) std::uint32_t rows[8 * kLanes];
  store_rows(s, rows, 8);
  for (std::size_t i = 0; i < count; ++i) __builtin_memcpy(words + stride * i, rows + 8 * i, 32);
}

CALX_INLINE void store_digests(V (&s)[8], Digest* digests, std::size_t count) {
  static_assert(sizeof(Digest) == 32);
  for (int i = 0; i < 8; ++i) s[i] = swap_bytes(s[i]);
  alignas(64) std::uint32_t rows[8 * kLanes];
  store_rows(s, rows, 8);
  __builtin_memcpy(digests, rows, 32 * count);
}

CALX_TARGET void digest_many(const Batch& batch, Digest* digests) noexcept {
  for (std::size_t first = 0; first < batch.count; first += kLanes) {
    const std::size_t count = batch.count - first < kLanes ? batch.count - first : kLanes;
    const std::uint8_t* bodies[kLanes];
    const std::uint8_t* tails[kLanes];
    for (std::size_t i = 0; i < kLanes; ++i) {
      const std::size_t lane = first + (i < count ? i : 0);  // spare lanes repeat a message
      if (batch.body_blocks > 0) bodies[i] = batch.bodies[lane];
      if (batch.tail_blocks > 0) tails[i] = batch.tails[lane];
    }
    V state[8];
    set_initial(state, opaque(&kConstants));
    for (std::size_t b = 0; b < batch.body_blocks; ++b) compress_lanes(state, bodies, 64 * b);
    for (std::size_t b = 0; b < batch.tail_blocks; ++b) compress_lanes(state, tails, 64 * b);
    store_digests(state, digests + first, count);
  }
}

CALX_TARGET void digest_64(const std::uint8_t* messages, std::size_t message_count,
                           Digest* digests) noexcept {
  for (std::size_t first = 0; first < message_count; first += kLanes) {
    const std::size_t count = message_count - first < kLanes ? message_count - first : kLanes;
    const std::uint8_t* blocks[kLanes];
    for (std::size_t i = 0; i < kLanes; ++i)
      blocks[i] = messages + 64 * (first + (i < count ? i : 0));
    const Constants* constants = opaque(&kConstants);
    V s[8], w[16], middle[8];
    set_initial(s, constants);
    load_block(blocks, 0, w);
    run<kBlockShape, 0, 64>(s, w, nullptr, constants);
    add_initial(s, constants);
    for (int i = 0; i < 8; ++i) middle[i] = s[i];
    run_constant<0, 64>(s, opaque(kPadding64.values));
    for (int i = 0; i < 8; ++i) s[i] = add(s[i], middle[i]);
    store_digests(s, digests + first, count);
  }
}

/// Counter mode of one stream: what follows from the key, and then from one row per lane.
struct CounterLanes {
  V message[16];
  V key_state[8];  // after rounds 0..7, which only take the key
  Folded folded;
};

CALX_INLINE void set_stream(CounterLanes& lanes, const CounterRows& rows) {
  const Constants* constants = opaque(&kConstants);
  for (int i = 0; i < 16; ++i) lanes.message[i] = V{};
  for (std::size_t i = 0; i < 8; ++i) lanes.message[i] = broadcast(rows.key[i]);
  lanes.message[8] = broadcast(rows.word8);
  lanes.message[9] = broadcast(rows.word9);
  lanes.message[10] = broadcast(rows.word10);
  lanes.message[13] = broadcast(0x80000000);
  lanes.message[15] = broadcast(52 * 8);
  V s[8], sums[8];
  set_initial(s, constants);
  for (int i = 0; i < 8; ++i) sums[i] = add(lanes.message[i], broadcast(constants->round[i]));
  run_constant<0, 8>(s, sums);
  for (int i = 0; i < 8; ++i) lanes.key_state[i] = s[i];
}

CALX_TARGET [[gnu::noinline]] void set_rows(CounterLanes& lanes, V rows) {
  lanes.message[11] = rows;
  fold<kCounterShape, 8>(lanes.message, lanes.key_state, lanes.folded, opaque(&kConstants));
}

CALX_TARGET [[gnu::noinline]] void store_groups(const CounterLanes& lanes, V groups,
                                                std::uint32_t* words, std::size_t stride,
                                                std::size_t count) {
  const Constants* constants = opaque(&kConstants);
  V s[8], w[16];
  w[12] = groups;
  run_folded<kCounterShape, 64>(s, w, &lanes.folded, constants);
  add_initial(s, constants);
  store_lanes(s, words, stride, count);
}

/// Lanes = consecutive blocks in reading order, from row `row` on; any mixture of rows.
CALX_TARGET void expand_flat(CounterLanes& lanes, const CounterRows& rows, std::uint32_t row,
                             std::uint32_t* words) {
  std::uint64_t left = std::uint64_t{rows.row_count - row} * rows.group_count;
  std::uint32_t group = 0;
  bool folded_for_row = false;
  while (left > 0) {
    const std::size_t count = left < kLanes ? static_cast<std::size_t>(left) : kLanes;
    if (rows.group_count - group >= count) {
      if (!folded_for_row) set_rows(lanes, broadcast(rows.row_first + row));
      folded_for_row = true;
      store_groups(lanes, add(broadcast(rows.group_first + group), iota()), words, 8, count);
      group += static_cast<std::uint32_t>(count);
    } else {
      alignas(64) std::uint32_t row_of[kLanes] = {}, group_of[kLanes] = {};
      for (std::size_t i = 0; i < count; ++i) {
        if (group == rows.group_count) group = 0, ++row;
        row_of[i] = rows.row_first + row;
        group_of[i] = rows.group_first + group++;
      }
      set_rows(lanes, load(row_of));
      folded_for_row = false;
      store_groups(lanes, load(group_of), words, 8, count);
    }
    if (group == rows.group_count) group = 0, ++row, folded_for_row = false;
    words += 8 * count;
    left -= count;
  }
}

CALX_TARGET void expand(const CounterRows& rows, std::uint32_t* words) noexcept {
  // Rows with more groups than this fold rarely enough; and kLanes rows at once would write at
  // strides that share one set of the cache.
  constexpr std::uint32_t kBundleGroupsMax = 64;
  CounterLanes lanes;
  set_stream(lanes, rows);
  std::uint32_t row = 0;
  if (rows.group_count < kBundleGroupsMax) {
    for (; rows.row_count - row >= kLanes; row += kLanes) {
      set_rows(lanes, add(broadcast(rows.row_first + row), iota()));
      for (std::uint32_t group = 0; group < rows.group_count; ++group) {
        store_groups(lanes, broadcast(rows.group_first + group), words + 8 * group,
                     std::size_t{8} * rows.group_count, kLanes);
      }
      words += std::size_t{8} * kLanes * rows.group_count;
    }
  }
  expand_flat(lanes, rows, row, words);
}

CALX_TARGET std::optional<std::uint32_t> scan(const OpenHeader& header, std::uint32_t first,
                                              std::uint64_t count) noexcept {
  const Constants* constants = opaque(&kConstants);
  Folded outer, inner;
  V message[16] = {}, state[8];
  for (std::size_t i = 0; i < 3; ++i) message[i] = broadcast(header.tail[i]);
  message[4] = broadcast(0x80000000);
  message[15] = broadcast(80 * 8);
  for (std::size_t i = 0; i < 8; ++i) state[i] = broadcast(header.midstate[i]);
  fold<kHeaderShape, 0>(message, state, outer, constants);
  V padding[16] = {};
  padding[8] = broadcast(0x80000000);
  padding[15] = broadcast(32 * 8);
  V initial[8];
  set_initial(initial, constants);
  fold<kDigestShape, 0>(padding, initial, inner, constants);

  V nonces = add(broadcast(first), iota());
  for (std::uint64_t done = 0; done < count; done += kLanes) {
    constants = opaque(constants);
    V s[8], w[16];
    w[3] = swap_bytes(nonces);
    run_folded<kHeaderShape, 64>(s, w, &outer, constants);
    for (int i = 0; i < 8; ++i) w[i] = add(s[i], state[i]);
    // The last word of the digest is the initial one plus `e` as round 60 leaves it.
    run_folded<kDigestShape, 61>(s, w, &inner, constants);
    const V top = swap_bytes(add(s[(4 - 61) & 7], broadcast(constants->initial[7])));
    if (const std::uint32_t hits = lanes_at_most(top, header.top_max)) {
      const auto lane = static_cast<std::uint32_t>(std::countr_zero(hits));
      if (done + lane >= count) return std::nullopt;
      return static_cast<std::uint32_t>(first + done + lane);
    }
    nonces = add(nonces, broadcast(static_cast<std::uint32_t>(kLanes)));
  }
  return std::nullopt;
}
