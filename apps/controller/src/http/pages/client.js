/* global TextDecoderStream, document, sessionStorage */
// What both pages need: the token, calls, and the event stream. The token lives as long as the tab.
const tokenKey = 'argosy-token';

export const readToken = () => sessionStorage.getItem(tokenKey) ?? '';
const authorization = () => ({ authorization: `Bearer ${readToken()}` });

/** Calls `signedIn` now if there is a token, and each time that one is typed in. */
export function onSignIn(signedIn) {
  const input = document.querySelector('#token');
  input.value = readToken();
  document.querySelector('#sign-in').addEventListener('submit', (event) => {
    event.preventDefault();
    sessionStorage.setItem(tokenKey, input.value.trim());
    signedIn();
  });
  if (readToken()) signedIn();
  else say('Type in a token: the first one is in the file "token" of the state folder.');
}

export function say(text) {
  document.querySelector('#status').textContent = text;
}

/** An element with properties and children; text is always text, never HTML. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export async function call(method, url, body) {
  const headers = { ...authorization(), ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
  const text = await response.text();
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  return { status: response.status, value: isJson && text ? JSON.parse(text) : text };
}

/** Every item of a list's first page, or an error with the server's sentence. */
export async function list(path) {
  const { status, value } = await call('GET', `/api/v1${path}`);
  if (status !== 200) throw new Error(value.message ?? `${path} answered ${status}`);
  return value.items;
}

/**
 * Follows the stream until `signal` aborts or it breaks. `opened` is called once it is open, which is the moment to
 * read everything. EventSource cannot send a token, so the stream is read with fetch.
 */
export async function follow({ signal, opened, message }) {
  const response = await fetch('/api/v1/events/stream', { headers: authorization(), signal });
  if (!response.ok) {
    const refusal = await response.json();
    throw Object.assign(new Error(refusal.message), { isFinal: response.status === 401 || response.status === 403 });
  }
  await opened();
  let rest = '';
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error('the stream ended');
    const events = (rest + value).split('\n\n');
    rest = events.pop();
    for (const event of events) {
      const data = event.split('\n').find((line) => line.startsWith('data: '));
      if (data) message(JSON.parse(data.slice(6)));
    }
  }
}
