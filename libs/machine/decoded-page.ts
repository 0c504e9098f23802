/** A page's instructions as the interpreter reads them; 0 is a word that was not decoded, or was written to since. */
export interface DecodedPage {
  readonly codes: Int32Array;
  readonly immediates: Int32Array;
  /** How often a jump came to each word, where a translator wants to know. */
  readonly visits: Int16Array;
  /** Other machines read the same codes: they are not to be forgotten before they are this page's own. */
  readonly isShared: boolean;
}

interface SharedPage {
  readonly words: Int32Array;
  readonly codes: Int32Array;
  readonly immediates: Int32Array;
}

const mostPages = 256;
const shared = new Map<number, SharedPage>();

function hashOf(words: Int32Array): number {
  let hash = 0;
  for (let index = 0; index < words.length; index++) hash = Math.imul(hash ^ words[index]!, 0x9e3779b1) ^ (hash >>> 15);
  return hash;
}

/**
 * Of a page with that content. What a word is decoded to depends on nothing else, so machines that run the same program
 * share it: of hundreds of guests that each do a little in turn, none finds what it decoded gone from the processor's caches.
 */
export function decodedPageOf(words: Int32Array, visits: Int16Array): DecodedPage {
  const hash = hashOf(words);
  let page = shared.get(hash);
  if (page === undefined) {
    if (shared.size >= mostPages) shared.clear();
    page = { words: words.slice(), codes: new Int32Array(words.length), immediates: new Int32Array(words.length) };
    shared.set(hash, page);
  }
  const isShared = page.words.every((word, index) => word === words[index]);
  const { codes, immediates } = isShared
    ? page
    : { codes: new Int32Array(words.length), immediates: new Int32Array(words.length) };
  return { codes, immediates, visits, isShared };
}

/** Before its content is another. */
export function ownPageOf({ codes, immediates, visits }: DecodedPage): DecodedPage {
  return { codes: codes.slice(), immediates: immediates.slice(), visits, isShared: false };
}
