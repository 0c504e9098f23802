/* A process of its own: it answers who asks for its address (ARP) and for an echo (ICMP), and asks another guest for echoes. */
#include "network.h"

enum { ADDRESS_BYTES = 6, SHORTEST_FRAME = 60, MARK = 0x4152 };
enum { TYPE_AT = 12, TYPE_IPV4 = 0x0800, TYPE_ARP = 0x0806 };
enum { ARP_OPERATION = 20, ARP_SENDER = 22, ARP_SENDER_ADDRESS = 28, ARP_TARGET = 32, ARP_TARGET_ADDRESS = 38, ARP_REQUEST = 1, ARP_REPLY = 2 };
enum { IP = 14, IP_LENGTH = 16, IP_FRAGMENT = 20, IP_PROTOCOL = 22, IP_CHECKSUM = 24, IP_SOURCE = 26, IP_TARGET = 30, IP_HEADER = 20, ICMP = 34 };
enum { ICMP_CHECKSUM = 36, ICMP_MARK = 38, ICMP_NUMBER = 40, ECHO_REPLY = 0, ECHO_REQUEST = 8 };

struct network network;

static u8 station[ADDRESS_BYTES], peer_station[ADDRESS_BYTES];
static u32 is_peer_known;
static u16 last_asked, last_answered;
static u64 next_ask;
static u8 frame[LONGEST_FRAME + 2];

static void copy(u8 *to, const u8 *from, u32 length) {
  while (length--) *to++ = *from++;
}

static u32 read16(u32 at) {
  return (u32)frame[at] << 8 | frame[at + 1];
}

static u32 read32(u32 at) {
  return read16(at) << 16 | read16(at + 2);
}

static void write16(u32 at, u32 value) {
  frame[at] = (u8)(value >> 8);
  frame[at + 1] = (u8)value;
}

static void write32(u32 at, u32 value) {
  write16(at, value >> 16);
  write16(at + 2, value);
}

