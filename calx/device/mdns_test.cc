// Goal: services are read from answers as devices send them, and no packet can do harm.
// Method: vector tests of packets written byte by byte, with compression; fault tests of every cut,
// of names that point forwards, at themselves or in a circle, and of lengths that lie.
#include "calx/device/mdns.h"

#include <gmock/gmock.h>

#include "calx/device/mdns_packet.h"

namespace calx::device {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Bytes = std::vector<std::uint8_t>;

MdnsCatalog catalog_of(const Bytes& packet) {
  MdnsCatalog catalog(kAxeosService);
  const auto records = parse_mdns(packet);
  EXPECT_TRUE(records) << records.error().message;
  if (records) catalog.add(*records);
  return catalog;
}

TEST(MdnsTest, AQueryHasTheBytesOfTheStandard) {
  const DnsQuestion question{"_http._tcp.local", DnsType::kPtr};
  const auto query = encode_mdns_query({&question, 1});
  ASSERT_TRUE(query);
  const Bytes wanted = {0,   0,   0,   0,   0,   1,   0, 0,   0,    0,   0,   0,
                        5,   '_', 'h', 't', 't', 'p', 4, '_', 't',  'c', 'p', 5,
                        'l', 'o', 'c', 'a', 'l', 0,   0, 12,  0x80, 1};
  EXPECT_EQ(*query, wanted);
  const DnsQuestion escaped{R"(a\.b.local)", DnsType::kA};
  const auto points = encode_mdns_query({&escaped, 1});
  ASSERT_TRUE(points);
  EXPECT_EQ((*points)[12], 3) << "one label of three bytes";
  for (const std::string& wrong :
       {std::string(), std::string("a..b"), std::string(64, 'a'), std::string(".")}) {
    const DnsQuestion bad{wrong, DnsType::kA};
    EXPECT_FALSE(encode_mdns_query({&bad, 1})) << wrong;
  }
  std::string longest;
  for (int i = 0; i < 128; ++i) longest += longest.empty() ? "a" : ".a";
  const DnsQuestion bad{longest, DnsType::kA};
  EXPECT_FALSE(encode_mdns_query({&bad, 1}));
}

TEST(MdnsTest, ABitaxeIsReadFromItsCompressedAnswer) {
  const MdnsCatalog catalog = catalog_of(bitaxe_packet(8080, true).bytes());
  EXPECT_TRUE(catalog.missing().empty());
  const auto services = catalog.services();
  ASSERT_EQ(services.size(), 1u);
  EXPECT_EQ(services[0].instance, "bitaxe gamma 601 (1a2b)");
  EXPECT_EQ(services[0].host, "bitaxe.local");
  EXPECT_EQ(services[0].address, (LanAddress{"127.0.0.1", 8080}));
  EXPECT_THAT(services[0].texts,
              ElementsAre(testing::Pair("asic", "BM1370"), testing::Pair("fw_version", "v2")));
}

TEST(MdnsTest, WhatAnAnswerLacksIsNamed) {
  const MdnsCatalog catalog = catalog_of(bitaxe_packet(80, false).bytes());
  EXPECT_TRUE(catalog.services().empty());
  const std::string name = "bitaxe gamma 601 (1a2b)._http._tcp.local";
  EXPECT_THAT(catalog.missing(),
              ElementsAre(DnsQuestion{name, DnsType::kSrv}, DnsQuestion{name, DnsType::kTxt}));
}

TEST(MdnsTest, EveryCutIsRefusedAndAQuestionHasNoRecords) {
  const Bytes whole = bitaxe_packet(80, true).bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_mdns({whole.data(), size})) << size << " bytes";
  }
  Bytes query = whole;
  query[2] = 0;
  EXPECT_TRUE(parse_mdns(query)->empty());
  EXPECT_FALSE(parse_mdns(Bytes(kMdnsPacketBytesMax + 1, 0x84)));
}

TEST(MdnsTest, NamesThatPointForwardsOrInACircleAreRefused) {
  MdnsPacket itself(1, 0);
  itself.pointer(12).head(1, 4).byte(10).byte(0).byte(0).byte(1);
  MdnsPacket forwards(1, 0);
  forwards.pointer(14).label("a").end().head(1, 4).byte(10).byte(0).byte(0).byte(1);
  MdnsPacket into_head(1, 0);
  into_head.pointer(3).head(1, 4).byte(10).byte(0).byte(0).byte(1);
  MdnsPacket circle(2, 0);  // the label before the pointer leads back to the label
  circle.label("a").pointer(12).head(1, 4).byte(10).byte(0).byte(0).byte(1);
  circle.label("b").end().head(1, 4).byte(10).byte(0).byte(0).byte(1);
  MdnsPacket unknown_label(1, 0);
  unknown_label.byte(0x40).end().head(1, 4).byte(10).byte(0).byte(0).byte(1);
  for (const MdnsPacket* packet : {&itself, &forwards, &into_head, &circle, &unknown_label}) {
    const auto refused = parse_mdns(packet->bytes());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kDataLoss);
  }
}

TEST(MdnsTest, LengthsThatLieAreRefusedAndLongNamesToo) {
  MdnsPacket address(1, 0);
  address.label("a").end().head(1, 3).byte(10).byte(0).byte(0);
  EXPECT_FALSE(parse_mdns(address.bytes())) << "an address of three bytes";
  MdnsPacket server(1, 0);
  server.label("a").end().head(33, 5).byte(0).byte(0).byte(0).byte(0).byte(0);
  EXPECT_FALSE(parse_mdns(server.bytes())) << "no room for a port";
  MdnsPacket over(1, 0);  // the target runs over the end of its record
  over.label("a").end().head(12, 3).label("bcd").end();
  EXPECT_FALSE(parse_mdns(over.bytes()));
  MdnsPacket longest(1, 0);
  for (int i = 0; i < 127; ++i) longest.label("a");
  longest.end().head(1, 4).byte(10).byte(0).byte(0).byte(1);
  EXPECT_TRUE(parse_mdns(longest.bytes())) << "255 bytes";
  MdnsPacket longer(1, 0);
  for (int i = 0; i < 128; ++i) longer.label("a");
  longer.end().head(1, 4).byte(10).byte(0).byte(0).byte(1);
  EXPECT_FALSE(parse_mdns(longer.bytes()));
  Bytes many = bitaxe_packet(80, true).bytes();
  many[6] = 1, many[7] = 1;  // 257 answers
  EXPECT_THAT(parse_mdns(many).error().message, HasSubstr("too many"));
}

TEST(MdnsTest, AnAddressOutsideTheLanIsNoService) {
  Bytes bytes = bitaxe_packet(80, true).bytes();
  bytes[bytes.size() - 4] = 8;  // 8.0.0.1
  EXPECT_TRUE(catalog_of(bytes).services().empty());
}

TEST(MdnsTest, TheCatalogIsBounded) {
  MdnsCatalog catalog(kAxeosService);
  std::vector<DnsRecord> records;
  for (std::size_t i = 0; i < kMdnsStoredMax + 10; ++i) {
    records.push_back({.name = std::string(kAxeosService), .target = std::to_string(i)});
  }
  catalog.add(records);
  EXPECT_EQ(catalog.missing().size(), 2 * kMdnsStoredMax);
}

}  // namespace
}  // namespace calx::device
