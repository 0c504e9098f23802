/* global document, sessionStorage */
// What the page needs: the token, and calls. The token lives as long as the tab.
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
