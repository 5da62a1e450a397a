// The subcommands of `calx device`: one file each, added in the order of `calx device --help`.
#pragma once

#include "apps/cli/verb.h"

namespace calx::cli {

/// What `calx device agent` and calx-agent share: the options and the action, on any verb.
void add_agent_options(CLI::App& verb, Session& session, std::string name);

void add_device_agent(CLI::App& device, Session& session);
void add_device_bridge(CLI::App& device, Session& session);
void add_device_deploy(CLI::App& device, Session& session);
void add_device_emulate(CLI::App& device, Session& session);
void add_device_list(CLI::App& device, Session& session);
void add_device_model(CLI::App& device, Session& session);
void add_device_probe(CLI::App& device, Session& session);
void add_device_redirect(CLI::App& device, Session& session);
void add_device_stamp(CLI::App& device, Session& session);
void add_device_restore(CLI::App& device, Session& session);
void add_device_cache(CLI::App& device, Session& session);
void add_device_doctor(CLI::App& device, Session& session);
void add_device_tune(CLI::App& device, Session& session);
void add_device_watch(CLI::App& device, Session& session);  // and resume

}  // namespace calx::cli