/* Of the internet: the complement of the sum of its words, with the carries added in. */
static u32 checksum(u32 at, u32 length) {
  u32 sum = 0;
  for (u32 index = 0; index + 1 < length; index += 2) sum += read16(at + index);
  if (length & 1) sum += (u32)frame[at + length - 1] << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

static void send(const u8 *to, u32 type, u32 length) {
  copy(frame, to, ADDRESS_BYTES);
  copy(frame + ADDRESS_BYTES, station, ADDRESS_BYTES);
  write16(TYPE_AT, type);
  for (; length < SHORTEST_FRAME; length++) frame[length] = 0;
  system_call(SYSTEM_SEND, (u32)frame, length, 0, 0);
}

static void send_arp(u32 operation, const u8 *to, const u8 *target, u32 target_address) {
  static const u8 kind[] = { 0, 1, 8, 0, ADDRESS_BYTES, 4 };
  copy(frame + IP, kind, sizeof kind);
  write16(ARP_OPERATION, operation);
  copy(frame + ARP_SENDER, station, ADDRESS_BYTES);
  write32(ARP_SENDER_ADDRESS, network.address);
  copy(frame + ARP_TARGET, target, ADDRESS_BYTES);
  write32(ARP_TARGET_ADDRESS, target_address);
  send(to, TYPE_ARP, ARP_TARGET_ADDRESS + 4);
}

static void ask_who_has(u32 address) {
  static const u8 everybody[] = { 255, 255, 255, 255, 255, 255 }, nobody[ADDRESS_BYTES];
  send_arp(ARP_REQUEST, everybody, nobody, address);
}

static void finish_echo(u32 icmp_bytes) {
  write16(ICMP_CHECKSUM, 0);
  write16(ICMP_CHECKSUM, checksum(ICMP, icmp_bytes));
  write16(IP_CHECKSUM, 0);
  write16(IP_CHECKSUM, checksum(IP, IP_HEADER));
}

static void ask_for_echo(void) {
  enum { BYTES = SHORTEST_FRAME - ICMP };
  for (u32 at = IP; at < SHORTEST_FRAME; at++) frame[at] = 0;
  frame[IP] = 0x45;
  write16(IP_LENGTH, IP_HEADER + BYTES);
  write16(IP_PROTOCOL, 64 << 8 | 1);
  write32(IP_SOURCE, network.address);
  write32(IP_TARGET, network.peer);
  write16(ICMP, ECHO_REQUEST << 8);
  write16(ICMP_MARK, MARK);
  write16(ICMP_NUMBER, ++last_asked);
  finish_echo(BYTES);
  network.sent++;
  send(peer_station, TYPE_IPV4, SHORTEST_FRAME);
}

static void take_arp(u32 length) {
  if (length < ARP_TARGET_ADDRESS + 4) return;
  u32 sender_address = read32(ARP_SENDER_ADDRESS);
  if (sender_address == network.peer) {
    copy(peer_station, frame + ARP_SENDER, ADDRESS_BYTES);
    is_peer_known = 1;
  }
  if (read16(ARP_OPERATION) != ARP_REQUEST || read32(ARP_TARGET_ADDRESS) != network.address || sender_address == network.address) return;
  u8 asker[ADDRESS_BYTES];
  copy(asker, frame + ARP_SENDER, ADDRESS_BYTES);
  send_arp(ARP_REPLY, asker, asker, sender_address);
}

/* An answer is counted once, and not when a later one has come before it. */
static void take_echo_reply(void) {
  if (read16(ICMP_MARK) != MARK || read32(IP_SOURCE) != network.peer) return;
  u16 number = (u16)read16(ICMP_NUMBER);
  if ((u16)(last_asked - number) >= (u16)(last_asked - last_answered)) return;
  last_answered = number;
  network.answered++;
}

/* Whole datagrams with a plain header; what is not sound is no concern of ours. */
static void take_ipv4(u32 length) {
  if (length < ICMP + 8 || frame[IP] != 0x45 || read32(IP_TARGET) != network.address || frame[IP_PROTOCOL + 1] != 1) return;
  u32 datagram_bytes = read16(IP_LENGTH);
  if (datagram_bytes < IP_HEADER + 8 || IP + datagram_bytes > length || (read16(IP_FRAGMENT) & 0x3fff)) return;
  u32 icmp_bytes = datagram_bytes - IP_HEADER;
  if (checksum(IP, IP_HEADER) || checksum(ICMP, icmp_bytes)) return;
  if (frame[ICMP] == ECHO_REPLY) take_echo_reply();
  if (frame[ICMP] != ECHO_REQUEST) return;
  u8 asker[ADDRESS_BYTES];
  copy(asker, frame + ADDRESS_BYTES, ADDRESS_BYTES);
  write32(IP_TARGET, read32(IP_SOURCE));
  write32(IP_SOURCE, network.address);
  frame[ICMP] = ECHO_REPLY;
  finish_echo(icmp_bytes);
  network.served++;
  send(asker, TYPE_IPV4, IP + datagram_bytes);
}

/* Its address is in its hardware address, where Argosy puts it. */
static void learn_address(void) {
  u64 hardware = system_call(SYSTEM_STATION, 0, 0, 0, 0);
  for (u32 index = 0; index < ADDRESS_BYTES; index++) station[index] = (u8)(hardware >> 8 * index);
  for (u32 index = 2; index < ADDRESS_BYTES; index++) network.address = network.address << 8 | station[index];
}

/* The process that waits is woken, to find that it has something to do. */
void network_ask(u32 peer, u32 interval_us) {
  if (peer != network.peer) is_peer_known = 0;
  network.peer = peer;
  network.interval_us = interval_us;
  next_ask = 0;
  system_call(SYSTEM_WAKE, NETWORK, 0, 0, 0);
}

static u64 ask(u64 now) {
  if (is_peer_known) ask_for_echo();
  else ask_who_has(network.peer);
  next_ask += network.interval_us;
  if (next_ask <= now) next_ask = now + network.interval_us;
  return next_ask;
}

void network_main(void) {
  learn_address();
  /* Whose it is, and where: for those who knew another. */
  ask_who_has(network.address);
  for (;;) {
    u64 now = machine_now(), wake = NEVER;
    if (network.interval_us) wake = now < next_ask ? next_ask : ask(now);
    u32 length = (u32)system_call(SYSTEM_RECEIVE, (u32)frame, LONGEST_FRAME, (u32)wake, (u32)(wake >> 32));
    if (length && read16(TYPE_AT) == TYPE_ARP) take_arp(length);
    if (length && read16(TYPE_AT) == TYPE_IPV4) take_ipv4(length);
  }
}
