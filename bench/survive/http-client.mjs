// Asks one page by HTTP again and again, at a steady pace whatever becomes of the requests before, each on a connection of its
// own. Ends with its standard input, and then prints what it saw as JSON.
//
//   node http-client.mjs <address> <every ms>

import { connect } from 'node:net';

const [address = '', everyText = '10'] = process.argv.slice(2);
const everyMs = Number(everyText);
const deadlineMs = 10_000;

/** @typedef {{ at: number, connectMs: number | null, totalMs: number, failure: string | null }} Request at: when it was sent, ms since 1970 */
/** @type {Request[]} */
const requests = [];
let underWay = 0;

function ask() {
  underWay += 1;
  const at = performance.timeOrigin + performance.now();
  const elapsed = () => performance.timeOrigin + performance.now() - at;
  /** @type {number | null} */
  let connectMs = null;
  let answer = '';
  let isOver = false;
  const end = (/** @type {string | null} */ failure) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(deadline);
    socket.destroy();
    requests.push({ at, connectMs, totalMs: elapsed(), failure });
    underWay -= 1;
  };
  const socket = connect({ host: address, port: 80, noDelay: true });
  const deadline = setTimeout(() => end(`no answer within ${deadlineMs} ms`), deadlineMs);
  socket.on('connect', () => {
    connectMs = elapsed();
    socket.write(`GET / HTTP/1.0\r\nHost: ${address}\r\n\r\n`);
  });
  socket.on('data', (data) => (answer += data.toString('latin1')));
  socket.on('error', (error) => end(error.message));
  socket.on('close', () => {
    const isWhole = /^HTTP\/1\.[01] 200 /.test(answer) && answer.includes('\r\n\r\n') && answer.endsWith('\n');
    end(isWhole ? null : `an answer that is not whole: ${JSON.stringify(answer.slice(0, 40))}`);
  });
}

let next = performance.now();
let isEnding = false;
function beat() {
  if (isEnding) return;
  for (; next <= performance.now(); next += everyMs) ask();
  setTimeout(beat, Math.max(0, next - performance.now()));
}
beat();

process.stdin.resume();
process.stdin.on('end', () => {
  isEnding = true;
  const wait = setInterval(() => {
    if (underWay > 0) return;
    clearInterval(wait);
    process.stdout.write(JSON.stringify(requests), () => process.exit(0));
  }, 10);
});
