// What stands under `calx thermo`, one file each; thermo.cc adds them.
#pragma once

#include "apps/cli/verb.h"

namespace calx::cli {

void add_thermo_generate(CLI::App& thermo, Session& session);
void add_thermo_laws(CLI::App& thermo, Session& session);
void add_thermo_scaling(CLI::App& thermo, Session& session);

}  // namespace calx::cli
