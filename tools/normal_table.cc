// Writes the table of calx-noise-1's normal transform: for each of 32 octaves of probability, eight
// float32 coefficients of a minimax polynomial, found by Remez's exchange in 256-bit arithmetic.
//
//   normal_table text   > docs/protocol/normal_table.txt   (one octave a line)
//   normal_table header > calx/noise/normal_table.h        (one coefficient a line)
//
// Row L approximates g(t) = -Phi^-1(2^(-1-L) * (1 - t/2)) on 0 < t < 1 by
// c0 + c1 t + ... + c6 t^6 + c7 t^9. The exponents are the set of eight that leaves the least error
// among those with all coefficients >= 0; with those, every step of the evaluation is monotone in t
// even after rounding, and so is the whole transform.
#include <mpfr.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <vector>

namespace {

constexpr mpfr_prec_t kPrecision = 256;
constexpr int kRows = 32;
constexpr int kCoefficients = 8;
constexpr std::array<int, kCoefficients> kExponents = {0, 1, 2, 3, 4, 5, 6, 9};
constexpr int kGrid = 600;      // points on which the extrema of the error are looked for
constexpr int kExchanges = 12;  // Remez converges in five or six
constexpr int kNewtonSteps = 80;

// A number of 256 bits with the few operations that are needed here.
class Real {
 public:
  Real(double value = 0) { mpfr_init2(v_, kPrecision), mpfr_set_d(v_, value, MPFR_RNDN); }
  Real(const Real& other) : Real() { mpfr_set(v_, other.v_, MPFR_RNDN); }
  Real& operator=(const Real& other) { return mpfr_set(v_, other.v_, MPFR_RNDN), *this; }
  ~Real() { mpfr_clear(v_); }

  friend Real operator+(const Real& a, const Real& b) { return apply(mpfr_add, a, b); }
  friend Real operator-(const Real& a, const Real& b) { return apply(mpfr_sub, a, b); }
  friend Real operator*(const Real& a, const Real& b) { return apply(mpfr_mul, a, b); }
  friend Real operator/(const Real& a, const Real& b) { return apply(mpfr_div, a, b); }
  friend bool operator<(const Real& a, const Real& b) { return mpfr_less_p(a.v_, b.v_) != 0; }
  static Real of(int (*function)(mpfr_t, const mpfr_t, mpfr_rnd_t), const Real& x) {
    Real r;
    return function(r.v_, x.v_, MPFR_RNDN), r;
  }
  static Real pi() {
    Real r;
    return mpfr_const_pi(r.v_, MPFR_RNDN), r;
  }
  [[nodiscard]] float to_float() const { return mpfr_get_flt(v_, MPFR_RNDN); }
  [[nodiscard]] double to_double() const { return mpfr_get_d(v_, MPFR_RNDN); }

 private:
  template <class Function>
  static Real apply(Function function, const Real& a, const Real& b) {
    Real r;
    return function(r.v_, a.v_, b.v_, MPFR_RNDN), r;
  }
  mpfr_t v_;
};

Real absolute(const Real& x) { return x < Real(0) ? Real(0) - x : x; }

Real power(const Real& x, int exponent) {
  Real r(1);
  for (int i = 0; i < exponent; ++i) r = r * x;
  return r;
}

// The z with (1/2) erfc(z / sqrt 2) = p, for 0 < p <= 1/2, by Halley's steps on log p, which
// converge from any start for this convex function.
Real upper_quantile(const Real& p) {
  Real z = Real(std::sqrt(std::max(0.0, -2.0 * std::log(2.0 * p.to_double()))));
  const Real root2 = Real::of(mpfr_sqrt, Real(2));
  const Real norm = Real::of(mpfr_sqrt, Real(2) * Real::pi());
  for (int i = 0; i < kNewtonSteps; ++i) {
    const Real tail = Real::of(mpfr_erfc, z / root2) / Real(2);
    const Real density = Real::of(mpfr_exp, Real(-0.5) * z * z) / norm;
    const Real hazard = density / tail;
    const Real step = Real::of(mpfr_log, tail / p) / hazard;
    z = z + step;
    if (absolute(step) < Real(1e-60)) break;
  }
  return z;
}

Real target(int row, const Real& t) {
  return upper_quantile(Real(std::ldexp(1.0, -1 - row)) * (Real(1) - t / Real(2)));
}

struct Fit {
  std::vector<Real> coefficients;
  double error_max = 0;
};

std::vector<Real> solve(std::vector<std::vector<Real>> a) {
  const std::size_t n = a.size();
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c + 1; r < n; ++r) {
      if (absolute(a[pivot][c]) < absolute(a[r][c])) pivot = r;
    }
    std::swap(a[c], a[pivot]);
    for (std::size_t r = 0; r < n; ++r) {
      if (r == c) continue;
      const Real factor = a[r][c] / a[c][c];
      for (std::size_t k = c; k <= n; ++k) a[r][k] = a[r][k] - factor * a[c][k];
    }
  }
  std::vector<Real> x;
  for (std::size_t r = 0; r < n; ++r) x.push_back(a[r][n] / a[r][r]);
  return x;
}

