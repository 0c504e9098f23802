/*
 * A web server for measurements: answers each request with the one page that it is started with. One connection after the other,
 * and no new process for any: under translation a process costs the guest milliseconds.
 */
#include "system-calls.h"

enum { CALL_SOCKET = 41, CALL_ACCEPT = 43, CALL_BIND = 49, CALL_LISTEN = 50, CALL_SET_SOCKET_OPTION = 54 };
enum { CALL_CLOSE = 3, INTERNET = 2, STREAM = 1, SOCKET_LEVEL = 1, REUSE_ADDRESS = 2, RECEIVE_TIME = 20, TCP_LEVEL = 6, DEFER_ACCEPT = 9 };
enum { PORT = 80, BACKLOG = 1024, DEFER_SECONDS = 2, MOST_PAGE = 1024, MOST_REQUEST = 4096 };

struct internet_address { unsigned short family, port; unsigned int address; char padding[8]; };

static long call(long number, long a, long b, long c, long d, long e) {
  return system_call6(number, a, b, c, d, e, 0);
}

static unsigned append(char *to, unsigned length, const char *text) {
  while (*text && length < MOST_PAGE) to[length++] = *text++;
  return length;
}

/* HTTP/1.0, and the connection's end is the page's: RFC 1945. */
static unsigned make_answer(char *answer, const char *page) {
  unsigned length = append(answer, 0, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n");
  length = append(answer, length, page);
  return append(answer, length, "\n");
}

static int listen_on_port(void) {
  struct internet_address any = { INTERNET, (PORT & 0xff) << 8 | PORT >> 8, 0, { 0 } };
  int yes = 1, defer_seconds = DEFER_SECONDS;
  int server = (int)call(CALL_SOCKET, INTERNET, STREAM, 0, 0, 0);
  call(CALL_SET_SOCKET_OPTION, server, SOCKET_LEVEL, REUSE_ADDRESS, (long)&yes, sizeof yes);
  /* One that connects and says nothing must not keep the others waiting: it is taken when its request is there. */
  call(CALL_SET_SOCKET_OPTION, server, TCP_LEVEL, DEFER_ACCEPT, (long)&defer_seconds, sizeof defer_seconds);
  if (call(CALL_BIND, server, (long)&any, sizeof any, 0, 0) < 0) return -1;
  return call(CALL_LISTEN, server, BACKLOG, 0, 0, 0) < 0 ? -1 : server;
}

__attribute__((used)) void linux_main(const long *stack) {
  static char answer[MOST_PAGE], request[MOST_REQUEST];
  const char *const *arguments = (const char *const *)(stack + 1);
  unsigned length = make_answer(answer, stack[0] > 1 ? arguments[1] : "");
  struct time_value patience = { 1, 0 };
  int server = listen_on_port();
  while (server >= 0) {
    int client = (int)call(CALL_ACCEPT, server, 0, 0, 0, 0);
    if (client < 0) continue;
    call(CALL_SET_SOCKET_OPTION, client, SOCKET_LEVEL, RECEIVE_TIME, (long)&patience, sizeof patience);
    if (call(CALL_READ, client, (long)request, sizeof request, 0, 0) > 0) call(CALL_WRITE, client, (long)answer, length, 0, 0);
    call(CALL_CLOSE, client, 0, 0, 0, 0);
  }
  call(CALL_EXIT, 1, 0, 0, 0, 0);
}

__asm__(".global _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call linux_main\n ud2\n");
