// The one place where LibTorch's headers come in (private: precompiled once for the layer).
#pragma once

#include <torch/torch.h>

#include <new>
#include <utility>

#include "calx/base/result.h"

namespace calx::nn {

/// Runs `body` and turns what LibTorch throws into an Error that names `what`.
template <class Body>
auto guarded(const char* what, Body&& body) -> decltype(body()) {
  try {
    return std::forward<Body>(body)();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, std::string(what) + ": out of memory");
  } catch (const c10::Error& error) {
    return fail(ErrorCode::kInternal, std::string(what) + ": " + error.what_without_backtrace());
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, std::string(what) + ": " + error.what());
  }
}

}  // namespace calx::nn
