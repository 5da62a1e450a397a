// calx device: miners, real and emulated.
#include "apps/cli/device.h"

namespace calx::cli {

void add_device(CLI::App& app, Session& session) {
  auto* verb =
      app.add_subcommand("device", "miners: what they give, how to reach and emulate them");
  verb->require_subcommand(1);
  add_device_agent(*verb, session);
  add_device_bridge(*verb, session);
  add_device_cache(*verb, session);
  add_device_deploy(*verb, session);
  add_device_emulate(*verb, session);
  add_device_list(*verb, session);
  add_device_model(*verb, session);
  add_device_probe(*verb, session);
  add_device_redirect(*verb, session);
  add_device_restore(*verb, session);
  add_device_stamp(*verb, session);
  add_device_watch(*verb, session);
  add_device_tune(*verb, session);
  add_device_doctor(*verb, session);
}

}  // namespace calx::cli