// Minimax fit of `values` at the ascending points `ts` by the powers `exponents`.
Fit remez(const std::vector<Real>& ts, const std::vector<Real>& values,
          const std::vector<int>& exponents) {
  const std::size_t n = exponents.size();
  std::vector<std::vector<Real>> powers;
  for (const Real& t : ts) {
    auto& row = powers.emplace_back();
    for (const int e : exponents) row.push_back(power(t, e));
  }
  std::vector<std::size_t> reference;  // n + 1 points, first at Chebyshev's places
  for (std::size_t i = 0; i <= n; ++i) {
    const double x = 0.5 - 0.5 * std::cos(M_PI * static_cast<double>(i) / static_cast<double>(n));
    reference.push_back(static_cast<std::size_t>(x * static_cast<double>(ts.size() - 1)));
  }
  Fit fit;
  for (int round = 0; round < kExchanges; ++round) {
    std::vector<std::vector<Real>> system;
    for (std::size_t i = 0; i <= n; ++i) {
      auto row = powers[reference[i]];
      row.push_back(Real(i % 2 == 0 ? 1 : -1));
      row.push_back(values[reference[i]]);
      system.push_back(row);
    }
    auto solution = solve(system);
    solution.pop_back();
    // The extremum of each run of one sign is the next reference.
    std::vector<std::size_t> extrema;
    std::vector<double> errors;
    for (std::size_t i = 0; i < ts.size(); ++i) {
      Real sum;
      for (std::size_t k = 0; k < n; ++k) sum = sum + solution[k] * powers[i][k];
      errors.push_back((values[i] - sum).to_double());
    }
    for (std::size_t i = 0; i < ts.size(); ++i) {
      const bool same = !extrema.empty() && (errors[extrema.back()] < 0) == (errors[i] < 0);
      if (!same) extrema.push_back(i);
      if (std::fabs(errors[i]) > std::fabs(errors[extrema.back()])) extrema.back() = i;
    }
    fit.coefficients = solution;
    fit.error_max =
        std::fabs(*std::ranges::max_element(errors, {}, [](double e) { return std::fabs(e); }));
    if (extrema.size() != n + 1) break;
    reference = extrema;
  }
  return fit;
}

