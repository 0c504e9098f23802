/* The process for the network, and what the measuring process knows of it: they share their memory. */
#ifndef NETWORK_H
#define NETWORK_H
#include "system.h"

struct network {
  /* An IPv4 address, the first number highest; 0: there is no network. */
  u32 address;
  /* Who is asked for an echo, and how often; 0: nobody. */
  u32 peer, interval_us;
  /* Requests of ours, answers to them, and requests of others that were answered. */
  u32 sent, answered, served;
};

extern struct network network;

void network_main(void);
void network_ask(u32 peer, u32 interval_us);

#endif
