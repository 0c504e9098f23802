/*
 * A web server for measurements: answers each request with the one page that it is started with. One process for all connections,
 * which are kept (RFC 9112, section 9.3): under translation a new process, or a new connection, costs the guest milliseconds.
 */
#include "system-calls.h"

enum { CALL_SOCKET = 41, CALL_ACCEPT4 = 288, CALL_BIND = 49, CALL_LISTEN = 50, CALL_SET_SOCKET_OPTION = 54, CALL_CLOSE = 3 };
enum { INTERNET = 2, STREAM = 1, NO_WAIT = 04000, SOCKET_LEVEL = 1, REUSE_ADDRESS = 2, TCP_LEVEL = 6, NO_DELAY = 1 };
enum { PORT = 80, BACKLOG = 1024, MOST_PAGE = 1024, MOST_REQUEST = 2048, MOST_CONNECTIONS = 256 };

struct internet_address { unsigned short family, port; unsigned int address; char padding[8]; };
struct connection { unsigned length; unsigned long used; char request[MOST_REQUEST]; };
struct answer { unsigned length; char text[MOST_PAGE + 256]; };

/* Entry 0 listens; entry n is the connection n - 1. */
static struct poll_entry files[MOST_CONNECTIONS + 1];
static struct connection connections[MOST_CONNECTIONS];
static unsigned connected;
static unsigned long turns;
static struct answer kept, last;

static long call(long number, long a, long b, long c, long d, long e) {
  return system_call6(number, a, b, c, d, e, 0);
}

static void append(struct answer *to, const char *text) {
  while (*text && to->length < sizeof to->text) to->text[to->length++] = *text++;
}

static unsigned length_of(const char *text) {
  unsigned length = 0;
  while (text[length] && length < MOST_PAGE) length += 1;
  return length;
}

static void make_answer(struct answer *answer, const char *page, const char *connection) {
  unsigned length = length_of(page) + 1;
  char digits[5] = { (char)('0' + length / 1000), (char)('0' + length / 100 % 10), (char)('0' + length / 10 % 10), (char)('0' + length % 10), 0 };
  append(answer, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: ");
  append(answer, connection);
  append(answer, "\r\nContent-Length: ");
  append(answer, digits);
  append(answer, "\r\n\r\n");
  append(answer, page);
  append(answer, "\n");
}

static int listen_on_port(void) {
  struct internet_address any = { INTERNET, (PORT & 0xff) << 8 | PORT >> 8, 0, { 0 } };
  int yes = 1;
  int server = (int)call(CALL_SOCKET, INTERNET, STREAM | NO_WAIT, 0, 0, 0);
  call(CALL_SET_SOCKET_OPTION, server, SOCKET_LEVEL, REUSE_ADDRESS, (long)&yes, sizeof yes);
  if (call(CALL_BIND, server, (long)&any, sizeof any, 0, 0) < 0) return -1;
  return call(CALL_LISTEN, server, BACKLOG, 0, 0, 0) < 0 ? -1 : server;
}

/* The last one takes its place: whoever goes through them goes from the end. */
static void end_connection(unsigned index) {
  call(CALL_CLOSE, files[index + 1].file, 0, 0, 0, 0);
  connected -= 1;
  if (index == connected) return;
  files[index + 1] = files[connected + 1];
  connections[index] = connections[connected];
}

static void make_room(void) {
  unsigned index, quietest = 0;
  for (index = 1; index < connected; index += 1) {
    if (connections[index].used < connections[quietest].used) quietest = index;
  }
  end_connection(quietest);
}

static void accept_all(void) {
  int yes = 1, client;
  while ((client = (int)call(CALL_ACCEPT4, files[0].file, 0, 0, NO_WAIT, 0)) >= 0) {
    if (connected == MOST_CONNECTIONS) make_room();
    call(CALL_SET_SOCKET_OPTION, client, TCP_LEVEL, NO_DELAY, (long)&yes, sizeof yes);
    files[connected + 1] = (struct poll_entry){ client, POLL_IN, 0 };
    connections[connected].length = 0;
    connections[connected].used = ++turns;
    connected += 1;
  }
}

static int has(const char *text, unsigned length, const char *wanted) {
  unsigned wanted_length = length_of(wanted), at, same;
  for (at = 0; at + wanted_length <= length; at += 1) {
    for (same = 0; same < wanted_length && text[at + same] == wanted[same]; same += 1) {}
    if (same == wanted_length) return 1;
  }
  return 0;
}

/* A client sends its next request after this one's answer, so what was read ends with the request. */
static int serve(unsigned index) {
  struct connection *client = &connections[index];
  int file = files[index + 1].file, is_last;
  const struct answer *answer;
  long read = call(CALL_READ, file, (long)client->request + client->length, MOST_REQUEST - client->length, 0, 0);
  if (read <= 0) return 0;
  client->length += (unsigned)read;
  client->used = ++turns;
  if (client->length < 4 || !has(client->request + client->length - 4, 4, "\r\n\r\n")) return client->length < MOST_REQUEST;
  is_last = has(client->request, client->length, "HTTP/1.0\r\n") || has(client->request, client->length, "onnection: close\r\n");
  answer = is_last ? &last : &kept;
  client->length = 0;
  return call(CALL_WRITE, file, (long)answer->text, answer->length, 0, 0) == answer->length && !is_last;
}

__attribute__((used)) void linux_main(const long *stack) {
  const char *const *arguments = (const char *const *)(stack + 1);
  const char *page = stack[0] > 1 ? arguments[1] : "";
  make_answer(&kept, page, "keep-alive");
  make_answer(&last, page, "close");
  files[0] = (struct poll_entry){ listen_on_port(), POLL_IN, 0 };
  while (files[0].file >= 0) {
    unsigned index;
    call(CALL_PPOLL, (long)files, connected + 1, 0, 0, 0);
    for (index = connected; index-- > 0;) {
      if (files[index + 1].happened && !serve(index)) end_connection(index);
    }
    if (files[0].happened) accept_all();
  }
  call(CALL_EXIT, 1, 0, 0, 0, 0);
}

__asm__(".global _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call linux_main\n ud2\n");