std::array<std::uint32_t, kCoefficients> row_bits(int row) {
  std::array<float, kCoefficients> c{};
  if (row == kRows - 1) {  // one word: t is unused, the other coefficients stay 0
    c[0] = upper_quantile(Real(std::ldexp(1.0, -33))).to_float();
  } else {
    // The innermost octave passes through 0 and is fitted relative to t.
    const int lowest = row == 0 ? 1 : 0;
    std::vector<int> exponents;
    for (int k = lowest; k < kCoefficients; ++k) exponents.push_back(kExponents[k] - lowest);
    std::vector<Real> ts, values;
    for (int i = 0; i < kGrid; ++i) {
      const Real t(0.5 - 0.5 * std::cos(M_PI * (i + 0.5) / kGrid));
      ts.push_back(t);
      values.push_back(lowest == 1 ? target(row, t) / t : target(row, t));
    }
    const Fit fit = remez(ts, values, exponents);
    for (int k = lowest; k < kCoefficients; ++k) c[k] = fit.coefficients[k - lowest].to_float();
    std::fprintf(stderr, "row %2d: minimax error %.3g, least coefficient %.3g\n", row,
                 fit.error_max, static_cast<double>(*std::ranges::min_element(c)));
  }
  std::array<std::uint32_t, kCoefficients> bits;
  std::ranges::transform(c, bits.begin(), [](float f) { return std::bit_cast<std::uint32_t>(f); });
  return bits;
}

// The value of row `row` at the word whose normalised form is x, as the transform computes it.
float evaluate(const std::array<std::uint32_t, kCoefficients>& row, std::uint32_t x) {
  const std::uint32_t q = 0u - (x << std::countl_zero(x));
  const float t = static_cast<float>(static_cast<std::int32_t>(q)) * 0x1p-31f;
  float z = std::bit_cast<float>(row[7]) * (t * t * t) + std::bit_cast<float>(row[6]);
  for (int k = 5; k >= 0; --k) z = z * t + std::bit_cast<float>(row[k]);
  return z;
}

// Where rounding makes a row end above the next one's start, its slope loses a unit in the last
// place until it does not, so that the transform is monotone over the seams as well.
void close_seams(std::vector<std::array<std::uint32_t, kCoefficients>>& table) {
  for (int row = 0; row + 1 < kRows; ++row) {
    const std::uint32_t last = (1u << (31 - row)) + 1;  // the end of the row, t near 1
    const std::uint32_t next = (1u << (31 - row)) - 1;  // the start of the next one
    while (evaluate(table[row], last) > evaluate(table[row + 1], next)) --table[row][1];
  }
}

void print_text(const std::vector<std::array<std::uint32_t, kCoefficients>>& table) {
  for (const auto& row : table) {
    for (int k = 0; k < kCoefficients; ++k) std::printf(k == 0 ? "%08x" : " %08x", row[k]);
    std::printf("\n");
  }
}

void print_header(const std::vector<std::array<std::uint32_t, kCoefficients>>& table) {
  std::printf(
      "// Written by tools/normal_table.cc; do not edit. The coefficients of calx-noise-1's "
      "normal\n"
      "// transform as the bit patterns of float32; docs/protocol/noise.md says how they are "
      "used.\n"
      "// clang-format off\n#pragma once\n\n#include <array>\n#include <cstdint>\n\n"
      "namespace calx::noise {\n\ninline constexpr int kNormalRows = %d;\n"
      "inline constexpr int kNormalCoefficients = %d;\n\n"
      "/// kNormalTable[k][L]: coefficient k of octave L.\n"
      "inline constexpr std::array<std::array<std::uint32_t, kNormalRows>, kNormalCoefficients>\n"
      "    kNormalTable = {{\n",
      kRows, kCoefficients);
  for (int k = 0; k < kCoefficients; ++k) {
    for (int row = 0; row < kRows; ++row) {
      const char* before = row == 0 ? "        {{" : row % 6 == 0 ? "\n          " : " ";
      std::printf("%s0x%08x%s", before, table[row][k], row == kRows - 1 ? "}},\n" : ",");
    }
  }
  std::printf("    }};\n\n}  // namespace calx::noise\n");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view form = argc == 2 ? argv[1] : "";
  if (form != "text" && form != "header") {
    std::fprintf(stderr, "usage: normal_table text|header\n");
    return 2;
  }
  std::vector<std::array<std::uint32_t, kCoefficients>> table;
  for (int row = 0; row < kRows; ++row) table.push_back(row_bits(row));
  close_seams(table);
  form == "text" ? print_text(table) : print_header(table);
}
