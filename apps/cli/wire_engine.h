// Engines at the end of a wire that this program drives itself: chips on a serial line, an
// Antminer's device, a machine that hashes messages.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/device/wire.h"
#include "calx/hash/engine.h"
#include "calx/work/job_runner.h"

namespace calx::cli {

/// The later stands on the earlier and goes first. All parts may be called from any thread.
struct WireEngine {
  std::vector<std::unique_ptr<device::Wire>> wires = {};
  std::unique_ptr<hash::DigestEngine> digests = {};   // a direct-hash machine has one ...
  std::unique_ptr<hash::HeaderScanner> scanner = {};  // ... and is one; a miner has neither
  std::unique_ptr<work::JobRunner> driver = {};       // one call at a time
  std::unique_ptr<work::JobRunner> runner = {};
};

/// "KIND:PATH[,baud=N][,mhz=N][,millivolts=N][,control=PATH][,base-bits=N]": a chain of BM13xx
/// chips on a serial line. `baud`: the line's speed until the chips change to their fast one. `mhz`
/// and `millivolts` stay inside the chip's row of bm13xx_kind.h. `control`: the other port of a
/// board with bitaxe-raw, which sets voltage and fan and lets the chips out of reset; without it
/// they must have all that already. `base-bits` below 32: emulated chips, whatever the line is.
/// Errors: kInvalidArgument, those of the line and of Bm13xxDriver::open().
Result<WireEngine> open_chip_engine(std::string_view text);

/// "PATH|usb|tcp:HOST:PORT[,token-file=F][,kind=s1|s3][,flags=low|high][,mhz=N][,base-bits=N]": an
/// Antminer S1 to S3 through its device file, with libusb through interface 0, or through the
/// calx-asic-agent on its controller. Errors: as above; kUnimplemented for usb where
/// this build has no libusb, and for "ioctl", for the kernel drivers answer none.
Result<WireEngine> open_antminer_engine(std::string_view text);

/// "HOST:PORT" in the local network or "serial:PATH[,baud=N]": a machine that speaks calx-hash-1.
/// Errors: kInvalidArgument, those of the wire and of DirectHashEngine::open().
Result<WireEngine> open_direct_hash_engine(std::string_view text);

}  // namespace calx::cli
