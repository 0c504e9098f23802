// Asks one page by HTTP again and again, at a steady pace whatever becomes of the requests before. Prints `ready` when it begins,
// ends with its standard input, and then prints what it saw as JSON.
//
//   node http-client.mjs <address> <every ms> kept|new
//
// kept: as a proxy does, over connections that stay (HTTP/1.1's way), used in turn, one request on each at a time; one more is
// opened when all wait for their answers. A kept connection that breaks is a failed request. new: each on a connection of its own.

import { connect } from 'node:net';

const [address = '', everyText = '10', manner = 'kept'] = process.argv.slice(2);
const everyMs = Number(everyText);
const deadlineMs = 10_000;
const keptConnections = 32;

/** @typedef {{ at: number, connectMs: number | null, totalMs: number, failure: string | null }} Request at: when it was sent, ms since 1970; connectMs: null on a connection that was there */
/** @typedef {import('node:net').Socket} Socket */
/** @type {Request[]} */
const requests = [];
/** @type {Socket[]} those that wait for no answer, the last used at the end */
const idle = [];
let underWay = 0;

/** @param {string} answer */
function isWhole(answer) {
  const head = answer.indexOf('\r\n\r\n');
  const length = /\r\nContent-Length: (\d+)\r\n/.exec(answer.slice(0, head + 2))?.[1];
  return answer.startsWith('HTTP/1.1 200 ') && head >= 0 && answer.length === head + 4 + Number(length);
}

function ask() {
  underWay += 1;
  const at = performance.timeOrigin + performance.now();
  const elapsed = () => performance.timeOrigin + performance.now() - at;
  /** @type {number | null} */
  let connectMs = null;
  let answer = '';
  const end = (/** @type {string | null} */ failure) => {
    clearTimeout(deadline);
    socket.removeAllListeners();
    requests.push({ at, connectMs, totalMs: elapsed(), failure });
    underWay -= 1;
    if (failure !== null || manner === 'new') {
      socket.on('error', () => {}).destroy();
      return;
    }
    socket.on('error', (error) => lost(socket, error.message)).on('close', () => lost(socket, 'closed by the guest'));
    idle.push(socket);
  };
  const deadline = setTimeout(() => end(`no answer within ${deadlineMs} ms`), deadlineMs);
  const send = () => socket.write(`GET / HTTP/1.1\r\nHost: ${address}\r\nConnection: keep-alive\r\n\r\n`);
  const kept = idle.shift();
  const socket = kept ?? connect({ host: address, port: 80, noDelay: true });
  if (kept === undefined) socket.on('connect', () => ((connectMs = elapsed()), send()));
  else (kept.removeAllListeners(), send());
  socket.on('data', (data) => {
    answer += data.toString('latin1');
    if (isWhole(answer)) end(null);
  });
  socket.on('error', (error) => end(error.message));
  socket.on('close', () => end(`an answer that is not whole: ${JSON.stringify(answer.slice(0, 40))}`));
}

/**
 * A connection that breaks between two requests counts as one that failed.
 * @param {Socket} socket
 * @param {string} why
 */
function lost(socket, why) {
  idle.splice(idle.indexOf(socket), 1);
  socket.removeAllListeners().on('error', () => {});
  requests.push({ at: Date.now(), connectMs: null, totalMs: 0, failure: `a kept connection was lost: ${why}` });
}

let next = 0;
let isEnding = false;
function beat() {
  if (isEnding) return;
  for (; next <= performance.now(); next += everyMs) ask();
  setTimeout(beat, Math.max(0, next - performance.now()));
}

function begin() {
  if (underWay > 0) return void setTimeout(begin, 10);
  process.stdout.write('ready\n');
  next = performance.now();
  beat();
}
if (manner === 'kept') for (let opened = 0; opened < keptConnections; opened += 1) ask();
begin();

process.stdin.resume();
process.stdin.on('end', () => {
  isEnding = true;
  const wait = setInterval(() => {
    if (underWay > 0) return;
    clearInterval(wait);
    process.stdout.write(JSON.stringify(requests), () => process.exit(0));
  }, 10);
});
