// Any bytes as a packet of multicast DNS. What is found can be asked for, and leads into the LAN.
#include "calx/base/assert.h"
#include "calx/device/mdns.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace calx::device;
  const auto records = parse_mdns({data, size});
  if (!records) return 0;
  CALX_ASSERT(records->size() <= kMdnsRecordsMax);
  MdnsCatalog catalog(kAxeosService);
  catalog.add(*records);
  for (const DnsQuestion& question : catalog.missing()) {
    // A name that was read is one that can be written, unless it is the root's empty one.
    CALX_ASSERT(question.name.empty() || encode_mdns_query({&question, 1}));
  }
  for (const MdnsService& service : catalog.services()) {
    CALX_ASSERT(service.address.port != 0);
    CALX_ASSERT(is_lan(*parse_ipv4(service.address.ip)));
  }
  return 0;
}
